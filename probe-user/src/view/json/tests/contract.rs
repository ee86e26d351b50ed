//! The schema against stored text and against the keys that users rely on.

use proptest::prelude::*;
use serde_json::Value;

use super::render;
use crate::document::Document;
use crate::view::sanitize;
use crate::view::testing::{documents, filled, full, golden, hostile_texts, pool};

#[test]
fn reports_are_as_stored() {
    for (name, document) in documents() {
        let bytes = render(&document);
        golden(
            &format!("{name}.json"),
            std::str::from_utf8(&bytes).unwrap(),
        );
        assert_eq!(
            bytes,
            render(&document),
            "{name}: same document, same bytes"
        );
    }
}

/// The keys of `waitscope.report/1` that users rely on.
#[test]
fn the_contract_is_kept() {
    let report = parsed(&pool());
    assert_eq!(report["schema"], "waitscope.report/1");
    has(
        &report,
        "schema command exit host tier wall_ns coverage overhead threads groups fd_tables \
         listeners critical_path explained connections herds claims",
    );
    has(&report["host"], "kernel arch cpus");
    has(
        &report["coverage"],
        "lost_total lost open_waits unverified_wakes residual_ns",
    );
    has(
        &report["overhead"],
        "probe_runs probe_ns probes tool_cpu_ns",
    );
    let sums = "lifetime_ns on_cpu_ns runqueue_ns open_ns unknown_ns switches migrations waits \
                wakes blame calls gil";
    let thread = &report["threads"][0];
    has(
        thread,
        "pid tid ppid creator_tid comm role start_ns end_ns exit",
    );
    has(thread, sums);
    has(&thread["switches"], "voluntary involuntary");
    has(
        &thread["waits"][0],
        "kind syscall function object count total_ns max_ns",
    );
    has(
        &thread["waits"][0]["wakes"][0],
        "source comm pid tid count wait_ns",
    );
    has(&report["groups"][0], "name threads pids");
    has(&report["groups"][0], sums);
    has(
        &parsed(&filled(&["x".to_owned()], 1))["claims"][0],
        "id says source verdict because values evidence",
    );
    for unobserved in ["fd_tables", "connections", "claims"] {
        assert_eq!(report[unobserved], Value::Null, "{unobserved}");
    }
}

#[test]
fn unknown_is_null_and_never_zero() {
    let report = parsed(&Document::default());
    assert_eq!(report["exit"], Value::Null);
    assert_eq!(report["overhead"]["probe_runs"], Value::Null);
    assert_eq!(report["overhead"]["tool_cpu_ns"], Value::Null);
    assert_eq!(report["listeners"], Value::Null);
    let thread = &parsed(&pool())["threads"][0];
    assert_eq!(thread["exit"], Value::Null);
    assert_eq!(thread["ppid"], Value::Null);
    assert_eq!(thread["calls"], Value::Null);
    assert_eq!(thread["gil"], Value::Null);
    let calls = &parsed(&full())["threads"][0]["calls"];
    assert_eq!(
        (&calls[0]["reaped"], &calls[0]["empty"]),
        (&4.into(), &Value::Null)
    );
    assert_eq!(
        (&calls[1]["reaped"], &calls[1]["empty"]),
        (&Value::Null, &40.into())
    );
}

/// The keys of what only the full tier observes.
#[test]
fn calls_and_listeners_have_their_keys() {
    let report = parsed(&full());
    for calls in report["threads"][0]["calls"].as_array().unwrap() {
        has(
            calls,
            "function count total_ns max_ns begun_before failed reaped none_ready with_events \
             empty empty_after_wake",
        );
    }
    has(
        &report["listeners"][0],
        "address port family requests accept_queue_max accept_limit overflows syn_queue_max \
         syn_full syn_at_limit first_ns last_ns pid comm netns ours dropped_accept dropped_syn \
         cookies full_ns acceptors acceptors_did netstat",
    );
    assert_eq!(report["listeners"][1]["address"], "::");
    assert_eq!(report["groups"][2]["calls"], Value::Array(Vec::new()));
}

/// The keys of connections and what became of them.
#[test]
fn connections_have_their_keys() {
    let report = parsed(&filled(&["é".to_owned()], 7));
    let connection = &report["connections"][0];
    has(
        connection,
        "remote port family netns listener groups attempts fates connect syn_retransmits \
         syn_wait_ns retransmits",
    );
    has(
        &connection["fates"],
        "served refused unanswered closed-early reset-early open failed",
    );
    has(
        &connection["connect"],
        "count total_ns p50_ns p99_ns max_ns",
    );
    assert_eq!(connection["fates"]["closed-early"], 7);
}

#[test]
fn herds_have_their_keys() {
    let report = parsed(&filled(&["x".to_owned()], 6));
    let herd = &report["herds"][0];
    has(
        herd,
        "object kind wakes useful wasted events fan_out_mean fan_out_max wasted_cpu_ns waker_ns \
         waker exclusive advice",
    );
    assert_eq!(herd["fan_out_mean"], 3.0);
    assert_eq!(parsed(&Document::default())["herds"], Value::Null);
}

/// The keys of the run's critical path and of a thread's timeline.
#[test]
fn paths_and_timelines_have_their_keys() {
    let report = parsed(&pool());
    let path = &report["critical_path"];
    has(path, "root from_ns to_ns sums hops hops_left_out");
    has(&path["sums"][0], "cause detail ns");
    has(
        &path["hops"][0],
        "from_ns to_ns thread pid tid name wait cause detail",
    );
    assert_eq!(path["hops"][1]["name"], "git");
    let timeline = &report["explained"][0];
    has(timeline, "thread pid tid name born steps steps_left_out");
    let steps = timeline["steps"].as_array().unwrap();
    for step in steps {
        has(
            step,
            "from_ns to_ns did detail kind syscall function object ended blame",
        );
    }
    let dids: Vec<&Value> = [0, 2, 83].map(|at| &steps[at]["did"]).to_vec();
    assert_eq!(dids, ["run-queue", "waited", "open"]);
    assert_eq!(steps[2]["ended"]["source"], "task-exit");
    assert_eq!(parsed(&full())["explained"], Value::Null);
}

#[test]
fn endings_are_objects() {
    let report = parsed(&pool());
    assert_eq!(report["exit"], serde_json::json!({"code": 1}));
    let ends = &report["groups"][1]["exits"];
    assert_eq!(
        ends[2],
        serde_json::json!({"exit": {"signal": 15}, "count": 2})
    );
}

#[test]
fn any_text_survives_and_none_commands_a_terminal() {
    let text = "\u{1b}[31m\u{7f}\u{9b}2J\u{202e}\"\\\n\u{e0041}é日\u{2028}".to_owned();
    let document = filled(std::slice::from_ref(&text), 7);
    let bytes = String::from_utf8(render(&document)).unwrap();
    let hostile = |c: char| c != '\n' && sanitize::is_hostile(c);
    assert!(!bytes.chars().any(hostile));
    assert!(bytes.contains(r#""\u001b[31m\u007f\u009b2J\u202e\"\\\n\udb40\udc41é日\u2028""#));
    let report = parsed(&document);
    assert_eq!(report["command"][0], text);
    assert_eq!(report["groups"][0]["name"], text);
}

proptest! {
    #[test]
    fn json_of_any_text_reads_back_and_commands_no_terminal(texts in hostile_texts(), ns in any::<u64>()) {
        let document = filled(&texts, ns);
        let bytes = render(&document);
        let shown = std::str::from_utf8(&bytes).unwrap();
        prop_assert!(!shown.chars().any(|c| c != '\n' && sanitize::is_hostile(c)));
        prop_assert_eq!(super::read(&bytes), document);
    }
}

fn parsed(document: &Document) -> Value {
    serde_json::from_slice(&render(document)).unwrap()
}

fn has(object: &Value, keys: &str) {
    for key in keys.split_whitespace() {
        assert!(object.get(key).is_some(), "{key} is missing in {object}");
    }
}

#[test]
fn interim_reports_say_so() {
    assert_eq!(parsed(&pool()).get("interim"), None);
    let interim = Document {
        interim: true,
        ..pool()
    };
    assert_eq!(parsed(&interim)["interim"], true);
}
