//! Files that are no report, or a report that somebody has changed: one sentence,
//! never a panic, and never a view that follows an index out of its list.

use proptest::{prelude::*, sample::Index};

use super::draw_all;
use crate::document::Document;
use crate::view::json::render;
use crate::view::testing::{filled, full, trouble};

#[track_caller]
fn check(text: &str, expected: &str) {
    let error = Document::from_json(text.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(expected), "{error}");
    assert!(
        error.chars().count() < 400 && !error.contains('\n'),
        "{error}"
    );
}

/// A report with these fields.
#[track_caller]
fn check_fields(fields: &str, expected: &str) {
    check(
        &format!(r#"{{"schema": "waitscope.report/1", {fields}}}"#),
        expected,
    );
}

#[test]
fn json_what_is_no_report_is_one_sentence() {
    check("", "the report is cut short: EOF while parsing");
    check("{", "the report is cut short: EOF while parsing");
    check(r#"{"schema": "waitscope.rep"#, "the report is cut short");
    check(
        "hello",
        "this is not JSON: expected value at line 1 column 1",
    );
    check("{,}", "this is not JSON: key must be a string");
    check("{} {}", "this is not JSON: trailing characters");
    check(
        "{}",
        "this is not a report of waitscope: it names no schema",
    );
    check(
        r#"{"schema": null}"#,
        "this is not a report of waitscope: it names no schema",
    );
    check(
        r#"{"schema": "waitscope.doctor/1"}"#,
        "this is not a report that this waitscope reads: its schema is \"waitscope.doctor/1\", not \
         waitscope.report/1",
    );
    check(
        r#"{"schema": ["x"]}"#,
        "this is not a report that this waitscope reads",
    );
    check(
        "7",
        "this does not follow waitscope.report/1: invalid type: integer `7`",
    );
    let long = format!(r#"{{"schema": "{}"}}"#, "é".repeat(100_000));
    check(
        &long,
        "this is not a report that this waitscope reads: its schema is \"ééé",
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn json_fields_of_other_types_are_one_sentence() {
    let wrong = |fields: &str, what: &str| {
        check_fields(
            fields,
            &format!("this does not follow waitscope.report/1: {what}"),
        );
    };
    wrong(
        r#""wall_ns": -1"#,
        "invalid value: integer `-1`, expected u64",
    );
    wrong(
        r#""wall_ns": 1.5"#,
        "invalid type: floating point `1.5`, expected u64",
    );
    wrong(
        r#""wall_ns": 18446744073709551616"#,
        "invalid type: floating point",
    );
    wrong(r#""wall_ns": null"#, "invalid type: null, expected u64");
    wrong(r#""wall_ns": 1, "wall_ns": 2"#, "duplicate field `wall_ns`");
    wrong(r#""exit": {"stopped": 1}"#, "unknown variant `stopped`");
    wrong(r#""tier": "best""#, "unknown tier \"best\"");
    wrong(r#""threads": {}"#, "invalid type: map, expected a sequence");
    wrong(
        r#""threads": [{"tid": 4294967296}]"#,
        "invalid value: integer `4294967296`",
    );
    wrong(
        r#""groups": [{"waits": [{"kind": "naps"}]}]"#,
        "unknown wait kind \"naps\"",
    );
    wrong(
        r#""groups": [{"wakes": [{"source": ""}]}]"#,
        "unknown wake source \"\"",
    );
    wrong(
        r#""groups": [{"blame": [{"cause": "me"}]}]"#,
        "unknown cause \"me\"",
    );
    wrong(
        r#""groups": [{"calls": [{"count": 1}]}]"#,
        "missing field `function`",
    );
    wrong(
        r#""explained": [{"steps": [{"did": "slept"}]}]"#,
        "unknown cause \"slept\"",
    );
    wrong(
        r#""listeners": [{"address": "nowhere"}]"#,
        "invalid IP address syntax",
    );
    check_fields(r#""wall_ns": NaN"#, "this is not JSON: expected value");
    check_fields(
        r#""wall_ns": 1e999"#,
        "this is not JSON: number out of range",
    );
    check_fields(
        r#""command": ["\ud800"]"#,
        "this is not JSON: unexpected end of hex escape",
    );
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    let limit = "this is not JSON: recursion limit exceeded";
    check_fields(&format!(r#""threads": [{{"later": {deep}}}]"#), limit);
    check(&format!(r#"{{"schema": {deep}}}"#), limit);
    let long = format!(r#""tier": "{}""#, "x".repeat(100_000));
    wrong(&long, "unknown tier \"xxx");
}

/// Nothing is built of what is kept out, so that it may be as deep as it likes.
#[test]
fn json_an_unknown_field_may_be_deep() {
    let deep = "[".repeat(50_000) + &"]".repeat(50_000);
    let text = format!(r#"{{"schema": "waitscope.report/1", "later": {deep}, "sooner": {deep}}}"#);
    let document = Document::from_json(text.as_bytes()).unwrap();
    assert_eq!(document, Document::default());
}

#[test]
fn json_an_index_that_leads_nowhere_is_one_sentence() {
    let thread = r#""groups": [{}], "threads": [{"group": 0}]"#;
    check_fields(
        r#""threads": [{"group": 3}], "groups": [{}]"#,
        "threads[0] leads to group 3, but there are 1",
    );
    check_fields(
        r#""threads": [{}]"#,
        "threads[0] leads to group 0, but there are 0",
    );
    check_fields(
        &format!(r#"{thread}, "critical_path": {{"root": 1}}"#),
        "critical_path.root leads to thread 1, but there are 1",
    );
    check_fields(
        &format!(r#"{thread}, "critical_paths": [{{}}, {{"root": 1}}]"#),
        "critical_paths[1].root leads to thread 1, but there are 1",
    );
    check_fields(
        &format!(
            r#"{thread}, "critical_path": {{"hops": [{{}}, {{"thread": 18446744073709551615}}]}}"#
        ),
        "critical_path.hops[1] leads to thread 18446744073709551615, but there are 1",
    );
    check_fields(
        &format!(r#"{thread}, "explained": [{{"thread": 2}}]"#),
        "explained[0] leads to thread 2, but there are 1",
    );
    check_fields(
        r#""fates": [{"pid": 1, "tid": 1, "comm": "", "group": 2, "exit": {"code": 1},
            "cause": "exit", "shortage": null, "core": false, "sender": null, "address": null,
            "siblings": 0, "at_ns": 0}]"#,
        "fates[0] leads to group 2, but there are 0",
    );
}

#[test]
fn json_bytes_that_are_no_utf8_are_one_sentence() {
    let bytes = b"{\"schema\": \"waitscope.report/1\", \"command\": [\"\xff\"]}";
    let error = Document::from_json(bytes).unwrap_err().to_string();
    assert!(
        error.starts_with("this is not JSON: invalid unicode code point"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn json_no_changed_byte_and_no_cut_is_a_panic(
        base in any::<Index>(),
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        digits in proptest::collection::vec((any::<Index>(), b'0'..=b'9'), 0..8),
        cut in proptest::option::of(any::<Index>()),
    ) {
        let bases = [full(), trouble(), filled(&["a".to_owned()], 9)];
        let mut bytes = render(base.get(&bases));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let places: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at].is_ascii_digit()).collect();
        for (at, digit) in digits {
            bytes[*at.get(&places)] = digit;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(document) = Document::from_json(&bytes) {
            draw_all(&document);
        }
    }
}
