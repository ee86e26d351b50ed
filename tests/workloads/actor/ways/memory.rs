//! Waits for words of memory: several at once, and one whose lock lends its priority.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use super::{PAUSE, Way, check};

pub(super) fn all() -> Vec<io::Result<Way>> {
    vec![
        waitv("waitv-one", 1),
        waitv("waitv-two", 2),
        waitv("waitv-many", 5),
        lock_pi(),
        condition(),
    ]
}

/// `struct futex_waitv` (futex2), where the C library has none.
#[repr(C)]
struct Wanted {
    value: u64,
    address: u64,
    flags: u32,
    reserved: u32,
}

/// `FUTEX2_SIZE_U32`
const SIZE_U32: u32 = 2;

fn waitv(comm: &str, count: usize) -> io::Result<Way> {
    let words: &'static [AtomicU32] = Vec::leak((0..count).map(|_| AtomicU32::new(0)).collect());
    let address = |word: &AtomicU32| word.as_ptr().expose_provenance() as u64;
    let text = |index: usize| format!("{:#x}", address(&words[index]));
    let object = match count {
        1 => format!("futex {}", text(0)),
        2 => format!("futexes {}, {}", text(0), text(1)),
        _ => format!("futexes {}, {}, …", text(0), text(1)),
    };
    let wait = move || {
        let wanted = words.iter().map(|word| Wanted {
            value: 0,
            address: address(word),
            flags: SIZE_U32,
            reserved: 0,
        });
        let wanted: Vec<Wanted> = wanted.collect();
        let no_time = std::ptr::null::<libc::timespec>();
        // SAFETY: the words are never freed, and there are as many as said.
        check(unsafe {
            libc::syscall(libc::SYS_futex_waitv, wanted.as_ptr(), count, 0, no_time, 0)
        })
        .map(drop)
    };
    let wake = move || {
        let last = &words[count - 1];
        last.store(1, SeqCst);
        // SAFETY: the word is never freed.
        check(unsafe { libc::syscall(libc::SYS_futex, last.as_ptr(), libc::FUTEX_WAKE, 1) })
            .map(drop)
    };
    Way::new(comm, "futex", Some(object), wait, wake)
}

/// The lock is the main thread's, which gives it back.
fn lock_pi() -> io::Result<Way> {
    let word: &'static AtomicU32 = Box::leak(Box::new(AtomicU32::new(own_tid())));
    let object = format!("futex {:#x}", word.as_ptr().expose_provenance());
    let act = move |what: libc::c_int| {
        let no_time = std::ptr::null::<libc::timespec>();
        // SAFETY: the word is never freed.
        check(unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), what, 0, no_time) }).map(drop)
    };
    let wait = move || act(libc::FUTEX_LOCK_PI);
    let wake = move || act(libc::FUTEX_UNLOCK_PI);
    Way::new("lock-pi", "futex", Some(object), wait, wake)
}

/// Waits of the condition, which take turns at two words.
const ROUNDS: u32 = 4;

/// The C library's condition variable and lock, never freed.
struct Shared {
    condition: std::cell::UnsafeCell<libc::pthread_cond_t>,
    lock: std::cell::UnsafeCell<libc::pthread_mutex_t>,
    signals: AtomicU32,
    /// Who waits.
    tid: AtomicU32,
}

// SAFETY: both are made to be shared, and nothing else is behind them.
unsafe impl Sync for Shared {}

fn condition() -> io::Result<Way> {
    let shared: &'static Shared = Box::leak(Box::new(Shared {
        condition: libc::PTHREAD_COND_INITIALIZER.into(),
        lock: libc::PTHREAD_MUTEX_INITIALIZER.into(),
        signals: AtomicU32::new(0),
        tid: AtomicU32::new(0),
    }));
    let first = shared.condition.get().expose_provenance() + first_word();
    let locked = |act: &dyn Fn()| {
        // SAFETY: the lock is initialised and never freed.
        unsafe { libc::pthread_mutex_lock(shared.lock.get()) };
        act();
        // SAFETY: it is held.
        unsafe { libc::pthread_mutex_unlock(shared.lock.get()) };
    };
    let wait = move || {
        shared.tid.store(own_tid(), SeqCst);
        for round in 0..ROUNDS {
            locked(&|| {
                while shared.signals.load(SeqCst) <= round {
                    // SAFETY: both are initialised, and the lock is held.
                    unsafe { libc::pthread_cond_wait(shared.condition.get(), shared.lock.get()) };
                }
            });
        }
        Ok(())
    };
    let wake = move || {
        for _ in 0..ROUNDS {
            until_asleep(shared.tid.load(SeqCst))?;
            locked(&|| {
                shared.signals.fetch_add(1, SeqCst);
                // SAFETY: it is initialised.
                unsafe { libc::pthread_cond_signal(shared.condition.get()) };
            });
            std::thread::sleep(PAUSE / 4);
        }
        Ok(())
    };
    let mut way = Way::new(
        "condition",
        "futex",
        Some(format!("futex {first:#x}")),
        wait,
        wake,
    )?;
    way.truth.count = u64::from(ROUNDS);
    Ok(way)
}

fn own_tid() -> u32 {
    // SAFETY: no precondition.
    unsafe { libc::gettid() }.cast_unsigned()
}

/// It may still be on its way to sleep, where the machine is busy.
fn until_asleep(tid: u32) -> io::Result<()> {
    while proc_stat::Stat::of_thread(std::process::id(), tid)?.state != 'S' {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Where in a condition variable its two words begin (`__g_signals`), bytes.
fn first_word() -> usize {
    // SAFETY: a text that is never freed.
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    let minor = version
        .to_str()
        .ok()
        .and_then(|text| text.split('.').nth(1)?.parse().ok());
    if minor.is_some_and(|minor: u32| minor > 40) {
        32
    } else {
        40
    }
}
