//! The truth workload's own account, and its comparison with a report.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::report::{Account, Report, Thread, Wait, Wake};

/// What one case says of itself. Times are ns.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the workload's")]
pub struct Measured {
    pub name: String,
    pub kind: String,
    pub comm: String,
    pub pid: u32,
    pub tid: u32,
    pub waker: Option<String>,
    pub calls: u64,
    pub count: u64,
    pub wait_ns: u64,
    pub odd_cpu_ns: u64,
    pub waking_ns: u64,
    pub stale_ns: u64,
    pub left_ns: u64,
    pub oncpu_ns: u64,
    pub rundelay_ns: u64,
    pub expect_functions: Vec<String>,
    pub expect_source: Vec<String>,
}

/// A case that the machine refuses.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the workload's")]
pub struct Unavailable {
    pub name: String,
    pub kind: String,
    pub unavailable: String,
}

/// A line of the truth file.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// It ran.
    Measured(Measured),
    /// It could not.
    Unavailable(Unavailable),
}

/// Reads a truth file.
pub fn read(path: &Path) -> Result<Vec<Line>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect()
}

/// The cases that ran.
pub fn measured(lines: &[Line]) -> Vec<&Measured> {
    lines
        .iter()
        .filter_map(|line| match line {
            Line::Measured(measured) => Some(measured),
            Line::Unavailable(_) => None,
        })
        .collect()
}

/// Sleeps at least this long have their function named, ns.
const NAMED_FROM_NS: u64 = 1_000_000;

/// How far a reported time may be from the truth: 1 % + 1 ms.
fn tolerance(truth: u64) -> u64 {
    truth / 100 + 1_000_000
}

/// What the wake-ups of a disk case may take to reach a CPU that the host has
/// put to sleep, ns. The threads of all other cases share a CPU.
const JOURNEY_NS: u64 = 5_000_000;

/// Everything in the report that contradicts a case, one sentence each.
///
/// `stolen_ns` is the time that the host took from this machine's CPUs
/// meanwhile: the wall clock has it, schedstat leaves it out.
pub fn contradictions(report: &Report, truth: &Measured, stolen_ns: u64) -> Vec<String> {
    let is_subject = |thread: &Thread| {
        (thread.pid, thread.tid) == (truth.pid, truth.tid) && thread.comm == truth.comm
    };
    let mut found = match report.only(&truth.comm, is_subject) {
        Ok(thread) => of_thread(thread, truth, stolen_ns, hides(report)),
        Err(error) => vec![error.to_string()],
    };
    for sentence in &mut found {
        let (word, rest) = match sentence.strip_prefix(JITTER) {
            Some(rest) => (JITTER, rest),
            None => ("", sentence.as_str()),
        };
        *sentence = format!("{word}{} ({}): {rest}", truth.name, truth.kind);
    }
    found
}

fn of_thread(thread: &Thread, truth: &Measured, stolen_ns: u64, hides: bool) -> Vec<String> {
    let account = &thread.account;
    let waits: Vec<&Wait> = account.of_kind(&truth.kind).collect();
    let (on_cpu, queued) = (account.on_cpu_ns, account.runqueue_ns);
    let mut found = Vec::new();
    // A waking by another CPU's interrupt travels: part of that is wait here
    // and run queue there, their sum is right all the same.
    let by_interrupt = truth
        .expect_source
        .iter()
        .any(|source| source == "block-io");
    let journey = if by_interrupt { JOURNEY_NS } else { 0 };
    // A call may also wait for the memory it reads or writes; the workload sees
    // that as the same sleep.
    let waited = account.kind_ns(&truth.kind);
    let waited = truth
        .wait_ns
        .clamp(waited, waited + for_memory(account, truth));
    // CPU time that the kernel cannot have meant (see the workload's meter)
    // was run queue; their sum is right all the same.
    let odd = truth.odd_cpu_ns;
    for (what, told, true_ns, more) in [
        ("wait", waited, truth.wait_ns, journey + stolen_ns),
        ("on-cpu", on_cpu, truth.oncpu_ns, odd + stolen_ns),
        (
            "run queue",
            queued,
            truth.rundelay_ns,
            odd + journey + stolen_ns,
        ),
        (
            "all",
            waited + on_cpu + queued,
            truth.wait_ns + truth.oncpu_ns + truth.rundelay_ns,
            stolen_ns,
        ),
    ] {
        let off = told.abs_diff(true_ns);
        if off > tolerance(true_ns) + more {
            let word = if is_jitter(what, off) { JITTER } else { "" };
            found.push(format!("{word}{what} {told} ns, truth {true_ns} ns"));
        }
    }
    let count: u64 = waits.iter().map(|wait| wait.count).sum();
    if count.abs_diff(truth.count) > truth.count / 20 + 2 {
        found.push(format!("{count} waits, truth {}", truth.count));
    }
    found.extend(of_functions(&waits, truth, hides));
    found.extend(of_wakers(&waits, truth, hides));
    if found.iter().any(|said| !said.starts_with(JITTER)) {
        found.push(format!("all it waited for: {:#?}", account.waits));
    }
    found
}

/// Begins a contradiction that the host's jitter may explain: see [`is_jitter`].
pub const JITTER: &str = "jitter: ";

/// A waking may reach a CPU late (the host runs something else there) or the
/// run queue's clock may skip a tick: then schedstat and the tracepoints split
/// a few ms differently between CPU, run queue and wait. A wait or a sum that
/// is wrong by as much is none of that.
fn is_jitter(what: &str, off_ns: u64) -> bool {
    matches!(what, "on-cpu" | "run queue") && off_ns < 5_000_000
}

/// Time of the waits for the address space's lock, unless locks are the case.
fn for_memory(account: &Account, truth: &Measured) -> u64 {
    let is_memory = |wait: &&Wait| {
        let function = wait.function.as_deref().unwrap_or_default();
        function.contains("mm_and_find_vma") || function.contains("mmap_lock")
    };
    let locks = account.of_kind("kernel-lock").filter(is_memory);
    match truth.kind.as_str() {
        "kernel-lock" => 0,
        _ => locks.map(|wait| wait.total_ns).sum(),
    }
}

/// What is wrong with the number of unverified wake-ups of a run. Some kernels
/// hide from all tracing what happens beside a protected task (seen on a
/// sandboxed host): a waking then has no record, and to say so is right, to
/// guess is not. Such a kernel hides switches as well, which the report counts;
/// where it hides none, every wake-up is verified. 5 % of all is the most.
pub fn hidden(report: &Report) -> Option<String> {
    let accounts = report.threads.iter().map(|thread| &thread.account);
    let waits: u64 = accounts
        .flat_map(|account| &account.waits)
        .map(|wait| wait.count)
        .sum();
    let unverified = report.coverage.unverified_wakes;
    let allowed = if hides(report) { waits / 20 } else { 0 };
    (unverified > allowed).then(|| format!("{unverified} of {waits} wake-ups unverified"))
}

fn hides(report: &Report) -> bool {
    report.coverage.recovered_switches > 0
}

fn is_hidden(wake: &Wake) -> bool {
    wake.source == "unverified"
}

fn of_functions(waits: &[&Wait], truth: &Measured, hides: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut wrong_ns = 0;
    let mut wrong = Vec::new();
    for wait in waits {
        match &wait.function {
            None if wait.max_ns >= NAMED_FROM_NS
                && !wait.wakes.iter().all(|wake| hides && is_hidden(wake)) =>
            {
                found.push(format!("no function for a wait of {} ns", wait.max_ns));
            }
            Some(name) if !truth.expect_functions.contains(name) => {
                wrong_ns += wait.total_ns;
                wrong.push(name);
            }
            _ => {}
        }
    }
    if wrong_ns > tolerance(truth.wait_ns) {
        found.push(format!("{wrong_ns} ns in {wrong:?}"));
    }
    found
}

/// Time ended by another source, or by another thread than the waker, is
/// wrong.
fn of_wakers(waits: &[&Wait], truth: &Measured, hides: bool) -> Vec<String> {
    let mut wrong_ns = 0;
    let mut wrong = Vec::new();
    for wake in waits.iter().flat_map(|wait| &wait.wakes) {
        if !(hides && is_hidden(wake) || is_right(wake, truth)) {
            wrong_ns += wake.wait_ns;
            wrong.push(format!("{} {:?} ×{}", wake.source, wake.comm, wake.count));
        }
    }
    if wrong_ns > tolerance(truth.wait_ns) {
        return vec![format!("{wrong_ns} ns ended by {wrong:?}")];
    }
    Vec::new()
}

fn is_right(wake: &Wake, truth: &Measured) -> bool {
    let by_task = matches!(wake.source.as_str(), "task" | "task-exit");
    let right_waker = match (&truth.waker, &wake.comm) {
        (Some(waker), Some(comm)) => comm.contains(waker.as_str()),
        (Some(_), None) => !by_task,
        (None, _) => true,
    };
    truth.expect_source.contains(&wake.source) && right_waker
}
