//! Reading kernel memory: plain loads through pointers the verifier has typed
//! (0.5 ns); behind pointers it has not, loads through pointers that we type
//! ourselves (from 6.2 on), or else probe reads (16 to 46 ns).

use core::mem::MaybeUninit;

use aya_ebpf::helpers;
use probe_common::config::RDONLY_CAST;

use crate::offsets::{self, Constant, known};

/// A `task_struct` as the verifier knows it.
pub type Task = *const u8;

/// Plain load at an offset from a BTF-typed pointer.
#[inline(always)]
pub fn field<T: Copy>(base: *const u8, offset: &impl Constant) -> T {
    // SAFETY: the verifier checks every load through a BTF pointer against the
    // type's layout and makes a faulting one read zero.
    unsafe { core::ptr::read_volatile(base.add(offset.load() as usize).cast::<T>()) }
}

/// As [`field`], on the way through pointers to what lies behind them. Where we
/// type addresses ourselves the verifier need not: for every pointer that it follows
/// from a type to another one it searches all types of the kernel.
#[inline(always)]
pub fn chase<T: Copy>(base: *const u8, offset: &impl Constant) -> T {
    if known(&offsets::WORD_TYPE) {
        probe(base as u64, offset)
    } else {
        field(base, offset)
    }
}

/// Probe read at an offset from an address the verifier knows nothing about.
/// A failed read gives zero: every caller treats zero as "could not be read".
#[inline(always)]
pub fn probe<T: Copy>(base: u64, offset: &impl Constant) -> T {
    probe_at(base.wrapping_add(offset.load()))
}

/// Probe read at an address.
#[inline(always)]
pub fn probe_at<T: Copy>(addr: u64) -> T {
    if size_of::<T>() <= size_of::<u64>() && known(&offsets::WORD_TYPE) {
        // SAFETY: as in `field`; the type has a word at its beginning.
        return unsafe { core::ptr::read_volatile(typed(addr).cast::<T>()) };
    }
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the helper checks the address itself, and fills the value with
    // zeros when it cannot read it: no branch for the verifier to follow.
    unsafe {
        let _zeroed = helpers::generated::bpf_probe_read_kernel(
            value.as_mut_ptr().cast(),
            size_of::<T>() as u32,
            addr as *const core::ffi::c_void,
        );
        value.assume_init()
    }
}

/// The address as a pointer to a word, for the verifier: a load through it gives
/// zero where there is nothing to read. `bpf_rdonly_cast` (6.2) is no helper but a
/// kernel function: the loader turns this call into one of that, and the kernel
/// that into a move between registers.
#[inline(always)]
fn typed(addr: u64) -> *const u8 {
    // SAFETY: where the loader has found no such function, it has given no type
    // either, and the kernel removes this call as dead.
    unsafe {
        let cast: extern "C" fn(u64, u32) -> *const u8 = core::mem::transmute(RDONLY_CAST as usize);
        cast(addr, offsets::WORD_TYPE.load() as u32)
    }
}

/// The same where zero is a value like any other.
#[inline(always)]
pub fn probe_checked<T: Copy>(addr: u64) -> Option<T> {
    if size_of::<T>() <= size_of::<u64>() && known(&offsets::WORD_TYPE) {
        return (addr != 0).then(|| probe_at(addr));
    }
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: as in `probe_at`.
    unsafe {
        let failed = helpers::generated::bpf_probe_read_kernel(
            value.as_mut_ptr().cast(),
            size_of::<T>() as u32,
            addr as *const core::ffi::c_void,
        );
        if failed == 0 {
            Some(value.assume_init())
        } else {
            None
        }
    }
}

/// `include/linux/sched.h`
pub const PF_EXITING: u32 = 0x4;
const PF_IO_WORKER: u32 = 0x10;
/// `include/linux/sched.h`
pub const PF_KTHREAD: u32 = 0x0020_0000;

/// A kernel thread or io_uring worker: its entry registers are garbage.
#[inline(always)]
pub fn is_kernel(flags: u32) -> bool {
    flags & (PF_KTHREAD | PF_IO_WORKER) != 0
}

/// `task->flags`
#[inline(always)]
pub fn flags(task: Task) -> u32 {
    field(task, &offsets::TASK_FLAGS)
}

/// `task->pid`
#[inline(always)]
pub fn tid(task: Task) -> u32 {
    field(task, &offsets::TASK_PID)
}

/// `task->tgid`
#[inline(always)]
pub fn tgid(task: Task) -> u32 {
    field(task, &offsets::TASK_TGID)
}

/// A name hashed to one word: enough to see that it changed.
#[inline(always)]
pub fn comm_hash(comm: [u64; 2]) -> u64 {
    comm[0].rotate_left(1) ^ comm[1]
}

/// `task->comm`, as two words.
#[inline(always)]
pub fn comm_words(task: Task) -> [u64; 2] {
    let base = task
        .wrapping_add(offsets::TASK_COMM.load() as usize)
        .cast::<u64>();
    // SAFETY: as in `field`.
    unsafe {
        [
            core::ptr::read_volatile(base),
            core::ptr::read_volatile(base.add(1)),
        ]
    }
}

/// The name of the running task, as two words.
#[inline(always)]
pub fn current_comm() -> [u64; 2] {
    let mut comm = [0; 2];
    // SAFETY: there is room for the 16 bytes that the helper fills, for every task.
    let _never = unsafe { helpers::generated::bpf_get_current_comm((&raw mut comm).cast(), 16) };
    comm
}

/// The parent process's id.
#[inline(always)]
pub fn ppid(task: Task) -> u32 {
    chase(chase(task, &offsets::TASK_REAL_PARENT), &offsets::TASK_TGID)
}

/// Monotonic time, ns. About 29 ns here: call it once per program.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: no precondition.
    unsafe { helpers::generated::bpf_ktime_get_ns() }
}
