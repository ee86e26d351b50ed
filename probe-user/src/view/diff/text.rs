//! The difference for people, in lines no wider than asked.

use super::{
    grid::{COUNT, Cells, Grid},
    lines::{self, Line, signed, time},
    sentence::sentence,
};
use crate::document::diff::{Amount, ComparedRun, Diff, FailOn, Finding, GroupDiff, Row, Side};
use crate::view::{
    color::Style,
    sanitize,
    table::page::{Page, Piece},
    units::{self, Unit},
};

/// The widest table, and the narrowest.
const WIDTHS: (usize, usize) = (20, 120);
/// Groups that are shown.
const GROUPS: usize = 5;
/// Files that are named of a side.
const FILES: usize = 3;

/// How to draw the difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Columns of the terminal. Up to 120 are used, and never fewer than 20.
    pub width: usize,
    /// With SGR colours.
    pub color: bool,
    /// Nothing is left out or made one.
    pub all: bool,
}

/// Lines of a block: its title, and the rows below.
struct Block {
    title: Vec<Piece>,
    rows: Vec<Cells>,
}

/// The table. Ends with a newline; free of control characters but for newlines and, with
/// `color`, SGR sequences.
pub fn table(diff: &Diff, options: &Options) -> String {
    let width = options.width.clamp(WIDTHS.0, WIDTHS.1);
    let mut page = Page::new(width, options.color);
    head(&mut page, diff);
    let mut blocks = vec![path(diff, options.all)];
    let groups = lines::groups(diff, options.all, GROUPS);
    blocks.extend(groups.iter().map(|it| group(it, diff, options.all)));
    let rows: Vec<Cells> = blocks.iter().flat_map(|block| block.rows.clone()).collect();
    let grid = Grid::new(&rows, width);
    for (at, block) in blocks.into_iter().enumerate() {
        page.line(Vec::new());
        if at == 0 {
            page.line(grid.titles());
        }
        page.flow(Piece::plain(" "), 2, "   ", block.title);
        for row in &block.rows {
            page.line(grid.draw(row));
        }
    }
    if let Some(sentence) = lines::left_out(diff, groups.len()) {
        page.line(Vec::new());
        let words = Piece::words(&sentence, Style::Faint);
        page.flow(Piece::plain(" "), 2, " ", words);
    }
    if !diff.fail_on.is_empty() {
        page.line(Vec::new());
    }
    diff.fail_on.iter().for_each(|it| fail_on(&mut page, it));
    page.render()
}

/// What is compared, what it came to, and what is to be known of that.
fn head(page: &mut Page, diff: &Diff) {
    for (name, side) in [("A", &diff.a), ("B", &diff.b)] {
        let lead = Piece::new(&format!("{name}  "), Style::Strong);
        page.flow(lead, 3, "   ", of_side(side));
    }
    let words = Piece::words(&sentence(diff), Style::Strong);
    page.flow(Piece::plain("  "), 2, " ", words);
    let is_certain = diff.a.certain && diff.b.certain;
    for note in &diff.notes {
        let style = match is_certain {
            true => Style::Faint,
            false => Style::Warning,
        };
        page.flow(Piece::plain("  "), 4, " ", Piece::words(note, style));
    }
}

fn of_side(side: &Side) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let commands = side.runs.first().map(command);
    pieces.extend(commands.map(|text| Piece::plain(&text)));
    if side.runs.len() > 1 {
        pieces.push(Piece::plain(&units::counted(
            side.runs.len() as u64,
            "run",
            "runs",
        )));
    }
    pieces.push(Piece::plain(&lengths(side)));
    let files = side.runs.iter().take(FILES);
    pieces.extend(files.map(|run| Piece::new(&run.file, Style::Faint)));
    if side.runs.len() > FILES {
        pieces.push(Piece::new("…", Style::Faint));
    }
    pieces
}

/// The command as it could be typed.
pub(super) fn command(run: &ComparedRun) -> String {
    match run.command.is_empty() {
        true => "running processes".to_owned(),
        false => run.command.join(" "),
    }
}

/// How long the runs were: `392 ms`, `377 ms to 402 ms`.
pub(super) fn lengths(side: &Side) -> String {
    let lengths = || side.runs.iter().map(|run| run.length_ns.unsigned_abs());
    let least = units::time(lengths().min().unwrap_or(0));
    let most = units::time(lengths().max().unwrap_or(0));
    match least == most {
        true => most,
        false => format!("{least} to {most}"),
    }
}

fn path(diff: &Diff, all: bool) -> Block {
    let unit = lines::unit(&diff.path);
    let lines = lines::path(&diff.path, all);
    let mut rows: Vec<Cells> = lines.iter().map(|it| cells(it, diff, unit, true)).collect();
    rows.push(sum(&diff.path, diff, unit, true));
    Block {
        title: vec![Piece::new(lines::length(diff), Style::Strong)],
        rows,
    }
}

fn group(group: &GroupDiff, diff: &Diff, all: bool) -> Block {
    let unit = lines::unit(&group.lifetime);
    let lines = lines::group(group, all);
    let mut rows: Vec<Cells> = lines
        .iter()
        .map(|it| cells(it, diff, unit, false))
        .collect();
    rows.push(sum(&group.lifetime, diff, unit, false));
    Block {
        title: vec![
            Piece::new(&group.name, Style::Strong),
            Piece::plain(&lines::title(group)),
        ],
        rows,
    }
}

fn sum(row: &Row, diff: &Diff, unit: Unit, of_path: bool) -> Cells {
    let line = Line {
        depth: 0,
        label: "sum".to_owned(),
        row: row.clone(),
        is_other: false,
    };
    let mut cells = cells(&line, diff, unit, of_path);
    cells[0].1 = Style::Faint;
    cells
}

/// `of_path`: what part of the whole difference it is says something.
fn cells(line: &Line, diff: &Diff, unit: Unit, of_path: bool) -> Cells {
    let row = &line.row;
    let label = "  ".repeat(line.depth + 1) + &sanitize::text(&line.label);
    let finding = lines::finding(line);
    let style = style(finding);
    let runs = |side: &Side, amount: Amount| match side.runs.len() {
        1 => String::new(),
        _ if line.is_other => String::new(),
        _ => range(amount, unit),
    };
    let of_it = match of_path {
        true => lines::of_it(row.difference_ns, diff.path.difference_ns),
        false => String::new(),
    };
    let mut cells: Cells = std::array::from_fn(|_| (String::new(), style));
    let texts: [String; COUNT] = [
        label,
        time(row.a.ns, unit),
        runs(&diff.a, row.a),
        time(row.b.ns, unit),
        runs(&diff.b, row.b),
        signed(row.difference_ns, unit),
        of_it,
        lines::counts(row),
        word(finding).to_owned(),
    ];
    for (cell, text) in cells.iter_mut().zip(texts) {
        cell.0 = text;
    }
    cells
}

/// `0.377–0.402`: least and most of the runs.
fn range(amount: Amount, unit: Unit) -> String {
    let number = |ns: i64| {
        let sign = if ns < 0 { "−" } else { "" };
        format!("{sign}{}", unit.number(ns.unsigned_abs()))
    };
    format!("{}–{}", number(amount.min_ns), number(amount.max_ns))
}

/// What is said of a row; nothing where nothing can be.
pub(super) fn word(finding: Finding) -> &'static str {
    match finding {
        Finding::Change => "change",
        Finding::Noise => "noise",
        Finding::NotCertain => "not certain",
        Finding::Untested => "",
    }
}

fn style(finding: Finding) -> Style {
    match finding {
        Finding::Change => Style::Strong,
        Finding::Noise => Style::Faint,
        Finding::NotCertain => Style::Warning,
        Finding::Untested => Style::Plain,
    }
}

fn fail_on(page: &mut Page, it: &FailOn) {
    let (word, style) = match it.holds {
        Some(true) => ("FAILS", Style::Alarm),
        Some(false) => ("does not fail", Style::Strong),
        None => ("CANNOT TELL", Style::Warning),
    };
    let lead = vec![
        Piece::plain(" "),
        Piece::new(word, style),
        Piece::plain("  "),
    ];
    let hang = 4;
    page.flow_behind(lead, hang, " ", Piece::words(&it.expression, Style::Plain));
    let lead = Piece::plain(&" ".repeat(hang));
    page.flow(lead, hang, " ", Piece::words(&it.because, Style::Faint));
}
