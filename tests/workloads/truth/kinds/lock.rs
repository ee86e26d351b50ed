//! `file-lock`: flock and record locks held by another open file.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Barrier};

use crate::case::{Case, Job, Setting, pause_of};
use crate::sys::check;

pub const CASES: &[Case] = &[
    Case {
        name: "flock",
        kind: "file-lock",
        functions: &[
            "flock_lock_inode_wait",
            "locks_lock_inode_wait",
            "__x64_sys_flock",
            "__do_sys_flock",
        ],
        sources: &["task"],
        has_waker: true,
        prepare: |setting| pair(setting, "flock", flock),
    },
    Case {
        name: "fcntl-lock",
        kind: "file-lock",
        functions: &["fcntl_setlk", "do_lock_file_wait"],
        sources: &["task"],
        has_waker: true,
        prepare: |setting| pair(setting, "fcntl", record_lock),
    },
];

/// Takes or drops the whole-file lock.
type Lock = fn(&File, Want) -> io::Result<()>;

#[derive(Clone, Copy)]
enum Want {
    Exclusive,
    Nothing,
}

/// In lock-step: the waker holds the lock, the subject asks for it, the waker
/// lets it go.
fn pair(setting: &Setting, name: &str, lock: Lock) -> io::Result<Job> {
    let path = setting
        .dir
        .join(format!("truth-{}.{name}", std::process::id()));
    let mine = File::create(&path)?;
    let theirs = File::create(&path)?;
    std::fs::remove_file(&path)?;
    let rounds = setting.rounds;
    let turn = Arc::new(Barrier::new(2));
    let held = turn.clone();
    Job::pair(
        move |meter| {
            for _ in 0..rounds {
                turn.wait();
                let outcome = meter.block(|| lock(&mine, Want::Exclusive));
                let outcome = outcome.and_then(|()| lock(&mine, Want::Nothing));
                turn.wait();
                outcome?;
            }
            Ok(())
        },
        move |slot| {
            for round in 0..rounds {
                if slot.is_done() {
                    break;
                }
                lock(&theirs, Want::Exclusive)?;
                held.wait();
                std::thread::sleep(pause_of(round));
                slot.begin_waking();
                lock(&theirs, Want::Nothing)?;
                held.wait();
            }
            Ok(())
        },
    )
}

fn flock(file: &File, want: Want) -> io::Result<()> {
    let operation = match want {
        Want::Exclusive => libc::LOCK_EX,
        Want::Nothing => libc::LOCK_UN,
    };
    // SAFETY: `file` is open.
    check(unsafe { libc::flock(file.as_raw_fd(), operation) })?;
    Ok(())
}

/// A lock of the open file, not of the process: both threads share a process.
fn record_lock(file: &File, want: Want) -> io::Result<()> {
    let kind = match want {
        Want::Exclusive => libc::F_WRLCK,
        Want::Nothing => libc::F_UNLCK,
    };
    // SAFETY: all-zero bytes are a valid flock: the whole file, pid 0.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = i16::try_from(kind).unwrap_or_default();
    // SAFETY: `range` is initialised.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLKW, &raw const range) })?;
    Ok(())
}
