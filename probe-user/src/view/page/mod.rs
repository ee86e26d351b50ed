//! The report to look at: one HTML file that needs nothing else, not even a network.
//!
//! What is in it, and the format of the trace: `page/README.md`, beside the modules that
//! show it. They are bundled into `asset/` by `cargo xtask page`. Text of other processes is
//! in here in two ways only: escaped, or inside a block of base64 that no browser reads as
//! markup.

mod html;
mod pack;
#[cfg(test)]
mod tests;

use std::io::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compression, write::DeflateEncoder};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use self::{html::Html, pack::Packed};
use super::{
    color::Style,
    table::{self, Passage},
    units,
};
use crate::document::{Document, Sums};

const SCRIPT: &str = include_str!("asset/page.js");
const STYLES: &str = include_str!("asset/page.css");

/// Columns of the report as text.
const TEXT_WIDTH: usize = 120;

/// A page. It is larger than `most_bytes` only if the sums of the groups alone are.
pub fn render(document: &Document, most_bytes: u64) -> Vec<u8> {
    let most = usize::try_from(most_bytes).unwrap_or(usize::MAX);
    let text = table::render(
        document,
        &table::Options {
            width: TEXT_WIDTH,
            ..table::Options::default()
        },
    );
    // All threads can be found in it, also where only some are listed.
    let whole = document.whole.as_deref().unwrap_or(document);
    let (report, is_whole) = report(whole, most / 2);
    let taken = SCRIPT.len() + STYLES.len() + text.len() + base64_len(report.len());
    let left = most.saturating_sub(taken + ALL_ELSE) / 4 * 3;
    let trace = whole.trace.as_ref();
    let trace = trace.map(|trace| pack::pack(trace, left));
    let mut html = Html::default();
    head(&mut html, document);
    html.raw("<main id=\"page\"></main>\n");
    html.raw("<details id=\"text\"><summary>The report as text</summary>\n<pre tabindex=\"0\">");
    html.text(&text);
    html.raw("</pre></details>\n");
    footer(&mut html, document, trace.as_ref(), is_whole);
    block(&mut html, "report", &report);
    if let Some(Some(packed)) = &trace {
        block(&mut html, "trace", &packed.deflated);
    }
    html.raw("<script>");
    html.raw(SCRIPT.trim_end());
    html.raw("</script>\n</body>\n</html>\n");
    html.bytes()
}

/// Room for the markup.
const ALL_ELSE: usize = 16 * 1024;

fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// The report in JSON, deflated, and whether all of it is there: of thousands of threads the
/// sums take more room than what they did.
fn report(document: &Document, most: usize) -> (Vec<u8>, bool) {
    let all = deflate(&[&json(document)]);
    if base64_len(all.len()) <= most {
        return (all, true);
    }
    let mut brief = document.clone();
    for thread in &mut brief.threads {
        let Sums {
            waits,
            wakes,
            blame,
            runqueue_behind,
            ..
        } = &mut thread.sums;
        waits.clear();
        wakes.clear();
        blame.clear();
        *runqueue_behind = None;
    }
    (deflate(&[&json(&brief)]), false)
}

/// What ran, whether it can be trusted, and what it came to.
fn head(html: &mut Html, document: &Document) {
    let (head, foot) = table::passages(document);
    html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"");
    html.raw(&format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT.trim_end()),
        hash(STYLES.trim_end())
    ));
    html.raw("\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    let mut lines = head.into_iter().filter(|line| !is_blank(line));
    // What stands apart there are parts of no sentence.
    let mut parts = lines.next().unwrap_or_default().into_iter();
    let mut parts = parts.by_ref().filter(|(text, _)| !text.trim().is_empty());
    let (subject, _) = parts.next().unwrap_or_default();
    html.text(&format!("{subject} – waitscope"));
    html.raw("</title>\n<style>");
    html.raw(STYLES.trim_end());
    html.raw("</style>\n</head>\n<body>\n<header id=\"head\">\n<h1>");
    html.text(&subject);
    html.raw("</h1>\n<ul class=\"run\">");
    for part in parts {
        html.raw("<li>");
        spans(html, &[part]);
        html.raw("</li>");
    }
    html.raw("</ul>\n");
    let lines: Vec<Passage> = lines.map(trimmed).collect();
    let style = |line: &Passage| line.first().map(|(_, style)| *style);
    // What stands before it says of what the report is.
    let sentence = lines
        .iter()
        .rposition(|line| style(line) == Some(Style::Strong));
    for (at, line) in lines.iter().enumerate() {
        let class = match style(line) {
            Some(Style::Alarm) => "lost",
            Some(Style::Strong) if sentence == Some(at) => "sentence",
            Some(Style::Faint) => "path",
            _ => "note",
        };
        html.raw(&format!("<p class=\"{class}\">"));
        spans(html, line);
        html.raw("</p>\n");
    }
    facts_of_the_run(html, foot);
    html.raw(
        "<noscript><p class=\"lost\">This page draws with JavaScript, which is switched \
              off: the report as text is below.</p></noscript>\n</header>\n",
    );
}

/// What is said of the run beside its groups: what hurts first, and all of it.
fn facts_of_the_run(html: &mut Html, foot: Vec<Passage>) {
    let lines = foot.into_iter().filter(|line| !is_blank(line));
    let lines: Vec<Passage> = lines.map(trimmed).collect();
    let hurts = |line: &&Passage| {
        let mut styles = line.iter().map(|(_, style)| *style);
        styles.any(|style| matches!(style, Style::Alarm | Style::Warning))
    };
    if lines.iter().any(|line| hurts(&line)) {
        list(html, "warnings", lines.iter().filter(hurts));
    }
    html.raw("<details id=\"facts\"><summary>What else is known of the run</summary>\n");
    list(html, "facts", lines.iter());
    html.raw("</details>\n");
}

fn list<'a>(html: &mut Html, class: &str, lines: impl Iterator<Item = &'a Passage>) {
    html.raw(&format!("<ul class=\"{class}\">\n"));
    for line in lines {
        html.raw("<li>");
        spans(html, line);
        html.raw("</li>\n");
    }
    html.raw("</ul>\n");
}

fn is_blank(line: &Passage) -> bool {
    line.iter().all(|(text, _)| text.trim().is_empty())
}

/// Without the space that lines up columns.
fn trimmed(line: Passage) -> Passage {
    let mut trimmed: Passage = Vec::new();
    for (text, style) in line {
        let is_space = text.trim().is_empty();
        match trimmed.last_mut() {
            None if is_space => {}
            None => trimmed.push((text.trim_start().to_owned(), style)),
            Some((last, of)) if is_space || *of == style => last.push_str(&text),
            Some(_) => trimmed.push((text, style)),
        }
    }
    trimmed
}

fn spans(html: &mut Html, pieces: &[(String, Style)]) {
    for (text, style) in pieces {
        let class = match style {
            Style::Plain | Style::Bar => "",
            Style::Strong => "strong",
            Style::Faint => "faint",
            Style::Warning => "warning",
            Style::Alarm => "alarm",
        };
        if class.is_empty() {
            html.text(text);
        } else {
            html.raw(&format!("<span class=\"{class}\">"));
            html.text(text);
            html.raw("</span>");
        }
    }
}

/// Which version made it of what, and what is not in it.
fn footer(html: &mut Html, document: &Document, trace: Option<&Option<Packed>>, is_whole: bool) {
    html.raw("<footer id=\"made\">\n<p>");
    html.text(&format!("waitscope {}", env!("CARGO_PKG_VERSION")));
    match &document.recording {
        Some(recording) => html.text(&format!(
            ", from {} (SHA-256 {})",
            recording.name, recording.sha256
        )),
        None => html.text(", without a recording"),
    }
    html.raw("</p>\n");
    for sentence in left_out(trace, is_whole) {
        html.raw("<p>");
        html.text(&sentence);
        html.raw("</p>\n");
    }
    html.raw("</footer>\n");
}

/// What is not in the page, a sentence each.
fn left_out(trace: Option<&Option<Packed>>, is_whole: bool) -> Vec<String> {
    let mut sentences = Vec::new();
    match trace {
        None => sentences.push(
            "It was made from a report in JSON, which has sums and no intervals: made from the \
             recording it has a timeline."
                .to_owned(),
        ),
        Some(None) => sentences.push(
            "Not even the longest intervals fit into --html-max: there is no timeline.".to_owned(),
        ),
        Some(Some(packed)) if packed.together > 0 => sentences.push(format!(
            "Of {} those shorter than {} are drawn together where they follow each other, {} in \
             all, so that the file fits into --html-max and a browser; sums are exact.",
            units::counted(packed.intervals, "interval", "intervals"),
            units::time(packed.resolution_ns),
            units::count(packed.together),
        )),
        Some(Some(packed)) => sentences.push(format!(
            "All {} are in the timeline, to {}.",
            units::counted(packed.intervals, "interval", "intervals"),
            match packed.unit_ns {
                1 => "the nanosecond".to_owned(),
                ns => format!(
                    "{} so that the file fits into --html-max; sums are exact",
                    units::time(ns)
                ),
            }
        )),
    }
    if !is_whole {
        sentences.push(
            "Of single threads only the times are in here, not their waits: all would not fit \
             into --html-max."
                .to_owned(),
        );
    }
    sentences
}

/// A block of data, which is no script.
fn block(html: &mut Html, id: &str, bytes: &[u8]) {
    html.raw(&format!(
        "<script id=\"{id}\" type=\"application/octet-stream\">"
    ));
    html.raw(&BASE64_STANDARD.encode(bytes));
    html.raw("</script>\n");
}

/// What a content security policy calls a script or a style.
fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

/// Plain structs with string keys, written to memory: nothing can fail.
fn json(value: &impl Serialize) -> Vec<u8> {
    let written = serde_json::to_vec(value);
    debug_assert!(written.is_ok(), "{written:?}");
    written.unwrap_or_default()
}

fn deflate(parts: &[&[u8]]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    for part in parts {
        // To memory.
        let written = encoder.write_all(part);
        debug_assert!(written.is_ok(), "{written:?}");
    }
    encoder.finish().unwrap_or_default()
}
