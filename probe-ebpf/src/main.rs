//! waitscope's kernel probes: the list of programs, and nothing else.
//!
//! Every program is thin: it asks `filter` whether the task is traced, reads
//! fields at the offsets in `offsets`, and hands a record to `emit`. All run
//! under the scheduler's or tasklist's locks, so no map here ever allocates.
#![no_std]
#![no_main]
// For the constants that the loader puts in; there is no stable way.
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]

mod context;
mod current;
mod emit;
mod filter;
mod maps;
mod offsets;
mod percpu_cache;
mod probes;
mod read;
mod run_queue;
mod shared;
mod syscall;

#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// `bpf_get_task_stack` and others are reserved for GPL-compatible programs.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
