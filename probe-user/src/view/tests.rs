//! Verdicts in every format against stored text, and with any text in them.

use proptest::prelude::*;

use super::testing::{check, golden, hostile_texts, verdict};
use super::{json, junit, markdown, sanitize, table};
use crate::document::{Check, CheckedRun};

#[test]
fn checks_are_as_stored() {
    for width in [60, 80, 120] {
        golden(
            &format!("check/{width}.txt"),
            &table::check(&check(), width, false),
        );
    }
    golden("check/80-color.txt", &table::check(&check(), 80, true));
    for (name, bytes) in [
        ("check/check.json", json::check(&check())),
        ("check/check.md", markdown::check(&check())),
        ("check/check.xml", junit::check(&check())),
    ] {
        golden(name, std::str::from_utf8(&bytes).unwrap());
    }
}

#[test]
fn checks_are_read_back() {
    let bytes = json::check(&check());
    let back: Check = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(back, check());
    assert_eq!(json::check(&back), bytes);
}

proptest! {
    #[test]
    fn checks_of_any_text_are_harmless(texts in hostile_texts(), ns in any::<u64>(), width in 0_usize..140) {
        let mut texts = texts.iter().cycle().cloned();
        let mut text = || texts.next().unwrap_or_default();
        let check = Check {
            file: text(),
            files: vec![text(), text()],
            runs: vec![CheckedRun { name: text(), command: vec![text(), text()], ..CheckedRun::default() }],
            claims: vec![verdict(ns, &mut text), verdict(ns, &mut text)],
        };
        let shown = table::check(&check, width, false);
        for line in shown.lines() {
            prop_assert!(!line.chars().any(sanitize::is_hostile), "{line:?}");
            prop_assert!(sanitize::width(line) <= width.clamp(20, 120), "{line:?}");
        }
        let page = String::from_utf8(markdown::check(&check)).unwrap();
        prop_assert_eq!(page.lines().count(), 12, "no text ends a row");
        prop_assert!(!page.chars().any(|c| c != '\n' && sanitize::is_hostile(c)));
        let xml = String::from_utf8(junit::check(&check)).unwrap();
        let escape = char::from(27);
        prop_assert!(!xml.contains(escape), "{}", xml);
        let back: Check = serde_json::from_slice(&json::check(&check)).unwrap();
        prop_assert_eq!(back, check);
    }
}
