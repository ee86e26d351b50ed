//! Processes with descriptors of every kind, which say of each what it is before they end.
//!
//! Each writes lines `NAME PID FD CLOEXEC KIND TARGET`: the last two as waitscope has them, the
//! target as `str::escape_default` writes it. Numbers below 3 are left out.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{self, Command};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use crate::{check, names};

/// Of a file that is deleted while it is open.
const HOSTILE: &[u8] = b"\x1b[31mtwo\nlines \xff";
/// Descriptors of the table that is larger than what is described.
const MANY: usize = 300;
/// Threads that end at once.
const THREADS: usize = 8;

/// What a process does; it writes to a file of this name.
type Act = fn(&str) -> io::Result<()>;

/// Sockets, whose names no folder has: numbers and names.
type Sockets = Vec<(RawFd, String)>;

/// One process after the other.
pub fn open_all(out: &str) -> io::Result<u8> {
    File::create(out)?;
    let acts: [(&str, Act); 4] = [
        ("t-known", |out| say("t-known", &known(out)?, out)),
        ("t-many", many),
        ("t-threads", threads),
        ("t-exec", through_exec),
    ];
    for (name, act) in acts {
        // SAFETY: this program has one thread.
        let child = check(unsafe { libc::fork() })?;
        if child == 0 {
            let done = names::set(name.as_bytes()).and_then(|()| act(out));
            process::exit(i32::from(done.is_err()));
        }
        let mut status = 0;
        // SAFETY: `status` is writable.
        check(unsafe { libc::waitpid(child, &raw mut status, 0) })?;
        if status != 0 {
            return Err(io::Error::other(name));
        }
    }
    Ok(0)
}

/// Two threads with all of them, which then sleep until they are killed, five minutes at most.
pub fn keep_open(out: &str) -> io::Result<u8> {
    names::set(b"t-lives")?;
    let sockets = known(out)?;
    let nap = || thread::sleep(Duration::from_secs(300));
    thread::spawn(nap);
    say("t-lives", &sockets, out)?;
    nap();
    Ok(0)
}

/// Behind an exec: says what has come through it, opens something, and says all.
pub fn come_through(out: &str) -> io::Result<u8> {
    names::set(b"t-exec")?;
    say("t-inherited", &Vec::new(), out)?;
    keep(event()?);
    say("t-exec", &Vec::new(), out)?;
    Ok(0)
}

fn known(out: &str) -> io::Result<Sockets> {
    let folder = Path::new(out).parent().unwrap_or(Path::new("/"));
    for cloexec in [0, libc::O_CLOEXEC] {
        let mut pipe = [0; 2];
        // SAFETY: there is room for two.
        check(unsafe { libc::pipe2(pipe.as_mut_ptr(), cloexec) })?;
    }
    let deleted = folder.join(OsStr::from_bytes(HOSTILE));
    keep(File::create(&deleted)?);
    fs::remove_file(&deleted)?;
    for path in [out, "/", "/dev/null", "/proc/self/ns/net"] {
        keep(File::open(path)?);
    }
    keep(event()?);
    // SAFETY: no pointers.
    let made = unsafe {
        [
            libc::timerfd_create(libc::CLOCK_MONOTONIC, 0),
            libc::epoll_create1(libc::EPOLL_CLOEXEC),
            libc::inotify_init1(0),
            libc::syscall(libc::SYS_pidfd_open, process::id(), 0) as libc::c_int,
        ]
    };
    for fd in made {
        check(fd)?;
    }
    sockets()
}

fn event() -> io::Result<OwnedFd> {
    // SAFETY: no pointers; the descriptor is ours alone.
    Ok(unsafe { OwnedFd::from_raw_fd(check(libc::eventfd(0, libc::EFD_CLOEXEC))?) })
}

fn keep(file: impl IntoRawFd) -> RawFd {
    file.into_raw_fd()
}

fn sockets() -> io::Result<Sockets> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let here = listener.local_addr()?;
    let to = TcpStream::connect(here)?;
    let (from, there) = listener.accept()?;
    let datagrams = UdpSocket::bind("127.0.0.1:0")?;
    let datagrams_at = datagrams.local_addr()?;
    let (one, other) = UnixStream::pair()?;
    let mut named = vec![
        (keep(listener), format!("tcp {here}")),
        (keep(to), format!("tcp {there} → {here}")),
        (keep(from), format!("tcp {here} → {there}")),
        (keep(datagrams), format!("udp {datagrams_at}")),
    ];
    for end in [keep(one), keep(other)] {
        let inode = fs::metadata(format!("/proc/self/fd/{end}"))?.ino();
        named.push((end, format!("unix:[{inode}]")));
    }
    Ok(named)
}

fn many(out: &str) -> io::Result<()> {
    let file = File::open("/dev/null")?;
    while fs::read_dir("/proc/self/fd")?.count() <= MANY {
        keep(file.try_clone()?);
    }
    say("t-many", &Vec::new(), out)?;
    keep(file);
    Ok(())
}

/// None of them has left the table when the last begins to.
fn threads(out: &str) -> io::Result<()> {
    let ready = Arc::new(Barrier::new(THREADS + 1));
    for _ in 0..THREADS {
        let ready = ready.clone();
        thread::spawn(move || {
            ready.wait();
            thread::sleep(Duration::from_secs(60));
        });
    }
    ready.wait();
    say("t-threads", &known(out)?, out)
}

fn through_exec(out: &str) -> io::Result<()> {
    let mut pipe = [0; 2];
    // SAFETY: there is room for two.
    check(unsafe { libc::pipe(pipe.as_mut_ptr()) })?;
    keep(File::open("/dev/null")?);
    let mut command = Command::new("/proc/self/exe");
    let failed = std::os::unix::process::CommandExt::exec(command.args(["target-exec", out]));
    Err(failed)
}

/// In one write, and with nothing open for it as it looks.
fn say(name: &str, sockets: &Sockets, out: &str) -> io::Result<()> {
    let mut text = String::new();
    let folder = fs::read_dir("/proc/self/fd")?;
    let fds: Vec<RawFd> = folder
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for fd in fds {
        // SAFETY: no pointers. The folder's own descriptor is closed again.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
        if fd < 3 || flags == -1 {
            continue;
        }
        let socket = sockets.iter().find(|(socket, _)| *socket == fd);
        let (kind, target) = match socket {
            Some((_, name)) => ("socket", name.clone()),
            None => of(fd)?,
        };
        let cloexec = flags & libc::FD_CLOEXEC != 0;
        let (pid, target) = (process::id(), target.escape_default());
        text += &format!("{name} {pid} {fd} {cloexec} {kind} {target}\n");
    }
    let mut out = OpenOptions::new().append(true).open(out)?;
    out.write_all(text.as_bytes())
}

/// Kind and name by proc_pid_fd(5).
fn of(fd: RawFd) -> io::Result<(&'static str, String)> {
    let path = format!("/proc/self/fd/{fd}");
    let link = fs::read_link(&path)?;
    let link = String::from_utf8_lossy(link.as_os_str().as_bytes()).into_owned();
    let file = fs::metadata(&path)?;
    if link.contains("pidfd") {
        return Ok(("event", "[pidfd]".to_owned()));
    }
    if let Some(anonymous) = link.strip_prefix("anon_inode:") {
        let kind = match anonymous {
            "[timerfd]" => "timer",
            "[eventpoll]" => "epoll",
            _ => "event",
        };
        return Ok((kind, anonymous.to_owned()));
    }
    if link.starts_with("net:[") {
        return Ok(("file", format!("inode {}", file.ino())));
    }
    let name = link.rsplit('/').next().unwrap_or_default();
    let name = name.strip_suffix(" (deleted)").unwrap_or(name).to_owned();
    Ok(match file.file_type() {
        kind if kind.is_fifo() => ("pipe", name),
        kind if kind.is_socket() => ("socket", name),
        kind if kind.is_char_device() => ("other", name),
        kind if kind.is_dir() && name.is_empty() => ("file", "/".to_owned()),
        _ => ("file", name),
    })
}
