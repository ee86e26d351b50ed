//! Older kernels, whose type information leaves something out: what symbols
//! and the end of the stack make up for.

use probe_common::config::NO_OFFSET;
use rustc_hash::FxHashMap;

use super::{builder::*, layout::kernel};
use crate::probe::{btf::Btf, layout::Layout};

const STACK: u32 = 16 << 10;
/// Of the structures that the builder makes.
const REGS: u32 = 4096;

fn resolved(builder: Builder, symbols: &[(&str, u64)]) -> Layout {
    let known: FxHashMap<String, u64> = symbols
        .iter()
        .map(|&(name, address)| (name.to_owned(), address))
        .collect();
    let addresses = |wanted: &[&str]| {
        let asked = known
            .iter()
            .filter(|(name, _)| wanted.contains(&name.as_str()));
        asked.map(|(name, &at)| (name.clone(), at)).collect()
    };
    let btf = Btf::parse(builder.build()).expect("well-formed");
    Layout::resolve(&btf, "x86_64", addresses)
}

fn offset(layout: &Layout, global: &str) -> u32 {
    let found = layout.offsets.iter().find(|(name, _)| *name == global);
    found.unwrap_or_else(|| panic!("no global {global}")).1
}

#[test]
fn distances_of_per_cpu_variables_come_from_symbols_before_5_12() {
    let symbols = [("__preempt_count", 0x1_0000), ("runqueues", 0x2_9000)];
    let layout = resolved(kernel(&[]), &symbols);
    assert!(layout.has_preempt_count);
    let distance = offset(&layout, "PREEMPT_COUNT_FROM_RQ").cast_signed();
    assert_eq!(distance, 0x1_0000 - 0x2_9000);
}

#[test]
fn a_distance_that_no_offset_can_hold_is_none() {
    let symbols = [("__preempt_count", 1 << 40), ("runqueues", 0x1000)];
    assert!(!resolved(kernel(&[]), &symbols).has_preempt_count);
    assert!(!resolved(kernel(&[]), &symbols[..1]).has_preempt_count);
}

/// With `task_struct.stack`, which only kernels without the helper need.
fn without_helper(stack_size: Option<u32>) -> Builder {
    let mut builder = Builder::new();
    let long = builder.int("long", 8);
    builder.fields("task_struct", STRUCT, &[("stack", long, 192)]);
    let regs = [
        ("orig_ax", long, 960),
        ("di", long, 896),
        ("si", long, 832),
        ("dx", long, 768),
        ("r10", long, 448),
    ];
    builder.fields("pt_regs", STRUCT, &regs);
    if let Some(size) = stack_size {
        builder.add("thread_union", UNION, 0, size, &[]);
    }
    builder
}

#[test]
fn registers_are_found_at_the_end_of_the_stack_without_the_helper() {
    let by_union = resolved(without_helper(Some(STACK)), &[]);
    assert_eq!(offset(&by_union, "TASK_STACK"), 24);
    assert_eq!(offset(&by_union, "REGS_FROM_STACK"), STACK - REGS);
    let bounds = [
        ("__start_init_task", 0x8000),
        ("__end_init_task", 0x8000 + u64::from(STACK)),
    ];
    let by_symbols = resolved(without_helper(None), &bounds);
    assert_eq!(offset(&by_symbols, "REGS_FROM_STACK"), STACK - REGS);
    assert!(!by_symbols.has_task_pt_regs);
}

#[test]
fn a_stack_of_no_plausible_size_switches_system_calls_off() {
    let odd = [("__start_init_task", 0x8000), ("__end_init_task", 0x8123)];
    let backwards = [("__start_init_task", 0x8000), ("__end_init_task", 0x4000)];
    for (builder, symbols) in [
        (without_helper(None), &odd[..]),
        (without_helper(None), &backwards),
        (without_helper(None), &[]),
        // Smaller than the registers that lie at its end.
        (without_helper(Some(REGS - 8)), &[]),
    ] {
        let layout = resolved(builder, symbols);
        assert_eq!(offset(&layout, "REGS_FROM_STACK"), NO_OFFSET, "{symbols:?}");
        assert_eq!(offset(&layout, "TASK_STACK"), NO_OFFSET, "{symbols:?}");
        let features = layout
            .missing
            .iter()
            .filter(|m| m.feature == "system calls");
        assert_eq!(features.count(), 1, "{:?}", layout.missing);
    }
}

#[test]
fn a_kernel_with_the_helper_needs_no_stack_size() {
    let mut builder = without_helper(None);
    builder.function("bpf_task_pt_regs");
    let layout = resolved(builder, &[]);
    assert!(layout.has_task_pt_regs);
    assert_eq!(offset(&layout, "TASK_STACK"), 24);
    assert_eq!(offset(&layout, "REGS_FROM_STACK"), NO_OFFSET);
    assert!(layout.missing.iter().all(|m| m.feature != "system calls"));
}
