//! How a process ended, in words.

use crate::document::Exit;

/// Signals 1 to 31; the numbers are the same on x86 and Arm.
const SIGNALS: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// `exit 7`, `killed by SIGTERM`, `killed by signal 40`.
pub fn describe(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit {code}"),
        Exit::Signal(signal) => match name(signal) {
            Some(name) => format!("killed by {name}"),
            None => format!("killed by signal {signal}"),
        },
    }
}

fn name(signal: i32) -> Option<&'static str> {
    let index = usize::try_from(signal.checked_sub(1)?).ok()?;
    SIGNALS.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_named() {
        let cases = [
            (Exit::Code(7), "exit 7"),
            (Exit::Signal(1), "killed by SIGHUP"),
            (Exit::Signal(9), "killed by SIGKILL"),
            (Exit::Signal(11), "killed by SIGSEGV"),
            (Exit::Signal(15), "killed by SIGTERM"),
            (Exit::Signal(31), "killed by SIGSYS"),
            (Exit::Signal(40), "killed by signal 40"),
            (Exit::Signal(0), "killed by signal 0"),
            (Exit::Signal(i32::MIN), "killed by signal -2147483648"),
        ];
        for (exit, expect) in cases {
            assert_eq!(describe(exit), expect);
        }
    }
}
