//! Why the kernel refused a program, in words.

use std::io::ErrorKind;

use aya::{
    BtfError,
    programs::{KProbeError, ProgramError},
};

/// The kernel's own "not supported", which libc does not have
/// (`include/linux/errno.h`).
const ENOTSUPP: i32 = 524;

/// Why the kernel refused a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The system call's error, if it was one.
    pub errno: Option<i32>,
    /// In words.
    pub text: String,
    /// The verifier's log; empty when it was not the verifier.
    pub log: String,
}

impl Refusal {
    /// A program that this build does not have.
    pub fn not_built() -> Refusal {
        Refusal {
            text: "not in this build".to_owned(),
            ..Refusal::default()
        }
    }

    /// Whether the target does not exist, so that the refusal says nothing about
    /// the hook.
    pub fn is_absence(&self) -> bool {
        self.text == NO_SUCH_NAME
    }

    /// What the kernel said no to.
    pub fn new(error: &ProgramError) -> Refusal {
        let io_error = match error {
            ProgramError::LoadError { io_error, .. } => Some(io_error),
            ProgramError::SyscallError(call) => Some(&call.io_error),
            _ => None,
        };
        let errno = io_error.and_then(std::io::Error::raw_os_error);
        let log = match error {
            ProgramError::LoadError { verifier_log, .. } => verifier_log.to_string(),
            _ => String::new(),
        };
        let verdict = reason(&log);
        let text = match (io_error, verdict.is_empty()) {
            _ if errno == Some(ENOTSUPP) => "not supported by this kernel".to_owned(),
            (Some(io), true) => io.to_string(),
            (Some(io), false) => format!("{io} ({verdict})"),
            (None, _) => absence(error).map_or_else(|| chain(error), str::to_owned),
        };
        Refusal { errno, text, log }
    }
}

/// What this kernel does not have at all.
fn absence(error: &ProgramError) -> Option<&'static str> {
    match error {
        ProgramError::Btf(BtfError::UnknownBtfTypeName { .. }) => Some(NO_SUCH_NAME),
        ProgramError::KProbeError(KProbeError::FileError { io_error, .. })
            if io_error.kind() == ErrorKind::NotFound =>
        {
            Some("this kernel has no kernel probes")
        }
        _ => None,
    }
}

/// Of a tracepoint or function.
const NO_SUCH_NAME: &str = "this kernel has nothing of that name";

/// An error and its causes on one line.
fn chain(error: &ProgramError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// The verifier's reason stands in front of its statistics.
fn reason(log: &str) -> &str {
    const STATISTICS: &[&str] = &[
        "processed ",
        "verification time",
        "stack depth",
        "insns processed",
    ];
    let is_reason = |l: &&str| !l.is_empty() && !STATISTICS.iter().any(|s| l.starts_with(s));
    log.lines()
        .map(str::trim)
        .rfind(is_reason)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_stands_before_the_statistics() {
        let log = "0: R1=ctx()\nunknown func bpf_x#200\nprocessed 3 insns (limit 1000000)\n";
        assert_eq!(reason(log), "unknown func bpf_x#200");
        assert_eq!(reason("processed 0 insns\n\n"), "");
        assert_eq!(reason(""), "");
    }
}
