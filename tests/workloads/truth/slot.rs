//! Where a subject leaves its result: memory shared with forked processes.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

/// The result of one case, all zero before it began.
#[derive(Default)]
#[repr(C)]
pub struct Slot {
    /// Process of the subject.
    pub pid: AtomicU32,
    /// Thread of the subject; set once its clocks are open.
    pub tid: AtomicU32,
    done: AtomicU32,
    /// Blocking calls made.
    pub calls: AtomicU64,
    /// Voluntary switch-outs within them.
    pub count: AtomicU64,
    /// Time asleep in them, ns.
    pub wait_ns: AtomicU64,
    /// CPU time that the kernel counts in them and that they cannot have used, ns.
    pub odd_cpu_ns: AtomicU64,
    /// The subject's CPU time since its birth, ns.
    pub oncpu_ns: AtomicU64,
    /// The subject's run-queue time since its birth, ns.
    pub rundelay_ns: AtomicU64,
}

impl Slot {
    /// The subject will not block again.
    pub fn is_done(&self) -> bool {
        self.done.load(SeqCst) != 0
    }

    /// Tells the waker to stop; every way out of a subject leads here.
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
