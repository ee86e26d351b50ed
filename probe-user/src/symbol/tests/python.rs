//! Looks into this very process.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use super::*;

/// A thread that lives until the sender is dropped.
fn sleeper() -> (u32, Sender<()>) {
    let (said, hear): (Sender<u32>, Receiver<u32>) = channel();
    let (keep, wait) = channel::<()>();
    thread::spawn(move || {
        said.send(nix::unistd::gettid().as_raw().cast_unsigned())
            .unwrap();
        wait.recv().unwrap_err();
    });
    (hear.recv().unwrap(), keep)
}

fn me() -> u32 {
    std::process::id()
}

#[test]
fn a_process_without_a_python_is_told_as_such() {
    let (tid, _keep) = sleeper();
    assert_eq!(
        Pythons::default().scan(me(), tid, u64::MAX),
        ScanResult::NoPython
    );
}

/// What was recorded before it was born is another thread of that number.
#[test]
fn a_thread_that_started_later_is_not_the_one_that_was_seen() {
    let (tid, _keep) = sleeper();
    let started = Stat::of_thread(me(), tid).unwrap().started_ns;
    let mut pythons = Pythons::default();
    assert_eq!(pythons.scan(me(), tid, started - 1), ScanResult::Gone);
    assert_eq!(pythons.scan(me(), tid, started), ScanResult::NoPython);
}

#[test]
fn a_thread_that_has_ended_is_gone() {
    assert_eq!(
        Pythons::default().scan(me(), u32::MAX, u64::MAX),
        ScanResult::Gone
    );
    // A thread, but of another process.
    assert_eq!(Pythons::default().scan(1, me(), u64::MAX), ScanResult::Gone);
}

#[test]
fn extension_modules_are_no_pythons() {
    for path in ["/usr/bin/python3.11", "/x/libpython3.11.so.1.0", "python"] {
        assert!(is_python(path.as_bytes()), "{path}");
    }
    for path in [
        "/opt/python/_bisect.cpython-311-x86_64-linux-gnu.so",
        "/usr/bin/git",
        "",
    ] {
        assert!(!is_python(path.as_bytes()), "{path}");
    }
}

#[test]
fn musl_is_known_by_its_loader() {
    for path in ["/lib/ld-musl-x86_64.so.1", "/lib/libc.musl-x86_64.so.1"] {
        assert!(is_musl(path.as_bytes()), "{path}");
    }
    for path in [
        "/lib/x86_64-linux-gnu/libc.so.6",
        "/opt/musl/bin/python3",
        "",
    ] {
        assert!(!is_musl(path.as_bytes()), "{path}");
    }
}
