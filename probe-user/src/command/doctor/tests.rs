//! Findings of made-up kernels, as text and as JSON.

use serde_json::Value;

use super::{
    findings::{Feature, Findings, Probe, Symbols},
    json, text,
};
use crate::{
    document::{Host, Tier},
    probe::{
        load::{Size, Tried},
        programs::{PROBES, Spec},
        refusal::Refusal,
    },
};

/// Where every program holds on its first rung but for those that `refused`
/// names.
fn findings(refused: impl Fn(&Spec) -> bool) -> Findings {
    let probe = |spec: &Spec| Probe {
        spec: *spec,
        tried: if refused(spec) {
            all_refused(spec)
        } else {
            held(spec)
        },
    };
    Findings {
        host: Host {
            name: None,
            kernel: "6.12.1-test".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 2,
        },
        lockdown: "integrity".to_owned(),
        symbols: Some(Symbols::Readable),
        has_btf: Some(true),
        features: vec![Feature {
            name: "what a descriptor is",
            missing: vec!["fdtable.fd".to_owned(), "inode.i_ino".to_owned()],
            reason: Some("this kernel has no fdtable.fd".to_owned()),
        }],
        probes: PROBES.iter().map(probe).collect(),
        ..Findings::default()
    }
}

fn held(spec: &Spec) -> Tried {
    let size = Size {
        verified: Some(120),
        translated: None,
    };
    Tried {
        held: Some((spec.rungs[0], size)),
        refused: Vec::new(),
    }
}

fn all_refused(spec: &Spec) -> Tried {
    let refusal = Refusal {
        errno: Some(nix::libc::EPERM),
        text: "Operation not permitted (os error 1)".to_owned(),
        log: "the log".to_owned(),
    };
    Tried {
        held: None,
        refused: spec.rungs.iter().map(|r| (*r, refusal.clone())).collect(),
    }
}

#[test]
fn the_tier_is_the_highest_whose_required_programs_all_hold() {
    let tier = |refused: fn(&Spec) -> bool| findings(refused).tier();
    assert_eq!(tier(|_| false), Some(Tier::Full));
    assert_eq!(tier(|s| s.name == "epoll entry"), Some(Tier::Tracepoint));
    assert_eq!(tier(|s| s.name == "task_rename"), Some(Tier::Full));
    assert_eq!(tier(|s| s.name == "sched_switch"), None);
    assert_eq!(Findings::default().tier(), None);
}

#[test]
fn text_names_every_rung_that_failed_and_why() {
    let text = text::render(&findings(|s| s.tier == Tier::Full), false);
    assert!(text.contains("tier       tracepoint\n"), "{text}");
    let why = "fentry/do_wait: EPERM; kernel lockdown is integrity or fentry is disabled\n";
    assert!(text.contains(why), "{text}");
    assert!(text.contains("kretprobe/do_epoll_wait"), "{text}");
    assert!(text.contains("cannot be told: this kernel has no fdtable.fd (all that is missing: fdtable.fd, inode.i_ino)\n"), "{text}");
    assert!(
        text.ends_with("result     waitscope run works here\n"),
        "{text}"
    );
    assert!(!text.contains("the log"));
    assert!(text::render(&findings(|s| s.tier == Tier::Full), true).contains("the log"));
}

#[test]
fn what_an_obstacle_kept_from_being_looked_for_is_not_told() {
    let found = Findings {
        obstacle: Some("cannot map memory".to_owned()),
        ..Findings::default()
    };
    let text = text::render(&found, false);
    assert!(text.contains("hint: cannot map memory\n"), "{text}");
    assert!(!text.contains("BTF") && !text.contains("symbols"), "{text}");
    let json: Value = serde_json::from_str(&json::render(&found)).unwrap();
    assert_eq!(json["btf"], Value::Null);
    assert_eq!(json["kernel_symbols"], Value::Null);
}

#[test]
fn json_is_one_line_and_says_the_same() {
    let json = json::render(&findings(|s| s.name == "sched_switch"));
    assert_eq!(json.matches('\n').count(), 1);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], "waitscope.doctor/1");
    assert_eq!(json["tier"], Value::Null);
    assert_eq!(json["works"], false);
    assert_eq!(json["features"][0]["available"], false);
    let probes = json["probes"].as_array().unwrap();
    assert_eq!(probes.len(), PROBES.len());
    let switch = probes.iter().find(|p| p["name"] == "sched_switch").unwrap();
    assert_eq!(switch["attached"], false);
    assert_eq!(switch["hook"], "tp_btf");
    assert_eq!(
        switch["refusal"],
        "tp_btf/sched_switch: Operation not permitted (os error 1)"
    );
    assert_eq!(switch["verified_instructions"], Value::Null);
    assert_eq!(probes[0]["verified_instructions"], 120);
}
