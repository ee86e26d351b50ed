//! Verdicts on claims, as every format has them: what was measured besides, where, and how
//! many there are of each.

use super::units;
use crate::claim::{expression::quantity::Quantity, interval::Interval, words};
use crate::document::{Check, Decision, Evidence, Value, Verdict};

/// Places that are named.
const PLACES: usize = 3;

/// `pool.share(child-exit) 95.7 %` for each value that is not among the reasons.
pub fn also(verdict: &Verdict) -> Vec<String> {
    let values = verdict.values.iter();
    let others = values.filter(|value| !is_among(&verdict.because, &value.expr));
    others.map(value).collect()
}

/// Whether a text has the value of an expression, and not only of one that it is part of.
fn is_among(text: &str, expression: &str) -> bool {
    let is_operator = |word: &str| matches!(word, "+" | "-" | "*" | "/");
    text.match_indices(expression).any(|(at, _)| {
        let (before, behind) = (&text[..at], &text[at + expression.len()..]);
        let is_whole = before.is_empty() || before.ends_with(' ');
        let next = behind.strip_prefix(' ').unwrap_or_default();
        let next = next.split(' ').next().unwrap_or_default();
        let last = before.trim_end().rsplit(' ').next().unwrap_or_default();
        is_whole && !next.is_empty() && !is_operator(next) && !is_operator(last)
    })
}

fn value(value: &Value) -> String {
    let interval = Interval::new(
        value.lo.unwrap_or(f64::NEG_INFINITY),
        value.hi.unwrap_or(f64::INFINITY),
    );
    let measured = words::interval(interval, Quantity::named(&value.unit));
    format!("{} {measured}", value.expr)
}

/// `child-exit in do_wait: 96 times, 128.91 s, 32 threads (python3)`, those with most time
/// first.
pub fn places(evidence: &[Evidence]) -> Vec<String> {
    let is_one_run = evidence.windows(2).all(|two| two[0].run == two[1].run);
    let mut places: Vec<Vec<&Evidence>> = Vec::new();
    for row in evidence {
        let key = |row: &Evidence| (row.run.clone(), row.kind.clone(), row.function.clone());
        match places.iter_mut().find(|rows| key(rows[0]) == key(row)) {
            Some(rows) => rows.push(row),
            None => places.push(vec![row]),
        }
    }
    let places = places.iter().take(PLACES);
    places.map(|rows| place(rows, !is_one_run)).collect()
}

fn place(rows: &[&Evidence], with_run: bool) -> String {
    let first = rows[0];
    let run = match with_run {
        true => format!("{}: ", first.run),
        false => String::new(),
    };
    let at = match (&first.kind, &first.function) {
        (Some(kind), Some(function)) => format!("{kind} in {function}: "),
        (Some(one), None) | (None, Some(one)) => format!("{one}: "),
        (None, None) => String::new(),
    };
    let sum =
        |of: fn(&Evidence) -> u64| rows.iter().map(|row| of(row)).fold(0, u64::saturating_add);
    let (count, ns) = (sum(|row| row.count), sum(|row| row.ns));
    let count = (count > 0).then(|| units::counted(count, "time", "times"));
    let time = (ns > 0).then(|| units::time(ns));
    let parts: Vec<String> = [count, time, Some(threads(rows))]
        .into_iter()
        .flatten()
        .collect();
    format!("{run}{at}{}", parts.join(", "))
}

/// `32 threads (python3)`, `thread 4242 (git)`.
fn threads(rows: &[&Evidence]) -> String {
    let mut comms: Vec<&str> = rows.iter().map(|row| row.comm.as_str()).collect();
    comms.sort_unstable();
    comms.dedup();
    let comms = comms.join(", ");
    match rows {
        [row] => format!("thread {} ({comms})", row.tid),
        _ => format!("{} threads ({comms})", rows.len()),
    }
}

/// `12 claims: 9 CORRECT, 2 WRONG, 1 CANNOT TELL`.
pub fn summary(verdicts: &[Verdict]) -> String {
    let counts = Decision::ALL.into_iter().filter_map(|decision| {
        let alike = verdicts
            .iter()
            .filter(|verdict| verdict.verdict == decision);
        let count = alike.count();
        (count > 0).then(|| format!("{count} {}", decision.as_str()))
    });
    let counts: Vec<String> = counts.collect();
    let claims = units::counted(verdicts.len() as u64, "claim", "claims");
    match counts.is_empty() {
        true => claims,
        false => format!("{claims}: {}", counts.join(", ")),
    }
}

/// The claim files of a check.
pub fn files(check: &Check) -> &[String] {
    match check.files.is_empty() {
        true => std::slice::from_ref(&check.file),
        false => &check.files,
    }
}
