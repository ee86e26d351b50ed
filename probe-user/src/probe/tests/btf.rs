//! Where members and per-CPU variables lie.

use super::builder::*;
use crate::probe::btf::{Btf, Member};

fn parsed(builder: Builder) -> Btf {
    Btf::parse(builder.build()).expect("well-formed")
}

fn at(bit_offset: u32) -> Option<Member> {
    Some(Member {
        bit_offset,
        bits: 0,
    })
}

/// `struct task { long state; struct { int pid; union { int tgid; long tid; }; };
/// struct se se; volatile struct se *parent; }` and kin.
fn tasks() -> Btf {
    let mut b = Builder::new();
    let int = b.int("int", 4);
    let long = b.int("long", 8);
    let inner_union = b.fields("", UNION, &[("tgid", int, 0), ("tid", long, 0)]);
    let inner = b.fields("", STRUCT, &[("pid", int, 0), ("", inner_union, 64)]);
    let rq = b.fields("rq", STRUCT, &[("clock", long, 128)]);
    let se = b.fields("se", STRUCT, &[("load", long, 0), ("rq", rq, 64)]);
    let se_t = b.refer("se_t", TYPEDEF, se);
    let const_se = b.refer("", CONST, se_t);
    let volatile_se = b.refer("", VOLATILE, const_se);
    let pointer = b.refer("", PTR, se);
    b.fields(
        "task",
        STRUCT,
        &[
            ("state", long, 0),
            ("", inner, 64),
            ("se", volatile_se, 256),
            ("parent", pointer, 640),
        ],
    );
    b.bit_fields(
        "flags",
        &[
            ("whole", int, 0, 0),
            ("first", int, 32, 1),
            ("in_iowait", int, 43, 1),
        ],
    );
    // A union of the same name is another type.
    b.fields("task", UNION, &[("decoy", int, 8)]);
    parsed(b)
}

#[test]
fn members_lie_where_their_offsets_say() {
    let btf = tasks();
    assert_eq!(btf.member("task", "state"), at(0));
    assert_eq!(btf.member("task", "parent"), at(640));
    assert_eq!(btf.member("task", "parent").unwrap().byte_offset(), 80);
}

#[test]
fn members_of_anonymous_structures_and_unions_are_the_outers_own() {
    let btf = tasks();
    assert_eq!(btf.member("task", "pid"), at(64));
    assert_eq!(btf.member("task", "tgid"), at(128));
    assert_eq!(btf.member("task", "tid"), at(128));
}

#[test]
fn paths_lead_through_typedefs_and_qualifiers() {
    let btf = tasks();
    assert_eq!(btf.member("task", "se.rq"), at(256 + 64));
    assert_eq!(btf.member("task", "se.rq.clock"), at(256 + 64 + 128));
}

#[test]
fn bit_fields_have_a_byte_and_a_mask() {
    let btf = tasks();
    let iowait = btf.member("flags", "in_iowait").unwrap();
    assert_eq!((iowait.bit_offset, iowait.bits), (43, 1));
    assert_eq!((iowait.byte_offset(), iowait.mask()), (5, 1 << 3));
    let first = btf.member("flags", "first").unwrap();
    assert_eq!((first.byte_offset(), first.mask()), (4, 1));
    assert_eq!(btf.member("flags", "whole"), at(0));
}

#[test]
fn what_is_not_there_is_not_found() {
    let btf = tasks();
    for (outer, path) in [
        ("task", "missing"),
        ("task", "stat"),
        ("task", "states"),
        ("task", "se.missing"),
        ("task", "state.rq"),
        ("task", "decoy"),
        // A pointer is not what it points to.
        ("task", "parent.rq"),
        ("se_t", "rq"),
        ("missing", "state"),
        ("", "pid"),
    ] {
        assert_eq!(btf.member(outer, path), None, "{outer}.{path}");
    }
}

#[test]
fn per_cpu_variables_are_found_by_name() {
    let mut b = Builder::new();
    b.int("int", 4);
    b.per_cpu(&[("runqueues", 0x2_9000), ("__preempt_count", 0x1_0004)]);
    let btf = parsed(b);
    assert_eq!(btf.per_cpu_offset("runqueues"), Some(0x2_9000));
    assert_eq!(btf.per_cpu_offset("__preempt_count"), Some(0x1_0004));
    assert_eq!(btf.per_cpu_offset("pcpu_hot"), None);
    assert_eq!(tasks().per_cpu_offset("runqueues"), None);
}

#[test]
fn tracepoints_are_asked_for_their_arguments() {
    let mut b = Builder::new();
    b.tracepoint("sched_switch", 4);
    b.tracepoint("sched_waking", 1);
    b.tracepoint("nothing", 0);
    let int = b.int("int", 4);
    b.refer("btf_trace_odd", TYPEDEF, int);
    let btf = parsed(b);
    assert_eq!(btf.tracepoint_args("sched_switch"), Some(4));
    assert_eq!(btf.tracepoint_args("sched_waking"), Some(1));
    assert_eq!(btf.tracepoint_args("nothing"), Some(0));
    assert_eq!(btf.tracepoint_args("odd"), None);
    assert_eq!(btf.tracepoint_args("missing"), None);
}

#[test]
fn functions_are_found_by_name() {
    let mut b = Builder::new();
    b.function("bpf_task_pt_regs");
    let btf = parsed(b);
    assert!(btf.has_function("bpf_task_pt_regs"));
    assert!(!btf.has_function("bpf_task_pt"));
    assert!(!btf.has_function("bpf_task_pt_regs2"));
}

#[test]
fn a_longer_header_moves_the_sections() {
    let mut b = Builder::new();
    let int = b.int("int", 4);
    b.fields("task", STRUCT, &[("pid", int, 96)]);
    let short = b.build();
    let mut long = short[..24].to_vec();
    long[4..8].copy_from_slice(&32_u32.to_ne_bytes());
    long.extend([0xff; 8]);
    long.extend_from_slice(&short[24..]);
    let btf = Btf::parse(long).expect("sections follow the header");
    assert_eq!(btf.member("task", "pid"), at(96));
}

#[test]
fn what_is_no_btf_is_refused() {
    let whole = {
        let mut b = Builder::new();
        b.int("int", 4);
        b.build()
    };
    assert!(Btf::parse(whole.clone()).is_some());
    assert!(Btf::parse(Vec::new()).is_none());
    for cut in 0..20 {
        assert!(Btf::parse(whole[..cut].to_vec()).is_none(), "cut at {cut}");
    }
    let mut foreign = whole;
    foreign.swap(0, 1);
    assert!(Btf::parse(foreign).is_none(), "the other byte order");
}
