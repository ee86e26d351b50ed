//! Processes that cannot go on, each for another one: what `top` has to show. Each has a name
//! of its own, and ends with us.

use std::env;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::ptr;
use std::thread;
use std::time::Duration;

use crate::pthread::{self, Lock};
use crate::{awake, check};

const LONG: Duration = Duration::from_secs(300);

/// Writes the process id to `ready` once all of them are blocked; then waits to be killed.
pub fn entangle(ready: &str) -> io::Result<u8> {
    let mut all = pipes()?;
    all.extend(sockets()?);
    let door = format!("{ready}.socket");
    all.push(start("e-server", &["serve", &door])?);
    until(|| fs::exists(&door))?;
    all.push(start("e-client", &["ask", &door])?);
    all.extend(files(ready)?);
    let memory = format!("{ready}.memory");
    all.push(start("e-holds", &["hold", &memory])?);
    until(|| fs::exists(format!("{memory}.held")))?;
    all.push(start("e-wants", &["want", &memory])?);
    all.push(vforked()?);
    for (name, pid) in &all {
        let comm = format!("/proc/{pid}/comm");
        until(|| Ok(fs::read_to_string(&comm)?.trim() == name && awake(*pid)? == 0))?;
    }
    let partial = format!("{ready}.partial");
    fs::write(&partial, std::process::id().to_string())?;
    fs::rename(partial, ready)?;
    thread::sleep(LONG);
    Ok(0)
}

/// One of them.
pub fn take_part(name: &str, part: &[&str]) -> io::Result<u8> {
    let comm = CString::new(name)?;
    // SAFETY: a string that ends.
    check(unsafe { libc::prctl(libc::PR_SET_NAME, comm.as_ptr()) })?;
    match *part {
        ["read"] => io::stdin().read_exact(&mut [0])?,
        ["serve", door] => {
            let (mut client, _) = UnixListener::bind(door)?.accept()?;
            client.read_exact(&mut [0])?;
            thread::sleep(LONG);
        }
        ["ask", door] => {
            let mut server = UnixStream::connect(door)?;
            server.write_all(b"?")?;
            server.read_exact(&mut [0])?;
        }
        ["lock", first, second] => lock(first, second)?,
        ["hold", memory] => {
            File::create_new(memory)?.set_len(PAGE)?;
            // SAFETY: of a page that is all ours.
            unsafe { pthread::share(map(memory)?) }.take();
            File::create_new(format!("{memory}.held"))?;
            thread::sleep(LONG);
        }
        // SAFETY: the other process has put one there.
        ["want", memory] => unsafe { &*map(memory)? }.take(),
        ["vfork"] => vfork()?,
        _ => return Err(io::Error::other("no such part")),
    }
    Ok(0)
}

/// Each reads what only the other writes.
fn pipes() -> io::Result<Vec<(String, u32)>> {
    let ((near, to_near), (far, to_far)) = (io::pipe()?, io::pipe()?);
    let one = spawn("e-pipe-1", &["read"], near.into(), to_far.into())?;
    let other = spawn("e-pipe-2", &["read"], far.into(), to_near.into())?;
    Ok(vec![one, other])
}

/// Each has one end of a pair, and reads from the other.
fn sockets() -> io::Result<Vec<(String, u32)>> {
    let (near, far) = UnixStream::pair()?;
    let end = |end| Stdio::from(OwnedFd::from(end));
    let one = spawn("e-pair-1", &["read"], end(near), Stdio::null())?;
    let other = spawn("e-pair-2", &["read"], end(far), Stdio::null())?;
    Ok(vec![one, other])
}

/// Each has locked what the other wants.
fn files(ready: &str) -> io::Result<Vec<(String, u32)>> {
    let [one, other] = [".one", ".other"].map(|end| format!("{ready}{end}"));
    for path in [&one, &other] {
        File::create_new(path)?;
    }
    let near = start("e-file-1", &["lock", &one, &other])?;
    let far = start("e-file-2", &["lock", &other, &one])?;
    Ok(vec![near, far])
}

/// Locks a file, and another one when somebody else has that.
fn lock(first: &str, second: &str) -> io::Result<()> {
    let (first, second) = (File::open(first)?, File::open(second)?);
    // SAFETY: no pointer is followed.
    let flock = |file: &File, how| check(unsafe { libc::flock(file.as_raw_fd(), how) });
    flock(&first, libc::LOCK_EX)?;
    while flock(&second, libc::LOCK_EX | libc::LOCK_NB).is_ok() {
        flock(&second, libc::LOCK_UN)?;
        thread::sleep(Duration::from_millis(5));
    }
    flock(&second, libc::LOCK_EX).map(|_| ())
}

const PAGE: u64 = 4096;

/// The lock in a file that processes share as memory.
fn map(path: &str) -> io::Result<*mut Lock> {
    let file = File::options().read(true).write(true).open(path)?;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let (fd, length) = (file.as_raw_fd(), PAGE as usize);
    // SAFETY: a mapping of its own.
    let memory = unsafe { libc::mmap(ptr::null_mut(), length, access, libc::MAP_SHARED, fd, 0) };
    match memory {
        libc::MAP_FAILED => Err(io::Error::last_os_error()),
        memory => Ok(memory.cast()),
    }
}

/// One that waits in vfork(2), by the name and pid of its child.
fn vforked() -> io::Result<(String, u32)> {
    let (_, pid) = start("e-vfork", &["vfork"])?;
    let children = format!("/proc/{pid}/task/{pid}/children");
    let child = || Ok(fs::read_to_string(&children)?.trim().parse::<u32>().ok());
    until(|| child().map(|child| child.is_some()))?;
    let child = child()?.ok_or_else(|| io::Error::other("it is gone"))?;
    Ok(("e-vforked".to_owned(), child))
}

/// Waits for a child that has its memory, and never runs another program.
fn vfork() -> io::Result<()> {
    let mut stack = vec![0_u128; 4096];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let top = stack.as_mut_ptr_range().end.cast();
    // SAFETY: the child has a stack of its own, which lives as long as it.
    check(unsafe { libc::clone(sleep, top, flags, ptr::null_mut()) })?;
    Ok(())
}

extern "C" fn sleep(_: *mut libc::c_void) -> libc::c_int {
    // SAFETY: strings that end; no pointer is followed.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::prctl(libc::PR_SET_NAME, c"e-vforked".as_ptr());
        libc::sleep(300);
    }
    0
}

fn start(name: &str, part: &[&str]) -> io::Result<(String, u32)> {
    spawn(name, part, Stdio::null(), Stdio::null())
}

fn spawn(name: &str, part: &[&str], input: Stdio, output: Stdio) -> io::Result<(String, u32)> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["entangled-part", name]).args(part);
    // SAFETY: prctl(2) is safe behind a fork.
    unsafe {
        command.pre_exec(|| check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL)).map(|_| ()));
    }
    let child = command.stdin(input).stdout(output).spawn()?;
    Ok((name.to_owned(), child.id()))
}

fn until(mut condition: impl FnMut() -> io::Result<bool>) -> io::Result<()> {
    while !condition()? {
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
