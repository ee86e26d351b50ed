//! What differs from kernel to kernel: see [`probe_common::constants`]. The verifier
//! sees what the loader has put in, and drops the branches behind a missing one.

use core::arch::asm;

use aya_ebpf::Global;
use probe_common::{
    config::{NO_OFFSET, SYSCALL_SLOTS, syscall_bits},
    constants::{Index, MARK},
};

/// A number that the loader knows.
pub trait Constant {
    /// Its value; what is negative as 32 bits is so as 64.
    fn load(&self) -> u64;
}

/// The constant with this [`Index`].
pub struct Known<const INDEX: u32>;

impl<const INDEX: u32> Constant for Known<INDEX> {
    #[inline(always)]
    fn load(&self) -> u64 {
        let value;
        // SAFETY: sets a register.
        unsafe {
            asm!(
                "{value} = {mark}",
                value = out(reg) value,
                mark = const MARK + INDEX,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        value
    }
}

macro_rules! declare {
    ($($(#[$doc:meta])* $name:ident = $default:expr,)+) => {
        $($(#[$doc])* pub static $name: Known<{ Index::$name as u32 }> = Known;)+
    };
}

probe_common::constants!(declare);

/// Sleeps at least this long carry both kernel stacks, ns.
#[unsafe(no_mangle)]
pub static STACK_THRESHOLD_NS: Global<u64> = Global::new(1_000_000);

/// What the probes must know about a system call, by number
/// ([`probe_common::config::syscall_bits`]).
#[unsafe(no_mangle)]
static SYSCALL_BITS: [u8; SYSCALL_SLOTS] = [syscall_bits::NEEDS_STACK; SYSCALL_SLOTS];

/// The table's word on a system call; a sleep outside any needs its stack.
#[inline(always)]
pub fn bits_of(nr: i16) -> u8 {
    if nr < 0 || nr as usize >= SYSCALL_SLOTS {
        return syscall_bits::NEEDS_STACK;
    }
    // SAFETY: inside the table, whose values only the loader knows.
    unsafe { core::ptr::read_volatile((&raw const SYSCALL_BITS).cast::<u8>().add(nr as usize)) }
}

/// Whether the loader resolved an offset.
#[inline(always)]
pub fn known(offset: &impl Constant) -> bool {
    offset.load() != NO_OFFSET as i32 as u64
}
