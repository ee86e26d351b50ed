//! Offsets from the format files of five kernels (`tests/data/formats`).

use std::{fs, path::Path};

use probe_common::config::NO_OFFSET;

use crate::probe::{
    programs::Hook,
    raw::{
        Formats, lack,
        programs::{ENDS, FIELDS, PROBES},
    },
};

/// The text that a kernel has of an event.
fn text_of(kernel: &str, event: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/formats");
    let (_, name) = event.split_once(':')?;
    fs::read_to_string(folder.join(kernel).join(name)).ok()
}

fn offset(formats: &Formats, global: &str) -> u32 {
    let found = formats.offsets.iter().find(|(name, _)| *name == global);
    found.map_or(NO_OFFSET, |&(_, offset)| offset)
}

/// The members that are missing, by program.
fn lacks(formats: &Formats) -> Vec<(&'static str, String)> {
    let lack = |spec| Some(formats.missing_of(spec)?.member.clone());
    PROBES
        .iter()
        .filter_map(|spec| Some((spec.name, lack(spec)?)))
        .collect()
}

fn check(kernel: &str, expected: &[(&str, u32)], missing: &[(&str, &str)]) {
    let formats = Formats::resolve(|event| text_of(kernel, event));
    for (global, at) in expected {
        assert_eq!(offset(&formats, global), *at, "{kernel}: {global}");
    }
    let lacks = lacks(&formats);
    let lacks: Vec<_> = lacks.iter().map(|(p, m)| (*p, m.as_str())).collect();
    assert_eq!(lacks, missing, "{kernel}");
}

const USUAL: &[(&str, u32)] = &[
    ("RAW_SWITCH_PREV_STATE", 32),
    ("RAW_SWITCH_NEXT_PID", 56),
    ("RAW_WAKING_PID", 24),
    ("RAW_NEWTASK_PID", 8),
    ("RAW_NEWTASK_COMM", 12),
    ("RAW_NEWTASK_FLAGS", 32),
    ("RAW_EXEC_OLD_PID", 16),
];

const NO_CONTENTION: &[(&str, &str)] = &[
    ("raw_contention_end", "lock:contention_end.lock_addr"),
    ("raw_contention_begin", "lock:contention_begin.lock_addr"),
];

#[test]
fn every_kernel_has_what_is_required() {
    check("5.10", USUAL, NO_CONTENTION);
    check("6.1", USUAL, &[]);
    check("6.12", USUAL, &[]);
    check("6.18", USUAL, &[]);
    check("7.2", USUAL, &[]);
}

/// 6.14 and 6.15 do not say who is renamed.
#[test]
fn a_missing_field_costs_its_program_and_no_other() {
    let formats = Formats::resolve(|event| {
        let text = text_of("6.18", event)?;
        let kept = |line: &&str| event != "task:task_rename" || !line.contains(" pid;");
        Some(text.lines().filter(kept).collect::<Vec<_>>().join("\n"))
    });
    let lacks = lacks(&formats);
    let expected = ("raw_task_rename", "task:task_rename.pid".to_owned());
    assert_eq!(lacks, [expected]);
    assert_eq!(offset(&formats, "RAW_RENAME_PID"), NO_OFFSET);
}

#[test]
fn a_field_that_is_too_short_or_hidden_is_missing() {
    let with = |field: &'static str| {
        let text = format!("format:\n\tfield:int {field}\n");
        Formats::resolve(move |event| (event == "sched:sched_waking").then(|| text.clone()))
    };
    let place = |formats: &Formats| offset(formats, "RAW_WAKING_PID");
    assert_eq!(place(&with("pid;\toffset:8;\tsize:4;\tsigned:1;")), 8);
    let hidden = with("pid;\toffset:4;\tsize:4;\tsigned:1;");
    assert_eq!(place(&hidden), NO_OFFSET);
    let short = with("pid;\toffset:8;\tsize:2;\tsigned:1;");
    assert_eq!(place(&short), NO_OFFSET);
}

#[test]
fn no_beginning_is_seen_without_its_end() {
    let formats = Formats::resolve(|event| text_of("6.18", event));
    let place = |name: &str| PROBES.iter().position(|spec| spec.name == name);
    for (begin, end) in ENDS {
        assert!(place(end) < place(begin), "{begin}");
        let spec = PROBES.iter().find(|spec| spec.name == *begin).unwrap();
        assert!(lack(&formats, &[], spec).is_some());
        assert_eq!(lack(&formats, &[end], spec), None);
    }
}

#[test]
fn every_field_belongs_to_a_program() {
    for wanted in FIELDS {
        let hooks = PROBES.iter().flat_map(|spec| spec.rungs);
        let mut users = hooks.filter(|rung| rung.target == wanted.event);
        let user = users.next().map(|rung| rung.hook);
        assert_eq!(user, Some(Hook::ClassicTracepoint), "{}", wanted.global);
    }
}
