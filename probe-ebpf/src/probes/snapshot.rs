//! The task iterator: seeds the trace with tasks that were there before us,
//! and at the end collects what no switch has carried yet.

use core::ffi::c_void;

use aya_ebpf::{bindings::seq_file, helpers};

use probe_common::{
    config::iter_mode,
    fd_table::why,
    loss::Program,
    sched::state,
    task::{Snapshot, snapshot},
};

use super::{fd_table, lookup::Sleep, memory, sched, throttle, wake};
use crate::{
    emit,
    filter::{self, Entry},
    maps::{CONTROL, LIFECYCLE},
    offsets,
    read::{self, Task},
    shared::{Shared, load, store, store_words},
};

// struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; }
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task")]
pub fn task_iter(ctx: *mut c_void) -> i32 {
    emit::ran(Program::TaskIter);
    // SAFETY: the second word of the context is the task, null after the last.
    let task: Task = unsafe { *ctx.cast::<Task>().add(1) };
    if task.is_null() {
        return 0;
    }
    let Some(mode) = CONTROL.get_ptr(0) else {
        return 0;
    };
    // SAFETY: a word of the array, which user space sets before it asks.
    let mode = unsafe { mode.read_volatile() };
    let flags = match mode {
        iter_mode::FINAL => snapshot::FINAL,
        iter_mode::AGAIN => 0,
        _ if !begin_to_follow(task) => return 0,
        iter_mode::SEED_HELD => snapshot::HELD,
        _ => 0,
    };
    // In one place: the verifier walks through it once for each.
    if let Some(entry) = filter::entry(task) {
        let ts_ns = read::now();
        report(task, entry, flags, ts_ns);
        let occasion = match flags & snapshot::FINAL {
            0 => why::SEED,
            _ => why::FINAL,
        };
        fd_table::at_with_kinds(task, entry, ts_ns, occasion);
        let is_found = mode == iter_mode::SEED || mode == iter_mode::SEED_HELD;
        if is_found && load!(entry.tid) == read::tgid(task) {
            memory::before_program(task, entry, ts_ns);
        }
        print_byte(ctx);
    }
    0
}

/// Prints one byte for a task that was reported: who reads them knows how many that were.
#[inline(always)]
fn print_byte(ctx: *mut c_void) {
    // SAFETY: the first word of the context is a struct bpf_iter_meta, whose first word is
    // the file that is read; the helper reads one byte.
    unsafe {
        let file: *mut seq_file = **ctx.cast::<*const *mut seq_file>();
        let _full = helpers::generated::bpf_seq_write(file, [0u8].as_ptr().cast(), 1);
    }
}

/// Whether it is one that shall be followed from now on. In a function of its own, as
/// [`report`] is.
#[inline(never)]
fn begin_to_follow(task: Task) -> bool {
    if filter::entry(task).is_some() || !filter::is_target(read::tgid(task)) {
        return false;
    }
    // The first thread of a process may have ended before the others.
    if read::field::<u32>(task, &offsets::TASK_STATE) as u16 & state::DEAD != 0 {
        return false;
    }
    // Followed before it is looked at: what happens in between is then in the
    // ring as well, and the world knows the order.
    filter::follow(task)
}

/// In a function of its own, whose room on the stack is given back before descriptors are
/// looked at.
#[inline(never)]
fn report(task: Task, entry: Entry, mut flags: u16, ts_ns: u64) {
    let task_state = read::field::<u32>(task, &offsets::TASK_STATE) as u16;
    // An int up to 6.18, a byte from 7.0 on; little-endian both.
    if read::field::<u8>(task, &offsets::TASK_ON_CPU) != 0 {
        flags |= snapshot::ON_CPU;
        store!(entry.running = 1);
    }
    let mut call = sched::call_of(task, entry, &mut flags);
    if task_state != state::RUNNING && flags & snapshot::ON_CPU == 0 {
        if flags & snapshot::FINAL == 0 && load!(entry.off_ns) == 0 {
            store!(entry.off_ns = ts_ns);
        }
        if sched::io_wait(task) {
            flags |= probe_common::sched::flag::IOWAIT;
        }
        if load!(entry.on_lock) != 0 {
            flags |= probe_common::sched::flag::LOCK;
        }
        let sleep = Sleep {
            task,
            entry,
            ts_ns,
            is_current: false,
        };
        let bits = sched::bits_of(&call, flags);
        flags |= sched::slept_on(&sleep, &mut call, bits);
        wake::sleeper_stack(task, load!(entry.tid), ts_ns);
    } else if flags & snapshot::ON_CPU == 0 {
        let is_last = flags & snapshot::FINAL != 0;
        flags |= throttle::find(task, entry, &mut call, is_last, ts_ns);
    }
    emit::record(&LIFECYCLE, flags, ts_ns, |to: Shared<Snapshot>| {
        store!(to.tid = load!(entry.tid));
        store!(to.tgid = read::tgid(task));
        store!(to.ppid = read::ppid(task));
        store!(to.migrations = load!(entry.migrations));
        store!(to.state = task_state);
        store!(to.nr = call.nr);
        store!(to.seq = load!(entry.seq));
        store!(to.waker_flags = load!(entry.waker_flags));
        store!(to.arg0 = call.arg0);
        store!(to.arg1 = call.arg1);
        store!(to.start_ns = read::field(task, &offsets::TASK_START_TIME));
        store!(to.wake_ns = load!(entry.wake_ns));
        store!(to.waker_tid = load!(entry.waker_tid));
        store!(to.waker_nr = load!(entry.waker_nr));
        store!(to.pad = 0);
        store_words!(to.comm = read::comm_words(task));
    });
}
