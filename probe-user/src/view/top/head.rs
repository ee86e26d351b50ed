//! The lines above the list: how many tasks do what, what they wait for, what that costs.

use std::cmp::Reverse;

use super::text::{Text, flow, line, piece};
use crate::document::Blame;
use crate::document::top::{Summary, Tick, Window};
use crate::view::{behind, color::Style, sanitize, units};

/// Causes of the window that are named.
const CAUSES: usize = 4;

/// The header of a tick. `status` says what is shown of it.
pub fn head(tick: &Tick, status: Text, columns: usize) -> Vec<Text> {
    let summary = &tick.summary;
    let mut first = vec![status];
    first.extend(rates(summary));
    first.extend(costs(summary));
    let mut lines = flow(first, columns);
    lines.extend(flow(tasks(summary), columns));
    lines.extend(flow(vec![blocked(summary, columns)], columns));
    if let Some(window) = &tick.window {
        lines.extend(flow(vec![causes(window, columns)], columns));
    }
    lines
}

fn rates(summary: &Summary) -> [Text; 2] {
    let latency = summary
        .runqueue_p99_ns
        .map_or_else(|| "-".to_owned(), units::time);
    [
        line(format!("run-queue p99 {latency}"), Style::Plain),
        line(
            format!("{} wakes/s", rate(summary.wakes_per_s)),
            Style::Plain,
        ),
    ]
}

fn tasks(summary: &Summary) -> Vec<Text> {
    let count = |n: usize| units::count(n as u64);
    let blocked: usize = summary.blocked.values().sum();
    let blocked = format!(
        "blocked {} of {}",
        count(blocked),
        units::counted(summary.tasks as u64, "task", "tasks")
    );
    let others = [
        ("running", summary.running),
        ("runnable", summary.runnable),
        ("idle", summary.idle),
    ];
    let others = others.map(|(name, n)| line(format!("{name} {}", count(n)), Style::Plain));
    std::iter::once(line(blocked, Style::Strong))
        .chain(others)
        .collect()
}

/// A rate from a file may be anything.
fn rate(per_s: f64) -> String {
    // A cast of what is too large, or no number, ends at the bounds.
    units::count(per_s.round() as u64)
}

/// `blocked in futex 12, child-exit 8, …`: as many as there is room for.
fn blocked(summary: &Summary, columns: usize) -> Text {
    let mut kinds: Vec<_> = summary.blocked.iter().filter(|(_, n)| **n > 0).collect();
    kinds.sort_by_key(|(kind, n)| (Reverse(**n), kind.as_str()));
    let kinds = kinds
        .into_iter()
        .map(|(kind, n)| format!("{kind} {}", units::count(*n as u64)));
    listed("blocked in ", kinds, columns)
}

/// `because (last 10.0 s): network 10.0.0.5:443 61 %, …`.
fn causes(window: &Window, columns: usize) -> Text {
    let mut causes = by_cause(&window.blame);
    let more = causes.len().saturating_sub(CAUSES);
    causes.truncate(CAUSES);
    let causes = causes.into_iter().map(|cause| {
        let share = units::percent(cause.ns, window.blocked_ns).unwrap_or_default();
        format!("{} {share}", cause.words)
    });
    let more = (more > 0).then(|| format!("{more} more (b)"));
    let title = format!("because (last {}): ", units::time(window.ns));
    listed(&title, causes.chain(more), columns)
}

fn listed(title: &str, all: impl Iterator<Item = String>, columns: usize) -> Text {
    let mut text = line(title, Style::Faint);
    let mut rest = columns.saturating_sub(sanitize::width(title));
    let mut is_first = true;
    for one in all {
        let comma = if is_first { "" } else { ", " };
        let wide = sanitize::width(&one) + comma.len();
        if wide + 3 > rest && !is_first {
            text.push(piece(", …", Style::Faint));
            break;
        }
        rest = rest.saturating_sub(wide);
        text.push(piece(format!("{comma}{one}"), Style::Plain));
        is_first = false;
    }
    match is_first {
        true => Text::new(),
        false => text,
    }
}

/// A cause, whatever the kinds of the waits.
pub struct CauseSum {
    /// In words. Sanitised.
    pub words: String,
    /// The kinds, by name.
    pub kinds: Vec<&'static str>,
    /// Time, ns.
    pub ns: u64,
}

/// Blame by cause, largest first.
pub fn by_cause(blame: &[Blame]) -> Vec<CauseSum> {
    let mut sums: std::collections::BTreeMap<String, CauseSum> = Default::default();
    for part in blame {
        let words = behind::describe(part.cause, part.detail.as_deref());
        let words = sanitize::text(&words).into_owned();
        let sum = sums.entry(words.clone()).or_insert(CauseSum {
            words,
            kinds: Vec::new(),
            ns: 0,
        });
        sum.ns = sum.ns.saturating_add(part.ns);
        if !sum.kinds.contains(&part.kind.as_str()) {
            sum.kinds.push(part.kind.as_str());
        }
    }
    let mut sums: Vec<CauseSum> = sums.into_values().collect();
    sums.sort_by_key(|sum| Reverse(sum.ns));
    sums
}

fn costs(summary: &Summary) -> Vec<Text> {
    let alarm = |n: u64, style| if n > 0 { style } else { Style::Faint };
    let overflows = match summary.overflows {
        Some(n) => line(
            format!("overflows {}", units::count(n)),
            alarm(n, Style::Warning),
        ),
        None => line("overflows -", Style::Faint),
    };
    let lost = match summary.lost {
        0 => line("nothing lost", Style::Faint),
        n => line(
            format!("LOST {}", units::counted(n, "record", "records")),
            Style::Alarm,
        ),
    };
    let tier = summary
        .tier
        .map_or_else(Text::new, |tier| line(format!("{tier} tier"), Style::Faint));
    let cpu = summary
        .tool_cpu
        .map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let memory = summary
        .tool_rss_bytes
        .map_or_else(|| "-".to_owned(), units::bytes);
    let own = line(format!("waitscope {cpu} CPU {memory}"), Style::Faint);
    vec![overflows, lost, tier, own]
}
