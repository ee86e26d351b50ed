//! Workers that wait for work, and workers that wait for each other.

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::hint::spin_loop;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const WORKERS: usize = 4;

/// Jobs, and whether there will be more.
#[derive(Default)]
struct Queue {
    jobs: Mutex<(VecDeque<Duration>, bool)>,
    filled: Condvar,
}

/// Four threads `w-0` … take `jobs` jobs of 1 ms from a queue that this thread
/// fills, one every 5 ms. Writes how long they waited for them together, ns.
pub fn work(jobs: u32, out: &str) -> io::Result<u8> {
    let queue = Arc::new(Queue::default());
    let workers = named("w", || {
        let queue = Arc::clone(&queue);
        move || take_jobs(&queue)
    })?;
    for _ in 0..jobs {
        thread::sleep(Duration::from_millis(5));
        let mut state = queue.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.push_back(Duration::from_millis(1));
        drop(state);
        queue.filled.notify_one();
    }
    thread::sleep(Duration::from_millis(50));
    queue.jobs.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
    queue.filled.notify_all();
    let waited: Duration = workers.into_iter().flat_map(thread::JoinHandle::join).sum();
    fs::write(out, waited.as_nanos().to_string())?;
    Ok(0)
}

/// Returns how long it waited.
fn take_jobs(queue: &Queue) -> Duration {
    let mut waited = Duration::ZERO;
    loop {
        let begun = Instant::now();
        let state = queue.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = |state: &mut (VecDeque<_>, bool)| state.0.is_empty() && !state.1;
        let state = queue.filled.wait_while(state, empty);
        let job = state.unwrap_or_else(PoisonError::into_inner).0.pop_front();
        waited += begun.elapsed();
        match job {
            Some(work) => compute(work),
            None => return waited,
        }
    }
}

/// Four threads `c-0` … compute 1 ms under one lock and 1 ms beside it, again
/// and again: they wait for each other and for no work.
pub fn contend(rounds: u32) -> io::Result<u8> {
    let lock = Arc::new(Mutex::new(0_u32));
    let threads = named("c", || {
        let lock = Arc::clone(&lock);
        move || {
            for _ in 0..rounds {
                let mut count = lock.lock().unwrap_or_else(PoisonError::into_inner);
                *count += 1;
                compute(Duration::from_millis(1));
                drop(count);
                compute(Duration::from_millis(1));
            }
            Duration::ZERO
        }
    })?;
    let ended = threads.into_iter().filter_map(|t| t.join().ok()).count();
    Ok(u8::from(ended != WORKERS))
}

/// Hands lines over pipes to two processes that answer each, 10 ms apart.
pub fn feed(lines: u32) -> io::Result<u8> {
    let mut children = [answerer()?, answerer()?];
    for line in 0..lines {
        thread::sleep(Duration::from_millis(10));
        let (_, input, output) = &mut children[line as usize % 2];
        writeln!(input, "{line}")?;
        output.read_line(&mut String::new())?;
    }
    for (mut child, input, _) in children {
        drop(input);
        child.wait()?;
    }
    Ok(0)
}

type Answerer = (Child, ChildStdin, BufReader<ChildStdout>);

fn answerer() -> io::Result<Answerer> {
    let mut child = Command::new(env::current_exe()?)
        .arg("answer")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let lost = || io::Error::other("no pipe");
    let input = child.stdin.take().ok_or_else(lost)?;
    let output = child.stdout.take().ok_or_else(lost)?;
    Ok((child, input, BufReader::new(output)))
}

/// Answers each line after 3 ms of computing.
pub fn answer() -> io::Result<u8> {
    let mut out = io::stdout();
    for line in io::stdin().lock().lines() {
        compute(Duration::from_millis(3));
        writeln!(out, "{}", line?)?;
        out.flush()?;
    }
    Ok(0)
}

fn named<F>(prefix: &str, body: impl Fn() -> F) -> io::Result<Vec<thread::JoinHandle<Duration>>>
where
    F: FnOnce() -> Duration + Send + 'static,
{
    let start = |n| {
        let name = format!("{prefix}-{n}");
        thread::Builder::new().name(name).spawn(body())
    };
    (0..WORKERS).map(start).collect()
}

fn compute(work: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < work {
        spin_loop();
    }
}
