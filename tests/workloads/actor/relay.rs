//! Threads that are woken in turn, at a pace that does not depend on how many
//! there are.
//!
//! They are made with `pthread_create`: a thread of the standard library takes up
//! four mappings, and 20,000 of those are more than a process may have.

use std::ffi::c_void;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Enough for a thread that only waits, its guard page included.
const STACK_BYTES: usize = 32 << 10;

/// A thread's turn; it waits while it is `WAIT`.
struct Turn(AtomicU32);

const WAIT: u32 = 0;
const GO: u32 = 1;
const END: u32 = 2;

static TURNS_TAKEN: AtomicU64 = AtomicU64::new(0);

/// Wakes one of `threads` after the other, `wakes` times in all, one every
/// `micros` µs.
pub fn run(threads: u32, wakes: u32, micros: u32) -> io::Result<u8> {
    // Threads hold on to their turns until the process ends.
    let turns: &[Turn] = Box::leak((0..threads).map(|_| Turn(AtomicU32::new(WAIT))).collect());
    let runners: Vec<libc::pthread_t> = turns.iter().map(start).collect::<io::Result<_>>()?;
    let begin = Instant::now();
    for (i, turn) in (1..=wakes).zip(turns.iter().cycle()) {
        turn.give(GO);
        let due = begin + Duration::from_micros(u64::from(i) * u64::from(micros));
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    for (turn, runner) in turns.iter().zip(runners) {
        turn.give(END);
        // SAFETY: joined once.
        match unsafe { libc::pthread_join(runner, ptr::null_mut()) } {
            0 => {}
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
    // Given faster than taken, two turns are one.
    if TURNS_TAKEN.load(Ordering::Relaxed) * 2 < u64::from(wakes) {
        return Err(io::Error::other("the pace was too fast"));
    }
    Ok(0)
}

fn start(turn: &'static Turn) -> io::Result<libc::pthread_t> {
    let mut attributes = MaybeUninit::uninit();
    let mut runner = MaybeUninit::uninit();
    // SAFETY: the attributes are initialised before their use, and the turn lives
    // as long as the process.
    let error = unsafe {
        libc::pthread_attr_init(attributes.as_mut_ptr());
        libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), STACK_BYTES);
        let turn = ptr::from_ref(turn).cast_mut().cast();
        libc::pthread_create(runner.as_mut_ptr(), attributes.as_ptr(), take_turns, turn)
    };
    match error {
        // SAFETY: it was created.
        0 => Ok(unsafe { runner.assume_init() }),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

extern "C" fn take_turns(turn: *mut c_void) -> *mut c_void {
    // SAFETY: from `start`.
    let turn = unsafe { &*turn.cast::<Turn>() };
    loop {
        turn.await_it();
        if turn.0.swap(WAIT, Ordering::Acquire) == END {
            return ptr::null_mut();
        }
        TURNS_TAKEN.fetch_add(1, Ordering::Relaxed);
    }
}

impl Turn {
    fn give(&self, turn: u32) {
        self.0.store(turn, Ordering::Release);
        self.futex(libc::FUTEX_WAKE, 1);
    }

    fn await_it(&self) {
        while self.0.load(Ordering::Acquire) == WAIT {
            self.futex(libc::FUTEX_WAIT, WAIT);
        }
    }

    fn futex(&self, operation: i32, value: u32) {
        let operation = operation | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: the word lives as long as the process; no timeout. A wait that
        // ends at once is one that is not due any more.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.0.as_ptr(),
                operation,
                value,
                ptr::null::<libc::timespec>(),
            )
        };
    }
}
