//! Errors of a claim file, as rustc shows those of a program: the file, the line with a mark
//! under what is wrong, and what would be right.

use std::ops::Range;

use annotate_snippets::{
    AnnotationKind, Group, Level, Renderer, Snippet, renderer::DEFAULT_TERM_WIDTH,
};

use super::sanitize;
use crate::claim::diagnostic::Diagnostic;

/// Shown of one file.
const MOST: usize = 20;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Columns of the terminal; `None` if unknown.
    pub width: Option<usize>,
    /// With SGR colours.
    pub color: bool,
}

/// All errors of a file, one below the other.
pub fn render(path: &str, text: &str, errors: &[Diagnostic], options: Options) -> String {
    let renderer = match options.color {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let renderer = renderer.term_width(options.width.unwrap_or(DEFAULT_TERM_WIDTH));
    let path = sanitize::text(path);
    let shown = errors.iter().take(MOST);
    let mut out: String = shown
        .map(|error| {
            let (text, span, line) = place(text, &error.span);
            let annotation = AnnotationKind::Primary.span(span);
            let label = Some(error.label.as_str()).filter(|label| !label.is_empty());
            let annotation = annotation.label(label.map(clean));
            let snippet = Snippet::source(text).line_start(line).path(path.as_ref());
            let title = Level::ERROR.primary_title(clean(&error.message));
            let group = Group::with_title(title).element(snippet.annotation(annotation));
            let help = error
                .help
                .iter()
                .map(|help| Level::HELP.message(clean(help)));
            renderer.render(&[group.elements(help)]) + "\n\n"
        })
        .collect();
    if errors.len() > MOST {
        out += &format!("and {} more errors in {path}\n", errors.len() - MOST);
    }
    out
}

fn clean(text: &str) -> String {
    sanitize::text(text).into_owned()
}

/// The lines of a span, with characters that a terminal would obey replaced one by one, so
/// that columns stay; the span in them, and the number of the first.
fn place(text: &str, span: &Range<usize>) -> (String, Range<usize>, usize) {
    let floor = |at: usize| {
        (0..=at.min(text.len()))
            .rev()
            .find(|&at| text.is_char_boundary(at))
    };
    let [start, end] = [span.start, span.end].map(|at| floor(at).unwrap_or(0));
    let first = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[..first].matches('\n').count() + 1;
    // Of a part of several lines the first says where it is.
    let rest = &text[first..];
    let whole = rest
        .split('\n')
        .next()
        .unwrap_or_default()
        .trim_end_matches('\r');
    let mut shown = String::with_capacity(whole.len());
    let (mut from, mut to) = (None, None);
    for (at, c) in whole.char_indices() {
        if first + at >= start {
            from.get_or_insert(shown.len());
        }
        if first + at >= end {
            to.get_or_insert(shown.len());
        }
        shown.push(visible(c));
    }
    let from = from.unwrap_or(shown.len());
    let to = to.unwrap_or(shown.len()).max(from);
    (shown, from..to, line)
}

fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if sanitize::is_hostile(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, error: Diagnostic, width: Option<usize>) -> String {
        let color = false;
        render("a.toml", text, &[error], Options { width, color })
    }

    #[test]
    fn an_error_has_its_place_its_line_and_what_would_be_right() {
        let error = Diagnostic::new("there is no unit `m`", 18..19)
            .label("here")
            .help("did you mean `min`?");
        insta::assert_snapshot!(plain("aé = 1\nb = \"x >\t5m\"\nc = 2\n", error, None), @r#"
        error: there is no unit `m`
         --> a.toml:2:11
          |
        2 | b = "x > 5m"
          |           ^ here
          |
          = help: did you mean `min`?
        "#);
    }

    #[test]
    fn a_terminal_obeys_nothing_in_it_and_columns_stay() {
        let text = "a = \"\u{1b}[31m\u{9b}1m\u{202e} bad\"";
        let at = text.find("bad").unwrap();
        let error = Diagnostic::new("no \u{1b}[0m", at..at + 3).help("\u{9b}");
        let shown = plain(text, error, None);
        let hostile = |c: char| c != '\n' && sanitize::is_hostile(c);
        assert!(!shown.contains(hostile), "{shown:?}");
        assert!(shown.contains("a.toml:1:16"), "{shown}");
    }

    #[test]
    fn a_long_line_is_cut_around_what_is_wrong() {
        let text = format!("{} here {}", "x".repeat(50_000), "y".repeat(50_000));
        let shown = plain(&text, Diagnostic::new("wrong", 50_001..50_005), Some(80));
        assert!(shown.contains("here") && shown.contains("^^^^"), "{shown}");
        assert!(
            shown.lines().all(|line| sanitize::width(line) <= 100),
            "{shown}"
        );
    }

    #[test]
    fn no_place_is_too_far() {
        for (text, span) in [
            ("", 0..0),
            ("", 5..9),
            ("é", 1..1),
            ("a\r\n", 2..3),
            ("a\n", 2..2),
        ] {
            let shown = plain(text, Diagnostic::new("wrong", span.clone()), None);
            assert!(shown.starts_with("error: wrong"), "{text:?} {span:?}");
        }
    }

    #[test]
    fn many_errors_are_counted() {
        let errors = vec![Diagnostic::new("wrong", 0..1); MOST + 3];
        let options = Options {
            width: None,
            color: false,
        };
        let shown = render("a.toml", "x", &errors, options);
        assert_eq!(shown.matches("error: wrong").count(), MOST);
        assert!(shown.ends_with("and 3 more errors in a.toml\n"));
    }
}
