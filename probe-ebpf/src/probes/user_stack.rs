//! The user stack that a task goes to sleep with (`--user-stacks`).
//!
//! A program of its own behind the one of the switch, so that a switch costs what it did where
//! nobody asks for it. Only the running task's user stack can be walked
//! (`get_perf_callchain` in kernel/events/callchain.c), which at the tracepoint is still the one
//! that stops; by frame pointers, and what is not in memory ends it.

use aya_ebpf::{
    EbpfContext as _,
    bindings::{BPF_ANY, BPF_F_USER_BUILD_ID, BPF_F_USER_STACK},
    helpers,
    macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use probe_common::{
    loss::Program,
    user_stack::{FRAMES, UserFrames, UserStack, status},
};

use crate::{
    emit, filter,
    maps::{self, EVENTS, USER_STACK, USER_STACKS},
    offsets,
    read::{self, Task, chase},
    shared::{Shared, address, load, store},
};

/// How often it is tried to name the file of the innermost frame.
const TRIES: u32 = 3;
/// It need not be written down again.
const WRITTEN: u32 = u32::MAX;

/// Innermost first.
#[repr(C)]
pub struct Addresses {
    frames: [u64; FRAMES],
}

// TP_PROTO(bool preempt, struct task_struct *prev, struct task_struct *next, …)
#[btf_tracepoint(function = "sched_switch")]
pub fn user_stack(ctx: BtfTracePointContext) -> i32 {
    let task: Task = ctx.arg(1);
    let Some(entry) = filter::entry(task) else {
        return 0;
    };
    let off_ns = load!(entry.off_ns);
    // The program of the switch has just noted when a sleep began; else there is none.
    if off_ns == 0 || load!(entry.running) != 0 || read::is_kernel(read::flags(task)) {
        return 0;
    }
    emit::ran(Program::UserStack);
    let Some(stack) = hash(&ctx, task) else {
        return 0;
    };
    let tid = load!(entry.tid);
    emit::record(&EVENTS, 0, off_ns, |to: Shared<UserStack>| {
        store!(to.tid = tid);
        store!(to.pad = 0);
        store!(to.stack = stack);
    });
    // SAFETY: a copy of an integer, which may be another's by then: both are tries.
    let tries = unsafe { USER_STACKS.get(stack) }.copied().unwrap_or(0);
    if tries >= TRIES {
        return 0;
    }
    let mut is_named = false;
    let has_room = emit::record(&EVENTS, 0, off_ns, |to: Shared<UserFrames>| {
        const BYTES: u32 = size_of::<[[u64; 4]; FRAMES]>() as u32;
        const FLAGS: u64 = (BPF_F_USER_STACK | BPF_F_USER_BUILD_ID) as u64;
        store!(to.tid = tid);
        store!(to.stack = stack);
        let frames = address!(to.frames);
        // SAFETY: `frames` has room for `BYTES`.
        let taken =
            unsafe { helpers::generated::bpf_get_stack(ctx.as_ptr(), frames.cast(), BYTES, FLAGS) };
        store!(to.len = if taken > 0 { taken as u32 / 32 } else { 0 });
        // SAFETY: the first word of the first frame, in a record that is reserved.
        let first = unsafe { frames.cast::<u32>().read_volatile() };
        is_named = taken > 0 && first == status::VALID;
    });
    if has_room {
        let tries = if is_named { WRITTEN } else { tries + 1 };
        // Where that fails it is written down again.
        let _kept = USER_STACKS.insert(stack, tries, u64::from(BPF_ANY));
    }
    0
}

/// A hash of the task's user stack and of the memory that it lies in: FNV-1a over words. Where
/// the first stack of a process begins is another place for each program that one runs; what
/// was forked has the same files in the same places.
#[inline(always)]
fn hash(ctx: &BtfTracePointContext, task: Task) -> Option<u64> {
    const PRIME: u64 = 0x0100_0000_01b3;
    const BYTES: u32 = size_of::<Addresses>() as u32;
    let buffer = maps::of_cpu(&USER_STACK, 0)?;
    let frames = address!(buffer.frames);
    // SAFETY: `frames` has room for `BYTES`.
    let taken = unsafe {
        helpers::generated::bpf_get_stack(
            ctx.as_ptr(),
            frames.cast(),
            BYTES,
            u64::from(BPF_F_USER_STACK),
        )
    };
    if taken <= 0 {
        return None;
    }
    let len = taken as usize / size_of::<u64>();
    let mut hash: u64 = if offsets::known(&offsets::MM_START_STACK) {
        let mm: *const u8 = chase(task, &offsets::TASK_MM);
        chase(mm, &offsets::MM_START_STACK)
    } else {
        read::tgid(task).into()
    };
    for at in 0..FRAMES {
        if at >= len {
            break;
        }
        // SAFETY: `at` is below FRAMES.
        let frame = unsafe { frames.cast::<u64>().add(at).read_volatile() };
        hash = (hash ^ frame).wrapping_mul(PRIME);
        // High bits reach low ones.
        hash ^= hash >> 32;
    }
    // 0 is no stack.
    Some(hash | 1)
}
