//! Verdicts as a table in Markdown, for a comment on a change or a page.

use super::{escaped, row};
use crate::document::{Check, CheckedRun, Verdict};
use crate::view::{
    claims::{also, files, places, summary},
    ending, units,
};

/// The page. Ends with a newline.
pub fn check(check: &Check) -> Vec<u8> {
    let names: Vec<String> = files(check).iter().map(|name| escaped(name)).collect();
    let mut out = format!("# {}\n\n{}\n\n", names.join(", "), summary(&check.claims));
    out += "| run | command | took | ended |\n| --- | --- | --- | --- |\n";
    out.extend(check.runs.iter().map(run));
    out.push('\n');
    out += &verdicts(&check.claims);
    out.into_bytes()
}

/// Verdicts as a table.
pub(super) fn verdicts(claims: &[Verdict]) -> String {
    let mut out = "| claim | verdict | says | measured |\n| --- | --- | --- | --- |\n".to_owned();
    out.extend(claims.iter().map(claim));
    out
}

fn run(run: &CheckedRun) -> String {
    let exit = run.exit.map_or_else(String::new, ending::describe);
    let lost = run.coverage.lost_total();
    let lost = match lost {
        0 => String::new(),
        lost => format!(", {} lost", units::counted(lost, "record", "records")),
    };
    row(&[
        escaped(&run.name),
        escaped(&run.command.join(" ")),
        units::time(run.wall_ns) + &lost,
        escaped(&exit),
    ])
}

fn claim(claim: &Verdict) -> String {
    let mut lines = vec![escaped(&claim.because)];
    lines.extend(also(claim).iter().map(|text| escaped(text)));
    lines.extend(places(&claim.evidence).iter().map(|text| escaped(text)));
    let source = claim
        .source
        .iter()
        .map(|source| format!(" ({})", escaped(source)));
    row(&[
        escaped(&claim.id),
        format!("**{}**", claim.verdict.as_str()),
        escaped(&claim.says) + &source.collect::<String>(),
        lines.join("<br>"),
    ])
}
