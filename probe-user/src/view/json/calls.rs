//! Finished calls of a watched function. A result that a function does not have
//! is null.

use serde::Serialize;

use crate::document::{self, Function};

#[derive(Serialize)]
pub(super) struct Calls {
    function: &'static str,
    count: u64,
    total_ns: u64,
    max_ns: u64,
    begun_before: u64,
    failed: u64,
    /// `do_wait` returned a child.
    reaped: Option<u64>,
    /// `do_wait` returned 0.
    none_ready: Option<u64>,
    /// `do_epoll_wait` returned events.
    with_events: Option<u64>,
    /// `do_epoll_wait` returned 0.
    empty: Option<u64>,
    empty_after_wake: Option<u64>,
}

impl From<&document::Calls> for Calls {
    fn from(calls: &document::Calls) -> Calls {
        let document::Calls {
            function,
            count,
            total_ns,
            max_ns,
            begun_before,
            fruitful,
            empty,
            failed,
            empty_after_wake,
        } = *calls;
        let of = |wanted: Function, n: u64| (function == wanted).then_some(n);
        Calls {
            function: function.as_str(),
            count,
            total_ns,
            max_ns,
            begun_before,
            failed,
            reaped: of(Function::DoWait, fruitful),
            none_ready: of(Function::DoWait, empty),
            with_events: of(Function::Epoll, fruitful),
            empty: of(Function::Epoll, empty),
            empty_after_wake,
        }
    }
}
