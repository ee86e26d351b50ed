//! The difference as tables in Markdown.

use super::{
    lines::{self, Line, signed, time},
    sentence::sentence,
    text::{command, lengths, word},
};
use crate::document::diff::{Diff, Row, Side};
use crate::view::{
    markdown::{escaped, row, titles},
    units::{self, Unit},
};

/// Groups that are shown.
const GROUPS: usize = 5;

/// The page. Ends with a newline. `all`: every group and row.
pub fn markdown(diff: &Diff, all: bool) -> String {
    let mut out = format!("**{}**\n\n", escaped(&sentence(diff)));
    out += &sides(diff);
    for note in &diff.notes {
        out += &format!("\n> {}\n", escaped(note));
    }
    out.push('\n');
    let unit = lines::unit(&diff.path);
    let whole_ns = diff.path.difference_ns;
    out += &titles(&[
        (lines::length(diff), false),
        ("A", true),
        ("B", true),
        ("difference", true),
        ("of it", true),
        ("", false),
    ]);
    let own = |line: &Line| lines::of_it(line.row.difference_ns, whole_ns);
    out.extend(
        lines::path(&diff.path, all)
            .iter()
            .map(|it| cells(it, unit, own(it))),
    );
    out += &cells(&sum(&diff.path), unit, lines::of_it(whole_ns, whole_ns));
    out += &groups(diff, all);
    out.extend(diff.fail_on.iter().map(|it| {
        let word = match it.holds {
            Some(true) => "FAILS",
            Some(false) => "does not fail",
            None => "CANNOT TELL",
        };
        let (expression, because) = (escaped(&it.expression), escaped(&it.because));
        format!("\n**{word}**: {expression} — {because}\n")
    }));
    out
}

/// What is compared.
fn sides(diff: &Diff) -> String {
    let names = ["", "command", "runs", "took", "host"];
    let mut out = titles(&names.map(|name| (name, false)));
    for (name, side) in [("A", &diff.a), ("B", &diff.b)] {
        let first = side.runs.first();
        out += &row(&[
            name.to_owned(),
            escaped(&first.map_or_else(String::new, command)),
            units::count(side.runs.len() as u64),
            escaped(&lengths(side)),
            escaped(&host(side)),
        ]);
    }
    out
}

fn host(side: &Side) -> String {
    let Some(run) = side.runs.first() else {
        return String::new();
    };
    let kernel = &run.host.kernel;
    format!("kernel {kernel}, {} tier", run.tier.as_str())
}

fn groups(diff: &Diff, all: bool) -> String {
    let groups = lines::groups(diff, all, GROUPS);
    let mut out = String::new();
    for group in &groups {
        let unit = lines::unit(&group.lifetime);
        let title = format!("{}, {}", escaped(&group.name), lines::title(group));
        out.push('\n');
        out += &titles(&[
            (&title, false),
            ("A", true),
            ("B", true),
            ("difference", true),
            ("waits", true),
            ("", false),
        ]);
        let rows = lines::group(group, all);
        out.extend(
            rows.iter()
                .map(|it| cells(it, unit, lines::counts(&it.row))),
        );
        let sum = sum(&group.lifetime);
        out += &cells(&sum, unit, lines::counts(&sum.row));
    }
    if let Some(sentence) = lines::left_out(diff, groups.len()) {
        out += &format!("\n{}\n", escaped(&sentence));
    }
    out
}

fn sum(row: &Row) -> Line {
    Line {
        depth: 0,
        label: "sum".to_owned(),
        row: row.clone(),
        is_other: false,
    }
}

fn cells(line: &Line, unit: Unit, beside: String) -> String {
    let Line {
        depth,
        label,
        row: it,
        ..
    } = line;
    let finding = lines::finding(line);
    let indent = "&nbsp;&nbsp;".repeat(*depth);
    row(&[
        indent + &escaped(label),
        escaped(&time(it.a.ns, unit)),
        escaped(&time(it.b.ns, unit)),
        escaped(&signed(it.difference_ns, unit)),
        escaped(&beside),
        word(finding).to_owned(),
    ])
}
