//! Where the fields of classic tracepoints lie, as the `format` files of the
//! running kernel say, and how they are read.

use aya_ebpf::{EbpfContext as _, helpers, programs::TracePointContext};

pub use crate::offsets::*;
use crate::read;

/// A `comm` as two words.
pub type Comm = [u64; 2];

/// Reads a field of the event.
#[inline(always)]
pub fn field<T: Copy>(ctx: &TracePointContext, offset: &impl Constant) -> T {
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
