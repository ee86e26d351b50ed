//! Ways to wait that two arguments and a descriptor do not show: each in a thread of its own
//! for a tenth of a second, with what a report must say of it.

mod files;
mod held;
mod memory;
mod pidfd;
mod queues;
mod restarted;

use std::fs::File;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

/// How long each of them waits at the least.
const PAUSE: Duration = Duration::from_millis(100);

type Act = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// One way to wait.
struct Way {
    truth: Truth,
    wait: Act,
    wake: Act,
}

/// What a report must say of it.
#[derive(Clone, Serialize)]
struct Truth {
    comm: String,
    kind: &'static str,
    object: Option<String>,
    source: &'static str,
    /// Waits of this kind, at the least.
    count: u64,
}

impl Way {
    /// Ended by another task's call.
    fn new(
        comm: &str,
        kind: &'static str,
        object: Option<String>,
        wait: impl FnOnce() -> io::Result<()> + Send + 'static,
        wake: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> io::Result<Way> {
        Ok(Way {
            truth: Truth {
                comm: comm.to_owned(),
                kind,
                object,
                source: "task",
                count: 1,
            },
            wait: Box::new(wait),
            wake: Box::new(wake),
        })
    }
}

/// Waits in all of them at once and writes what is true, as JSON.
pub(crate) fn take(dir: &str, out: &str) -> io::Result<u8> {
    let mut truths = restarted::take()?;
    // The first one forks, before there are descriptors to inherit.
    let ways = pidfd::all()
        .into_iter()
        .chain(files::all(dir))
        .chain(memory::all())
        .chain(queues::all())
        .chain(held::all());
    // One that the machine refuses is left out.
    let ways: Vec<Way> = ways.filter_map(Result::ok).collect();
    let mut running = Vec::new();
    for Way { truth, wait, wake } in ways {
        let thread = thread::Builder::new().name(truth.comm.clone());
        let thread = thread.spawn(|| {
            let begun = Instant::now();
            wait().map(|()| begun.elapsed())
        })?;
        running.push((truth, thread, wake));
    }
    thread::sleep(PAUSE);
    for (truth, thread, wake) in running {
        wake().map_err(|error| named(&truth, &error))?;
        let ended = thread.join().map_err(|_| io::Error::other("panicked"))?;
        match ended {
            Ok(took) if took >= PAUSE / 2 => truths.push(truth),
            // Up to 6.4 a page joins the last packet that is not read yet, whatever room
            // there is (`unix_stream_sendpage`).
            Ok(_) if truth.comm == files::SPLICE_SEND => {}
            Ok(took) => {
                let error = format!("{}: over after {took:?}", truth.comm);
                return Err(io::Error::other(error));
            }
            // Newer than this kernel.
            Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {}
            Err(error) => return Err(named(&truth, &error)),
        }
    }
    serde_json::to_writer(File::create(out)?, &truths)?;
    Ok(0)
}

fn named(truth: &Truth, error: &io::Error) -> io::Error {
    io::Error::other(format!("{}: {error}", truth.comm))
}

/// `-1` is an error.
fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}
