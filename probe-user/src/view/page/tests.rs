//! What is in a page: read back, with any text, and in too little room.

use std::io::Read as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::read::DeflateDecoder;
use proptest::prelude::*;
use serde_json::Value;

use super::{SCRIPT, STYLES, hash, render};
use crate::document::{
    Document, Recording,
    trace::{Interval, Lane, Trace, TraceState, What},
};
use crate::view::{
    sanitize,
    testing::{documents, filled, golden, hostile_texts},
};

/// As by default.
const MOST_BYTES: u64 = 12 << 20;

fn page(document: &Document, most_bytes: u64) -> String {
    String::from_utf8(render(document, most_bytes)).unwrap()
}

/// What lies in a block; `None` where there is none.
fn block(page: &str, id: &str) -> Option<Vec<u8>> {
    let start = format!("<script id=\"{id}\" type=\"application/octet-stream\">");
    let (_, rest) = page.split_once(&start)?;
    let (inside, _) = rest.split_once("</script>").unwrap();
    let deflated = BASE64_STANDARD.decode(inside).unwrap();
    let mut bytes = Vec::new();
    DeflateDecoder::new(&deflated[..])
        .read_to_end(&mut bytes)
        .unwrap();
    Some(bytes)
}

/// The page without what other tests compare: modules, styles and blocks.
fn frame(page: &str) -> String {
    let mut frame = page
        .replace(SCRIPT.trim_end(), "")
        .replace(STYLES.trim_end(), "")
        .replace(&hash(SCRIPT.trim_end()), "")
        .replace(&hash(STYLES.trim_end()), "");
    for id in ["report", "trace"] {
        let start = format!("<script id=\"{id}\" type=\"application/octet-stream\">");
        if let Some((before, rest)) = frame.clone().split_once(&start) {
            let (_, behind) = rest.split_once("</script>").unwrap();
            frame = format!("{before}{start}</script>{behind}");
        }
    }
    frame
}

#[test]
fn page_frames_are_as_stored() {
    for (name, document) in documents() {
        let page = page(&document, MOST_BYTES);
        golden(&format!("{name}.html"), &frame(&page));
    }
}

#[test]
fn page_has_the_report_that_the_json_has() {
    for (name, document) in documents() {
        let report = block(&page(&document, MOST_BYTES), "report").unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        let json: Value = serde_json::from_slice(&crate::view::json::render(&document)).unwrap();
        assert_eq!(report, json, "{name}");
    }
}

#[test]
fn page_policy_allows_nothing_but_what_is_in_it() {
    let page = page(&Document::default(), MOST_BYTES);
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT.trim_end()),
        hash(STYLES.trim_end())
    );
    assert!(page.contains(&policy));
    // The one element that is run, and the one that styles.
    assert_eq!(page.matches("<script>").count(), 1);
    assert_eq!(page.matches("<style>").count(), 1);
    for elsewhere in ["src=\"", "href=\"http", "@import"] {
        assert!(!frame(&page).contains(elsewhere), "{elsewhere}");
    }
}

/// The document with a trace: `lanes` as lengths by thread, each wait by the next thread.
fn traced(lanes: &[Vec<u64>]) -> Document {
    let what = |state, by: bool| What {
        state,
        cause: (!by).then_some(0),
        site: None,
        wake: None,
        by,
    };
    let lane = |(at, lengths): (usize, &Vec<u64>)| {
        let mut lane = Lane::new(7);
        for (nth, &ns) in lengths.iter().enumerate() {
            lane.push(Interval {
                ns,
                what: (nth % 2) as u32,
                by: (nth % 2 == 1).then_some(((at + 1) % lanes.len()) as u32),
            });
        }
        lane
    };
    let trace = Trace {
        whats: vec![what(TraceState::OnCpu, false), what(TraceState::Wait, true)],
        causes: vec![Default::default()],
        lanes: lanes.iter().enumerate().map(lane).collect(),
        ..Trace::default()
    };
    Document {
        trace: Some(trace.into()),
        ..Document::default()
    }
}

/// A trace as a page has it, read as `page/README.md` says.
struct Read {
    header: Value,
    columns: Vec<Vec<u64>>,
}

impl Read {
    fn of(bytes: &[u8]) -> Read {
        let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
        let (header, mut rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        let header: Value = serde_json::from_slice(header).unwrap();
        let mut columns = Vec::new();
        for name in ["count", "from", "ns", "what", "by", "parts"] {
            let length = header["columns"][name].as_u64().unwrap() as usize;
            let (column, behind) = rest.split_at(length);
            columns.push(numbers(column));
            rest = behind;
        }
        assert!(rest.is_empty());
        Read { header, columns }
    }

    fn number(&self, name: &str) -> u64 {
        self.header[name].as_u64().unwrap()
    }

    /// Of each interval its length in units, what it was, and its parts.
    fn intervals(&self) -> Vec<(u64, u64, Vec<[u64; 3]>)> {
        let together = self.header["whats"].as_array().unwrap().len() as u64 - 1;
        let mut parts = self.columns[5].iter().copied();
        let lengths = self.columns[2].iter().zip(&self.columns[3]);
        let intervals = lengths.map(|(&ns, &what)| {
            let count = if what == together {
                parts.next().unwrap()
            } else {
                0
            };
            let parts = (0..count).map(|_| [(); 3].map(|()| parts.next().unwrap()));
            (ns, what, parts.collect())
        });
        intervals.collect()
    }
}

fn numbers(column: &[u8]) -> Vec<u64> {
    let bytes = column.split_inclusive(|byte| byte & 0x80 == 0);
    let number = |bytes: &[u8]| {
        let parts = bytes.iter().zip((0..).step_by(7));
        parts
            .map(|(byte, shift)| u64::from(byte & 0x7f) << shift)
            .sum()
    };
    bytes.map(number).collect()
}

#[test]
fn page_traces_are_exact_where_there_is_room() {
    let lanes = [vec![5, 300], vec![], vec![1, 70_000, 2]];
    let read = Read::of(&block(&page(&traced(&lanes), MOST_BYTES), "trace").unwrap());
    assert_eq!(
        (read.number("unit_ns"), read.number("resolution_ns")),
        (1, 0)
    );
    let [count, from, ns, what, by, parts] = &read.columns[..] else {
        panic!("other columns");
    };
    assert_eq!(count, &[2, 0, 3]);
    assert_eq!(from, &[7, 7, 7]);
    assert_eq!(ns, &[5, 300, 1, 70_000, 2]);
    assert_eq!(what, &[0, 1, 0, 1, 0]);
    // One on, and two back, as zigzag numbers.
    assert_eq!(by, &[2, 3]);
    assert_eq!(parts, &[0_u64; 0]);
}

/// A smaller page has less of the trace, and in the end none; never a wrong one.
#[test]
fn page_traces_give_up_digits_before_they_give_up_intervals() {
    let lengths = |seed: u64| {
        let mut state = seed;
        let next = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % (1 << (state >> 60))
        };
        std::iter::repeat_with(next).take(4_000).collect()
    };
    let lanes: Vec<Vec<u64>> = (1..20).map(lengths).collect();
    let document = traced(&lanes);
    let exact = page(&document, MOST_BYTES).len();
    let frame = page(&Document::default(), MOST_BYTES).len();
    let room = |share: usize| (frame + 20_000 + (exact - frame) * share / 100) as u64;
    let mut before = (1, 0);
    for share in [90, 60, 40, 20, 5] {
        let page = page(&document, room(share));
        assert!(page.len() as u64 <= room(share), "{share}: {}", page.len());
        let read = Read::of(&block(&page, "trace").unwrap());
        let level = (read.number("unit_ns"), read.number("resolution_ns"));
        assert!(level >= before, "{share}: {level:?} behind {before:?}");
        before = level;
        adds_up(&lanes, &read);
    }
    assert!(before.1 > 0, "nothing was drawn together");
}

/// Each thread's life is as long as it was, and each interval as long as what it stands for:
/// to a unit at either end.
fn adds_up(lanes: &[Vec<u64>], read: &Read) {
    let unit_ns = read.number("unit_ns");
    let mut intervals = read.intervals().into_iter();
    let mut seen = 0;
    for (lane, &count) in lanes.iter().zip(&read.columns[0]) {
        let mut life = 0;
        for (ns, _, parts) in intervals.by_ref().take(count as usize) {
            life += ns;
            let sum: u64 = parts.iter().map(|[_, _, ns]| ns).sum();
            seen += parts.iter().map(|[_, count, _]| count).sum::<u64>().max(1);
            let most = parts.len() as u64 + 1;
            assert!(
                parts.is_empty() || sum.abs_diff(ns) <= most,
                "{sum} of {ns}"
            );
        }
        let was: u64 = lane.iter().sum();
        assert!((life * unit_ns).abs_diff(was) <= unit_ns, "{life} of {was}");
    }
    let were: usize = lanes.iter().map(Vec::len).sum();
    assert_eq!(seen, were as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn page_text_of_others_is_text(
        texts in hostile_texts(),
        ns in any::<u64>()
    ) {
        let mut document = filled(&texts, ns);
        document.recording = Some(Recording {
            name: texts[0].clone(),
            sha256: String::new(),
        });
        let frame = frame(&page(&document, MOST_BYTES));
        // The same elements, whatever they hold.
        let plain = filled(&vec!["x".to_owned(); texts.len()], ns);
        let plain = self::frame(&page(&plain, MOST_BYTES));
        for tag in ["<script", "</script>", "<img", "<h1", "<pre", "<style", "<meta"] {
            prop_assert_eq!(frame.matches(tag).count(), plain.matches(tag).count(), "{}", tag);
        }
        prop_assert!(!frame.chars().any(|c| c != '\n' && sanitize::is_hostile(c)));
    }
}
