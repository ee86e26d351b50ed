//! The pages for people stay true: what they name is there, and the README is short.

use std::path::{Path, PathBuf};

use crate::workspace::Workspace;

const PAGES: [&str; 15] = [
    "README.md",
    "ARCHITECTURE.md",
    "docs/benchmarks.md",
    "docs/claim-files.md",
    "docs/command-line.md",
    "docs/comparing.md",
    "docs/decisions.md",
    "docs/development.md",
    "docs/kernels.md",
    "docs/metrics.md",
    "docs/parquet.md",
    "docs/reading-a-report.md",
    "docs/tiers-and-kernels.md",
    "docs/flame-graphs.md",
    "docs/perfetto.md",
];
/// Where the paths begin that pages name in full.
const TOPS: [&str; 8] = [
    "docs/",
    "examples/",
    "probe-common/",
    "probe-ebpf/",
    "probe-user/",
    "proc-stat/",
    "tests/",
    "xtask/",
];
/// More is not taken in within a minute.
const README_WORDS: usize = 900;

fn text(page: &str) -> String {
    std::fs::read_to_string(path(page)).unwrap()
}

fn path(relative: &str) -> PathBuf {
    Workspace::find().unwrap().path(relative)
}

/// What stands behind each `open`, up to `close`, outside of blocks of code.
fn between<'a>(text: &'a str, open: &'a str, close: char) -> impl Iterator<Item = &'a str> {
    let prose = text.split("```").step_by(2);
    let pieces = prose.flat_map(move |part| part.split(open).skip(1));
    pieces.filter_map(move |piece| piece.split(close).next())
}

fn paths(text: &str) -> impl Iterator<Item = &str> {
    let quoted = between(text, "`", '`');
    quoted.filter(|one| {
        let is_path = TOPS.iter().any(|top| one.starts_with(top));
        // A name to be put in is no path yet.
        is_path && !one.contains("NAME") && !one.contains(' ')
    })
}

#[test]
fn every_path_that_a_page_names_is_there() {
    for page in PAGES {
        let text = text(page);
        for named in paths(&text) {
            assert!(path(named).exists(), "{page} names {named}");
        }
    }
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    for page in PAGES {
        let text = text(page);
        let folder = Path::new(page).parent().unwrap();
        for link in between(&text, "](", ')') {
            let file = link.split('#').next().unwrap();
            if file.is_empty() || file.starts_with("http") {
                continue;
            }
            let leads_to = path("").join(folder).join(file);
            assert!(leads_to.exists(), "{page} links to {link}");
        }
    }
}

#[test]
fn the_readme_is_read_in_a_minute() {
    let words = text("README.md").split_whitespace().count();
    assert!(words <= README_WORDS, "{words} words");
}

#[test]
fn paths_are_found_in_prose_and_not_in_code() {
    let text =
        "see `probe-user/src/a.rs` and `tests/b/`\n```\n`tests/c`\n```\n`x`, `tests/NAME.rs`";
    let found: Vec<&str> = paths(text).collect();
    assert_eq!(found, ["probe-user/src/a.rs", "tests/b/"]);
}
