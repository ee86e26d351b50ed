//! The list of metrics that a claim may name: as text, as JSON, and as the page
//! docs/metrics.md.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{
    claim::{
        metric::{Arguments, METRICS, Metric, Whole},
        unit::Unit,
    },
    vocabulary::{CauseKind, WaitKind, WakeSource},
};

/// Width of a definition in the text.
const WIDTH: usize = 96;

/// Each metric with its unit, where it is measured, and its definition.
pub fn text() -> String {
    let mut text = String::new();
    for metric in METRICS {
        let head = format!("{}{}", metric.name, in_parentheses(metric));
        let (unit, tiers) = (unit(metric.unit), metric.tiers);
        put(&mut text, format_args!("{head:<44} {unit}, {tiers}\n"));
        for line in wrapped(metric.definition) {
            put(&mut text, format_args!("    {line}\n"));
        }
    }
    for (name, words) in lists() {
        put(&mut text, format_args!("\n{name}:\n"));
        for line in wrapped(&words.join(" ")) {
            put(&mut text, format_args!("    {line}\n"));
        }
    }
    text
}

/// One metric in JSON.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    unit: &'static str,
    of: &'static str,
    takes: &'static str,
    /// What the first argument may be; null: anything, or nothing.
    words: Option<Vec<&'static str>>,
    definition: &'static str,
    tiers: &'static str,
}

#[derive(Serialize)]
struct List {
    schema: &'static str,
    metrics: Vec<Row>,
}

/// The same for programs: `waitscope.metrics/1`.
pub fn json() -> String {
    let row = |metric: &Metric| Row {
        name: metric.name,
        unit: unit(metric.unit),
        of: of(metric.of),
        takes: takes(metric.arguments),
        words: metric.arguments.words(),
        definition: metric.definition,
        tiers: metric.tiers,
    };
    let list = List {
        schema: "waitscope.metrics/1",
        metrics: METRICS.iter().map(row).collect(),
    };
    // Plain structs with string keys, written to memory: nothing can fail.
    let mut text = serde_json::to_string_pretty(&list).unwrap_or_default();
    text.push('\n');
    text
}

/// The page docs/metrics.md.
pub fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (title, whole) in [
        ("Of a selection of threads", Whole::Selection),
        ("Of the run", Whole::Run),
    ] {
        put(&mut page, format_args!("\n## {title}\n\n"));
        page.push_str("| metric | unit | where | is |\n| --- | --- | --- | --- |\n");
        for metric in METRICS.iter().filter(|metric| metric.of == whole) {
            let (name, takes) = (metric.name, in_parentheses(metric).replace('|', "\\|"));
            let (unit, tiers) = (unit(metric.unit), metric.tiers);
            let is = metric.definition.replace('|', "\\|");
            put(
                &mut page,
                format_args!("| `{name}{takes}` | {unit} | {tiers} | {is} |\n"),
            );
        }
    }
    page.push_str("\n## Words\n\n");
    for (name, words) in lists() {
        put(&mut page, format_args!("- {name}: {}\n", words.join(", ")));
    }
    page
}

const INTRODUCTION: &str = "# Metrics

For everyone who writes claims: what can be measured, and what exactly that is. `waitscope check --list-metrics` prints
the same. This page is made from the program's own list by `cargo xtask metrics`.

Every value is an interval that certainly holds the true one: it is as wide as what is not known. Lost records, wakings
that are not verified, waits whose kind only their end will show, a recording that was cut, and what the tier does not
see make it wider, and never move it; of nothing (no thread selected, no wait finished) it is everything. What each loss does
is at the top of `probe-user/src/claim/metric/trust.rs`.

Times are of all selected threads together, and of what was observed of them. `tree` is all threads, `root` those of the
first process, `children` those of the processes that the tree made.
";

fn lists() -> [(&'static str, Vec<&'static str>); 3] {
    let kinds = WaitKind::ALL.iter().map(|kind| kind.as_str());
    let sources = WakeSource::ALL.iter().filter(|it| **it != WakeSource::New);
    let causes = CauseKind::ALL.iter().filter(|it| **it != CauseKind::Open);
    [
        ("KIND (of a wait)", kinds.collect()),
        (
            "SOURCE (of a waking)",
            sources.map(|it| it.as_str()).collect(),
        ),
        ("CAUSE (of blame)", causes.map(|it| it.as_str()).collect()),
    ]
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Into memory: nothing can fail.
    let written = text.write_fmt(what);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// `(KIND)`, `([KIND])` where it may be left out, or nothing.
fn in_parentheses(metric: &Metric) -> String {
    let short = |words: &[&str]| match metric.name {
        "share" => "KIND|on_cpu|runqueue|idle".to_owned(),
        "woken_by" => "SOURCE".to_owned(),
        "exits" => "clean|failed|oom|segv|SIGNAL".to_owned(),
        _ if words.contains(&"epoll") => "KIND".to_owned(),
        _ => words.join("|"),
    };
    match metric.arguments {
        Arguments::None => String::new(),
        Arguments::Word(list) => format!("({})", short(&list())),
        Arguments::OptionalWord(list) => format!("([{}])", short(&list())),
        Arguments::WordAndGlob(_) => "(CAUSE[, \"detail\"])".to_owned(),
        Arguments::Name => "(NAME)".to_owned(),
    }
}

fn takes(arguments: Arguments) -> &'static str {
    match arguments {
        Arguments::None => "nothing",
        Arguments::Word(_) => "word",
        Arguments::OptionalWord(_) => "optional-word",
        Arguments::WordAndGlob(_) => "word-and-glob",
        Arguments::Name => "name",
    }
}

fn of(whole: Whole) -> &'static str {
    match whole {
        Whole::Selection => "selection",
        Whole::Run => "run",
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Time => "time",
        Unit::Bytes => "bytes",
        Unit::Count => "count",
        Unit::Share => "share",
        Unit::PerSecond => "per second",
    }
}

/// Broken between words.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + word.len() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// `cargo xtask metrics` runs it so that it writes the page.
    #[test]
    fn metrics_the_page_is_the_list() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, markdown()).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == markdown(),
            "docs/metrics.md is not the list of metrics: `cargo xtask metrics` writes it"
        );
    }

    #[test]
    fn metrics_every_one_is_in_every_form() {
        let (text, json) = (text(), json());
        let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(parsed["metrics"].as_array().unwrap().len(), METRICS.len());
        for metric in METRICS {
            assert!(text.contains(metric.name), "{}", metric.name);
            assert!(!metric.definition.is_empty(), "{}", metric.name);
            assert!(metric.definition.ends_with('.'), "{}", metric.name);
        }
        let mut prose = text.lines().filter(|line| line.starts_with(' '));
        assert!(
            prose.all(|line| line.chars().count() <= WIDTH + 4),
            "{text}"
        );
    }

    #[test]
    fn metrics_each_has_a_name_of_its_own() {
        let mut names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
    }
}
