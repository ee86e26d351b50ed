//! `intervals`: what every thread did, end to end. `wakes`: who ended its waits, and when.

use super::column::{Column, bool, int, names, number, text, texts};
use crate::{
    document::{
        Document, Thread, Wake,
        trace::{Interval, Lane, Site, Trace, TraceState, What},
    },
    view::frames,
    vocabulary::{CauseKind, WakeSource},
};

/// An interval.
pub(super) struct Row<'a> {
    number: usize,
    thread: &'a Thread,
    from_ns: u64,
    to_ns: u64,
    what: What,
    /// The thread that was waited for.
    by: Option<u32>,
    document: &'a Document,
    trace: &'a Trace,
}

pub(super) fn columns<'a>() -> Vec<Column<'a, Row<'a>>> {
    let own = vec![
        int("thread", |row: &Row<'a>| number(row.number)),
        int("tid", |row| number(row.thread.tid)),
        int("pid", |row| number(row.thread.pid?)),
        int("group_id", |row| number(row.thread.group)),
        int("from_ns", |row| number(row.from_ns)),
        int("to_ns", |row| number(row.to_ns)),
        int("ns", |row| number(row.to_ns - row.from_ns)),
        text("state", |row| Some(state(row.what.state))),
        text("kind", |row| Some(row.site()?.kind.as_str())),
        text("syscall", |row| row.site()?.syscall.as_deref()),
        text("function", |row| row.site()?.function.as_deref()),
        text("object", |row| row.site()?.object.as_deref()),
        texts("stack", |row| {
            Some(row.site()?.stack.as_slice()).filter(|stack| !stack.is_empty())
        }),
        names("user_stack", |row| {
            let stack = row.site()?.user_stack.as_ref()?.iter();
            Some(
                stack
                    .map(|&at| frames::user_name(row.document, at))
                    .collect(),
            )
        }),
        text("cause", |row| Some(row.cause()?.0.as_str())),
        text("cause_detail", |row| row.cause()?.1.as_deref()),
        int("for_thread", |row| number(row.by?)),
    ];
    own.into_iter().chain(wake_columns()).collect()
}

/// What ended a wait.
fn wake_columns<'a>() -> Vec<Column<'a, Row<'a>>> {
    vec![
        text("wake_source", |row: &Row<'a>| {
            Some(row.wake()?.source.as_str())
        }),
        int("waker_thread", |row| number(row.waker()?)),
        int("waker_tid", |row| match row.waker() {
            Some(waker) => number(row.thread_at(waker)?.tid),
            None => number(row.wake()?.tid?),
        }),
        int("waker_pid", |row| match row.waker() {
            Some(waker) => number(row.thread_at(waker)?.pid?),
            None => number(row.wake()?.pid?),
        }),
        text("waker_name", |row| match row.waker() {
            Some(waker) => {
                let thread = row.thread_at(waker)?;
                Some(row.document.groups.get(thread.group)?.name.as_str())
            }
            None => row.wake()?.comm.as_deref(),
        }),
        text("waker_syscall", |row| row.wake()?.syscall.as_deref()),
        bool("waker_outside", |row| Some(row.wake()?.outside)),
        text("signal", |row| {
            Some(row.wake()?.signal.as_ref()?.name.as_str())
        }),
    ]
}

impl<'a> Row<'a> {
    fn site(&self) -> Option<&'a Site> {
        self.trace.sites.get(self.what.site? as usize)
    }

    fn cause(&self) -> Option<&'a (CauseKind, Option<String>)> {
        self.trace.causes.get(self.what.cause? as usize)
    }

    fn wake(&self) -> Option<&'a Wake> {
        self.trace.wakes.get(self.what.wake? as usize)
    }

    fn thread_at(&self, number: u32) -> Option<&'a Thread> {
        self.document.threads.get(number as usize)
    }

    /// The thread of the tree that ended the wait. At an interpreter lock the one that was
    /// waited for is another matter where a timer did.
    fn waker(&self) -> Option<u32> {
        match self.wake()?.source {
            WakeSource::Task
            | WakeSource::TaskExit
            | WakeSource::Kthread
            | WakeSource::NetRx
            | WakeSource::New
            | WakeSource::Signal => self.by,
            WakeSource::Timer | WakeSource::BlockIo | WakeSource::Irq | WakeSource::Unverified => {
                None
            }
        }
    }
}

fn state(state: TraceState) -> &'static str {
    match state {
        TraceState::OnCpu => "on-cpu",
        TraceState::RunQueue => "runqueue",
        TraceState::Unknown => "unknown",
        TraceState::Wait => "wait",
        TraceState::Open => "open",
        // Only a page draws several as one.
        TraceState::Together => "together",
    }
}

pub(super) fn rows(document: &Document) -> impl Iterator<Item = Row<'_>> {
    let traces = document.trace.iter();
    traces.flat_map(move |trace| {
        let lanes = document.threads.iter().zip(&trace.lanes).enumerate();
        lanes.flat_map(move |(number, (thread, lane))| {
            spans(lane).filter_map(move |(from_ns, to_ns, interval)| {
                let Interval { what, by, .. } = interval;
                Some(Row {
                    number,
                    thread,
                    from_ns,
                    to_ns,
                    what: *trace.whats.get(what as usize)?,
                    by,
                    document,
                    trace,
                })
            })
        })
    })
}

/// Intervals with their beginnings and ends, ns since the start of the run.
fn spans(lane: &Lane) -> impl Iterator<Item = (u64, u64, Interval)> + '_ {
    lane.intervals().scan(lane.from_ns, |at_ns, interval| {
        let from_ns = *at_ns;
        *at_ns = from_ns.checked_add(interval.ns)?;
        Some((from_ns, *at_ns, interval))
    })
}

/// `wakes`.
pub(super) mod wakes {
    use super::*;

    pub(in super::super) fn columns<'a>() -> Vec<Column<'a, Row<'a>>> {
        let own = vec![
            int("at_ns", |row: &Row<'a>| number(row.to_ns)),
            int("thread", |row| number(row.number)),
            int("tid", |row| number(row.thread.tid)),
            int("pid", |row| number(row.thread.pid?)),
            text("kind", |row| Some(row.site()?.kind.as_str())),
            int("wait_ns", |row| number(row.to_ns - row.from_ns)),
        ];
        own.into_iter().chain(wake_columns()).collect()
    }

    pub(in super::super) fn rows(document: &Document) -> impl Iterator<Item = Row<'_>> {
        super::rows(document).filter(|row| row.what.wake.is_some())
    }
}
