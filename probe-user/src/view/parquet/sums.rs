//! The account of a thread or of a group, as columns. For both
//! `lifetime = on_cpu + runqueue + waits + left_out + open + unknown`.

use super::column::{Column, int, number};
use crate::document::Sums;

/// A row with an account.
pub(super) trait Account<'a> {
    /// It.
    fn sums(&self) -> &'a Sums;
}

pub(super) fn columns<'a, R: Account<'a>>() -> Vec<Column<'a, R>> {
    vec![
        int("lifetime_ns", |row: &R| number(row.sums().lifetime_ns)),
        int("on_cpu_ns", |row| number(row.sums().on_cpu_ns)),
        int("runqueue_ns", |row| number(row.sums().runqueue_ns)),
        int("waits_ns", |row| number(waits_ns(row.sums()))),
        int("open_ns", |row| number(row.sums().open_ns)),
        int("unknown_ns", |row| number(row.sums().unknown_ns)),
        int("left_out_ns", |row| {
            number(row.sums().left_out.map_or(0, |it| it.total_ns))
        }),
        int("idle_ns", |row| number(row.sums().idle_ns)),
        int("interruptible_ns", |row| {
            number(row.sums().wait_states?.interruptible_ns)
        }),
        int("uninterruptible_ns", |row| {
            number(row.sums().wait_states?.uninterruptible_ns)
        }),
        int("runqueue_count", |row| number(row.sums().runqueue_count)),
        int("voluntary", |row| number(row.sums().switches.voluntary)),
        int("involuntary", |row| number(row.sums().switches.involuntary)),
        int("migrations", |row| number(row.sums().migrations)),
        int("gil_held_ns", |row| {
            number(row.sums().gil.as_ref()?.held_ns)
        }),
    ]
}

fn waits_ns(sums: &Sums) -> u64 {
    let waits = sums.waits.iter().map(|wait| wait.total_ns);
    waits.fold(0, u64::saturating_add)
}
