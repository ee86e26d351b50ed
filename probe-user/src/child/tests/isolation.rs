//! The command runs when it is let go and not otherwise, and notices nothing
//! of us.

use std::fs::File;
use std::os::fd::AsRawFd;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::Signal;

use super::super::signals::Signals;
use super::*;

/// Sets of signals or capabilities from `/proc/PID/status`.
fn status(of: &str, fields: &[&str]) -> Vec<u64> {
    let status = text(Path::new(&format!("/proc/{of}/status")));
    let value = |field: &&str| {
        let line = status
            .lines()
            .find(|line| line.starts_with(&format!("{field}:")))
            .unwrap();
        u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap()
    };
    fields.iter().map(value).collect()
}

fn status_of_command(mask: Mask, fields: &[&str]) -> Vec<u64> {
    let running = spawn_held(&os(&["sleep", "60"]), None, mask)
        .unwrap()
        .release()
        .unwrap();
    let seen = status(&running.pid().to_string(), fields);
    running.signal(libc::SIGKILL).unwrap();
    assert_eq!(ended(running), Exit::Signal(libc::SIGKILL));
    seen
}

fn bit(signal: Signal) -> u64 {
    1 << (signal as u64 - 1)
}

#[test]
fn nothing_runs_before_the_release() {
    let scratch = Scratch::new("held");
    let marker = scratch.file("ran");
    let held = hold(&["touch", marker.to_str().unwrap()]);
    let comm = format!("/proc/{}/comm", held.pid());
    let before = std::fs::read(&comm).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(
        (marker.exists(), std::fs::read(&comm).unwrap()),
        (false, before)
    );
    assert_eq!(ended(held.release().unwrap()), Exit::Code(0));
    assert!(marker.exists());
}

#[test]
fn release_returns_after_the_exec() {
    for _ in 0..50 {
        let running = hold(&["sleep", "60"]).release().unwrap();
        let comm = text(Path::new(&format!("/proc/{}/comm", running.pid())));
        running.signal(libc::SIGKILL).unwrap();
        assert_eq!(
            (comm.as_str(), ended(running)),
            ("sleep\n", Exit::Signal(libc::SIGKILL))
        );
    }
}

#[test]
fn a_held_child_that_is_dropped_is_gone_and_reaped() {
    let scratch = Scratch::new("dropped");
    let marker = scratch.file("ran");
    let held = hold(&["touch", marker.to_str().unwrap()]);
    let pid = held.pid();
    drop(held);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
    assert!(!marker.exists());
}

#[test]
fn a_held_child_ends_when_we_are_killed() {
    let scratch = Scratch::new("orphan");
    let (marker, pid_file) = (scratch.file("ran"), scratch.file("pid"));
    let exit = in_fork(|| {
        let held = hold(&["touch", marker.to_str().unwrap()]);
        std::fs::write(&pid_file, held.pid().to_string()).unwrap();
        // SAFETY: ends this fork, without any destructor.
        unsafe { libc::raise(libc::SIGKILL) }
    });
    assert_eq!(exit, Exit::Signal(libc::SIGKILL));
    assert!(is_gone(text(&pid_file).parse().unwrap()));
    assert!(!marker.exists());
}

#[test]
fn a_child_killed_while_held_is_reported_by_its_exit() {
    let held = hold(&["true"]);
    // SAFETY: our own child, not reaped.
    unsafe { libc::kill(held.pid() as i32, libc::SIGINT) };
    assert_eq!(ended(held.release().unwrap()), Exit::Signal(libc::SIGINT));
    // Also when it is dead for certain, and with SIGPIPE at its default.
    let exit = in_fork(|| {
        // SAFETY: the default disposition runs no code.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let held = hold(&["true"]);
        // SAFETY: our own child, not reaped.
        unsafe { libc::kill(held.pid() as i32, libc::SIGKILL) };
        std::thread::sleep(Duration::from_millis(50));
        i32::from(ended(held.release().unwrap()) == Exit::Signal(libc::SIGKILL))
    });
    assert_eq!(exit, Exit::Code(1));
}

#[test]
fn a_command_that_cannot_run_leaves_no_zombie() {
    let held = hold(&["/no/such/file"]);
    let pid = held.pid();
    assert!(held.release().is_err());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn descriptors_are_the_ones_we_were_given() {
    let exit = in_fork(|| {
        // As make passes its job server on.
        let given = File::open("/dev/null").unwrap();
        fcntl(&given, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        let expect: Vec<_> = fds("self")
            .into_iter()
            .filter(|&fd| is_inheritable(fd))
            .collect();
        assert!(expect.contains(&given.as_raw_fd()));
        let runtime = runtime();
        let _inside = runtime.enter();
        let signals = Signals::new().unwrap();
        let held = spawn_held(&os(&["sleep", "60"]), None, signals.inherited_mask()).unwrap();
        let running = held.release().unwrap();
        let pid = running.pid().to_string();
        // Again and again: the dynamic loader's own descriptors come and go.
        let are_as_given = eventually(|| fds(&pid) == expect);
        let seen = fds(&pid);
        running.signal(libc::SIGKILL).unwrap();
        ended(running);
        assert!(are_as_given, "{seen:?} instead of {expect:?}");
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

/// The descriptors of a process, ascending.
fn fds(of: &str) -> Vec<i32> {
    let mut fds: Vec<_> = std::fs::read_dir(format!("/proc/{of}/fd"))
        .unwrap()
        .map(|fd| fd.unwrap().file_name().to_str().unwrap().parse().unwrap())
        .collect();
    fds.sort_unstable();
    fds
}

/// Open, and not close-on-exec.
fn is_inheritable(fd: i32) -> bool {
    // SAFETY: a descriptor that is closed makes the call fail.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

#[test]
fn signals_are_as_they_were_before_us() {
    // Rust's runtime ignores SIGPIPE in this very process.
    assert_eq!(sh("kill -PIPE $$; exit 3"), Exit::Signal(libc::SIGPIPE));
    let ignored = status("self", &["SigIgn"])[0];
    assert_ne!(ignored & bit(Signal::SIGPIPE), 0);
    // Also one that libc does not know.
    for mask in [Mask::EMPTY, Mask::of(libc::SIGUSR2), Mask::of(33)] {
        let seen = status_of_command(mask, &["SigBlk", "SigIgn", "SigCgt"]);
        assert_eq!(seen, [mask.0, ignored & !bit(Signal::SIGPIPE), 0]);
    }
}

#[test]
fn an_ignored_sigchld_does_not_lose_the_exit_and_is_kept_for_the_command() {
    let exit = in_fork(|| {
        // SAFETY: ignoring runs no code.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        let ignored = status_of_command(Mask::EMPTY, &["SigIgn"]);
        assert_ne!(ignored[0] & bit(Signal::SIGCHLD), 0);
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

#[test]
fn ambient_capabilities_are_not_inherited() {
    const CAP_NET_RAW: libc::c_ulong = 13;
    // SAFETY: integers only.
    let is_root = unsafe { libc::geteuid() } == 0;
    let exit = in_fork(|| {
        if is_root {
            raise_inheritable(CAP_NET_RAW);
            // SAFETY: integers only.
            let raised = unsafe {
                libc::prctl(
                    libc::PR_CAP_AMBIENT,
                    libc::PR_CAP_AMBIENT_RAISE,
                    CAP_NET_RAW,
                    0,
                    0,
                )
            };
            assert_eq!(raised, 0);
        }
        assert_eq!(status_of_command(Mask::EMPTY, &["CapAmb"]), [0]);
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

fn raise_inheritable(capability: libc::c_ulong) {
    // linux/capability.h, version 3: header, then effective, permitted and
    // inheritable, low and high halves.
    let header = [0x2008_0522u32, 0];
    let mut sets = [0u32; 6];
    // SAFETY: arrays of the sizes that version 3 has.
    unsafe {
        assert_eq!(
            libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()),
            0
        );
        sets[2] |= 1 << capability;
        assert_eq!(
            libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()),
            0
        );
    }
}
