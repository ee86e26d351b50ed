//! The numbers that are written down for both sides are those of the C library.

use nix::libc;
use probe_common::uapi::*;

#[test]
fn uapi_numbers_are_those_of_libc() {
    for (ours, theirs) in [
        (CLONE_PARENT, libc::CLONE_PARENT),
        (CLONE_THREAD, libc::CLONE_THREAD),
    ] {
        assert_eq!(Ok(ours), theirs.try_into());
    }
    for (ours, theirs) in [
        (S_IFMT, libc::S_IFMT),
        (S_IFIFO, libc::S_IFIFO),
        (S_IFCHR, libc::S_IFCHR),
        (S_IFDIR, libc::S_IFDIR),
        (S_IFBLK, libc::S_IFBLK),
        (S_IFREG, libc::S_IFREG),
        (S_IFSOCK, libc::S_IFSOCK),
    ] {
        assert_eq!(ours, theirs);
    }
    assert_eq!(RLIMIT_STACK, libc::RLIMIT_STACK);
    assert_eq!(RLIMIT_BYTES as usize, size_of::<libc::rlimit64>());
    for (ours, theirs) in [
        (SIGBUS, libc::SIGBUS),
        (SIGSEGV, libc::SIGSEGV),
        (SIGCHLD, libc::SIGCHLD),
        (SIGCONT, libc::SIGCONT),
        (SIGSTOP, libc::SIGSTOP),
        (SIGTSTP, libc::SIGTSTP),
        (SIGTTIN, libc::SIGTTIN),
        (SIGTTOU, libc::SIGTTOU),
        (SIGURG, libc::SIGURG),
        (SIGWINCH, libc::SIGWINCH),
    ] {
        assert_eq!(Ok(ours), theirs.try_into());
    }
    for (ours, theirs) in [
        (SI_KERNEL, libc::SI_KERNEL),
        (SI_USER, libc::SI_USER),
        (SI_QUEUE, libc::SI_QUEUE),
        (SI_TKILL, libc::SI_TKILL),
    ] {
        assert_eq!(ours, theirs);
    }
    for (ours, theirs) in [
        (AF_UNIX, libc::AF_UNIX),
        (AF_INET, libc::AF_INET),
        (AF_INET6, libc::AF_INET6),
        (AF_NETLINK, libc::AF_NETLINK),
        (AF_PACKET, libc::AF_PACKET),
        (AF_VSOCK, libc::AF_VSOCK),
    ] {
        assert_eq!(i32::from(ours), theirs);
    }
}
