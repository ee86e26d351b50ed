//! The truth workload's own account, and its comparison with a report.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::report::{Account, Report, Thread, Wait, Wake};
use crate::stalls::Contradiction;
use crate::travel::Travels;
use crate::unseen::Unseen;

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
    pub longest_waking_ns: u64,
    pub stale_ns: u64,
    pub opened_ns: u64,
    pub left_ns: u64,
    pub farewell_ns: u64,
    pub queued_ns: u64,
    pub unaccounted_ns: u64,
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

/// Everything in the report that contradicts the cases, one sentence each.
///
/// `stolen_ns` is the time that the host took from this machine's CPUs
/// meanwhile: the wall clock has it, schedstat leaves it out.
///
/// `travels` is how long the sleepers' wakings were on their way, where the
/// kernel says.
pub fn contradictions(
    report: &Report,
    cases: &[&Measured],
    stolen_ns: u64,
    travels: Option<&Travels>,
) -> Vec<Contradiction> {
    let longest = cases.iter().map(|case| case.longest_waking_ns);
    let run = Run {
        report,
        unseen: Unseen::of(report),
        stolen_ns,
        travels,
        longest_waking_ns: longest.max().unwrap_or_default(),
        zero_ns: zero_ns(report, cases),
    };
    cases.iter().flat_map(|case| of_case(&run, case)).collect()
}

/// A run and what was measured beside its cases.
struct Run<'a> {
    report: &'a Report,
    unseen: Unseen<'a>,
    stolen_ns: u64,
    travels: Option<&'a Travels>,
    /// The longest that any subject's waking took, ns.
    longest_waking_ns: u64,
    /// `CLOCK_MONOTONIC` when the report's own clock was zero, ns.
    zero_ns: u64,
}

/// Every subject looks at its clock after its birth: the first to do so shows
/// the most.
fn zero_ns(report: &Report, cases: &[&Measured]) -> u64 {
    let zeros = cases.iter().filter_map(|case| {
        let thread = subject(report, case).ok()?;
        case.opened_ns.checked_sub(thread.start_ns)
    });
    zeros.min().unwrap_or_default()
}

fn subject<'a>(report: &'a Report, truth: &Measured) -> Result<&'a Thread> {
    report.only(&truth.comm, |thread| {
        (thread.pid, thread.tid) == (truth.pid, truth.tid) && thread.comm == truth.comm
    })
}

fn of_case(run: &Run<'_>, truth: &Measured) -> Vec<Contradiction> {
    let mut found = match subject(run.report, truth) {
        Ok(thread) => of_thread(thread, truth, run),
        Err(error) => vec![no_sum(error.to_string())],
    };
    for one in &mut found {
        one.sentence = format!("{} ({}): {}", truth.name, truth.kind, one.sentence);
    }
    found
}

fn no_sum(sentence: String) -> Contradiction {
    Contradiction {
        sentence,
        off_ns: None,
    }
}

fn of_thread(thread: &Thread, truth: &Measured, run: &Run<'_>) -> Vec<Contradiction> {
    let (account, unseen) = (&thread.account, &run.unseen);
    let waits = waits_of(account, truth, unseen);
    let mut found: Vec<Contradiction> = sums(thread, truth, run, &waits)
        .iter()
        .filter_map(Sum::contradiction)
        .collect();
    let count: u64 = waits.iter().map(|wait| wait.count).sum();
    let beside: u64 = inside(account, &waits).map(|wait| wait.count).sum();
    let counted = truth.count.clamp(count, count + beside);
    if counted.abs_diff(truth.count) > truth.count / 20 + 2 {
        found.push(no_sum(format!("{count} waits, truth {}", truth.count)));
    }
    let places = of_functions(&waits, truth, unseen);
    let wakers = of_wakers(&waits, truth, unseen);
    found.extend(places.into_iter().chain(wakers).map(no_sum));
    if let Some(last) = found.last_mut() {
        let waits = &account.waits;
        last.sentence += &format!("\n{truth:?}; all it waited for: {waits:#?}");
    }
    found
}

/// The waits of the case: those of its kind, and unknown ones in its functions
/// if the report says why it cannot know them.
fn waits_of<'a>(account: &'a Account, truth: &Measured, unseen: &Unseen<'_>) -> Vec<&'a Wait> {
    let in_place = |wait: &Wait| {
        let function = wait.function.as_ref();
        function.is_none_or(|function| truth.expect_functions.contains(function))
    };
    // Any thread now and then waits for some kernel lock; the case's is the one
    // of a file that it writes to.
    let is_one_of_many = truth.kind == "kernel-lock";
    let main = main_futex(account);
    let all = account.waits.iter();
    all.filter(|wait| wait.kind != "futex" || wait.object.as_deref() == main)
        .filter(|wait| {
            let right = wait.kind == truth.kind;
            let excused = unseen.excuses_kind(truth, &wait.kind);
            let writes = wait.syscall.as_deref() == Some("write");
            right && !is_one_of_many
                || (right || excused) && in_place(wait) && (writes || !is_one_of_many)
        })
        .collect()
}

/// The word that a thread waits on most: any thread now and then waits for a
/// lock of the allocator as well.
fn main_futex(account: &Account) -> Option<&str> {
    let most = account.of_kind("futex").max_by_key(|wait| wait.count)?;
    most.object.as_deref()
}

/// A sum of the report and how far it may be from the truth.
struct Sum {
    what: &'static str,
    reported: u64,
    truth: u64,
    /// What may be missing from it, beside the tolerance.
    less: u64,
    /// What may be in it beyond the truth, beside the tolerance.
    more: u64,
}

impl Sum {
    fn contradiction(&self) -> Option<Contradiction> {
        let Sum {
            what,
            reported,
            truth,
            ..
        } = *self;
        let beside = if reported < truth {
            self.less
        } else {
            self.more
        };
        let off = reported.abs_diff(truth);
        (off > tolerance(truth) + beside).then(|| Contradiction {
            sentence: format!("{what} {reported} ns, truth {truth} ns, and {beside} ns beside"),
            off_ns: Some(off - beside),
        })
    }
}

/// Whatever may lie on either side of a boundary was measured by the workload;
/// the sum of all is right all the same.
fn sums(thread: &Thread, truth: &Measured, run: &Run<'_>, waits: &[&Wait]) -> [Sum; 4] {
    let (account, stolen) = (&thread.account, run.stolen_ns);
    let (on_cpu, queued) = (account.on_cpu_ns, account.runqueue_ns);
    // A waking by another CPU's interrupt travels: part of that is wait here
    // and run queue there.
    let sources = &truth.expect_source;
    let by_interrupt = sources.iter().any(|source| source == "block-io");
    let journey = if by_interrupt { JOURNEY_NS } else { 0 };
    // A call may also wait for a lock, or for the memory it reads or writes; the
    // workload sees that as the same sleep.
    let own: u64 = waits.iter().map(|wait| wait.total_ns).sum();
    let beside: u64 = inside(account, waits).map(|wait| wait.total_ns).sum();
    let waited = truth.wait_ns.clamp(own, own + beside);
    // CPU time that the kernel cannot have meant (see the workload's meter) was
    // run queue.
    let odd = truth.odd_cpu_ns;
    let tail = tail_ns(thread, truth, run.zero_ns);
    let sum = |what, reported, truth, less, more| Sum {
        what,
        reported,
        truth,
        less: less + stolen,
        more: more + stolen,
    };
    let (waking, stale) = (truth.waking_ns + journey, truth.stale_ns + journey);
    let all = truth.wait_ns + truth.oncpu_ns + truth.rundelay_ns;
    let travel = travel_ns(account, truth, run, waits);
    // schedstat leaves out a thread that was preempted on its way to sleep.
    let queued_more = truth.queued_ns.saturating_sub(truth.rundelay_ns);
    let (asleep_less, more) = (truth.unaccounted_ns, travel + queued_more);
    [
        sum(
            "wait",
            waited,
            truth.wait_ns,
            waking + travel + asleep_less,
            stale,
        ),
        sum("on-cpu", on_cpu, truth.oncpu_ns, odd, odd + tail),
        sum(
            "run queue",
            queued,
            truth.rundelay_ns,
            odd + stale,
            odd + waking + tail + more,
        ),
        sum("all", waited + on_cpu + queued, all, 0, tail + more),
    ]
}

/// How long wakings from waits beside the case's own were on their way, which
/// nothing else accounts for: as the kernel says, or at most.
fn travel_ns(account: &Account, truth: &Measured, run: &Run<'_>, own: &[&Wait]) -> u64 {
    let count = |waits: &mut dyn Iterator<Item = &Wait>| waits.map(|wait| wait.count).sum::<u64>();
    let beside = count(&mut account.waits.iter()) - count(&mut own.iter().copied());
    match run.travels {
        Some(travels) => travels.of(truth.tid),
        None => beside * run.longest_waking_ns,
    }
}

/// What a thread did between its last look at its clocks and its end, which
/// nobody but the observer can know, ns.
fn tail_ns(thread: &Thread, truth: &Measured, zero_ns: u64) -> u64 {
    match truth.left_ns {
        0 => 0,
        left => (zero_ns + thread.end_ns).saturating_sub(left + truth.farewell_ns),
    }
}

/// The waits for locks inside the case's system calls, and for the address
/// space's lock anywhere.
fn inside<'a>(account: &'a Account, own: &[&'a Wait]) -> impl Iterator<Item = &'a Wait> {
    const MEMORY: &[&str] = &["mm_and_find_vma", "mmap_lock", "do_user_addr_fault"];
    let is_memory = |wait: &Wait| {
        let function = wait.function.as_deref().unwrap_or_default();
        MEMORY.iter().any(|name| function.contains(name))
    };
    let is_own = |wait: &&Wait| own.iter().any(|one| std::ptr::eq(*one, *wait));
    let locks = account
        .of_kind("kernel-lock")
        .filter(move |wait| !is_own(wait));
    locks.filter(move |wait| is_memory(wait) || own.iter().any(|one| one.syscall == wait.syscall))
}

fn of_functions(waits: &[&Wait], truth: &Measured, unseen: &Unseen<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut wrong_ns = 0;
    let mut wrong = Vec::new();
    for wait in waits {
        match &wait.function {
            None if wait.max_ns >= NAMED_FROM_NS && !unseen.excuses_function(&wait.wakes) => {
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
fn of_wakers(waits: &[&Wait], truth: &Measured, unseen: &Unseen<'_>) -> Vec<String> {
    let mut wrong_ns = 0;
    let mut wrong = Vec::new();
    for wake in waits.iter().flat_map(|wait| &wait.wakes) {
        if !(unseen.excuses_waker(truth, wake) || is_right(wake, truth)) {
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
    let by_task = matches!(wake.source.as_str(), "task" | "task-exit" | "signal");
    let right_waker = match (&truth.waker, &wake.comm) {
        (Some(waker), Some(comm)) => comm.contains(waker.as_str()),
        (Some(_), None) => !by_task,
        (None, _) => true,
    };
    truth.expect_source.contains(&wake.source) && right_waker
}
