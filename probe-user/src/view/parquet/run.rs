//! `runs`: one row, that of the run. `losses`: what was lost of it.

use super::{
    VERSION,
    column::{Column, bool, int, ints, number, numbers, owned, text, texts},
    threads::{exit_code, exit_signal},
};
use crate::document::{Document, Started};

pub(super) fn columns<'a>() -> Vec<Column<'a, &'a Document>> {
    let who = vec![
        int("schema_version", |_: &&Document| number(VERSION)),
        text("waitscope_version", |_| Some(env!("CARGO_PKG_VERSION"))),
        text("recording_sha256", |run| {
            Some(run.recording.as_ref()?.sha256.as_str())
        }),
        text("hostname", |run| run.host.name.as_deref()),
        text("kernel", |run| Some(run.host.kernel.as_str())),
        text("arch", |run| Some(run.host.arch.as_str())),
        int("cpus", |run| number(run.host.cpus)),
        text("tier", |run| Some(run.tier.as_str())),
        texts("command", |run| {
            Some(run.command.as_slice()).filter(|command| !command.is_empty())
        }),
        ints("attached", |run| {
            numbers(run.attached.iter().copied()).filter(|pids| !pids.is_empty())
        }),
        int("exit_code", |run| exit_code(run.exit)),
        int("exit_signal", |run| exit_signal(run.exit)),
    ];
    let when = vec![
        int("started_unix_ns", |run: &&Document| {
            number(run.started?.realtime_ns)
        }),
        int("origin_unix_ns", |run| origin_unix_ns(run.started?)),
        int("delay_ns", |run| number(run.delay_ns?)),
        int("window_from_ns", |run| number(run.window?.from_ns)),
        int("window_to_ns", |run| number(run.window?.to_ns)),
        int("wall_ns", |run| number(run.wall_ns)),
        bool("interim", |run| Some(run.interim)),
        bool("cut", |run| Some(run.cut)),
    ];
    who.into_iter()
        .chain(when)
        .chain(filter_columns())
        .chain(coverage_columns())
        .collect()
}

/// Which waits are counted in `threads`, `groups` and `waits`.
fn filter_columns<'a>() -> Vec<Column<'a, &'a Document>> {
    vec![
        owned("filter_kinds", |run: &&Document| {
            let kinds = run.filter.as_ref()?.kinds.iter();
            let kinds: Vec<&str> = kinds.map(|kind| kind.as_str()).collect();
            Some(kinds.join(",")).filter(|kinds| !kinds.is_empty())
        }),
        int("filter_min_ns", |run| number(run.filter.as_ref()?.min_ns?)),
        int("filter_max_ns", |run| number(run.filter.as_ref()?.max_ns?)),
    ]
}

fn coverage_columns<'a>() -> Vec<Column<'a, &'a Document>> {
    vec![
        int("threads", |run: &&Document| number(run.threads.len())),
        int("processes", |run| number(run.processes)),
        int("lost_records", |run| number(run.coverage.lost_total())),
        int("open_waits", |run| number(run.coverage.open_waits)),
        int("unverified_wakes", |run| {
            number(run.coverage.unverified_wakes)
        }),
        int("residual_ns", |run| Some(run.coverage.residual_ns)),
        bool("partial", |run| Some(run.coverage.partial)),
        texts("problems", |run| Some(run.coverage.problems.as_slice())),
        bool("observes_listeners", |run| Some(run.listeners.is_some())),
        bool("observes_connections", |run| {
            Some(run.connections.is_some())
        }),
        bool("observes_descriptors", |run| Some(run.fd_tables.is_some())),
        int("probe_runs", |run| number(run.overhead.probe_runs?)),
        int("tool_cpu_ns", |run| number(run.overhead.tool_cpu_ns?)),
        int("tool_peak_bytes", |run| {
            number(run.overhead.tool_peak_bytes?)
        }),
    ]
}

/// The instant that all others are counted from, on the clock of the wall.
fn origin_unix_ns(started: Started) -> Option<i64> {
    let Started {
        realtime_ns,
        monotonic_ns,
        origin_ns,
    } = started;
    let origin_ns = i128::from(realtime_ns) - i128::from(monotonic_ns) + i128::from(origin_ns?);
    number(origin_ns)
}

pub(super) fn rows(document: &Document) -> impl Iterator<Item = &Document> {
    std::iter::once(document)
}

/// `losses`.
pub(super) mod losses {
    use super::*;

    /// What was lost, and how much of it.
    pub(in super::super) type Row<'a> = (&'static str, &'a str, u64);

    pub(in super::super) fn columns<'a>() -> Vec<Column<'a, Row<'a>>> {
        vec![
            text("what", |&(what, ..): &Row<'a>| Some(what)),
            text("name", |&(_, name, _)| Some(name)),
            int("count", |&(.., count)| number(count)),
        ]
    }

    pub(in super::super) fn rows(document: &Document) -> impl Iterator<Item = Row<'_>> {
        let coverage = &document.coverage;
        let lost = coverage.lost.iter();
        let lost = lost.map(|(class, &count)| ("lost-records", class.as_str(), count));
        let skipped = coverage.skipped.iter();
        let skipped = skipped.map(|(program, &count)| ("skipped-runs", program.as_str(), count));
        let broken = ("broken-records", "all", coverage.broken_records);
        lost.chain(skipped).chain([broken])
    }
}
