//! Descriptor tables whose every size is known: threads that share one beside children that
//! have their own, tables that leak, come near their limit, are shared by processes, are left,
//! closed, overwritten, and filled by another process.
//!
//! Each process bears a name of its own and writes one line, `NAME PID MOST`: the most open
//! descriptors that it counted in /proc/self/fd.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::process::{self, Command};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use crate::{check, names};

/// Descriptors that `d-leak` leaves open in a second, and for how many seconds.
const LEAK: (u32, u32) = (10, 4);
/// The limit of those that come near it.
const LIMIT: libc::rlim_t = 100;

/// What a child does; returns the most descriptors that it had.
type Act = fn() -> io::Result<usize>;

/// All of them at once, and then the pool, of so many threads.
pub fn fill(threads: u32, out: &str) -> io::Result<u8> {
    File::create(out)?;
    let acts: [(&str, Act); 8] = [
        ("d-leak", leak),
        ("d-near", || filled_up_to(85)),
        ("d-far", || filled_up_to(75)),
        ("d-sharing", share_with_a_process),
        ("d-unshare", unshare),
        ("d-close-range", close_range),
        ("d-dup2", dup2_over),
        ("d-rights", receive),
    ];
    for (name, act) in acts {
        forked(name, out, act)?;
    }
    for _ in acts {
        let mut status = 0;
        // SAFETY: `status` is writable.
        check(unsafe { libc::wait(&raw mut status) })?;
        if status != 0 {
            return Err(io::Error::other("one of them failed"));
        }
    }
    let most = pool(threads, out)?;
    say("actor", most, out)?;
    Ok(0)
}

/// A child of the pool, of so many: has three descriptors, and two more. Waits for the others.
pub fn child(children: u32, out: &str) -> io::Result<u8> {
    let files = [null()?, null()?];
    be_looked_at();
    let most = open()?;
    say("d-child", most, out)?;
    let said = || fs::read_to_string(out).map(|said| said.matches("d-child").count());
    while said()? < children as usize {
        thread::sleep(Duration::from_millis(5));
    }
    drop(files);
    Ok(0)
}

/// Threads that each start a child and wait for it, all at once.
fn pool(threads: u32, out: &str) -> io::Result<usize> {
    let all = Arc::new(Barrier::new(threads as usize + 1));
    let waiters: Vec<_> = (0..threads)
        .map(|_| {
            let (all, out) = (all.clone(), out.to_owned());
            thread::spawn(move || {
                let file = null()?;
                all.wait();
                let mut child = Command::new("/proc/self/exe");
                let done = child
                    .args(["fd-child", &threads.to_string(), &out])
                    .status()?;
                all.wait();
                drop(file);
                if done.success() {
                    Ok(())
                } else {
                    Err(io::Error::other("a child failed"))
                }
            })
        })
        .collect();
    all.wait();
    be_looked_at();
    let most = open()?;
    all.wait();
    for waiter in waiters {
        waiter.join().map_err(|_| io::Error::other("panicked"))??;
    }
    Ok(most)
}

fn forked(name: &str, out: &str, act: Act) -> io::Result<()> {
    // SAFETY: this program has one thread.
    if check(unsafe { libc::fork() })? == 0 {
        let done = names::set(name.as_bytes()).and_then(|()| act());
        let done = done.and_then(|most| say(name, most, out));
        process::exit(i32::from(done.is_err()));
    }
    Ok(())
}

/// One write, so that lines of several processes do not mix.
fn say(name: &str, most: usize, out: &str) -> io::Result<()> {
    let line = format!("{name} {} {most}\n", process::id());
    OpenOptions::new()
        .append(true)
        .open(out)?
        .write_all(line.as_bytes())
}

/// Open descriptors of this process; the folder's own is not one of them.
fn open() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count() - 1)
}

fn null() -> io::Result<File> {
    File::open("/dev/null")
}

/// Sleeps long enough for two looks, of which the first may be let off for one just before.
fn be_looked_at() {
    for _ in 0..2 {
        thread::sleep(Duration::from_millis(5));
    }
}

fn leak() -> io::Result<usize> {
    let (each_second, seconds) = LEAK;
    let begin = Instant::now();
    for number in 1..=each_second * seconds {
        let due = begin + Duration::from_secs(1) / each_second * number;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        std::mem::forget(null()?);
    }
    be_looked_at();
    open()
}

fn filled_up_to(count: usize) -> io::Result<usize> {
    let limit = libc::rlimit {
        rlim_cur: LIMIT,
        rlim_max: LIMIT,
    };
    // SAFETY: the limit is initialised.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })?;
    while open()? < count {
        std::mem::forget(null()?);
    }
    be_looked_at();
    open()
}

/// Its child has no table of its own: what that opens, it has.
fn share_with_a_process() -> io::Result<usize> {
    let flags = libc::CLONE_FILES | libc::SIGCHLD;
    // SAFETY: as fork(2), with a table in common; this program has one thread.
    let child = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    if child == -1 {
        return Err(io::Error::last_os_error());
    }
    if child == 0 {
        let done = names::set(b"d-shared").and_then(|()| {
            for _ in 0..20 {
                std::mem::forget(null()?);
            }
            be_looked_at();
            Ok(())
        });
        process::exit(i32::from(done.is_err()));
    }
    let mut status = 0;
    // SAFETY: `status` is writable.
    check(unsafe { libc::wait(&raw mut status) })?;
    be_looked_at();
    open()
}

/// A thread leaves the table, and opens more in its own, of which the other knows nothing.
fn unshare() -> io::Result<usize> {
    let left = thread::spawn(|| {
        // SAFETY: no pointers.
        check(unsafe { libc::unshare(libc::CLONE_FILES) })?;
        let files: Vec<File> = (0..30).map(|_| null()).collect::<io::Result<_>>()?;
        be_looked_at();
        drop(files);
        Ok::<(), io::Error>(())
    });
    left.join().map_err(|_| io::Error::other("panicked"))??;
    be_looked_at();
    open()
}

fn close_range() -> io::Result<usize> {
    let first = null()?.as_raw_fd();
    for _ in 0..40 {
        std::mem::forget(null()?);
    }
    be_looked_at();
    let most = open()?;
    // SAFETY: closes what nobody holds.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
    if closed == -1 {
        return Err(io::Error::last_os_error());
    }
    be_looked_at();
    Ok(most)
}

/// A hundred duplicates, each over the last: one more than before.
fn dup2_over() -> io::Result<usize> {
    let file = null()?;
    for _ in 0..100 {
        // SAFETY: nobody else has that descriptor.
        check(unsafe { libc::dup2(file.as_raw_fd(), 50) })?;
    }
    be_looked_at();
    open()
}

/// Descriptors that come over a Unix socket.
fn receive() -> io::Result<usize> {
    let mut pair = [0; 2];
    // SAFETY: there is room for two.
    check(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, pair.as_mut_ptr()) })?;
    // SAFETY: they are ours.
    let [to, from] = pair.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    // SAFETY: this program has one thread.
    if check(unsafe { libc::fork() })? == 0 {
        let done = names::set(b"d-sender").and_then(|()| send(to.as_raw_fd(), 10));
        process::exit(i32::from(done.is_err()));
    }
    for _ in 0..10 {
        message(|message| {
            // SAFETY: the message's buffers live on.
            check(unsafe { libc::recvmsg(from.as_raw_fd(), message, 0) as libc::c_int })
        })?;
    }
    let mut status = 0;
    // SAFETY: `status` is writable.
    check(unsafe { libc::wait(&raw mut status) })?;
    be_looked_at();
    std::mem::forget([to, from]);
    open()
}

fn send(over: RawFd, count: usize) -> io::Result<()> {
    let file = null()?;
    for _ in 0..count {
        message(|message| {
            // SAFETY: room for one descriptor, and its header is written whole.
            unsafe {
                let header = libc::CMSG_FIRSTHDR(message);
                (*header).cmsg_level = libc::SOL_SOCKET;
                (*header).cmsg_type = libc::SCM_RIGHTS;
                (*header).cmsg_len = libc::CMSG_LEN(4) as _;
                libc::CMSG_DATA(header)
                    .cast::<RawFd>()
                    .write_unaligned(file.as_raw_fd());
                check(libc::sendmsg(over, message, 0) as libc::c_int)
            }
        })?;
    }
    Ok(())
}

/// A message of one byte, with room for a descriptor.
fn message(
    pass: impl FnOnce(*mut libc::msghdr) -> io::Result<libc::c_int>,
) -> io::Result<libc::c_int> {
    let mut byte = 0_u8;
    let mut control = [0_u64; 4];
    let mut place = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    // SAFETY: all-zero bytes are a valid message.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut place;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: a number in, a number out.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(4) } as _;
    pass(&raw mut message)
}
