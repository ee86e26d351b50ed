//! Verdicts: each with its sentence, what decided it, and where.

use super::head::command;
use super::page::{Page, Piece};
use crate::document::{Check, CheckedRun, Decision, Exit, Verdict};
use crate::view::claims::{also, files, places, summary};
use crate::view::color::Style;
use crate::view::ending;
use crate::view::sanitize;
use crate::view::units;

/// Columns of a verdict.
const VERDICT: usize = 11;
/// Columns of an id; where one is longer its line begins further to the right.
const ID: usize = 12;

/// The outcome of `waitscope check`.
pub(super) fn check(page: &mut Page, check: &Check) {
    let names = files(check).iter();
    let names = names.map(|name| Piece::new(name, Style::Strong)).collect();
    page.flow(Piece::plain(""), 2, "   ", names);
    for run in &check.runs {
        let lead = Piece::new(&format!("  {}  ", run.name), Style::Faint);
        page.flow(lead, 4, "   ", of_run(run));
    }
    page.line(Vec::new());
    verdicts(page, &check.claims);
}

/// How a run was made, how long it took, and how far it can be trusted.
fn of_run(run: &CheckedRun) -> Vec<Piece> {
    let subject = match run.command.is_empty() {
        true => "running processes".to_owned(),
        false => command(&run.command),
    };
    let mut parts = vec![
        Piece::plain(&subject),
        Piece::plain(&units::time(run.wall_ns)),
    ];
    if let Some(exit) = run.exit.filter(|exit| *exit != Exit::Code(0)) {
        parts.push(Piece::new(&ending::describe(exit), Style::Warning));
    }
    parts.push(match run.coverage.lost_total() {
        0 => Piece::plain("nothing lost"),
        lost => {
            let lost = units::counted(lost, "record", "records");
            Piece::new(&format!("LOST {lost}"), Style::Alarm)
        }
    });
    if let Some(recording) = &run.recording {
        parts.push(Piece::new(recording, Style::Faint));
    }
    parts
}

/// At the end of a report.
pub(super) fn write(page: &mut Page, claims: &[Verdict]) {
    if !claims.is_empty() {
        page.line(Vec::new());
        verdicts(page, claims);
    }
}

fn verdicts(page: &mut Page, claims: &[Verdict]) {
    let ids = claims
        .iter()
        .map(|claim| sanitize::width(&sanitize::text(&claim.id)));
    let id = ids.max().unwrap_or(0).min(ID);
    for claim in claims {
        verdict(page, claim, id);
    }
    page.line(Vec::new());
    page.flow(
        Piece::plain(" "),
        2,
        " ",
        Piece::words(&summary(claims), Style::Strong),
    );
}

fn verdict(page: &mut Page, claim: &Verdict, id: usize) {
    // Where lines are short the text begins further to the left.
    let hang = (id + VERDICT + 5).min(page.width() / 3);
    let name = sanitize::text(&claim.id);
    let missing = id.saturating_sub(sanitize::width(&name));
    let word = claim.verdict.as_str();
    let lead = vec![
        Piece::new(
            &format!(" {name}{}", " ".repeat(missing + 2)),
            Style::Strong,
        ),
        Piece::new(word, style(claim.verdict)),
        Piece::plain(&" ".repeat(VERDICT - word.len() + 2)),
    ];
    page.flow_behind(lead, hang, " ", Piece::words(&claim.says, Style::Plain));
    let lead = || Piece::plain(&" ".repeat(hang));
    page.flow(
        lead(),
        hang + 2,
        " ",
        Piece::words(&claim.because, Style::Plain),
    );
    let also = also(claim).join(", ");
    if !also.is_empty() {
        page.flow(lead(), hang + 2, " ", Piece::words(&also, Style::Plain));
    }
    for place in places(&claim.evidence) {
        page.flow(lead(), hang + 2, " ", Piece::words(&place, Style::Faint));
    }
}

fn style(decision: Decision) -> Style {
    match decision {
        Decision::Correct => Style::Strong,
        Decision::Wrong => Style::Alarm,
        Decision::Partial | Decision::NotSeen | Decision::CannotTell => Style::Warning,
    }
}
