//! System calls that were seen.

use super::{
    Argument, Arguments, Metric, Subject,
    evidence::{self},
    selection_of,
    tally::{Life, Part, Tally},
    words,
};
use crate::claim::{
    measured::{Doubt, Measured},
    unit::Unit,
};

/// Waits in a call.
pub const SEEN: Metric = Metric {
    arguments: Arguments::Name,
    definition: "Waits of the threads in a system call of this name, finished or not. A call that \
                 never slept leaves no trace, so that there may be any more; but of a call that \
                 Linux does not have (`kqueue`, `kevent`, …) there is none.",
    evidence: |subject, arguments| {
        let name = words::word(arguments).to_owned();
        evidence::in_call(subject, &name)
    },
    ..selection_of("syscalls_seen", Unit::Count, seen)
};

/// Calls of other systems, that Linux has on no architecture and no wait can be in.
const NOT_ON_LINUX: &[&str] = &[
    "kqueue",
    "kqueue1",
    "kqueuex",
    "kevent",
    "kevent64",
    "kevent_qos",
    "port_create",
    "port_getn",
    "GetQueuedCompletionStatus",
    "WaitForMultipleObjects",
    "ulock_wait",
    "umtx",
    "_umtx_op",
    "thr_new",
    "bsdthread_create",
];

fn seen(subject: &Subject<'_>, arguments: &[Argument]) -> Measured {
    let name = words::word(arguments);
    if NOT_ON_LINUX.contains(&name) {
        return Measured::exact(0);
    }
    let part = |thread: &crate::document::Thread, _: &Life| {
        let is_named = |call: &Option<String>| call.as_deref() == Some(name);
        let sums = &thread.sums;
        let finished = sums.waits.iter().filter(|wait| is_named(&wait.syscall));
        let open = sums.open.iter().filter(|open| is_named(&open.syscall));
        let counts = finished
            .map(|wait| wait.count)
            .chain(open.map(|open| open.count));
        Part {
            sure: counts.fold(0, u64::saturating_add),
            ..Part::default()
        }
    };
    Tally::moved(subject, part, 0).at_least([NO_TRACE]).count()
}

const NO_TRACE: Doubt = Doubt::new("calls that do not sleep are not seen", "");
