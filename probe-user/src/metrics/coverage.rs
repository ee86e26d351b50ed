//! How far the numbers can be trusted: losses, open waits, unverified wakes,
//! and the residual of the budget.

use super::Facts;
use crate::{
    document::{Coverage, Sums, Thread},
    world::{World, kind::WakeSource, listen},
};

/// Coverage of a finished world.
pub fn of(world: &World, facts: &Facts, threads: &[Thread]) -> Coverage {
    let unverified = WakeSource::Unverified.name();
    let unverified_of = |sums: &Sums| -> u64 {
        sums.wakes
            .iter()
            .filter(|wake| wake.source == unverified)
            .map(|wake| wake.count)
            .sum()
    };
    Coverage {
        lost: facts.lost.clone(),
        open_waits: threads.iter().map(|t| t.sums.open.len() as u64).sum(),
        unverified_wakes: threads.iter().map(|t| unverified_of(&t.sums)).sum(),
        recovered_switches: world.recovered,
        residual_ns: threads.iter().map(|t| residual_ns(&t.sums)).sum(),
        problems: problems(world, facts),
    }
}

/// lifetime − (on-CPU + run queue + waits + open + unknown), ns.
pub fn residual_ns(sums: &Sums) -> i64 {
    let waits: u64 = sums.waits.iter().map(|wait| wait.total_ns).sum();
    let known = sums.on_cpu_ns + sums.runqueue_ns + waits + sums.open_ns + sums.unknown_ns;
    sums.lifetime_ns.wrapping_sub(known).cast_signed()
}

fn problems(world: &World, facts: &Facts) -> Vec<String> {
    let mut list = facts.start.problems.clone();
    let mut add = |count: u64, what: &str| {
        if count > 0 {
            list.push(format!("{count} {what}"));
        }
    };
    let unidentified = world.threads.iter().filter(|t| t.pid.is_none()).count();
    add(
        unidentified as u64,
        "threads whose birth was not recorded: process and name are unknown",
    );
    add(
        facts.late,
        "records came too late to be put in order: some waits may be cut in two",
    );
    add(
        facts.decoding.unknown,
        "records of a kind that this version does not know were skipped",
    );
    add(
        world.listeners.elsewhere,
        &format!(
            "connection requests came to more than {} listeners and were not counted",
            listen::MOST
        ),
    );
    add(facts.decoding.malformed, "malformed records were skipped");
    for (program, count) in facts.end.iter().flat_map(|end| &end.skipped) {
        list.push(format!(
            "the kernel skipped {count} runs of the probe {program}, because one of its runs had \
             been preempted on that CPU: something that it tells may be missing"
        ));
    }
    list.extend(facts.problems.iter().cloned());
    list
}
