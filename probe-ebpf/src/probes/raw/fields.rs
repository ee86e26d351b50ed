//! Where the fields of classic tracepoints lie, as the `format` files of the
//! running kernel say, and how they are read.

use aya_ebpf::{EbpfContext as _, Global, helpers, programs::TracePointContext};
use probe_common::config::NO_OFFSET;

use crate::read;

/// Declares one global per field, [`NO_OFFSET`] until the loader sets it.
macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        $($(#[$doc])* #[unsafe(no_mangle)] pub static $name: Global<u32> = Global::new(NO_OFFSET);)+
    };
}

fields! {
    /// A `long`, of which the low half is read.
    RAW_SWITCH_PREV_STATE,
    RAW_SWITCH_NEXT_PID,
    RAW_MIGRATE_PID,
    RAW_WAKING_PID,
    RAW_WAKEUP_NEW_PID,
    RAW_NEWTASK_PID,
    RAW_NEWTASK_COMM,
    RAW_NEWTASK_FLAGS,
    RAW_EXEC_OLD_PID,
    RAW_RENAME_PID,
    RAW_RENAME_COMM,
    RAW_CONTENTION_BEGIN_LOCK,
    RAW_CONTENTION_BEGIN_FLAGS,
    RAW_CONTENTION_END_LOCK,
}

/// A `comm` as two words.
pub type Comm = [u64; 2];

/// Reads a field of the event.
#[inline(always)]
pub fn field<T: Copy>(ctx: &TracePointContext, offset: &Global<u32>) -> T {
    read::probe(ctx.as_ptr() as u64, offset)
}

/// Copies the name of the running task.
///
/// SAFETY: `into` lies in a reserved record.
#[inline(always)]
pub unsafe fn current_comm(into: *mut [u8; 16]) {
    // SAFETY: the caller's promise. It fails for no task.
    let _never = unsafe { helpers::generated::bpf_get_current_comm(into.cast(), 16) };
}
