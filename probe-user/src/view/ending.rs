//! How a process ended, in words.

use nix::sys::signal::Signal;

use crate::document::Exit;

/// `exit 7`, `killed by SIGTERM`, `killed by signal 40`.
pub fn describe(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit {code}"),
        // Real-time signals have no names.
        Exit::Signal(number) => match Signal::try_from(number) {
            Ok(signal) => format!("killed by {signal}"),
            Err(_) => format!("killed by signal {number}"),
        },
    }
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
