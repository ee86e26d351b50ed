//! The workloads alone: what they claim as the truth must be plausible without
//! waitscope.

use std::process::Command;

use anyhow::Result;
use waitscope_tests::{live, truth};

/// Wait kinds that need nothing special of the machine.
pub const EVERYWHERE: &[&str] = &[
    "child-exit",
    "vfork",
    "epoll",
    "poll",
    "select",
    "futex",
    "pipe-read",
    "pipe-write",
    "socket-recv",
    "socket-send",
    "socket-accept",
    "socket-connect",
    "sleep",
    "timer",
    "event",
    "signal",
    "file-lock",
    "ipc",
    "tty",
    "stopped",
    "page-fault",
    "kernel-lock",
];

#[test]
fn the_truth_is_plausible() -> Result<()> {
    let dir = live::shared_dir()?;
    let file = dir.path().join("truth.jsonl");
    let mut command = Command::new(env!("CARGO_BIN_EXE_truth"));
    command
        .arg("--truth")
        .arg(&file)
        .arg("--dir")
        .arg(dir.path());
    live::finish(&mut command)?.expect_code(0)?;
    let lines = truth::read(&file)?;
    let measured = truth::measured(&lines);
    for kind in EVERYWHERE {
        assert!(
            measured.iter().any(|case| case.kind == *kind),
            "{kind}: {lines:?}"
        );
    }
    for case in measured {
        assert!(case.count > 0 && case.calls > 0, "{case:?}");
        // Disks are as fast as they are; all others sleep 5 to 20 ms a call, but
        // a TCP send now and then finds a buffer that has grown, and a busy machine may
        // keep one from its call until the other is there.
        let least = match case.kind.as_str() {
            "disk" | "sync" => 1_000_000,
            _ => 200_000_000_u64.saturating_sub(case.rundelay_ns),
        };
        assert!((least..3_000_000_000).contains(&case.wait_ns), "{case:?}");
        assert!(case.oncpu_ns < 1_000_000_000, "{case:?}");
    }
    Ok(())
}
