//! How a process ended, in words.

use crate::{document::Exit, vocabulary::signal_name};

/// Real-time signals as bash and the GNU C library count them; the kernel's two before these
/// are the library's own.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// `exit 7`, `killed by SIGTERM`, `killed by SIGRTMIN+6`.
pub fn describe(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit {code}"),
        Exit::Signal(number) => format!("killed by {}", name(number)),
    }
}

fn name(number: i32) -> String {
    match number.wrapping_sub(*REAL_TIME.start()) {
        0 => "SIGRTMIN".to_owned(),
        beyond if REAL_TIME.contains(&number) => format!("SIGRTMIN+{beyond}"),
        _ => signal_name(number),
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
            (Exit::Signal(34), "killed by SIGRTMIN"),
            (Exit::Signal(40), "killed by SIGRTMIN+6"),
            (Exit::Signal(33), "killed by signal 33"),
            (Exit::Signal(0), "killed by signal 0"),
            (Exit::Signal(i32::MIN), "killed by signal -2147483648"),
        ];
        for (exit, expect) in cases {
            assert_eq!(describe(exit), expect);
        }
    }
}
