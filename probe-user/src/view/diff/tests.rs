//! Differences in every format against stored text, and with any text in them.

use proptest::prelude::*;

use super::{Options, markdown, table};
use crate::diff::{diff, run::Run};
use crate::document::{
    Document, Value,
    diff::{Diff, FailOn},
};
use crate::view::{
    json, sanitize,
    testing::{HOSTILE, golden, hostile_texts, pool, renamed, trouble},
};

fn run(file: &str, document: &Document) -> Run {
    Run::new(file.to_owned(), document, None)
}

/// The pool with a network that is slower, in percent.
fn slower(percent: u64) -> Document {
    let mut document = pool();
    let more = |ns: u64| ns * percent / 100;
    let path = document.critical_path.as_mut().unwrap();
    for sum in path
        .sums
        .iter_mut()
        .filter(|sum| sum.cause.as_str() == "network")
    {
        path.to_ns += more(sum.ns);
        sum.ns += more(sum.ns);
    }
    for group in &mut document.groups {
        let sums = &mut group.sums;
        for blame in sums
            .blame
            .iter_mut()
            .filter(|it| it.cause.as_str() == "network")
        {
            let wait = sums.waits.iter_mut().find(|wait| wait.kind == blame.kind);
            wait.unwrap().total_ns += more(blame.ns);
            sums.lifetime_ns += more(blame.ns);
            blame.ns += more(blame.ns);
        }
    }
    document
}

/// One run of each.
fn pair() -> Diff {
    let fail_on = FailOn {
        expression: "b:wall > a:wall * 1.1".to_owned(),
        holds: Some(true),
        because: "b:wall 897 ms (> a:wall * 1.1 431 ms)".to_owned(),
        values: vec![Value::default()],
    };
    diff(
        vec![run("a.wsc", &pool())],
        vec![run("b.wsc", &slower(30))],
        vec![fail_on],
    )
}

/// Six of each, of which those of B are slower, and none is as any other.
fn sides() -> Diff {
    let runs = |name: &str, percent: u64| {
        let one = |at| run(&format!("{name}{at}.wsc"), &slower(percent + at));
        (0..6).map(one).collect()
    };
    diff(runs("a", 0), runs("b", 30), Vec::new())
}

/// A run with losses, of something else.
fn uncertain() -> Diff {
    let (a, b) = (run("a.wsc", &pool()), run("b.wsc", &trouble()));
    diff(vec![a], vec![b], Vec::new())
}

fn options(width: usize) -> Options {
    Options {
        width,
        color: false,
        all: false,
    }
}

#[test]
fn differences_are_as_stored() {
    let diffs = [
        ("pair", pair()),
        ("sides", sides()),
        ("uncertain", uncertain()),
    ];
    for (name, diff) in &diffs {
        for width in [60, 80, 120] {
            golden(
                &format!("diff/{name}-{width}.txt"),
                &table(diff, &options(width)),
            );
        }
        golden(&format!("diff/{name}.md"), &markdown(diff, false));
        let json = String::from_utf8(json::diff(diff)).unwrap();
        golden(&format!("diff/{name}.json"), &json);
    }
    let all = Options {
        all: true,
        color: true,
        ..options(80)
    };
    golden("diff/sides-80-color-all.txt", &table(&diffs[1].1, &all));
}

#[test]
fn differences_of_nothing_are_nothing() {
    let nothing = || vec![run("a.json", &Document::default())];
    let diff = diff(nothing(), nothing(), Vec::new());
    let shown = table(&diff, &options(80));
    assert!(shown.contains("B took as long as A, 0 ns"), "{shown}");
    assert!(markdown(&diff, true).contains("| sum | 0 ns | 0 ns | 0 ns |"));
}

/// Every text that comes from elsewhere.
fn with_text(text: &mut impl FnMut() -> String) -> Diff {
    let document = renamed(text);
    let fail_on = FailOn {
        expression: text(),
        because: text(),
        ..FailOn::default()
    };
    let a = vec![run(&text(), &document)];
    diff(a, vec![run(&text(), &pool())], vec![fail_on])
}

#[test]
fn differences_with_hostile_names_are_inert() {
    let mut texts = HOSTILE.iter().cycle();
    let diff = with_text(&mut || texts.next().unwrap().to_string());
    let page = markdown(&diff, true);
    for live in [
        "<script", "`c`", "*d*", "\u{1b}", "@team", " #7", "[x](", "\u{202e}",
    ] {
        assert!(!page.contains(live), "{live:?} in\n{page}");
    }
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let cells = line.replace("\\|", "").matches('|').count();
        assert_eq!(cells, cells_of(line), "{line}");
    }
}

/// Bars that end the cells of a table's line: the sides' has five, all others six.
fn cells_of(line: &str) -> usize {
    let is_side = ["| A |", "| B |", "|  | command |"];
    let is_side = is_side.iter().any(|begin| line.starts_with(begin));
    let is_rule = line.starts_with("| --- | --- | --- |");
    if is_side || is_rule { 6 } else { 7 }
}

proptest! {
    #[test]
    fn differences_of_any_text_are_harmless(texts in hostile_texts(), width in 0_usize..140, all: bool) {
        let mut texts = texts.iter().cycle().cloned();
        let diff = with_text(&mut || texts.next().unwrap_or_default());
        let shown = table(&diff, &Options { all, ..options(width) });
        for line in shown.lines() {
            prop_assert!(!line.chars().any(sanitize::is_hostile), "{line:?}");
            prop_assert!(sanitize::width(line) <= width.clamp(20, 120), "{line:?}");
        }
        let page = markdown(&diff, all);
        prop_assert!(!page.chars().any(|c| c != '\n' && sanitize::is_hostile(c)));
        let back: Diff = serde_json::from_slice(&json::diff(&diff)).unwrap();
        prop_assert_eq!(back, diff);
    }
}
