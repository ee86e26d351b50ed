//! How many descriptors are open in the table that a task uses: counted in the kernel's
//! own bitmap at births, execs and exits, and at switches once a millisecond.

use core::hint::cold_path;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use probe_common::{
    fd_table::{Look, WORDS, why},
    loss::Program,
    uapi::{RLIMIT_BYTES, RLIMIT_NOFILE},
};

use super::{fd_kinds::fd_kinds, memory};
use crate::{
    current::Current,
    emit,
    filter::{self, Entry},
    maps::{EVENTS, FD_TABLES},
    offsets::{self, known},
    read::{self, Task, probe, probe_at},
    shared::{Shared, load, store},
};

/// What was last seen of a table, in the place that its address leads to. Another table
/// may take the place: then there is a record too many.
#[repr(C)]
pub struct Seen {
    /// Of its address and its number of descriptors: see [`state`].
    state: u64,
    /// Address of the table whose descriptors the end of the trace has described.
    pub(super) described: u64,
}

/// Places for what was last seen of tables; a power of two.
pub const PLACES: u32 = 4096;

/// Words of the bitmap that are read at once.
const CHUNK: u32 = 4;
/// Words that [`fd_count_some`] counts: the verifier walks through so many, and through so
/// many calls as make all.
const AT_ONCE: u32 = 16;

/// Of a switch-out: looks once in a little more than a millisecond, in ns 2^20.
#[inline(always)]
pub fn at_switch(task: Task, entry: Entry, ts_ns: u64) {
    let tick = (ts_ns >> 20) as u16;
    if !known(&offsets::FDT_OPEN_FDS) || load!(entry.fd_look) == tick {
        return;
    }
    cold_path();
    store!(entry.fd_look = tick);
    at(task, entry, ts_ns, why::SWITCH);
}

/// Looks, and says what it sees.
#[inline(always)]
pub fn at(task: Task, entry: Entry, ts_ns: u64, occasion: u16) {
    if known(&offsets::FDT_OPEN_FDS) {
        look_by_key(entry, read::tid(task), ts_ns, occasion);
    }
}

/// The key is the task's address as a number, which the verifier would not let that be.
#[inline(always)]
fn look_by_key(entry: Entry, tid: u32, ts_ns: u64, occasion: u16) -> u32 {
    let key = load!(entry.key);
    let open = fd_count(key);
    fd_look(key, tid, ts_ns, occasion, open);
    open
}

/// The same, and what the descriptors are: for a table's last task, if it exits.
#[inline(always)]
pub fn at_with_kinds(task: Task, entry: Entry, ts_ns: u64, occasion: u16) {
    if !known(&offsets::FDT_OPEN_FDS) {
        return;
    }
    let open = look_by_key(entry, read::tid(task), ts_ns, occasion);
    let key = load!(entry.key);
    let files: u64 = probe(key, &offsets::TASK_FILES);
    if occasion != why::EXIT || is_last(key, files) {
        fd_kinds(files, load!(entry.tid), ts_ns, occasion, open);
    }
}

/// Nobody uses the table behind this exit, or else other processes do. Threads that exit at
/// once all count as users still, but one of them is its process's last.
#[inline(always)]
fn is_last(task: u64, files: u64) -> bool {
    if probe::<u32>(files, &offsets::FILES_COUNT) == 1 {
        return true;
    }
    if !known(&offsets::SIGNAL_MAXRSS) {
        return false;
    }
    let signal: u64 = probe(task, &offsets::TASK_SIGNAL);
    probe::<u32>(signal, &offsets::SIGNAL_LIVE) == 0
}

// Programs of their own: from 7.0 on the kernel skips a program for a task while another one is in it
// on that CPU, and those that say who runs what must not be skipped for these.

// TP_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
#[btf_tracepoint(function = "sched_process_exec")]
pub fn look_at_exec(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::LookAtExec);
    let task: Task = ctx.arg(0);
    if let Some(entry) = filter::entry(task) {
        let ts_ns = read::now();
        at_with_kinds(task, entry, ts_ns, why::EXEC);
        memory::before_program(task, entry, ts_ns);
    }
    0
}

// TP_PROTO(struct task_struct *p)   -- and bool group_dead since 6.16
#[btf_tracepoint(function = "sched_process_exit")]
pub fn look_at_exit(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::LookAtExit);
    let task: Task = ctx.arg(0);
    if let Some(entry) = filter::entry(task) {
        let ts_ns = read::now();
        at_with_kinds(task, entry, ts_ns, why::EXIT);
        memory::at_exit(task, entry, ts_ns);
    }
    0
}

// TP_PROTO(struct pt_regs *regs, long ret)
//
// Attached on demand (`--fds`): it runs at the end of every system call of the machine.
#[btf_tracepoint(function = "sys_exit")]
pub fn fd_sys_exit(_ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::FdSysExit);
    let current = Current::get();
    if known(&offsets::FDT_OPEN_FDS)
        && let Some(entry) = current.entry()
    {
        look_by_key(entry, current.tid(), read::now(), why::CALL);
    }
    0
}

/// A table found.
pub(super) struct Table {
    /// Descriptors that it has room for.
    pub(super) max: u32,
    /// Address of the bitmap of open ones.
    bitmap: u64,
    /// Address of the pointers to their files.
    pub(super) array: u64,
}

// The functions with names of their own are global to the verifier: it walks through each of
// them once, whatever the ways that lead there (also where none does: each asks for itself
// whether it may read), and takes a result for any number. Their arguments may be numbers
// only (before 5.12).

/// Looks at a task's table, and says what it sees.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fd_look(task: u64, tid: u32, ts_ns: u64, occasion: u16, open: u32) -> u32 {
    if known(&offsets::FDT_OPEN_FDS)
        && let Some(entry) = filter::find(task, tid)
    {
        look(task, entry, ts_ns, occasion, open);
    }
    0
}

#[inline(always)]
fn look(task: u64, entry: Entry, ts_ns: u64, occasion: u16, open: u32) {
    let files: u64 = probe(task, &offsets::TASK_FILES);
    if files == 0 {
        return;
    }
    let id = (files >> 6) as u32;
    let Some(seen) = seen(files) else {
        return;
    };
    let moved = load!(entry.files) != id;
    let always = !matches!(occasion, why::SWITCH | why::CALL);
    let state = state(files, open);
    if !always && !moved && load!(seen.state) == state {
        return;
    }
    let table = find(files);
    let cut = if table.max > WORDS * 64 { why::CUT } else { 0 };
    let recorded = emit::record(&EVENTS, occasion | cut, ts_ns, |to: Shared<Look>| {
        store!(to.tid = load!(entry.tid));
        store!(to.open = open);
        store!(to.files = files);
        store!(to.limit = limit(task));
    });
    if recorded {
        store!(seen.state = state);
        store!(entry.files = id);
    }
}

/// What was last seen in the place of a table.
#[inline(always)]
pub(super) fn seen(files: u64) -> Option<Shared<Seen>> {
    let place = FD_TABLES.get_ptr_mut((files >> 6) as u32 & (PLACES - 1))?;
    // SAFETY: a place of the array, which is preallocated and of integers.
    Some(unsafe { Shared::new(place) })
}

/// Bits of a number of descriptors.
const OPEN_BITS: u32 = 24;

/// One word, which no other CPU can change by half.
#[inline(always)]
fn state(files: u64, open: u32) -> u64 {
    (files >> 6) << OPEN_BITS | u64::from(open)
}

/// `task->signal->rlim[RLIMIT_NOFILE].rlim_cur`
#[inline(always)]
fn limit(task: u64) -> u64 {
    if !known(&offsets::SIGNAL_RLIM) {
        return 0;
    }
    let signal: u64 = probe(task, &offsets::TASK_SIGNAL);
    probe(
        signal.wrapping_add(u64::from(RLIMIT_NOFILE * RLIMIT_BYTES)),
        &offsets::SIGNAL_RLIM,
    )
}

#[inline(always)]
pub(super) fn find(files: u64) -> Table {
    let table: u64 = probe(files, &offsets::FILES_FDT);
    Table {
        max: probe(table, &offsets::FDT_MAX_FDS),
        bitmap: probe(table, &offsets::FDT_OPEN_FDS),
        array: probe(table, &offsets::FDT_FD),
    }
}

/// Descriptors that are open in a task's table: bits that are set.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fd_count(task: u64) -> u32 {
    if !known(&offsets::FDT_OPEN_FDS) {
        return 0;
    }
    let table = find(probe(task, &offsets::TASK_FILES));
    let words = table.max.div_ceil(64);
    let mut open = 0;
    for part in 0..WORDS / AT_ONCE {
        let from = part * AT_ONCE;
        if from >= words {
            break;
        }
        let at = table.bitmap.wrapping_add(u64::from(from) * 8);
        open += fd_count_some(at, words - from);
    }
    open
}

/// Bits that are set in the first [`AT_ONCE`] of so many words.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fd_count_some(bitmap: u64, words: u32) -> u32 {
    if !known(&offsets::FDT_OPEN_FDS) {
        return 0;
    }
    let at = |word: u32| bitmap.wrapping_add(u64::from(word) * 8);
    let mut open = 0;
    // One by one where that costs little, and in small tables: larger ones have a multiple
    // of a chunk (`alloc_fdtable`).
    if known(&offsets::WORD_TYPE) || words < CHUNK {
        for word in 0..AT_ONCE {
            if word >= words {
                break;
            }
            open += ones(probe_at(at(word)));
        }
        return open;
    }
    for chunk in 0..AT_ONCE / CHUNK {
        if chunk * CHUNK >= words {
            break;
        }
        let bits: [u64; CHUNK as usize] = probe_at(at(chunk * CHUNK));
        for word in bits {
            open += ones(word);
        }
    }
    open
}

/// Ones in a word; there is no instruction for it.
#[inline(always)]
fn ones(word: u64) -> u32 {
    let pairs = word - (word >> 1 & 0x5555_5555_5555_5555);
    let fours = (pairs & 0x3333_3333_3333_3333) + (pairs >> 2 & 0x3333_3333_3333_3333);
    let bytes = (fours + (fours >> 4)) & 0x0f0f_0f0f_0f0f_0f0f;
    (bytes.wrapping_mul(0x0101_0101_0101_0101) >> 56) as u32
}
