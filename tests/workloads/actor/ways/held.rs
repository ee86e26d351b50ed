//! A call that has not begun: a supervisor holds it (seccomp_unotify(2)).

use std::io;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

use super::{Way, check};

pub(super) fn all() -> Vec<io::Result<Way>> {
    vec![held()]
}

/// A call that nobody else makes here, and whose number a filter knows.
const CALL: libc::c_long = libc::SYS_connect;

/// The supervisor's descriptor, once there is one.
static LISTENER: AtomicI32 = AtomicI32::new(-1);

fn held() -> io::Result<Way> {
    let wait = || {
        LISTENER.store(supervise()?, SeqCst);
        let nothing = std::ptr::null::<libc::sockaddr>();
        // SAFETY: it is not made: the supervisor answers.
        check(unsafe { libc::syscall(CALL, -1, nothing, 0) }).map(drop)
    };
    Way::new("held", "stopped", None, wait, answer)
}

const NEW_LISTENER: libc::c_ulong = 8;
const USER_NOTIF: u32 = 0x7fc0_0000;
const ALLOW: u32 = 0x7fff_0000;

fn supervise() -> io::Result<i32> {
    let load_number = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let jump_equal = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let ret = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        step(load_number, 0, 0, 0),
        step(jump_equal, 0, 1, u32::try_from(CALL).unwrap_or_default()),
        step(ret, 0, 0, USER_NOTIF),
        step(ret, 0, 0, ALLOW),
    ];
    let program = libc::sock_fprog {
        len: 4,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: plain integers.
    super::super::check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
    let set = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: a whole program, for this thread alone.
    let fd =
        check(unsafe { libc::syscall(libc::SYS_seccomp, set, NEW_LISTENER, &raw const program) })?;
    i32::try_from(fd).map_err(io::Error::other)
}

/// `_IOWR('!', 0, struct seccomp_notif)`
const RECV: libc::c_ulong = 0xc050_2100;
/// `_IOWR('!', 1, struct seccomp_notif_resp)`
const SEND: libc::c_ulong = 0xc018_2101;

fn answer() -> io::Result<()> {
    let mut question = [0_u64; 10];
    let listener = LISTENER.load(SeqCst);
    // SAFETY: room for the 80 bytes of a seccomp_notif.
    super::super::check(unsafe { libc::ioctl(listener, RECV, question.as_mut_ptr()) })?;
    // Its id; the call returns 0.
    let mut answer = [question[0], 0, 0];
    // SAFETY: a whole seccomp_notif_resp.
    super::super::check(unsafe { libc::ioctl(listener, SEND, answer.as_mut_ptr()) }).map(drop)
}
