//! `io-uring`: a thread that waits for the completion of a time-out.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use crate::case::{Case, Job, pause_of};
use crate::sys::{check_long, own};

pub const CASES: &[Case] = &[Case {
    name: "io-uring",
    kind: "io-uring",
    functions: &[
        "io_cqring_wait",
        "io_cqring_schedule_timeout",
        "io_cqring_wait_schedule",
        "__do_sys_io_uring_enter",
        "__x64_sys_io_uring_enter",
    ],
    sources: &["timer"],
    has_waker: false,
    prepare: |_| {
        let ring = Ring::open()?;
        Job::alone(move |meter| meter.repeat_timed(|round| ring.sleep(round)))
    },
}];

/// `struct io_uring_params`; field names as in the kernel.
#[derive(Default)]
#[repr(C)]
struct Params {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    sq_thread_cpu: u32,
    sq_thread_idle: u32,
    features: u32,
    wq_fd: u32,
    resv: [u32; 3],
    sq_off: SqOffsets,
    cq_off: CqOffsets,
}

#[derive(Default)]
#[repr(C)]
struct SqOffsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    flags: u32,
    dropped: u32,
    array: u32,
    resv1: u32,
    user_addr: u64,
}

#[derive(Default)]
#[repr(C)]
struct CqOffsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    overflow: u32,
    cqes: u32,
    flags: u32,
    resv1: u32,
    user_addr: u64,
}

/// The fields of `struct io_uring_sqe` (64 bytes) that a time-out uses.
#[repr(C)]
struct Entry {
    opcode: u8,
    flags: u8,
    ioprio: u16,
    fd: i32,
    /// How many completions end it early; 0 is none.
    off: u64,
    addr: u64,
    len: u32,
    timeout_flags: u32,
    rest: [u64; 4],
}

const OP_TIMEOUT: u8 = 11;
const ENTER_GETEVENTS: libc::c_uint = 1;
const OFFSET_RINGS: i64 = 0;
const OFFSET_ENTRIES: i64 = 0x1000_0000;
/// Submission and completion ring are one mapping (5.4).
const FEATURE_SINGLE_MMAP: u32 = 1;
/// Room for rings of a few entries.
const RING_BYTES: usize = 16384;
/// A time-out that fired completes with this error.
const TIMED_OUT: i32 = -libc::ETIME;

/// A ring that is used for one request at a time. The mappings live as long
/// as the workload.
struct Ring {
    fd: OwnedFd,
    rings: usize,
    entries: usize,
    params: Params,
}

impl Ring {
    fn open() -> io::Result<Ring> {
        let mut params = Params::default();
        // SAFETY: `params` has the kernel's layout and is writable.
        let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 4, &raw mut params) };
        let fd = own(i32::try_from(fd).unwrap_or(-1))?;
        if params.features & FEATURE_SINGLE_MMAP == 0 {
            return Err(io::Error::other("no single mapping of the rings"));
        }
        let rings = map(&fd, RING_BYTES, OFFSET_RINGS)?;
        let entries = map(&fd, 4 * size_of::<Entry>(), OFFSET_ENTRIES)?;
        Ok(Ring {
            fd,
            rings,
            entries,
            params,
        })
    }

    /// Submits a time-out and waits for its completion.
    fn sleep(&self, round: u32) -> io::Result<()> {
        // `struct __kernel_timespec` is two 64-bit numbers.
        let time = [0i64, i64::from(pause_of(round).subsec_nanos())];
        self.submit(std::ptr::from_ref(&time).expose_provenance() as u64);
        // SAFETY: no signal mask; `time` outlives the call, which returns
        // after the request has completed.
        let entered = unsafe {
            libc::syscall(
                libc::SYS_io_uring_enter,
                self.fd.as_raw_fd(),
                1,
                1,
                ENTER_GETEVENTS,
                std::ptr::null::<libc::c_void>(),
                0,
            )
        };
        check_long(entered)?;
        match self.complete() {
            TIMED_OUT => Ok(()),
            other => Err(io::Error::other(format!("completed with {other}"))),
        }
    }

    fn submit(&self, time: u64) {
        let tail = self.word(self.params.sq_off.tail);
        let value = tail.load(SeqCst);
        let index = value & self.word(self.params.sq_off.ring_mask).load(SeqCst);
        let entry = Entry {
            opcode: OP_TIMEOUT,
            flags: 0,
            ioprio: 0,
            fd: -1,
            off: 0,
            addr: time,
            len: 1,
            timeout_flags: 0,
            rest: [0; 4],
        };
        let place = std::ptr::with_exposed_provenance_mut::<Entry>(self.entries);
        // SAFETY: `index` is below the number of entries mapped, and the
        // kernel does not look before the tail moves.
        unsafe { place.add(index as usize).write(entry) };
        self.word(self.params.sq_off.array + 4 * index)
            .store(index, SeqCst);
        tail.store(value.wrapping_add(1), SeqCst);
    }

    /// Takes the completion; its result is the second half of the entry.
    fn complete(&self) -> i32 {
        let head = self.word(self.params.cq_off.head);
        let value = head.load(SeqCst);
        if value == self.word(self.params.cq_off.tail).load(SeqCst) {
            return 0;
        }
        let index = value & self.word(self.params.cq_off.ring_mask).load(SeqCst);
        let result = self.word(self.params.cq_off.cqes + 16 * index + 8);
        let result = result.load(SeqCst).cast_signed();
        head.store(value.wrapping_add(1), SeqCst);
        result
    }

    fn word(&self, offset: u32) -> &AtomicU32 {
        let place = std::ptr::with_exposed_provenance::<AtomicU32>(self.rings + offset as usize);
        // SAFETY: the kernel gave an aligned offset inside the mapping.
        unsafe { &*place }
    }
}

fn map(fd: &OwnedFd, bytes: usize, offset: i64) -> io::Result<usize> {
    // SAFETY: a new mapping of the ring's own memory.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_POPULATE,
            fd.as_raw_fd(),
            offset,
        )
    };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(memory.expose_provenance())
}
