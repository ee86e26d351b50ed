//! What else than two arguments says what a task sleeps on: the other descriptor of a
//! call that moves data, a third argument, what a pointer into its memory leads to.

use aya_ebpf::helpers;
use probe_common::{config::lookup, sched::flag};

use crate::{
    filter::Entry,
    offsets::{self, known},
    read::{Task, probe},
    syscall::{self, Syscall},
};

/// A sleep that begins.
pub struct Sleep {
    pub task: Task,
    pub entry: Entry,
    pub ts_ns: u64,
    /// The task is the running one: only then can its memory be read.
    pub is_current: bool,
}

/// `sizeof(struct futex_waitv)`, and where in it the address lies.
const FUTEX: u64 = 24;
const FUTEX_ADDRESS: u64 = 8;

/// Descriptors in a word of a `fd_set`.
const WORD_BITS: u64 = 64;

/// What a sleep is on.
pub struct Found {
    /// [`flag::LOOKED_UP`], or 0.
    pub flags: u16,
    /// The descriptor, or -1.
    pub fd: i32,
    /// The other one, or -1.
    pub second: i32,
}

impl Default for Found {
    #[inline(always)]
    fn default() -> Found {
        Found {
            flags: 0,
            fd: -1,
            second: -1,
        }
    }
}

/// Looks for what [`lookup`] names.
#[inline(always)]
pub fn find(sleep: &Sleep, call: &mut Syscall, what: u8, found: &mut Found) {
    // Nor may the registers be read where descriptors may not.
    if !known(&offsets::TASK_FILES) {
        return;
    }
    match what {
        lookup::DESCRIPTOR_1 => found.second = call.arg1 as i32,
        lookup::DESCRIPTOR_2 => found.second = third(sleep) as i32,
        lookup::THIRD => found.flags = replace(call, Some(third(sleep))),
        _ if !sleep.is_current => {}
        lookup::BEHIND_THIRD => found.flags = replace(call, read_user(third(sleep))),
        lookup::FUTEXES => found.flags = futexes(call),
        lookup::POLL => found.fd = polled(call),
        lookup::SELECT => found.fd = selected(sleep, call),
        _ => {}
    }
}

#[inline(always)]
fn third(sleep: &Sleep) -> u64 {
    let regs = syscall::registers_of(sleep.task, sleep.entry);
    probe(regs, &offsets::REGS_ARG2)
}

#[inline(always)]
fn replace(call: &mut Syscall, arg1: Option<u64>) -> u16 {
    let Some(arg1) = arg1 else {
        return 0;
    };
    call.arg1 = arg1;
    flag::LOOKED_UP
}

#[inline(always)]
fn futexes(call: &mut Syscall) -> u16 {
    let address = |index: u64| read_user(call.arg0 + index * FUTEX + FUTEX_ADDRESS);
    let count = call.arg1 as u32;
    let Some(first) = address(0) else {
        return 0;
    };
    let second = if count > 1 { address(1) } else { None };
    call.arg0 = first;
    call.arg1 = second.unwrap_or(0);
    if count > 2 {
        call.arg1 |= 1;
    }
    flag::LOOKED_UP
}

/// The only descriptor of a poll; -1 if there are others.
#[inline(always)]
fn polled(call: &Syscall) -> i32 {
    if call.arg1 as u32 != 1 {
        return -1;
    }
    read_user::<i32>(call.arg0).unwrap_or(-1)
}

/// The only descriptor in the sets of a select; -1 if there are others, or sets of
/// more than one word.
#[inline(always)]
fn selected(sleep: &Sleep, call: &Syscall) -> i32 {
    let count = u64::from(call.arg0 as u32);
    if count == 0 || count > WORD_BITS {
        return -1;
    }
    let regs = syscall::registers_of(sleep.task, sleep.entry);
    let set = |address: u64| read_user(address).unwrap_or(0_u64);
    let any = set(call.arg1)
        | set(probe(regs, &offsets::REGS_ARG2))
        | set(probe(regs, &offsets::REGS_ARG3));
    let any = any & (u64::MAX >> (WORD_BITS - count));
    if any == 0 || any & (any - 1) != 0 {
        return -1;
    }
    any.trailing_zeros() as i32
}

/// Reads the running task's memory, if it is there.
#[inline(always)]
fn read_user<T: Copy + Default>(address: u64) -> Option<T> {
    let mut value = T::default();
    // SAFETY: there is room for as many bytes; the helper checks the source.
    let failed = unsafe {
        helpers::generated::bpf_probe_read_user(
            (&raw mut value).cast(),
            size_of::<T>() as u32,
            address as *const core::ffi::c_void,
        )
    };
    (address != 0 && failed == 0).then_some(value)
}
