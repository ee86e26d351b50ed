//! Files as nobody would write them: whatever they hold, reading ends at once, with claims or
//! with errors that have a place.
//!
//! `CLAIM_FUZZ_SECONDS=3600 cargo test -p waitscope --lib mutations` goes on for an hour.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::{TimeVal, TimeValLike as _},
};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};

use crate::claim::file::{self, Given};
use crate::view::diagnostic::{Options, render};

/// What is put into the files.
const PIECES: &[&str] = &[
    "",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\\",
    "\\u0000",
    "\r\n",
    "\n",
    "\u{1b}[31m",
    "\u{202e}",
    "é",
    "\u{feff}",
    "[",
    "]",
    "[[claim]]",
    "[who.x]",
    "(",
    ")",
    "((((((((",
    "not ",
    " and ",
    " or ",
    " < ",
    " == ",
    "/",
    "/s",
    "%",
    "ms",
    "1e308",
    "9999999999999999999999",
    "0.1",
    "-",
    ":",
    ".",
    ",",
    "= ",
    "pool.share(epoll)",
    "run:wall",
    "#",
    "{",
    "}",
    "\0",
    "inf",
    "nan",
    "1979-05-27",
];

/// So long it takes in a test by default.
const SHORT: Duration = Duration::from_millis(1_500);

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/claim/tests/corpus");
    let files = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn look(bytes: &[u8]) {
    let begun = cpu_time();
    let named = ["a".to_owned(), "b".to_owned()];
    let (text, errors) = match file::text(bytes) {
        Ok(text) => {
            let ways = [Given::One, Given::None, Given::Named(&named)];
            let errors = ways.map(|given| file::read(text, given).err().unwrap_or_default());
            (text.to_owned(), errors.concat())
        }
        Err(error) => (error.0, vec![error.1]),
    };
    for color in [false, true] {
        let shown = render("x.toml", &text, &errors, Options { width: None, color });
        assert_eq!(shown.is_empty(), errors.is_empty());
    }
    assert!(cpu_time() - begun < TimeVal::seconds(2), "{text}");
}

/// What this thread has used of a CPU: nothing else is a matter of the text alone.
fn cpu_time() -> TimeVal {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    usage.user_time() + usage.system_time()
}

#[test]
fn the_corpus_is_read() {
    for bytes in corpus() {
        look(&bytes);
    }
}

#[test]
fn mutations_are_read_or_refused() {
    let seconds = std::env::var("CLAIM_FUZZ_SECONDS");
    let seconds = seconds.ok().map(|text| text.parse().unwrap());
    let end = Instant::now() + seconds.map_or(SHORT, Duration::from_secs);
    let corpus = corpus();
    // Of a fixed seed where it is to be the same each time.
    let mut runner = match seconds {
        Some(_) => TestRunner::default(),
        None => TestRunner::deterministic(),
    };
    let edits = proptest::collection::vec((0.0..1.0, 0.0..1.0, 0..PIECES.len()), 1..6);
    let strategy = (0..corpus.len(), edits);
    while Instant::now() < end {
        let (file, edits) = strategy.new_tree(&mut runner).unwrap().current();
        let mut bytes = corpus[file].clone();
        for (from, share, piece) in edits {
            edit(&mut bytes, from, share, PIECES[piece].as_bytes());
        }
        look(&bytes);
    }
}

/// Puts a piece in the place of a part, of a few bytes mostly.
fn edit(bytes: &mut Vec<u8>, from: f64, share: f64, piece: &[u8]) {
    let at = (from * bytes.len() as f64) as usize;
    let length = (share.powi(8) * (bytes.len() - at) as f64) as usize;
    bytes.splice(at..at + length, piece.iter().copied());
}
