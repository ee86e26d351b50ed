//! The critical path: sums by cause, and its hops with the threads they are in.

use serde::Serialize;

use crate::document::{self, Document};
use crate::vocabulary::{CauseKind, WaitKind};

#[derive(Serialize)]
pub(super) struct CriticalPath<'a> {
    root: usize,
    from_ns: u64,
    to_ns: u64,
    sums: Vec<Sum<'a>>,
    hops: Vec<Hop<'a>>,
    hops_left_out: u64,
}

#[derive(Serialize)]
pub(super) struct Sum<'a> {
    cause: CauseKind,
    detail: Option<&'a str>,
    ns: u64,
}

#[derive(Serialize)]
struct Hop<'a> {
    from_ns: u64,
    to_ns: u64,
    thread: usize,
    pid: Option<u32>,
    tid: Option<u32>,
    name: Option<&'a str>,
    wait: Option<WaitKind>,
    cause: CauseKind,
    detail: Option<&'a str>,
}

impl<'a> CriticalPath<'a> {
    pub(super) fn new(
        path: &'a document::CriticalPath,
        document: &'a Document,
    ) -> CriticalPath<'a> {
        let document::CriticalPath {
            root,
            from_ns,
            to_ns,
            sums,
            hops,
            left_out,
        } = path;
        CriticalPath {
            root: *root,
            from_ns: *from_ns,
            to_ns: *to_ns,
            sums: sums.iter().map(Sum::from).collect(),
            hops: hops.iter().map(|hop| Hop::new(hop, document)).collect(),
            hops_left_out: *left_out,
        }
    }
}

impl<'a> From<&'a document::PathSum> for Sum<'a> {
    fn from(sum: &'a document::PathSum) -> Sum<'a> {
        let document::PathSum { cause, detail, ns } = sum;
        Sum {
            cause: *cause,
            detail: detail.as_deref(),
            ns: *ns,
        }
    }
}

impl<'a> Hop<'a> {
    fn new(hop: &'a document::Hop, document: &'a Document) -> Hop<'a> {
        let document::Hop {
            from_ns,
            to_ns,
            thread,
            wait,
            cause,
            detail,
        } = hop;
        let row = document.threads.get(*thread);
        Hop {
            from_ns: *from_ns,
            to_ns: *to_ns,
            thread: *thread,
            pid: row.and_then(|row| row.pid),
            tid: row.map(|row| row.tid),
            name: document.group_of(*thread).map(|group| group.name.as_str()),
            wait: *wait,
            cause: *cause,
            detail: detail.as_deref(),
        }
    }
}
