//! Reports in Markdown against stored text, and with any text in them.

use proptest::prelude::*;

use super::{escaped, report};
use crate::document::Document;
use crate::view::{
    sanitize,
    testing::{check, documents, golden, hostile_texts, pool, renamed},
};

fn page(document: &Document, all: bool) -> String {
    String::from_utf8(report(document, all)).unwrap()
}

#[test]
fn markdown_reports_are_as_stored() {
    for (name, document) in documents() {
        golden(&format!("{name}.md"), &page(&document, false));
    }
    let with_claims = Document {
        claims: Some(check().claims),
        ..pool()
    };
    golden("pool-claims-all.md", &page(&with_claims, true));
}

#[test]
fn markdown_text_means_itself() {
    let cases = [
        ("git index-pack", "git index-pack"),
        ("a|b", "a\\|b"),
        ("`x` *y* __z__", "\\`x\\` \\*y\\* \\_\\_z\\_\\_"),
        ("<script>&amp;", "&lt;script&gt;&amp;amp;"),
        ("[x](y) ![z](w)", "\\[x\\](y) \\!\\[z\\](w)"),
        ("@team #7", "&#64;team \\#7"),
        ("one\ntwo\u{1b}[31m", "one\\\\ntwo\\\\x1b\\[31m"),
    ];
    for (text, expect) in cases {
        assert_eq!(escaped(text), expect, "{text:?}");
    }
}

/// Every text that comes from elsewhere.
fn with_text(text: &mut impl FnMut() -> String) -> Document {
    let mut document = renamed(text);
    document.host.arch = text();
    document.coverage.problems = vec![text()];
    let mut claims = check().claims;
    claims.iter_mut().for_each(|claim| {
        (claim.says, claim.because, claim.source) = (text(), text(), Some(text()));
    });
    document.claims = Some(claims);
    document
}

proptest! {
    #[test]
    fn markdown_reports_of_any_text_are_inert(texts in hostile_texts(), all: bool) {
        let mut texts = texts.iter().cycle().cloned();
        let shown = page(&with_text(&mut || texts.next().unwrap_or_default()), all);
        let mut x = || "x".to_owned();
        let plain = page(&with_text(&mut x), all);
        prop_assert_eq!(shown.lines().count(), plain.lines().count(), "no text ends a line");
        prop_assert!(!shown.chars().any(|c| c != '\n' && sanitize::is_hostile(c)));
        for (line, plain) in shown.lines().zip(plain.lines()) {
            let bars = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
            prop_assert_eq!(bars(line), bars(plain), "{}", line);
        }
    }
}
