//! One sentence that answers: how much longer B took, and what for.

use super::lines::{by_size, describe};
use crate::document::diff::{Diff, Finding, Row};
use crate::view::units;

/// Causes that are named.
const NAMED: usize = 3;
/// A cause is named from such a part of the difference on.
const PARTS: u64 = 20;

/// `B took 505 ms longer (897 ms, A 392 ms): network 501 ms more`.
pub(super) fn sentence(diff: &Diff) -> String {
    let path = &diff.path;
    let average = match diff.a.runs.len().max(diff.b.runs.len()) {
        1 => "",
        _ => " on average",
    };
    let times = format!(
        "({}, A {})",
        units::time(path.b.ns.unsigned_abs()),
        units::time(path.a.ns.unsigned_abs())
    );
    let apart = units::time(path.difference_ns.unsigned_abs());
    let length = match path.difference_ns {
        0 => format!(
            "B took as long as A{average}, {}",
            units::time(path.a.ns.unsigned_abs())
        ),
        1.. => format!("B took {apart} longer{average} {times}"),
        _ => format!("B took {apart} less{average} {times}"),
    };
    let causes = causes(path);
    let with_causes = match causes.is_empty() {
        true => length.clone(),
        false => format!("{length}: {}", causes.join(", ")),
    };
    match path.finding {
        Finding::Change => format!("a change: {with_causes}"),
        Finding::Untested => with_causes,
        Finding::NotCertain => format!("as far as is known, {with_causes}"),
        Finding::Noise if causes.is_empty() => {
            format!("no change: {length}, as equal runs do, too")
        }
        Finding::Noise => {
            let causes = causes.join(", ");
            format!("no change in length: {length}, as equal runs do, too; but {causes}")
        }
    }
}

/// `network 501 ms more`: of what was tested only changes.
fn causes(path: &Row) -> Vec<String> {
    let most = path
        .parts
        .iter()
        .map(|row| row.difference_ns.unsigned_abs());
    let most = most.fold(path.difference_ns.unsigned_abs(), u64::max);
    let is_said = |row: &&&Row| {
        let ns = row.difference_ns.unsigned_abs();
        let is_noise = row.finding == Finding::Noise;
        ns > 0 && !is_noise && !units::is_below(ns, most, PARTS)
    };
    let rows = by_size(&path.parts);
    let rows = rows.iter().filter(is_said).take(NAMED);
    let said = rows.map(|row| {
        let more = if row.difference_ns > 0 {
            "more"
        } else {
            "less"
        };
        let ns = units::time(row.difference_ns.unsigned_abs());
        let detail = match row.parts.as_slice() {
            [only] => only.name.as_deref(),
            _ => None,
        };
        format!("{} {ns} {more}", describe(row.name.as_deref(), detail))
    });
    said.collect()
}
