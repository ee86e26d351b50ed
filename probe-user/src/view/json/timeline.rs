//! A thread's timeline. What a step does not have is null.

use serde::Serialize;

use super::account::Wake;
use super::critical_path::Sum;
use crate::document::{self, Did, Document, Place};
use crate::vocabulary::WaitKind;

#[derive(Serialize)]
pub(super) struct Timeline<'a> {
    thread: usize,
    pid: Option<u32>,
    tid: Option<u32>,
    name: Option<&'a str>,
    born: Option<Wake<'a>>,
    steps: Vec<Step<'a>>,
    steps_left_out: u64,
}

/// `did` is `waited`, `open`, or a cause.
#[derive(Serialize)]
struct Step<'a> {
    from_ns: u64,
    to_ns: u64,
    did: &'static str,
    detail: Option<&'a str>,
    kind: Option<WaitKind>,
    syscall: Option<&'a str>,
    function: Option<&'a str>,
    object: Option<&'a str>,
    ended: Option<Wake<'a>>,
    blame: Option<Vec<Sum<'a>>>,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(timeline: &'a document::Timeline, document: &'a Document) -> Timeline<'a> {
        let document::Timeline {
            thread,
            born,
            steps,
            left_out,
        } = timeline;
        let row = document.threads.get(*thread);
        Timeline {
            thread: *thread,
            pid: row.and_then(|row| row.pid),
            tid: row.map(|row| row.tid),
            name: document.group_of(*thread).map(|group| group.name.as_str()),
            born: born.as_ref().map(Wake::from),
            steps: steps.iter().map(Step::from).collect(),
            steps_left_out: *left_out,
        }
    }
}

impl<'a> From<&'a document::Step> for Step<'a> {
    fn from(step: &'a document::Step) -> Step<'a> {
        let document::Step {
            from_ns,
            to_ns,
            did,
        } = step;
        let own = match did {
            Did::NotWaiting { cause, detail } => Step {
                detail: detail.as_deref(),
                ..Step::named(cause.as_str())
            },
            Did::Waited {
                place,
                ended,
                blame,
            } => Step {
                ended: Some(ended.into()),
                blame: Some(blame.iter().map(Sum::from).collect()),
                ..Step::at("waited", place)
            },
            Did::Open(place) => Step::at("open", place),
        };
        Step {
            from_ns: *from_ns,
            to_ns: *to_ns,
            ..own
        }
    }
}

impl<'a> Step<'a> {
    fn named(did: &'static str) -> Step<'a> {
        Step {
            from_ns: 0,
            to_ns: 0,
            did,
            detail: None,
            kind: None,
            syscall: None,
            function: None,
            object: None,
            ended: None,
            blame: None,
        }
    }

    fn at(did: &'static str, place: &'a Place) -> Step<'a> {
        let Place {
            kind,
            syscall,
            function,
            object,
        } = place;
        Step {
            kind: Some(*kind),
            syscall: syscall.as_deref(),
            function: function.as_deref(),
            object: object.as_deref(),
            ..Step::named(did)
        }
    }
}
