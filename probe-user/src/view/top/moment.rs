//! A tick, and what follows from it once for all that is drawn of it.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::columns::{Line, Needs};
use super::groups::Group;
use super::history::Totals;
use super::rows::NOTHING;
use super::words::Deadlocks;
use crate::document::top::Tick;

/// What is shown.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// The tick.
    pub tick: Rc<Tick>,
    /// Who waits in a circle.
    pub deadlocks: Deadlocks,
    /// What columns it needs.
    pub needs: Needs,
    /// First threads, by process: places in the tick.
    pub leaders: FxHashMap<u32, usize>,
    /// What tasks did so far; `None`: in the last interval.
    pub totals: Option<Totals>,
}

impl Moment {
    /// What follows from a tick.
    pub fn new(tick: Rc<Tick>, totals: Option<Totals>) -> Moment {
        let leaders = tick
            .tasks
            .iter()
            .enumerate()
            .filter(|(_, task)| task.tid == task.pid);
        Moment {
            leaders: leaders.map(|(at, task)| (task.pid, at)).collect(),
            deadlocks: Deadlocks::of(&tick),
            needs: Needs::of(&tick),
            tick,
            totals,
        }
    }

    /// The line of a task, by its place in the tick.
    pub fn line(&self, at: usize) -> Line<'_> {
        let task = &self.tick.tasks[at];
        let interval = match &self.totals {
            Some(totals) => totals.of(task).unwrap_or(&NOTHING),
            None => &task.interval,
        };
        Line {
            task,
            interval,
            group: None,
            depth: 0,
            is_context: false,
            deadlocks: &self.deadlocks,
        }
    }

    /// The line of a group.
    pub fn group_line<'a>(&'a self, group: &'a Group) -> Line<'a> {
        Line {
            task: &group.task,
            interval: &group.interval,
            group: Some(group),
            depth: 0,
            is_context: false,
            deadlocks: &self.deadlocks,
        }
    }
}
