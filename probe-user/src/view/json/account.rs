//! The same sums of a thread and of a group: times, waits and wakes.

use serde::Serialize;

use super::calls::Calls;
use crate::document;
use crate::vocabulary::{CauseKind, WaitKind, WakeSource};

#[derive(Serialize)]
pub(super) struct Account<'a> {
    lifetime_ns: u64,
    on_cpu_ns: u64,
    runqueue_ns: u64,
    runqueue_count: u64,
    idle_ns: u64,
    open_ns: u64,
    unknown_ns: u64,
    switches: Switches,
    migrations: u64,
    waits: Vec<Wait<'a>>,
    open: Vec<OpenWait<'a>>,
    wakes: Vec<Wake<'a>>,
    blame: Vec<Blame<'a>>,
    calls: Option<Vec<Calls>>,
    gil: Option<GilHeld>,
}

#[derive(Serialize)]
struct GilHeld {
    held_ns: u64,
    hand_overs: u64,
}

#[derive(Serialize)]
struct Switches {
    voluntary: u64,
    involuntary: u64,
}

#[derive(Serialize)]
struct Wait<'a> {
    kind: WaitKind,
    syscall: Option<&'a str>,
    function: Option<&'a str>,
    object: Option<&'a str>,
    stack: &'a [String],
    idle: Option<bool>,
    count: u64,
    total_ns: u64,
    max_ns: u64,
    begun_before: u64,
    wakes: Vec<Wake<'a>>,
}

#[derive(Serialize)]
struct OpenWait<'a> {
    kind: WaitKind,
    syscall: Option<&'a str>,
    function: Option<&'a str>,
    object: Option<&'a str>,
    stack: &'a [String],
    count: u64,
    so_far_ns: u64,
    begun_before: bool,
}

#[derive(Serialize)]
pub(super) struct Wake<'a> {
    source: WakeSource,
    comm: Option<&'a str>,
    pid: Option<u32>,
    tid: Option<u32>,
    syscall: Option<&'a str>,
    outside: bool,
    count: u64,
    wait_ns: u64,
}

impl<'a> From<&'a document::Sums> for Account<'a> {
    fn from(sums: &'a document::Sums) -> Account<'a> {
        let document::Sums {
            lifetime_ns,
            on_cpu_ns,
            runqueue_ns,
            runqueue_count,
            idle_ns,
            open_ns,
            unknown_ns,
            voluntary,
            involuntary,
            migrations,
            waits,
            open,
            wakes,
            blame,
            calls,
            gil,
        } = sums;
        Account {
            lifetime_ns: *lifetime_ns,
            on_cpu_ns: *on_cpu_ns,
            runqueue_ns: *runqueue_ns,
            runqueue_count: *runqueue_count,
            idle_ns: *idle_ns,
            open_ns: *open_ns,
            unknown_ns: *unknown_ns,
            switches: Switches {
                voluntary: *voluntary,
                involuntary: *involuntary,
            },
            migrations: *migrations,
            waits: waits.iter().map(Wait::from).collect(),
            open: open.iter().map(OpenWait::from).collect(),
            wakes: wakes.iter().map(Wake::from).collect(),
            blame: blame.iter().map(Blame::from).collect(),
            calls: calls
                .as_ref()
                .map(|list| list.iter().map(Calls::from).collect()),
            gil: gil.as_ref().map(GilHeld::from),
        }
    }
}

impl From<&document::GilHeld> for GilHeld {
    fn from(gil: &document::GilHeld) -> GilHeld {
        let document::GilHeld {
            held_ns,
            hand_overs,
        } = *gil;
        GilHeld {
            held_ns,
            hand_overs,
        }
    }
}

#[derive(Serialize)]
struct Blame<'a> {
    kind: WaitKind,
    cause: CauseKind,
    detail: Option<&'a str>,
    ns: u64,
}

impl<'a> From<&'a document::Blame> for Blame<'a> {
    fn from(blame: &'a document::Blame) -> Blame<'a> {
        let document::Blame {
            kind,
            cause,
            detail,
            ns,
        } = blame;
        Blame {
            kind: *kind,
            cause: *cause,
            detail: detail.as_deref(),
            ns: *ns,
        }
    }
}

impl<'a> From<&'a document::Wait> for Wait<'a> {
    fn from(wait: &'a document::Wait) -> Wait<'a> {
        let document::Wait {
            kind,
            syscall,
            function,
            object,
            stack,
            idle,
            count,
            total_ns,
            max_ns,
            begun_before,
            wakes,
        } = wait;
        Wait {
            kind: *kind,
            syscall: syscall.as_deref(),
            function: function.as_deref(),
            object: object.as_deref(),
            stack,
            idle: *idle,
            count: *count,
            total_ns: *total_ns,
            max_ns: *max_ns,
            begun_before: *begun_before,
            wakes: wakes.iter().map(Wake::from).collect(),
        }
    }
}

impl<'a> From<&'a document::OpenWait> for OpenWait<'a> {
    fn from(wait: &'a document::OpenWait) -> OpenWait<'a> {
        let document::OpenWait {
            kind,
            syscall,
            function,
            object,
            stack,
            count,
            so_far_ns,
            begun_before,
        } = wait;
        OpenWait {
            kind: *kind,
            syscall: syscall.as_deref(),
            function: function.as_deref(),
            object: object.as_deref(),
            stack,
            count: *count,
            so_far_ns: *so_far_ns,
            begun_before: *begun_before,
        }
    }
}

impl<'a> From<&'a document::Wake> for Wake<'a> {
    fn from(wake: &'a document::Wake) -> Wake<'a> {
        let document::Wake {
            source,
            comm,
            pid,
            tid,
            syscall,
            outside,
            count,
            wait_ns,
        } = wake;
        Wake {
            source: *source,
            comm: comm.as_deref(),
            pid: *pid,
            tid: *tid,
            syscall: syscall.as_deref(),
            outside: *outside,
            count: *count,
            wait_ns: *wait_ns,
        }
    }
}
