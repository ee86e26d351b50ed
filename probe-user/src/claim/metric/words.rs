//! The words that may stand in parentheses.

use nix::sys::signal::Signal;

use super::Argument;
use crate::vocabulary::{CauseKind, WaitKind, WakeSource};

/// Kinds of waits.
pub fn kinds() -> Vec<&'static str> {
    WaitKind::ALL.iter().map(|kind| kind.as_str()).collect()
}

/// What a lifetime is divided into.
pub fn shares() -> Vec<&'static str> {
    let others = ["on_cpu", "runqueue", "idle"];
    kinds().into_iter().chain(others).collect()
}

/// Wake sources. No wait is ended by `new`.
pub fn sources() -> Vec<&'static str> {
    let all = WakeSource::ALL.iter().copied();
    let all = all.filter(|source| *source != WakeSource::New);
    all.map(WakeSource::as_str).collect()
}

/// Causes. No finished wait is blamed on `open`.
pub fn causes() -> Vec<&'static str> {
    let all = CauseKind::ALL.iter().copied();
    let all = all.filter(|cause| *cause != CauseKind::Open);
    all.map(CauseKind::as_str).collect()
}

/// Ends of processes.
pub fn ends() -> Vec<&'static str> {
    let signals = Signal::iterator().map(Signal::as_str);
    let others = ["clean", "failed", "oom", "segv"];
    others.into_iter().chain(signals).collect()
}

/// Fates of connections that failed.
pub fn fates() -> Vec<&'static str> {
    vec![
        "refused",
        "unanswered",
        "closed-early",
        "reset-early",
        "failed",
    ]
}

/// States of a task that waits.
pub fn states() -> Vec<&'static str> {
    vec!["interruptible", "uninterruptible"]
}

/// What is started.
pub fn started() -> Vec<&'static str> {
    vec!["process", "program", "thread"]
}

/// The first argument's text; empty without one.
pub fn word(arguments: &[Argument]) -> &str {
    match arguments.first() {
        Some(Argument::Word(word) | Argument::Glob(word)) => word,
        None => "",
    }
}

/// The kind of wait that is asked for; `None`: any.
pub fn kind(arguments: &[Argument]) -> Option<WaitKind> {
    word(arguments).parse().ok()
}
