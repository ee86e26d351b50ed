//! Processes that wait for connections on one listening socket, in every way, and count
//! what they were woken for.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::{self, File};
use std::hint::spin_loop;
use std::io::{self, Write};
use std::mem;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use proc_stat::Stat;

use super::check;

/// How to wait for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Select,
    Poll,
    Epoll,
    Exclusive,
    Accept,
}

const WAYS: [(&str, Way); 5] = [
    ("select", Way::Select),
    ("poll", Way::Poll),
    ("epoll", Way::Epoll),
    ("exclusive", Way::Exclusive),
    ("accept", Way::Accept),
];

/// What all children of one way found, in memory that they share.
#[derive(Default)]
struct Counts {
    /// Connections that they got.
    got: AtomicU64,
    /// Times that they came back from waiting and found none.
    none: AtomicU64,
}

/// In every way so many processes wait, and get so many connections one after the other,
/// which each take `millis` to serve. Writes as JSON by way how often they slept, got a
/// connection, and came back without.
pub(crate) fn serve(processes: u32, connections: u32, millis: u32, out: &str) -> io::Result<u8> {
    let work = Duration::from_millis(millis.into());
    let mut truth = BTreeMap::new();
    for (name, way) in WAYS {
        truth.insert(name, in_one_way(name, way, (processes, connections), work)?);
    }
    serde_json::to_writer(File::create(out)?, &truth)?;
    Ok(0)
}

fn in_one_way(
    name: &str,
    way: Way,
    (processes, connections): (u32, u32),
    work: Duration,
) -> io::Result<serde_json::Value> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(way != Way::Accept)?;
    let counts = shared()?;
    let mut children = Vec::new();
    for _ in 0..processes {
        // SAFETY: there is no other thread.
        match check(unsafe { libc::fork() })? {
            0 => serve_for_ever(name, way, &listener, counts, work),
            pid => children.push(pid.cast_unsigned()),
        }
    }
    until_asleep(&children, counts, 0)?;
    let before = sleeps(&children)?;
    for done in 1..=connections {
        let stream = TcpStream::connect(listener.local_addr()?)?;
        until_asleep(&children, counts, done.into())?;
        drop(stream);
    }
    let wakes = sleeps(&children)? - before;
    end(&children)?;
    Ok(serde_json::json!({
        "wakes": wakes,
        "got": counts.got.load(Ordering::SeqCst),
        "none": counts.none.load(Ordering::SeqCst),
    }))
}

/// Memory that children share with their parent, for as long as they live.
fn shared() -> io::Result<&'static Counts> {
    let (protection, flags) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_SHARED | libc::MAP_ANONYMOUS,
    );
    let size = size_of::<Counts>();
    // SAFETY: a new mapping, of zeros.
    let at = unsafe { libc::mmap(ptr::null_mut(), size, protection, flags, -1, 0) };
    if at == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: large enough, aligned to a page, and never unmapped.
    Ok(unsafe { &*at.cast::<Counts>() })
}

/// Until every child sleeps, and all connections were served.
fn until_asleep(children: &[u32], counts: &Counts, served: u64) -> io::Result<()> {
    loop {
        thread::sleep(Duration::from_millis(3));
        if counts.got.load(Ordering::SeqCst) < served {
            continue;
        }
        let mut asleep = 0;
        for &pid in children {
            asleep += usize::from(Stat::of_process(pid)?.state == 'S');
        }
        if asleep == children.len() {
            return Ok(());
        }
    }
}

/// How often they have slept so far, by the kernel's own count.
fn sleeps(children: &[u32]) -> io::Result<u64> {
    let mut sum = 0;
    for pid in children {
        let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let count = text
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        let count = count.ok_or(io::ErrorKind::NotFound)?;
        sum += count.trim().parse::<u64>().map_err(io::Error::other)?;
    }
    Ok(sum)
}

fn end(children: &[u32]) -> io::Result<()> {
    for &pid in children {
        // SAFETY: plain integers; the child is not reaped yet.
        check(unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) })?;
    }
    for &pid in children {
        // SAFETY: nothing is written.
        check(unsafe { libc::waitpid(pid.cast_signed(), ptr::null_mut(), 0) })?;
    }
    Ok(())
}

fn serve_for_ever(
    name: &str,
    way: Way,
    listener: &TcpListener,
    counts: &Counts,
    work: Duration,
) -> ! {
    let error = serve_until_error(name, way, listener, counts, work);
    let _ = writeln!(io::stderr(), "herd {name}: {error:?}");
    // SAFETY: nothing else of the parent's shall run.
    unsafe { libc::_exit(1) }
}

fn serve_until_error(
    name: &str,
    way: Way,
    listener: &TcpListener,
    counts: &Counts,
    work: Duration,
) -> io::Result<()> {
    let name = CString::new(format!("h-{name}"))?;
    // SAFETY: a string with its NUL.
    check(unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) })?;
    let fd = listener.as_raw_fd();
    let instance = match way {
        Way::Epoll => Some(epoll(fd, 0)?),
        Way::Exclusive => Some(epoll(fd, libc::EPOLLEXCLUSIVE)?),
        Way::Select | Way::Poll | Way::Accept => None,
    };
    loop {
        match &instance {
            Some(instance) => poll_events(instance)?,
            None if way == Way::Select => select(fd)?,
            None if way == Way::Poll => poll(fd)?,
            None => {}
        }
        match listener.accept() {
            Ok((stream, _)) => {
                compute(work)?;
                drop(stream);
                counts.got.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                counts.none.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => return Err(error),
        }
    }
}

fn epoll(fd: RawFd, flags: i32) -> io::Result<OwnedFd> {
    // SAFETY: a new descriptor.
    let instance = check(unsafe { libc::epoll_create1(0) })?;
    // SAFETY: nobody else has it.
    let instance = unsafe { OwnedFd::from_raw_fd(instance) };
    let mut event = libc::epoll_event {
        events: (libc::EPOLLIN | flags).cast_unsigned(),
        u64: 0,
    };
    let (at, add) = (instance.as_raw_fd(), libc::EPOLL_CTL_ADD);
    // SAFETY: `event` is initialised.
    check(unsafe { libc::epoll_ctl(at, add, fd, &raw mut event) })?;
    Ok(instance)
}

fn poll_events(instance: &OwnedFd) -> io::Result<()> {
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: room for one event.
    check(unsafe { libc::epoll_wait(instance.as_raw_fd(), &raw mut event, 1, -1) })?;
    Ok(())
}

fn select(fd: RawFd) -> io::Result<()> {
    // SAFETY: all zeros is a set of none.
    let mut set: libc::fd_set = unsafe { mem::zeroed() };
    // SAFETY: the workload has few descriptors.
    unsafe { libc::FD_SET(fd, &raw mut set) };
    let none = ptr::null_mut();
    // SAFETY: a set and no others.
    check(unsafe { libc::select(fd + 1, &raw mut set, none, none, ptr::null_mut()) })?;
    Ok(())
}

fn poll(fd: RawFd) -> io::Result<()> {
    let mut wanted = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one of them.
    check(unsafe { libc::poll(&raw mut wanted, 1, -1) })?;
    Ok(())
}

/// On a CPU, not beside others on its run queue.
fn compute(work: Duration) -> io::Result<()> {
    let end = cpu_time()? + work;
    while cpu_time()? < end {
        spin_loop();
    }
    Ok(())
}

/// What this thread has had of the CPUs.
fn cpu_time() -> io::Result<Duration> {
    // SAFETY: all zeros is a time.
    let mut time: libc::timespec = unsafe { mem::zeroed() };
    // SAFETY: `time` is to be written.
    check(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) })?;
    let (seconds, nanos) = (time.tv_sec.cast_unsigned(), time.tv_nsec.cast_unsigned());
    Ok(Duration::from_secs(seconds) + Duration::from_nanos(nanos))
}

/// Rounds in which all workers are woken at once by a condition that is broadcast, and
/// each of them works for `millis`: no herd.
pub(crate) fn broadcast(workers: u32, rounds: u32, millis: u32) -> io::Result<u8> {
    let work = Duration::from_millis(millis.into());
    let round = Arc::new((Mutex::new(0), Condvar::new()));
    let done = Arc::new(Barrier::new(workers as usize + 1));
    let threads: Vec<_> = (0..workers)
        .map(|_| {
            let (round, done) = (Arc::clone(&round), Arc::clone(&done));
            thread::spawn(move || take_part(&round, &done, rounds, work))
        })
        .collect();
    for _ in 0..rounds {
        thread::sleep(Duration::from_millis(5));
        *round.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        round.1.notify_all();
        done.wait();
    }
    let ended = threads.into_iter().filter_map(|t| t.join().ok()?.ok());
    Ok(u8::from(ended.count() != workers as usize))
}

fn take_part(
    (number, changed): &(Mutex<u32>, Condvar),
    done: &Barrier,
    rounds: u32,
    work: Duration,
) -> io::Result<()> {
    for past in 0..rounds {
        let number = number.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_while(number, |number| *number <= past));
        let worked = compute(work);
        done.wait();
        worked?;
    }
    Ok(())
}
