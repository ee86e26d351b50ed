//! Timelines drawn in text. One row per thread, 10 ns per column:
//!
//! ```text
//! 5/4  f.n-^####z~~~~w--^###x#X
//! ```
//!
//! The label is `TID` or `TID/PID`; the first row's thread is everybody's
//! creator and waker. Marks:
//!
//! | mark | what the probes see |
//! |---|---|
//! | `f` `n` | created; made runnable for the first time |
//! | `S` `Q` `Z` `H` | seeded: on a CPU, runnable, asleep, held |
//! | `^` `r` | switches in; the same, hidden and recovered |
//! | `z` `p` `y` `X` | switches out: asleep, preempted, still runnable, for good |
//! | `w` `o` `k` `t` `i` | woken: by the first row, from outside, by a kernel thread, by a timer with stacks, by something that cannot be told |
//! | `x` | exits with status 0 |
//! | `E` `e` | enters `do_epoll_wait`; switches out, asleep for events |
//! | `0` `1` `!` | returns from it: nothing, an event, an error |
//! | `(` `)` | switches in; out, asleep: and the record is lost |
//! | `L` | in the last snapshot |
//!
//! Everything else (`#` running, `~` asleep, `-` queued) is for the reader.

use probe_common::{
    kernel_return::function,
    sched::{state, waker},
    task::snapshot,
    uapi::CLONE_THREAD,
};

use super::account;
use crate::{
    document::Document,
    metrics::tests::run,
    wire::tests::{
        frames::stack,
        probes::{By, Out, Probes, TaskId, Who},
    },
};

const FUTEX: i16 = 202;
/// `clock_nanosleep`
pub(super) const SLEEP: i16 = 230;
const EPOLL_WAIT: i16 = 232;

/// `TASK_NEW`: created, not yet woken.
const UNBORN: Out = Out {
    state: 0x800,
    nr: -1,
    arg0: 0,
    arg1: 0,
    flags: 0,
};

/// Time of a column, ns.
pub(super) fn at(column: usize) -> u64 {
    1000 + 10 * column as u64
}

struct Row {
    who: Who,
    marks: Vec<char>,
    task: Option<TaskId>,
    found: (Out, u16),
    entered_ns: u64,
}

/// Draws it, ends the run behind the last column, and compares every thread's
/// account, by tid.
#[track_caller]
pub(super) fn check(drawing: &str, expected: &str) {
    let document = document(drawing);
    account::assert_closed(&document);
    assert_eq!(account::render(&document), block(expected), "\n{drawing}");
}

/// As [`check`], of a recording that was cut behind the last record.
#[track_caller]
pub(super) fn check_cut(drawing: &str, expected: &str) {
    let document = run::cut(&records(drawing));
    account::assert_closed(&document);
    assert_eq!(account::render(&document), block(expected), "\n{drawing}");
}

/// Its lines without indentation.
pub(super) fn block(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    lines.join("\n")
}

/// The report.
pub(super) fn document(drawing: &str) -> Document {
    let width = rows(drawing).iter().map(|row| row.marks.len()).max();
    run::document(&records(drawing), at(width.unwrap_or(0)))
}

fn rows(drawing: &str) -> Vec<Row> {
    let row = |line: &str| {
        let (label, marks) = line.trim().split_once(' ').expect("label and marks");
        let (tid, pid) = label.split_once('/').unwrap_or((label, label));
        let who = Who {
            tid: tid.parse().expect("a tid"),
            pid: pid.parse().expect("a pid"),
            ppid: 1,
            comm: "test",
        };
        Row {
            who,
            marks: marks.trim_start().chars().collect(),
            task: None,
            found: (Out::default(), 0),
            entered_ns: 0,
        }
    };
    let lines = drawing.lines().filter(|line| !line.trim().is_empty());
    lines.map(row).collect()
}

pub(super) fn records(drawing: &str) -> Vec<Vec<u8>> {
    let mut rows = rows(drawing);
    let mut probes = Probes::default();
    let first = rows[0].who.tid;
    let width = rows.iter().map(|row| row.marks.len()).max().unwrap_or(0);
    for column in 0..width {
        for row in &mut rows {
            if let Some(&mark) = row.marks.get(column) {
                draw(&mut probes, row, mark, at(column), first);
            }
        }
    }
    probes.records
}

#[expect(clippy::too_many_lines, reason = "one arm for each mark")]
fn draw(probes: &mut Probes, row: &mut Row, mark: char, ts_ns: u64, first: u32) {
    let asleep = Out::sleep(SLEEP);
    match mark {
        'f' => {
            let flags = if row.who.tid == row.who.pid {
                0
            } else {
                CLONE_THREAD
            };
            row.task = Some(probes.fork(ts_ns, first, flags, row.who));
            row.found = (UNBORN, 0);
            return;
        }
        'S' => row.found = (Out::default(), snapshot::ON_CPU),
        'Q' => row.found = (Out::default(), 0),
        'Z' => row.found = (asleep, 0),
        'H' => row.found = (asleep, snapshot::HELD),
        '^' | 'r' | '(' => row.found = (Out::default(), snapshot::ON_CPU),
        'z' | ')' => row.found = (asleep, 0),
        'e' => row.found = (Out::sleep(EPOLL_WAIT), 0),
        'n' | 'p' | 'y' | 'X' => row.found = (Out::default(), 0),
        _ => {}
    }
    if let 'S' | 'Q' | 'Z' | 'H' = mark {
        row.task = Some(probes.seed(ts_ns, row.who, row.found.0, row.found.1));
        return;
    }
    let Some(task) = row.task else { return };
    match mark {
        'n' => probes.wake_new(ts_ns, task, &By::task(first, 56)),
        '^' => probes.switch(ts_ns, None, Some(task)),
        'r' => probes.recovered_switch_in(ts_ns, task),
        'z' => probes.switch(ts_ns, Some((task, asleep)), None),
        'e' => probes.switch(ts_ns, Some((task, Out::sleep(EPOLL_WAIT))), None),
        'E' => row.entered_ns = ts_ns,
        '0' | '1' | '!' => {
            let result = match mark {
                '0' => 0,
                '1' => 1,
                _ => -4,
            };
            probes.returned(ts_ns, task, function::EPOLL, row.entered_ns, result);
        }
        'p' => probes.switch(ts_ns, Some((task, Out::preempted())), None),
        'y' => probes.switch(ts_ns, Some((task, Out::default())), None),
        'X' => probes.switch(ts_ns, Some((task, Out::DEAD)), None),
        'x' => probes.exit(ts_ns, task, 0),
        '(' => {
            probes.switch(ts_ns, None, Some(task));
            probes.records.pop();
        }
        ')' => {
            probes.switch(ts_ns, Some((task, asleep)), None);
            probes.records.pop();
        }
        'L' => probes.last(ts_ns, task, row.found.0, row.found.1),
        _ => {
            let sleeps_for_events = row.found.0.nr == EPOLL_WAIT;
            if let Some(by) = context(mark, first, sleeps_for_events) {
                probes.waking(ts_ns, task, &by);
                // `try_to_wake_up` makes a sleeper runnable.
                if row.found.1 & snapshot::ON_CPU == 0 && row.found.0.state != state::RUNNING {
                    row.found = (Out::default(), 0);
                }
            }
        }
    }
}

fn context(mark: char, first: u32, for_events: bool) -> Option<By> {
    let known = waker::CONTEXT_KNOWN;
    Some(match mark {
        'w' => By::task(first, FUTEX),
        'o' => By {
            tid: 99,
            flags: known,
            stranger: Some((98, "cron")),
            ..By::default()
        },
        'k' => By {
            tid: 77,
            nr: -1,
            flags: known | waker::KTHREAD,
            stranger: Some((77, "kworker/0:1")),
            ..By::default()
        },
        // It interrupts the first thread, which has nothing to do with it.
        't' => By {
            flags: known | waker::TRACED | waker::HARDIRQ,
            sleeper_stack: stack(match for_events {
                true => "schedule ep_poll",
                false => "schedule hrtimer_nanosleep",
            }),
            waker_stack: stack("hrtimer_wakeup asm_sysvec_apic_timer_interrupt vfs_read"),
            ..By::task(first, FUTEX)
        },
        'i' => By {
            flags: known | waker::TRACED | waker::SOFTIRQ,
            ..By::task(first, FUTEX)
        },
        _ => return None,
    })
}
