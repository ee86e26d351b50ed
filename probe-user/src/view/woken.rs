//! Who ended a wait, in a few words: one name per source, task and system
//! call. Which process it was is left out, so that 96 `git` are one source.

use crate::document::Wake;
use crate::vocabulary::WakeSource;

/// `exit of git`, `python3 (futex)`, `timer`, `outside: sshd (write)`, …
pub fn describe(wake: &Wake) -> String {
    let comm = wake.comm.as_deref().unwrap_or("unnamed task");
    let outside = if wake.outside { "outside: " } else { "" };
    match wake.source {
        WakeSource::TaskExit => format!("{outside}exit of {comm}"),
        WakeSource::Task => match &wake.syscall {
            Some(syscall) => format!("{outside}{comm} ({syscall})"),
            None => format!("{outside}{comm}"),
        },
        WakeSource::Timer => "timer".to_owned(),
        WakeSource::NetRx => "network (softirq)".to_owned(),
        WakeSource::BlockIo => "block I/O".to_owned(),
        WakeSource::Irq => "interrupt".to_owned(),
        // A kernel thread is always outside the tree: saying so adds nothing.
        WakeSource::Kthread => match &wake.comm {
            Some(comm) => format!("kernel thread {comm}"),
            None => "kernel thread".to_owned(),
        },
        WakeSource::New => "first run".to_owned(),
        WakeSource::Unverified => "unverified".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_words() {
        let cases = [
            ("task-exit", Some("git"), None, false, "exit of git"),
            (
                "task-exit",
                Some("sshd"),
                None,
                true,
                "outside: exit of sshd",
            ),
            (
                "task",
                Some("python3 pool"),
                Some("futex"),
                false,
                "python3 pool (futex)",
            ),
            ("task", Some("git"), None, false, "git"),
            ("task", None, None, false, "unnamed task"),
            (
                "task",
                Some("sshd"),
                Some("write"),
                true,
                "outside: sshd (write)",
            ),
            ("timer", None, None, false, "timer"),
            ("net-rx", None, None, false, "network (softirq)"),
            ("block-io", None, None, false, "block I/O"),
            ("irq", None, None, false, "interrupt"),
            (
                "kthread",
                Some("kworker/0:1"),
                None,
                true,
                "kernel thread kworker/0:1",
            ),
            ("kthread", None, None, true, "kernel thread"),
            ("new", None, None, false, "first run"),
            ("unverified", Some("cat"), Some("read"), true, "unverified"),
        ];
        for (source, comm, syscall, outside, expect) in cases {
            let wake = Wake {
                source: source.parse().unwrap(),
                comm: comm.map(str::to_owned),
                syscall: syscall.map(str::to_owned),
                outside,
                ..Wake::default()
            };
            assert_eq!(describe(&wake), expect);
        }
    }
}
