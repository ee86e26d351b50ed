//! Where the fields of classic tracepoints lie, as the `format` files of the
//! running kernel say, and how they are read.

use aya_ebpf::{EbpfContext as _, programs::TracePointContext};

pub use crate::offsets::*;
use crate::read;

/// A `comm` as two words.
pub type Comm = [u64; 2];

/// Reads a field of the event.
#[inline(always)]
pub fn field<T: Copy>(ctx: &TracePointContext, offset: &impl Constant) -> T {
    read::probe(ctx.as_ptr() as u64, offset)
}
