//! Lines under construction. Text is sanitised on its way into a [`Piece`] or a
//! column, and every line is cut to the width on its way out: no part of the
//! report can wrap, or reach the terminal raw.

use super::layout::{GAP, Layout, MARGIN};
use crate::view::color::{Style, paint};
use crate::view::rows::Row;
use crate::view::sanitize;

/// A space at which no line ends: that within `pid 7`. It is drawn as any other.
pub(in crate::view) const TIE: char = '\u{a0}';

/// Text in one style.
#[derive(Clone, Debug)]
pub(in crate::view) struct Piece {
    text: String,
    style: Style,
}

impl Piece {
    pub(in crate::view) fn new(text: &str, style: Style) -> Piece {
        Piece {
            text: sanitize::text(text).into_owned(),
            style,
        }
    }

    pub(in crate::view) fn plain(text: &str) -> Piece {
        Piece::new(text, Style::Plain)
    }

    /// `text` word by word, for a sentence that may take several lines. A
    /// number stays with its unit, and what [`TIE`] ties together.
    pub(in crate::view) fn words(text: &str, style: Style) -> Vec<Piece> {
        let mut words: Vec<Piece> = Vec::new();
        for word in sanitize::text(text).split(' ') {
            match words.last_mut() {
                Some(last) if is_number(&last.text) => {
                    last.text.extend([" ", word]);
                }
                _ => words.push(Piece::new(word, style)),
            }
        }
        words
    }

    fn width(&self) -> usize {
        sanitize::width(&self.text)
    }
}

/// The last word of a text is a number, or the mark before one.
fn is_number(text: &str) -> bool {
    let last = text.rsplit(' ').next().unwrap_or_default();
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '<' | '≥' | '-' | '(');
    !last.is_empty() && !last.ends_with([',', '.', '-', '(']) && last.chars().all(is_part)
}

enum Item {
    Line(Vec<Piece>),
    Titles,
    Row(Row),
    /// A label in the first column with a sentence behind it, whose parts are
    /// separated by the middle one.
    Beside(Piece, &'static str, Vec<Piece>),
}

/// A line in pieces.
pub type Passage = Vec<(String, Style)>;

/// The report so far.
pub(in crate::view) struct Page {
    items: Vec<Item>,
    width: usize,
    color: bool,
}

impl Page {
    pub(in crate::view) fn new(width: usize, color: bool) -> Page {
        Page {
            items: Vec::new(),
            width,
            color,
        }
    }

    pub(in crate::view) fn width(&self) -> usize {
        self.width
    }

    pub(in crate::view) fn line(&mut self, pieces: Vec<Piece>) {
        self.items.push(Item::Line(pieces));
    }

    pub(in crate::view) fn titles(&mut self) {
        self.items.push(Item::Titles);
    }

    pub(in crate::view) fn row(&mut self, row: Row) {
        self.items.push(Item::Row(row));
    }

    /// As [`Page::flow`], with the pieces beside the first column.
    pub(in crate::view) fn beside(
        &mut self,
        label: Piece,
        between: &'static str,
        pieces: Vec<Piece>,
    ) {
        self.items.push(Item::Beside(label, between, pieces));
    }

    /// `lead`, then the pieces with `between` between them, on as many lines
    /// as they need; those after the first begin at column `hang`.
    pub(in crate::view) fn flow(
        &mut self,
        lead: Piece,
        hang: usize,
        between: &str,
        pieces: Vec<Piece>,
    ) {
        self.flow_behind(vec![lead], hang, between, pieces);
    }

    /// The same behind a lead of several pieces.
    pub(in crate::view) fn flow_behind(
        &mut self,
        lead: Vec<Piece>,
        hang: usize,
        between: &str,
        pieces: Vec<Piece>,
    ) {
        let lines = flowed(lead, hang, between, pieces, self.width);
        self.items.extend(lines.into_iter().map(Item::Line));
    }

    /// The lines of sentences as they are: what is text, and what it is.
    pub(in crate::view) fn passages(self) -> Vec<Passage> {
        let lines = self.items.into_iter().filter_map(|item| match item {
            Item::Line(pieces) => Some(pieces),
            Item::Titles | Item::Row(_) | Item::Beside(..) => None,
        });
        let passages = lines.map(|line| {
            let pieces = line.into_iter();
            let pieces = pieces.map(|piece| (piece.text.replace(TIE, " "), piece.style));
            pieces.collect()
        });
        passages.collect()
    }

    /// All lines, each with its newline.
    pub(in crate::view) fn render(self) -> String {
        let rows: Vec<&Row> = self.items.iter().filter_map(Item::row).collect();
        let layout = Layout::new(&rows, self.width.saturating_sub(MARGIN));
        let mut drawn = layout.draw(&rows).into_iter();
        let mut out = String::new();
        for item in self.items {
            let lines = match item {
                Item::Line(pieces) => vec![pieces],
                Item::Titles => vec![indented(layout.titles())],
                Item::Row(_) => vec![indented(drawn.next().unwrap_or_default())],
                Item::Beside(label, between, pieces) => {
                    let hang = MARGIN + layout.label_width() + GAP;
                    flowed(padded(label, hang), hang, between, pieces, self.width)
                }
            };
            for line in lines {
                push_line(&mut out, line, self.width, self.color);
            }
        }
        out
    }
}

impl Item {
    fn row(&self) -> Option<&Row> {
        match self {
            Item::Row(row) => Some(row),
            _ => None,
        }
    }
}

fn indented(cells: Vec<Piece>) -> Vec<Piece> {
    let mut line = vec![Piece::plain(&" ".repeat(MARGIN))];
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            line.push(Piece::plain(&" ".repeat(GAP)));
        }
        line.push(cell);
    }
    line
}

/// A label in the first column, filled up to column `hang`.
fn padded(label: Piece, hang: usize) -> Vec<Piece> {
    let missing = hang.saturating_sub(MARGIN + label.width());
    let mut line = indented(vec![label]);
    line.push(Piece::plain(&" ".repeat(missing)));
    line
}

fn flowed(
    lead: Vec<Piece>,
    hang: usize,
    between: &str,
    pieces: Vec<Piece>,
    width: usize,
) -> Vec<Vec<Piece>> {
    let mut lines = Vec::new();
    let mut used = lead.iter().map(Piece::width).sum::<usize>();
    let mut line = lead;
    let mut fresh = true;
    for (between, piece) in fitting(between, pieces, width.saturating_sub(hang)) {
        // What ends a line that is continued: the comma of ", ".
        let tail = between.trim_end();
        let wanted = sanitize::width(between) + piece.width() + tail.len();
        if !fresh && used + wanted > width {
            line.push(Piece::plain(tail));
            let next = vec![Piece::plain(&" ".repeat(hang))];
            lines.push(std::mem::replace(&mut line, next));
            used = hang;
            fresh = true;
        }
        if !fresh {
            used += sanitize::width(between);
            line.push(separator(between, line.last(), &piece));
        }
        used += piece.width();
        line.push(piece);
        fresh = false;
    }
    lines.push(line);
    lines
}

/// Each piece with what stands before it; parts of a sentence that no line has room for word by
/// word. What stands apart, as a command does, is cut.
fn fitting(between: &str, pieces: Vec<Piece>, room: usize) -> Vec<(&str, Piece)> {
    let mut fitting = Vec::new();
    for piece in pieces {
        let tail = between.trim_end().len();
        if tail == 0 || piece.width() + tail <= room {
            fitting.push((between, piece));
            continue;
        }
        let words = Piece::words(&piece.text, piece.style).into_iter();
        let before = std::iter::once(between).chain(std::iter::repeat(" "));
        fitting.extend(before.zip(words));
    }
    fitting
}

/// Between pieces of one style the space is of that style too, so that a
/// sentence is one piece of text to a search.
fn separator(between: &str, before: Option<&Piece>, after: &Piece) -> Piece {
    let same = before.is_some_and(|before| before.style == after.style);
    Piece::new(between, if same { after.style } else { Style::Plain })
}

/// One line: cut to `width`, without trailing spaces.
fn push_line(out: &mut String, mut pieces: Vec<Piece>, width: usize, color: bool) {
    cut(&mut pieces, width);
    while let Some(last) = pieces.last_mut() {
        last.text.truncate(last.text.trim_end().len());
        if !last.text.is_empty() {
            break;
        }
        pieces.pop();
    }
    for run in pieces.chunk_by(|a, b| a.style == b.style) {
        let text: String = run.iter().map(|piece| piece.text.as_str()).collect();
        let text = text.replace(TIE, " ");
        paint(out, &text, run[0].style, color);
    }
    out.push('\n');
}

fn cut(pieces: &mut Vec<Piece>, width: usize) {
    let mut left = width;
    for at in 0..pieces.len() {
        let behind: usize = pieces[at + 1..].iter().map(Piece::width).sum();
        let own = pieces[at].width();
        // The `…` belongs to the last piece that has room for it.
        if own > left || (own == left && behind > 0) {
            let cut = format!("{}…", pieces[at].text);
            pieces[at].text = sanitize::fit(&cut, left).into_owned();
            pieces.truncate(at + 1);
            return;
        }
        left -= own;
    }
}
