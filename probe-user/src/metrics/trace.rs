//! Every interval of every thread, packed. Waits are as the timelines of threads have them:
//! a wait that no thread of the tree ended has its cause, any other the thread whose doing
//! stands for it, so a reader of the trace can walk on from there. What had not ended at the
//! end is the last interval of a thread; what was forgotten is unknown.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{
    blame::{Name, NameCause},
    gil::Held,
    process::Processes,
    sums::{self, NameWaker},
    threads, timeline,
    user_stacks::UserStacks,
    waking,
};
use crate::{
    document::{
        self, Wake,
        trace::{
            GilSpan, Interval, Lane, OutsideTask, Site, Switches, ThreadSwitches, Trace,
            TraceState, What,
        },
    },
    switch_log::{self, By, Entry, SwitchLog},
    world::{
        self, World,
        account::WaitKey,
        blame::{cause::Cause, history::Logged},
        identity::ThreadId,
        interval::{Activity, Ended},
        switches::UNNAMED,
        thread::{State, Thread},
        user_stacks::UserStackId,
    },
};

/// Places and wakers that are distinguished: beyond that they lose what makes them many,
/// objects and ids.
const MOST_DISTINCT: usize = 1 << 16;

/// The trace of a world. `rows` are in the world's order.
pub fn of(
    world: &World,
    rows: &[document::Thread],
    processes: &Processes,
    held: &[Held],
    user_stacks: &UserStacks,
    namer: &(impl NameWaker + NameCause),
) -> Arc<Trace> {
    let mut packer = Packer {
        world,
        processes,
        user_stacks,
        namer,
        origin_ns: threads::origin_ns(world),
        whats: Numbers::default(),
        sites: Numbers::default(),
        wakes: Numbers::default(),
        causes: FxHashMap::default(),
        names: Numbers::default(),
        ends: FxHashMap::default(),
    };
    let lives = world.threads.iter().zip(rows);
    let lanes = lives.map(|(thread, row)| packer.lane(thread, row));
    let lanes = lanes.collect();
    let gil = held.iter().filter_map(|held| packer.held(held)).collect();
    Arc::new(Trace {
        whats: packer.whats.list,
        sites: packer.sites.list,
        causes: packer.names.list,
        wakes: packer.wakes.list,
        lanes,
        gil,
        switches: world
            .switches_kept
            .as_ref()
            .map(|kept| switches(world, processes, kept)),
    })
}

/// The switches of every thread, as the document's instants and numbers have them.
fn switches(world: &World, processes: &Processes, kept: &world::switches::Switches) -> Switches {
    let origin_ns = threads::origin_ns(world);
    let named = world.directory.externals.len() as u32;
    let by = |by: By| match by {
        By::Thread(id) => match processes.rows.get(ThreadId(id)) {
            Some(&row) => By::Thread(row as u32),
            None => By::Unknown,
        },
        By::Outside(number) if number >= UNNAMED => By::Outside(number - UNNAMED + named),
        by => by,
    };
    let log_of = |log: &SwitchLog| {
        let mut list = SwitchLog::default();
        for Entry { at_ns, what } in log.entries() {
            let what = match what {
                switch_log::What::Woken(who) => switch_log::What::Woken(by(who)),
                what => what,
            };
            let at_ns = at_ns.saturating_sub(origin_ns);
            list.push(Entry { at_ns, what });
        }
        list
    };
    let of_thread = |thread: &Thread| {
        let kept = kept.of(thread.id);
        ThreadSwitches {
            log: kept.map(|kept| log_of(&kept.log)).unwrap_or_default(),
            first_tid: kept.and_then(|kept| kept.first_tid),
            lives: !thread.is_dead(),
        }
    };
    let tasks = world.directory.externals.iter().map(|task| OutsideTask {
        tid: task.tid,
        pid: Some(task.pid),
        comm: task.comm.to_string(),
    });
    let unnamed = kept.unnamed.iter().map(|&tid| OutsideTask {
        tid,
        ..OutsideTask::default()
    });
    Switches {
        threads: world.threads.iter().map(of_thread).collect(),
        tasks: tasks.chain(unnamed).collect(),
    }
}

/// Things by number.
struct Numbers<T> {
    list: Vec<T>,
    places: FxHashMap<T, u32>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Numbers<T> {
        Numbers {
            list: Vec::new(),
            places: FxHashMap::default(),
        }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Numbers<T> {
    fn number(&mut self, thing: T) -> u32 {
        let next = self.list.len() as u32;
        *self.places.entry(thing).or_insert_with_key(|thing| {
            self.list.push(thing.clone());
            next
        })
    }

    fn has_many(&self) -> bool {
        self.list.len() >= MOST_DISTINCT
    }
}

struct Packer<'a, N> {
    world: &'a World,
    processes: &'a Processes,
    user_stacks: &'a UserStacks,
    namer: &'a N,
    origin_ns: u64,
    whats: Numbers<What>,
    sites: Numbers<Site>,
    wakes: Numbers<Wake>,
    names: Numbers<Name>,
    /// Each is named once.
    causes: FxHashMap<Cause, u32>,
    /// What the present thread's waits were, by what they were for and what ended them.
    ends: FxHashMap<(WaitKey, UserStackId, Ended, Option<Ended>), u32>,
}

impl<N: NameWaker + NameCause> Packer<'_, N> {
    fn lane(&mut self, thread: &Thread, row: &document::Thread) -> Lane {
        self.ends.clear();
        let mut lane = Lane::new(row.start_ns);
        let mut at_ns = thread.start_ns.unwrap_or(0);
        let mut push = |to_ns: u64, what, by| {
            let ns = to_ns.saturating_sub(at_ns);
            if ns > 0 {
                lane.push(Interval { ns, what, by });
                at_ns = to_ns;
            }
        };
        let unknown = self.passing(Cause::Unknown);
        push(self.world.logs.known_since_ns(thread.id), unknown, None);
        for lived in self.world.logs.history(thread.id) {
            let (what, by) = self.interval(thread, &lived);
            push(lived.to_ns, what, by);
        }
        if let Some(what) = self.present(thread, row) {
            push(self.origin_ns + row.end_ns, what, None);
        }
        lane
    }

    fn interval(&mut self, thread: &Thread, lived: &Logged<'_>) -> (u32, Option<u32>) {
        let Activity::Wait { key, ended, .. } = lived.activity else {
            let cause = lived.cause().unwrap_or(Cause::Unknown);
            return (self.passing(cause), None);
        };
        let waited_for = lived.waited_for();
        let by = match waited_for {
            Some(Ended::By(id)) => self.processes.rows.get(id).map(|&row| row as u32),
            _ => None,
        };
        let what = self.wait(
            thread,
            (key, lived.stacks.user),
            ended.alone(),
            waited_for.map(Ended::alone),
            by.is_some(),
        );
        (what, by)
    }

    /// What a wait was, each kind of end of one place looked up once in a thread.
    fn wait(
        &mut self,
        thread: &Thread,
        (key, user_stack): (WaitKey, UserStackId),
        ended: Ended,
        waited_for: Option<Ended>,
        by: bool,
    ) -> u32 {
        if let Some(&known) = self.ends.get(&(key, user_stack, ended, waited_for)) {
            return known;
        }
        let wake = self.wake(thread, &key, ended, by);
        let cause = match waited_for {
            Some(Ended::For(cause, _)) => Some(cause),
            _ => (!by).then_some(Cause::Unknown),
        };
        let what = What {
            state: TraceState::Wait,
            cause: cause.map(|cause| self.cause(cause)),
            site: Some(self.site(&key, user_stack)),
            wake: Some(wake),
            by,
        };
        let what = self.whats.number(what);
        self.ends.insert((key, user_stack, ended, waited_for), what);
        what
    }

    fn site(&mut self, key: &WaitKey, user_stack: UserStackId) -> u32 {
        let mut site = Site::from(sums::site_of(self.world, key));
        if self.sites.has_many() {
            site.object = None;
        }
        site.stack = sums::stack_of(self.world, key.stack);
        site.user_stack = self.user_stacks.get(user_stack);
        self.sites.number(site)
    }

    fn wake(&mut self, thread: &Thread, key: &WaitKey, ended: Ended, by: bool) -> u32 {
        let mut wake = self.namer.name_waker(&waking::of(thread, key, ended));
        // The interval says which thread.
        if by && matches!(ended, Ended::By(_)) {
            (wake.comm, wake.pid, wake.tid) = (None, None, None);
        }
        if self.wakes.has_many() {
            (wake.pid, wake.tid) = (None, None);
        }
        self.wakes.number(wake)
    }

    /// No wait.
    fn passing(&mut self, cause: Cause) -> u32 {
        let what = What {
            state: match cause {
                Cause::Computing(..) => TraceState::OnCpu,
                Cause::RunQueue => TraceState::RunQueue,
                _ => TraceState::Unknown,
            },
            cause: Some(self.cause(cause)),
            site: None,
            wake: None,
            by: false,
        };
        self.whats.number(what)
    }

    fn cause(&mut self, cause: Cause) -> u32 {
        if let Some(&known) = self.causes.get(&cause) {
            return known;
        }
        let number = self.names.number(self.namer.name_cause(cause));
        self.causes.insert(cause, number);
        number
    }

    /// What had not ended at the end.
    fn present(&mut self, thread: &Thread, row: &document::Thread) -> Option<u32> {
        match thread.state {
            State::Running => Some(self.passing(Cause::Computing(thread.id, thread.execs))),
            State::Runnable => Some(self.passing(Cause::RunQueue)),
            State::Unknown => Some(self.passing(Cause::Unknown)),
            State::Waiting(_) => {
                let site = Site {
                    stack: row.sums.open.first()?.stack.clone(),
                    ..Site::from(timeline::open_site(thread, row, self.user_stacks)?)
                };
                let site = self.sites.number(site);
                Some(self.whats.number(What {
                    state: TraceState::Open,
                    cause: None,
                    site: Some(site),
                    wake: None,
                    by: false,
                }))
            }
            State::NotStarted | State::Dead => None,
        }
    }

    fn held(&self, held: &Held) -> Option<GilSpan> {
        Some(GilSpan {
            from_ns: held.from_ns.saturating_sub(self.origin_ns),
            to_ns: held.to_ns.saturating_sub(self.origin_ns),
            process: *self.processes.of_thread.get(held.thread)?,
            thread: *self.processes.rows.get(held.thread)?,
        })
    }
}
