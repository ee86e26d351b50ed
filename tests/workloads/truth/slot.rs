//! Where a subject leaves its result: memory shared with forked processes.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use crate::clock::monotonic_ns;

/// The result of one case, all zero before it began.
#[derive(Default)]
#[repr(C)]
pub struct Slot {
    /// Process of the subject.
    pub pid: AtomicU32,
    /// Thread of the subject; set once its clocks are open.
    pub tid: AtomicU32,
    done: AtomicU32,
    waking: AtomicU32,
    /// Blocking calls made.
    pub calls: AtomicU64,
    /// Voluntary switch-outs within them.
    pub count: AtomicU64,
    /// Time asleep in them, ns.
    pub wait_ns: AtomicU64,
    /// CPU time that the kernel counts in them and that they cannot have used, ns.
    pub odd_cpu_ns: AtomicU64,
    /// When the latest waking began: its waker's clock just before, or the time
    /// at which a time-out is due. `CLOCK_MONOTONIC`, ns.
    pub due_ns: AtomicU64,
    /// From there to the end of the sleep by the kernel's account, ns.
    pub waking_ns: AtomicU64,
    /// The longest of them, ns.
    pub longest_waking_ns: AtomicU64,
    /// The other way round: the kernel's clock stood still, and its sleep ends
    /// before the cause, ns.
    pub stale_ns: AtomicU64,
    /// The subject's first look at its clocks, `CLOCK_MONOTONIC`, ns.
    pub opened_ns: AtomicU64,
    /// The subject's last look at its clocks, `CLOCK_MONOTONIC`, ns; 0 when its
    /// account was taken after its end.
    pub left_ns: AtomicU64,
    /// CPU and run-queue time behind that look which its account has all the
    /// same, ns.
    pub farewell_ns: AtomicU64,
    /// The subject's CPU time since its birth, ns.
    pub oncpu_ns: AtomicU64,
    /// The subject's run-queue time since its birth, ns.
    pub rundelay_ns: AtomicU64,
    /// The same by the kernel's other account, ns; 0 where it keeps none.
    pub queued_ns: AtomicU64,
    /// What that one has more in the blocking calls, ns.
    pub unaccounted_ns: AtomicU64,
}

impl Slot {
    /// The subject will not block again.
    pub fn is_done(&self) -> bool {
        self.done.load(SeqCst) != 0
    }

    /// The waker says: now.
    pub fn begin_waking(&self) {
        self.waking.store(1, SeqCst);
        self.due_ns.store(monotonic_ns(), SeqCst);
    }

    /// The waker's call is over, and so are all locks that it took.
    pub fn end_waking(&self) {
        self.waking.store(0, SeqCst);
    }

    /// The waker is in the call that wakes, or was woken out of it.
    pub fn is_waking(&self) -> bool {
        self.waking.load(SeqCst) != 0
    }

    /// Asks the waker to stop; every way out of a subject leads here.
    pub fn set_done(&self) {
        self.done.store(1, SeqCst);
    }
}

/// Maps `count` slots that live as long as the workload.
pub fn map(count: usize) -> io::Result<&'static [Slot]> {
    let bytes = count.max(1) * size_of::<Slot>();
    // SAFETY: a fresh anonymous mapping; nothing else refers to it.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is page-aligned, zeroed (a valid Slot), large enough
    // and never unmapped; all access is atomic.
    Ok(unsafe { std::slice::from_raw_parts(memory.cast(), count) })
}
