//! What is switched off when a kernel lacks a member.

use std::collections::{BTreeMap, BTreeSet};

use probe_common::config::NO_OFFSET;

use super::{builder::*, hostile::resolve};
use crate::probe::{btf::Btf, layout::Layout};

/// Every `structure.path` that is looked for, by its newest name.
fn wanted() -> Vec<(String, String)> {
    let nothing = Btf::parse(Builder::new().build()).expect("well-formed");
    let missing = resolve(&nothing).missing;
    let split = |member: &str| member.split_once('.').map(|(a, b)| (a.into(), b.into()));
    missing.iter().filter_map(|m| split(&m.member)).collect()
}

/// Type information of a kernel that has it all, except for the members in
/// `without`, or under other names (`old` → `new`).
pub(super) fn kernel(changes: &[(&str, Option<&str>)]) -> Builder {
    let mut by_outer: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (outer, path) in wanted() {
        let whole = format!("{outer}.{path}");
        let change = changes.iter().find(|(old, _)| *old == whole);
        let path = match change {
            Some((_, None)) => continue,
            Some((_, Some(new))) => (*new).to_owned(),
            None => path,
        };
        by_outer.entry(outer).or_default().insert(path);
    }
    let mut builder = Builder::new();
    builder.int("long", 8);
    for (outer, paths) in &by_outer {
        structure(&mut builder, outer, paths);
    }
    builder
}

/// Words one after the other; `a.b` makes an inner structure.
fn structure(builder: &mut Builder, name: &str, paths: &BTreeSet<String>) -> u32 {
    let mut inner: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for path in paths {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let below = inner.entry(first).or_default();
        if !rest.is_empty() {
            below.insert(rest.to_owned());
        }
    }
    let mut fields = Vec::new();
    let mut offset = 64;
    for (field, below) in &inner {
        let id = if below.is_empty() {
            1
        } else {
            structure(builder, "", below)
        };
        fields.push((*field, id, offset));
        offset += 64 * (below.len() as u32 + 1);
    }
    builder.fields(name, STRUCT, &fields)
}

/// What an address is typed with.
fn word(builder: &mut Builder) {
    let long = builder.int("long", 8);
    builder.fields("timespec64", STRUCT, &[("tv_sec", long, 0)]);
}

fn layout(changes: &[(&str, Option<&str>)]) -> Layout {
    let mut builder = kernel(changes);
    builder.tracepoint("sched_switch", 4);
    builder.per_cpu(&[("runqueues", 0x1000), ("__preempt_count", 0x10)]);
    builder.function("bpf_task_pt_regs");
    builder.function("bpf_get_current_task_btf");
    word(&mut builder);
    builder.function("bpf_rdonly_cast");
    resolve(&Btf::parse(builder.build()).expect("well-formed"))
}

fn offset(layout: &Layout, global: &str) -> u32 {
    let found = layout.offsets.iter().find(|(name, _)| *name == global);
    found.unwrap_or_else(|| panic!("no global {global}")).1
}

/// Globals that are off.
fn off(layout: &Layout) -> BTreeSet<&'static str> {
    let off = layout.offsets.iter().filter(|(_, at)| *at == NO_OFFSET);
    off.map(|&(name, _)| name).collect()
}

#[test]
fn a_kernel_that_has_it_all_has_everything_on() {
    let layout = layout(&[]);
    assert_eq!(layout.missing, []);
    assert_eq!(layout.fatal(), None);
    assert!(layout.has_prev_state_arg && layout.has_preempt_count);
    assert!(layout.has_task_pt_regs && layout.has_current_task_btf);
    // Only what stands in for a helper that is there, and what newer kernels show better.
    let spare = BTreeSet::from([
        "TASK_STACK",
        "REGS_FROM_STACK",
        "TASK_THROTTLED",
        "CFS_RQ_THROTTLED_CLOCK",
        "CFS_RQ_THROTTLED_SUM",
    ]);
    assert_eq!(off(&layout), spare);
    assert_eq!(
        offset(&layout, "PREEMPT_COUNT_FROM_RQ").cast_signed(),
        0x10 - 0x1000
    );
    let globals: BTreeSet<_> = layout.offsets.iter().map(|&(name, _)| name).collect();
    assert_eq!(globals.len(), layout.offsets.len(), "a global is set twice");
}

#[test]
fn each_missing_member_switches_its_feature_off_and_no_other() {
    let whole = layout(&[]);
    for (outer, path) in wanted() {
        let member = format!("{outer}.{path}");
        let layout = layout(&[(&member, None)]);
        let named: Vec<&str> = layout.missing.iter().map(|m| m.member.as_str()).collect();
        assert_eq!(named, [member.as_str()]);
        assert_eq!(layout.fatal().is_some(), layout.missing[0].essential);
        let lost: BTreeSet<_> = off(&layout).difference(&off(&whole)).copied().collect();
        // The member's own global and its feature's gate, which may be the same.
        assert!((1..=2).contains(&lost.len()), "{member}: {lost:?}");
    }
}

#[test]
fn gates_close_with_any_of_their_members() {
    for (member, gate) in [
        ("sock.sk_max_ack_backlog", "SOCK_ACK_BACKLOG"),
        ("mm_struct.arg_end", "MM_ARG_START"),
        ("inode.i_rdev", "TASK_FILES"),
        ("sock.__sk_common.skc_daddr", "SOCKET_SK"),
        ("sock.__sk_common.skc_v6_daddr", "SOCK_LADDR6"),
        ("task_struct.in_iowait", "TASK_IOWAIT"),
        ("cfs_rq.rq", "TASK_CFS_RQ"),
        ("request_queue.disk", "DISK_MAJOR"),
        ("gendisk.first_minor", "DISK_MAJOR"),
        ("task_struct.sched_info.last_queued", "RQ_CLOCK"),
        ("pt_regs.si", "REGS_NR"),
        ("task_struct.thread_info.status", "TASK_COMPAT"),
    ] {
        let layout = layout(&[(member, None)]);
        assert_eq!(offset(&layout, gate), NO_OFFSET, "{gate} without {member}");
        assert_eq!(layout.fatal(), None, "{member} is not essential");
    }
}

#[test]
fn without_an_essential_member_nothing_works() {
    for member in ["pid", "tgid", "flags", "comm", "real_parent", "exit_code"] {
        let name = format!("task_struct.{member}");
        let layout = layout(&[(&name, None)]);
        let fatal = layout.fatal().expect("essential");
        assert_eq!(fatal.member, name);
        assert_eq!(fatal.feature, "threads and their states");
    }
}

#[test]
fn the_state_had_another_name_before_5_14() {
    let old = layout(&[("task_struct.__state", Some("state"))]);
    assert_eq!(old.missing, []);
    assert_ne!(offset(&old, "TASK_STATE"), NO_OFFSET);
    let none = layout(&[("task_struct.__state", None)]);
    assert_eq!(
        none.fatal().expect("essential").member,
        "task_struct.__state"
    );
}

#[test]
fn before_5_17_a_request_knew_its_disk() {
    let changes = [("request.q", Some("rq_disk")), ("request_queue.disk", None)];
    let layout = layout(&changes);
    assert_eq!(layout.missing, []);
    assert_ne!(offset(&layout, "REQUEST_DISK"), NO_OFFSET);
    assert_eq!(offset(&layout, "QUEUE_DISK"), NO_OFFSET);
}

#[test]
fn the_end_of_throttling_is_shown_from_6_6_on_and_its_beginning_otherwise_from_6_18_on() {
    // Other members of the same structures are of no use here.
    let with = |sum: &str| {
        let mut builder = Builder::new();
        builder.int("long", 8);
        builder.fields("task_struct", STRUCT, &[("throttled", 1, 64)]);
        let members = [("throttled_clock_self", 1, 128), (sum, 1, 192)];
        builder.fields("cfs_rq", STRUCT, &members);
        resolve(&Btf::parse(builder.build()).expect("well-formed"))
    };
    let newest = with("throttled_clock_self_time");
    assert_eq!(offset(&newest, "CFS_RQ_THROTTLED_CLOCK"), 16);
    assert_eq!(offset(&newest, "CFS_RQ_THROTTLED_SUM"), 24);
    // Without what names the cgroup it is of no use.
    assert_eq!(offset(&newest, "TASK_THROTTLED"), NO_OFFSET);
    // One is of no use without the other.
    let half = with("another");
    assert_eq!(offset(&half, "CFS_RQ_THROTTLED_CLOCK"), NO_OFFSET);
}

#[test]
fn before_5_18_the_switch_did_not_tell_the_state() {
    for (args, expected) in [(3, false), (4, true), (5, true)] {
        let mut builder = kernel(&[]);
        builder.tracepoint("sched_switch", args);
        let btf = Btf::parse(builder.build()).expect("well-formed");
        assert_eq!(resolve(&btf).has_prev_state_arg, expected, "{args}");
    }
    let unsaid = Btf::parse(kernel(&[]).build()).expect("well-formed");
    assert!(!resolve(&unsaid).has_prev_state_arg);
}

#[test]
fn the_preempt_count_is_a_member_of_pcpu_hot_from_6_2_to_6_14() {
    let mut builder = kernel(&[]);
    builder.fields("pcpu_hot", STRUCT, &[("preempt_count", 1, 64)]);
    builder.per_cpu(&[("pcpu_hot", 0x4000), ("runqueues", 0x1000)]);
    let layout = resolve(&Btf::parse(builder.build()).expect("well-formed"));
    assert!(layout.has_preempt_count);
    assert_eq!(
        offset(&layout, "PREEMPT_COUNT_FROM_RQ"),
        0x4000 + 8 - 0x1000
    );
}

#[test]
fn without_a_preempt_count_its_feature_is_off_and_named() {
    for variables in [
        &[("runqueues", 0x1000)][..],
        &[("__preempt_count", 0x10)],
        &[("pcpu_hot", 0x4000), ("runqueues", 0x1000)],
    ] {
        let mut builder = kernel(&[]);
        builder.per_cpu(variables);
        let layout = resolve(&Btf::parse(builder.build()).expect("well-formed"));
        assert!(!layout.has_preempt_count, "{variables:?}");
        let named = layout.missing.iter().map(|m| m.feature);
        assert!(
            named
                .into_iter()
                .any(|f| f == "interrupt context of wake-ups")
        );
    }
}

#[test]
fn arm64_keeps_its_registers_elsewhere() {
    let mut builder = Builder::new();
    let long = builder.int("long", 8);
    let regs = [
        ("regs", long, 128),
        ("syscallno", long, 2048),
        ("orig_x0", long, 2112),
    ];
    builder.fields("pt_regs", STRUCT, &regs);
    let btf = Btf::parse(builder.build()).expect("well-formed");
    let layout = Layout::resolve(&btf, "aarch64", |_: &[&str]| Default::default());
    assert_eq!(offset(&layout, "REGS_NR"), 256);
    assert_eq!(offset(&layout, "REGS_ARG0"), 264);
    assert_eq!(offset(&layout, "REGS_ARG1"), 16 + 8, "regs[1]");
    let x86 = resolve(&btf);
    assert_eq!(offset(&x86, "REGS_NR"), NO_OFFSET);
}

#[test]
fn sleeps_for_io_are_one_bit() {
    let mut builder = Builder::new();
    let int = builder.int("unsigned int", 4);
    builder.bit_fields(
        "task_struct",
        &[("in_execve", int, 64, 1), ("in_iowait", int, 77, 1)],
    );
    let layout = resolve(&Btf::parse(builder.build()).expect("well-formed"));
    assert_eq!(offset(&layout, "TASK_IOWAIT"), 9);
    assert_eq!(layout.iowait_mask, 1 << 5);
}

#[test]
fn without_probe_reads_the_rest_stays_and_the_lack_is_named() {
    let mut layout = layout(&[]);
    layout.forgo_probe_reads();
    assert!(!layout.has_probe_read && !layout.has_preempt_count);
    assert_eq!(layout.fatal(), None);
    let closed = ["TASK_FILES", "MM_ARG_START"];
    for gate in closed {
        assert_eq!(offset(&layout, gate), NO_OFFSET, "{gate}");
    }
    assert_ne!(offset(&layout, "REGS_NR"), NO_OFFSET);
    assert!(layout.missing.iter().all(|missing| missing.refused));
    let reason = layout.missing[0].reason();
    assert_eq!(
        reason,
        "this kernel refuses bpf_probe_read_kernel (lockdown)"
    );
}

#[test]
fn without_probe_reads_and_the_running_tasks_type_calls_are_noted() {
    let untyped = Btf::parse(kernel(&[]).build()).expect("well-formed");
    let mut old = resolve(&untyped);
    assert!(!old.notes_calls(), "their registers can be read");
    old.forgo_probe_reads();
    assert!(old.notes_calls());
    assert_eq!(
        offset(&old, "REGS_FROM_STACK"),
        NO_OFFSET,
        "needs probe reads"
    );
    assert_ne!(offset(&old, "REGS_ARG0"), NO_OFFSET);
    let mut new = layout(&[]);
    new.forgo_probe_reads();
    assert!(!new.notes_calls());
}

#[test]
fn every_lack_belongs_to_a_feature() {
    let nothing = resolve(&Btf::parse(Builder::new().build()).expect("well-formed"));
    let features = nothing.features("x86_64");
    let reported: usize = features.iter().map(|(_, missing)| missing.len()).sum();
    assert_eq!(reported, nothing.missing.len());
}

#[test]
fn addresses_are_typed_only_where_function_and_type_are_there() {
    let whole = layout(&[]);
    assert!(whole.rdonly_cast.is_some());
    assert_ne!(offset(&whole, "WORD_TYPE"), NO_OFFSET);
    let mut typeless = kernel(&[]);
    typeless.function("bpf_rdonly_cast");
    let mut functionless = kernel(&[]);
    word(&mut functionless);
    for builder in [typeless, functionless] {
        let lacking = resolve(&Btf::parse(builder.build()).expect("well-formed"));
        assert_eq!(lacking.rdonly_cast, None);
        assert_eq!(offset(&lacking, "WORD_TYPE"), NO_OFFSET);
    }
    let mut refused = layout(&[]);
    refused.forgo_probe_reads();
    assert_eq!(refused.rdonly_cast, None);
    assert_eq!(offset(&refused, "WORD_TYPE"), NO_OFFSET);
}
