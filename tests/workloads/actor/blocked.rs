//! Threads that cannot go on, each for a reason that is known, and the processes that they
//! wait for: what `top` has to show.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier, Condvar, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use crate::pthread::{Lock, ReadWrite, lock, read_write};
use crate::{awake, check};

const LONG: Duration = Duration::from_secs(300);

/// Writes the process id to `ready` once all threads are blocked; then waits to be killed.
pub fn block(ready: &str) -> io::Result<u8> {
    let (near, far) = (lock(), lock());
    let both = Arc::new(Barrier::new(2));
    crossed("t-near", near, far, both.clone())?;
    crossed("t-far", far, near, both)?;
    let held = lock();
    holding("t-owner", move || held.take())?;
    named("t-lock", move || {
        held.take();
        Ok(())
    })?;

    joined()?;
    read_and_written()?;

    let mut spinner = helper("spin")?;
    let mut spinner = spinner
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pid = spinner.id().cast_signed();
    let pipes = (spinner.stdout.take(), spinner.stderr.take());
    let (Some(out), Some(err)) = pipes else {
        return Err(io::Error::other("no pipes"));
    };
    named("t-pipes", move || poll(&[out.as_raw_fd(), err.as_raw_fd()]))?;
    named("t-child", move || {
        // SAFETY: no pointer is followed.
        check(unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) }).map(|_| ())
    })?;

    let mut writer = helper("silent")?.stdout(Stdio::piped()).spawn()?;
    let mut pipe = writer
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("no pipe"))?;
    named("t-pipe", move || pipe.read(&mut [0]).map(|_| ()))?;

    let mut server = helper("server")?.stdout(Stdio::piped()).spawn()?;
    let address = line_of(&mut server)?;
    let mut asks = TcpStream::connect(&address)?;
    named("t-socket", move || {
        asks.write_all(b"?")?;
        asks.read(&mut [0]).map(|_| ())
    })?;
    let polls = TcpStream::connect(&address)?;
    named("t-poll", move || poll(&[polls.as_raw_fd()]))?;
    several(TcpStream::connect(&address)?)?;

    while awake(std::process::id())? > 1 {
        thread::sleep(Duration::from_millis(5));
    }
    let partial = format!("{ready}.partial");
    fs::write(&partial, std::process::id().to_string())?;
    fs::rename(partial, ready)?;
    thread::sleep(LONG);
    Ok(0)
}

/// One that has taken something, for long.
fn holding(name: &str, take: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let (taken, is_taken) = mpsc::channel();
    named(name, move || {
        take();
        taken.send(()).map_err(io::Error::other)?;
        thread::sleep(LONG);
        Ok(())
    })?;
    is_taken.recv().map_err(io::Error::other)
}

/// One waits for the end of the other.
fn joined() -> io::Result<()> {
    let ends = thread::Builder::new().name("t-ends".into());
    let ends = ends.spawn(|| thread::sleep(LONG))?;
    named("t-join", move || {
        ends.join().map_err(|_| io::Error::other("panicked"))
    })
}

/// One writes, so that others neither read nor write.
fn read_and_written() -> io::Result<()> {
    let held: &ReadWrite = read_write();
    holding("t-writer", move || held.write())?;
    named("t-reads", move || {
        held.read();
        Ok(())
    })?;
    named("t-writes", move || {
        held.write();
        Ok(())
    })
}

/// Waits for an answer, or for another thread to interrupt that: as curl does.
fn several(server: TcpStream) -> io::Result<()> {
    let (reader, writer) = io::pipe()?;
    // SAFETY: no pointer is followed.
    let event = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) })?;
    named("t-polls", move || {
        let _open = writer;
        poll(&[server.as_raw_fd(), event, reader.as_raw_fd()])
    })
}

fn poll(fds: &[RawFd]) -> io::Result<()> {
    let fds = fds.iter().map(|&fd| libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    });
    let mut fds: Vec<libc::pollfd> = fds.collect();
    let count = libc::nfds_t::try_from(fds.len()).map_err(io::Error::other)?;
    // SAFETY: room for so many.
    check(unsafe { libc::poll(fds.as_mut_ptr(), count, -1) }).map(|_| ())
}

/// The processes that are waited for.
pub fn help(what: &str) -> io::Result<u8> {
    match what {
        "spin" => loop {
            std::hint::spin_loop();
        },
        "silent" => thread::sleep(LONG),
        "server" => {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            writeln!(io::stdout(), "{}", listener.local_addr()?)?;
            let _first = listener.accept()?;
            let _second = listener.accept()?;
            let _third = listener.accept()?;
            thread::sleep(LONG);
        }
        _ => return Err(io::Error::other("no such helper")),
    }
    Ok(0)
}

/// One that ends with us.
fn helper(what: &str) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["blocked-helper", what]).stdin(Stdio::null());
    // SAFETY: prctl(2) is safe behind a fork.
    unsafe {
        command.pre_exec(|| check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL)).map(|_| ()));
    }
    Ok(command)
}

fn line_of(child: &mut Child) -> io::Result<String> {
    let out = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("no pipe"))?;
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

fn named(name: &str, body: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).spawn(body)?;
    Ok(())
}

/// Two threads that wait for what nobody gives, and the first one for their end: none of them
/// can ever go on, but for one that has nothing to do with it, if there is to be one.
pub fn get_stuck(ready: &str, has_another: bool) -> io::Result<u8> {
    let gate = Arc::new((Mutex::new(()), Condvar::new()));
    let waiters = ["t-one", "t-other"].map(|name| {
        let gate = gate.clone();
        let wait = move || {
            if let Ok(guard) = gate.0.lock() {
                drop(gate.1.wait_while(guard, |()| true));
            }
        };
        thread::Builder::new().name(name.into()).spawn(wait)
    });
    if has_another {
        named("t-asleep", || {
            thread::sleep(LONG);
            Ok(())
        })?;
    }
    while awake(std::process::id())? > 1 {
        thread::sleep(Duration::from_millis(5));
    }
    fs::write(ready, b"")?;
    for waiter in waiters {
        let _panicked = waiter?.join();
    }
    Ok(0)
}

/// Takes one lock, and the other when the other thread has that.
fn crossed(
    name: &str,
    first: &'static Lock,
    second: &'static Lock,
    both: Arc<Barrier>,
) -> io::Result<()> {
    named(name, move || {
        first.take();
        both.wait();
        second.take();
        Ok(())
    })
}
