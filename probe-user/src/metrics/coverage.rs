//! How far the numbers can be trusted: losses, open waits, unverified wakes,
//! and the residual of the budget.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::{RunInfo, listeners, process::Processes, threads};
use crate::{
    document::{Coverage, Sums, Thread},
    vocabulary::{WaitKind, WakeSource},
    world::{
        World, connection,
        gil::{Unseen, Untold},
        listen, thread,
    },
};

/// Coverage of a finished world.
pub fn of(world: &World, info: &RunInfo, threads: &[Thread], processes: &Processes) -> Coverage {
    let unverified_of = |sums: &Sums| -> u64 {
        sums.wakes
            .iter()
            .filter(|wake| wake.source == WakeSource::Unverified)
            .fold(0, |sum, wake| sum.saturating_add(wake.count))
    };
    Coverage {
        lost: info.lost.clone(),
        open_waits: threads.iter().map(|t| t.sums.open.len() as u64).sum(),
        unverified_wakes: threads
            .iter()
            .fold(0, |sum, t| sum.saturating_add(unverified_of(&t.sums))),
        recovered_switches: world.recovered,
        folded_waits: world.folded.waits,
        folded_ns: world.folded.ns,
        residual_ns: threads
            .iter()
            .fold(0, |sum: i64, t| sum.saturating_add(residual_ns(&t.sums))),
        problems: problems(world, info),
        notes: [
            go_note(processes),
            price_of_looks(info),
            price_of_targets(info),
        ]
        .into_iter()
        .flatten()
        .collect(),
        partial: info.ended_early || info.end.is_none(),
        skipped: info
            .end
            .iter()
            .flat_map(|end| end.skipped.iter().cloned())
            .collect(),
        broken_records: info.late + info.decoding.unknown + info.decoding.malformed,
        gil_as_futex: may_hide_gil(world),
        uncounted: world.connections.elsewhere + world.listeners.elsewhere,
        tail_ns: tail_ns(world, info),
    }
}

/// Whether some waits for an interpreter lock are counted as futex.
fn may_hide_gil(world: &World) -> bool {
    let unseen = [Unseen::Gone, Unseen::Refused];
    !world.dictionaries.gils.untold.is_empty()
        || unseen.into_iter().any(|why| unseen_pythons(world, why) > 0)
}

/// From the last look at all threads to the end, where switches were lost.
fn tail_ns(world: &World, info: &RunInfo) -> Option<u64> {
    let lost = info.lost.get("switch").copied().unwrap_or(0);
    let last_ns = world.last_snapshot_ns.filter(|_| lost > 0)?;
    Some(world.now_ns.saturating_sub(last_ns))
}

/// What exact numbers of descriptors cost (`--fds`).
fn price_of_looks(info: &RunInfo) -> Option<String> {
    let text = "descriptors were counted behind every system call (--fds): each of the machine's took \
                some 0.1 µs longer, each of the tree's some 0.2 µs";
    info.start.exact_descriptors.then(|| text.to_owned())
}

/// What descriptions of open descriptors cost (`--per-fd`).
fn price_of_targets(info: &RunInfo) -> Option<String> {
    let text = "each open descriptor was described (--per-fd): execs and ends of processes took \
                some 0.3 µs longer for each that was open";
    info.start.describes_descriptors.then(|| text.to_owned())
}

/// What a thread of Go waits for is seldom what the program waits for.
fn go_note(processes: &Processes) -> Option<String> {
    let made_by_go = processes.list.iter().filter(|process| process.is_go);
    let programs: BTreeSet<&str> = made_by_go.map(|process| &*process.label).collect();
    let first = programs.first()?;
    let others = match programs.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!(
        "{first}{others}: made by Go, whose goroutines wait without a thread; the waits here are \
         those of its threads"
    ))
}

/// lifetime − (on-CPU + run queue + waits + open + unknown), ns.
pub fn residual_ns(sums: &Sums) -> i64 {
    let waits = sums.waits.iter().map(|wait| wait.total_ns);
    let parts = [
        sums.on_cpu_ns,
        sums.runqueue_ns,
        sums.open_ns,
        sums.unknown_ns,
        sums.left_out.map_or(0, |left_out| left_out.total_ns),
    ];
    // A hostile recording has more than fits.
    let rest = waits.chain(parts).fold(sums.lifetime_ns, u64::wrapping_sub);
    rest.cast_signed()
}

/// A report that a signal has cut short.
fn ended_early(world: &World, info: &RunInfo) -> Option<String> {
    let end = info.end.as_ref().filter(|_| info.ended_early)?;
    let begun_ns = threads::origin_ns(world);
    let seconds = |ns: u64| seconds(ns.saturating_sub(begun_ns));
    let until_ns = world.watermark_ns.max(begun_ns);
    Some(format!(
        "a signal ended the analysis: the report covers the first {} of {}",
        seconds(until_ns),
        seconds(end.ended_ns)
    ))
}

/// The report of a recording that was cut: nothing in that says when the observation ended.
fn cut(world: &World, info: &RunInfo) -> Option<String> {
    let cut_ns = info.cut_ns?;
    Some(format!(
        "the recording was cut {} after the start of the run: what came later is not known, nor \
         how long the observation went on",
        seconds(cut_ns.saturating_sub(threads::origin_ns(world)))
    ))
}

fn seconds(ns: u64) -> String {
    let ms = ns / 1_000_000;
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

fn problems(world: &World, info: &RunInfo) -> Vec<String> {
    let mut list = info.start.problems.clone();
    list.extend(ended_early(world, info));
    list.extend(cut(world, info));
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
        info.late,
        "records came too late to be put in order: some waits may be cut in two",
    );
    add(
        info.decoding.unknown,
        "records of a kind that this version does not know were skipped",
    );
    add(
        world.connections.elsewhere,
        &format!(
            "connections went to more than {} destinations and were not counted",
            connection::MOST
        ),
    );
    add(
        world.listeners.elsewhere,
        &format!(
            "connection requests came to more than {} listeners and were not counted",
            listen::MOST
        ),
    );
    add(info.decoding.malformed, "malformed records were skipped");
    add(
        unseen_pythons(world, Unseen::Gone),
        "Pythons ended their threads before their memory could be looked at: their waits for \
         the GIL are counted as futex",
    );
    add(
        unseen_pythons(world, Unseen::Refused),
        "Pythons may not be looked at (CAP_SYS_PTRACE is missing): their waits for the GIL \
         are counted as futex",
    );
    for (program, count) in info.end.iter().flat_map(|end| &end.skipped) {
        list.push(format!(
            "the kernel skipped {count} runs of the probe {program}, because one of its runs had \
             been preempted on that CPU: something that it tells may be missing"
        ));
    }
    list.extend(lost_anywhere(info));
    list.extend(listeners::disagreements(world));
    list.extend(world.dictionaries.gils.untold.iter().map(unknown_lock));
    list.extend(info.problems.iter().cloned());
    list.extend(world.logs.budget.problem().map(str::to_owned));
    list
}

/// What is lost has no instant.
fn lost_anywhere(info: &RunInfo) -> Option<String> {
    let is_lossy = info.lost.values().any(|&count| count > 0);
    let text = "records were lost, which are counted over the whole run, not this part of it";
    (info.part.is_some() && is_lossy).then(|| text.to_owned())
}

/// Why the interpreter lock of some Pythons is unknown.
fn unknown_lock((why, file): &(Untold, String)) -> String {
    let cannot_tell = |whose: &str, because: &str| {
        format!("cannot tell waits for the GIL {whose} {file} from other futex waits: {because}")
    };
    match why {
        Untold::Symbolless => cannot_tell("of", "no dynamic symbol _PyRuntime in it"),
        Untold::Unreadable => cannot_tell("of", "it could not be opened"),
        Untold::OtherLibc => cannot_tell(
            "of Pythons on",
            "its threads wait at words that no symbol leads to",
        ),
    }
}

/// Processes with futex waits, run by a program named `python…`, in whose
/// memory nobody could look for the lock.
fn unseen_pythons(world: &World, why: Unseen) -> u64 {
    let unseen = world.dictionaries.gils.unseen.iter();
    let mut unseen = unseen.filter(|&(_, &reason)| reason == why).peekable();
    if unseen.peek().is_none() {
        return 0;
    }
    let pythons = world.threads.iter().filter(|t| is_python_at_futex(t));
    let mut last_ns: FxHashMap<u32, u64> = FxHashMap::default();
    for (pid, thread) in pythons.filter_map(|t| Some((t.pid?, t))) {
        let last = last_ns.entry(pid).or_default();
        *last = thread.since_ns.max(*last);
    }
    unseen
        .filter(|&((pid, from_ns), _)| last_ns.get(pid).is_some_and(|last| last >= from_ns))
        .count() as u64
}

fn is_python_at_futex(thread: &thread::Thread) -> bool {
    let program = thread
        .program
        .argv
        .split(|&b| b == 0)
        .next()
        .unwrap_or_default();
    let file = thread.program.found.as_deref().unwrap_or_default();
    let mut names = [program, file.as_bytes()].into_iter();
    let python = names.any(|name| name.windows(6).any(|part| part == b"python"));
    let mut waits = thread.account.waits.keys();
    python && waits.any(|key| key.kind == WaitKind::Futex)
}
