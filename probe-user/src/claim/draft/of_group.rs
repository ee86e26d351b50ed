//! What may be claimed of a group: what its threads wait for, who ends that, what is behind
//! it, how many they are, and how many processes they have at once.

use std::collections::BTreeSet;

use super::{
    Candidate,
    bounds::{Bounds, Hull},
    runs::{Asked, Runs},
    who::{Who, glob},
    words::{self, counted},
};
use crate::{
    claim::{
        metric::Argument,
        selection::{Process, Selection, Threads},
    },
    document::Thread,
    vocabulary::{CauseKind, WaitKind, WakeSource},
};

/// A part is noticeable from here on.
const NOTICEABLE: f64 = 0.2;
/// What waits more than this does hardly anything else.
const QUIET: f64 = 0.8;
/// A detail stands for its cause if it is as much of it.
const MOST_OF_CAUSE: f64 = 0.7;
/// Kinds that are claimed.
const KINDS: usize = 3;
/// Locks take less than this where it is claimed that they take little.
const FREE_OF_LOCKS: f64 = 0.03;
/// Bytes of a detail: an expression has a limit.
const LONGEST: usize = 256;
/// What a group is behind in weight to the one before.
const RANK: i32 = 10;

/// All of them; `rank` is the group's place among all.
pub(super) fn candidates(runs: &Runs<'_>, who: &Who, rank: usize) -> Vec<Candidate> {
    let group = Of { runs, who };
    let mut all = Vec::new();
    if let Some((waiting, bounds)) = group.waiting().and_then(noticeable) {
        let kinds = group.kinds();
        let main = kinds.first().map(|(kind, _)| *kind);
        all.extend(group.waits(&kinds));
        all.extend(group.woken_by(main));
        all.extend(group.blame(main));
        all.extend(group.quiet(&waiting, &bounds));
    }
    all.extend(group.computing());
    all.extend(group.threads());
    all.extend(group.children());
    all.extend(group.locks());
    let behind = RANK * i32::try_from(rank).unwrap_or(i32::MAX / RANK);
    for candidate in &mut all {
        candidate.weight = candidate.weight.saturating_sub(behind);
    }
    all
}

struct Of<'a> {
    runs: &'a Runs<'a>,
    who: &'a Who,
}

impl Of<'_> {
    fn candidate(&self, id: &str, weight: i32, says: String, holds: String) -> Candidate {
        Candidate {
            id: format!("{}.{id}", self.who.name),
            says,
            holds,
            weight,
        }
    }

    fn ask(&self, name: &str, word: &str) -> Option<Asked> {
        match word {
            "" => self.runs.ask(self.who, name, &[]),
            word => self.runs.ask_word(self.who, name, word),
        }
    }

    /// The threads in all runs.
    fn threads_of_runs(&self) -> impl Iterator<Item = &Thread> {
        let runs = self.runs.list.iter().zip(&self.who.threads);
        runs.flat_map(|(run, threads)| {
            let threads = threads.iter();
            threads.filter_map(|&index| run.document.threads.get(index))
        })
    }

    /// What a noticeable part of the waits is for, the largest first.
    fn kinds(&self) -> Vec<(WaitKind, (Asked, Bounds))> {
        let sums = self.threads_of_runs().map(|thread| &thread.sums);
        let kinds = sums.flat_map(|sums| {
            let open = sums.open.iter().map(|wait| wait.kind);
            sums.waits.iter().map(|wait| wait.kind).chain(open)
        });
        let kinds: BTreeSet<WaitKind> = kinds.collect();
        let known = kinds.into_iter().filter(|kind| *kind != WaitKind::Unknown);
        let wait = self.ask("wait", "");
        let parts = known.filter_map(|kind| {
            let of_kind = self.ask("wait", kind.as_str())?;
            Some((kind, noticeable(of_kind.over(wait.as_ref()?)?)?))
        });
        largest(parts)
    }

    fn waits(&self, kinds: &[(WaitKind, (Asked, Bounds))]) -> Vec<Candidate> {
        const WEIGHTS: [i32; KINDS] = [100, 93, 87];
        let kinds = kinds.iter().zip(WEIGHTS);
        let waits = kinds.map(|((kind, (asked, bounds)), weight)| {
            let says = self.who.subject.waits(*kind, mostly(asked.hull));
            self.candidate(kind.as_str(), weight, says, bounds.of(&asked.text))
        });
        waits.collect()
    }

    fn computing(&self) -> Option<Candidate> {
        let on_cpu = self.ask("on_cpu", "")?;
        let (asked, bounds) = noticeable(on_cpu.over(&on_cpu.plus(&self.ask("wait", "")?)?)?)?;
        let subject = &self.who.subject;
        let (verb, mostly) = (subject.verb("computes", "compute"), mostly(asked.hull));
        let says = format!("{} {verb} {mostly}", subject.whole());
        Some(self.candidate("on_cpu", 90, says, bounds.of(&asked.text)))
    }

    /// Who ends most of the waits, where their kind does not say it.
    fn woken_by(&self, main: Option<WaitKind>) -> Option<Candidate> {
        let sources = WakeSource::ALL.iter().copied();
        let known = sources.filter(|it| !matches!(it, WakeSource::Unverified | WakeSource::New));
        let shares = known.filter_map(|source| {
            Some((source, noticeable(self.ask("woken_by", source.as_str())?)?))
        });
        let all = largest(shares);
        let (source, (asked, bounds)) = all.into_iter().next()?;
        if Some(source) == main.and_then(implied) {
            return None;
        }
        let mostly = mostly(asked.hull);
        let (whole, by) = (self.who.subject.whole(), words::source(source));
        let says = format!("the waits of {whole} are {mostly} ended by {by}");
        Some(self.candidate("woken-by", 94, says, bounds.of(&asked.text)))
    }

    /// What is behind most of the waits, where their kind does not say it.
    fn blame(&self, main: Option<WaitKind>) -> Option<Candidate> {
        let rows = self.threads_of_runs().flat_map(|thread| &thread.sums.blame);
        let causes: BTreeSet<CauseKind> = rows.map(|row| row.cause).collect();
        let known = causes.into_iter().filter(|cause| is_ours(*cause));
        let shares = known.filter_map(|cause| {
            let word = Argument::Word(cause.as_str().to_owned());
            Some((cause, self.blamed(&[word])?))
        });
        let (cause, of_all) = largest(shares).into_iter().next()?;
        let is_said = main.is_some_and(|kind| is_said(cause, kind));
        if is_said {
            return None;
        }
        let least = of_all.0.hull.lo * MOST_OF_CAUSE;
        let detailed = self.detail(cause, least);
        let (detail, (asked, bounds)) = match detailed {
            Some((detail, share)) => (Some(detail), share),
            None => (None, of_all),
        };
        let mostly = mostly(asked.hull);
        let (whole, what) = (
            self.who.subject.whole(),
            words::cause(cause, detail.as_deref()),
        );
        let says = format!("behind the waits of {whole}, run queues apart, is {mostly} {what}");
        Some(self.candidate("behind", 96, says, bounds.of(&asked.text)))
    }

    /// What is blamed on a cause, of what is not blamed on run queues: these are as long as the
    /// machine is busy.
    fn blamed(&self, arguments: &[Argument]) -> Option<(Asked, Bounds)> {
        let queued = self.ask("blame", CauseKind::RunQueue.as_str())?;
        let blamed = self.runs.ask(self.who, "blame", arguments)?;
        noticeable(blamed.over(&queued.rest()?)?)
    }

    /// The detail that is most of a cause.
    fn detail(&self, cause: CauseKind, least: f64) -> Option<(String, (Asked, Bounds))> {
        let rows = self.threads_of_runs().flat_map(|thread| &thread.sums.blame);
        let details = rows.filter(|row| row.cause == cause);
        let details: BTreeSet<String> = details
            .filter_map(|row| row.detail.as_deref())
            .filter(|detail| detail.len() <= LONGEST)
            .map(lasting)
            .collect();
        let shares = details.into_iter().filter_map(|detail| {
            let word = Argument::Word(cause.as_str().to_owned());
            let glob = Argument::Glob(detail.clone());
            Some((detail, self.blamed(&[word, glob])?))
        });
        let first = largest(shares).into_iter().next();
        first.filter(|(_, (asked, _))| asked.hull.lo >= least)
    }

    /// Waits, of them and computing: run queues are as long as the machine is busy.
    fn waiting(&self) -> Option<Asked> {
        let wait = self.ask("wait", "")?;
        wait.over(&self.ask("on_cpu", "")?.plus(&wait)?)
    }

    /// Where there is hardly anything but waits.
    fn quiet(&self, waiting: &Asked, bounds: &Bounds) -> Option<Candidate> {
        let subject = &self.who.subject;
        let [wait, compute] = [("waits", "wait"), ("computes", "compute")];
        let (wait, compute) = (
            subject.verb(wait.0, wait.1),
            subject.verb(compute.0, compute.1),
        );
        let whole = subject.whole();
        let says = format!(
            "{whole} {wait} more than {} {compute}",
            subject.verb("it", "they")
        );
        let is_quiet = waiting.hull.lo >= QUIET;
        is_quiet.then(|| self.candidate("waits", 89, says, bounds.of(&waiting.text)))
    }

    /// That a process has one first thread needs no claim.
    fn threads(&self) -> Option<Candidate> {
        let Selection {
            process, threads, ..
        } = &self.who.selection;
        if (process, threads) == (&Process::Root, &Threads::Leader) {
            return None;
        }
        let asked = self.ask("threads", "")?;
        let bounds = asked.hull.count()?;
        let text = &self.who.subject.text;
        let says = match asked.hull.invariant() {
            Some(1) if *process == Process::Root => format!("{text} is one thread"),
            Some(1) => format!("there is one {text}"),
            Some(number) => format!("there are {number} {text}"),
            None => format!("there are about as many {text} as there were"),
        };
        Some(self.candidate("threads", 92, says, bounds.of(&asked.text)))
    }

    /// Where it makes processes.
    fn children(&self) -> Option<Candidate> {
        let asked = self.ask("children_max", "")?;
        if asked.hull.lo < 1.0 {
            return None;
        }
        let bounds = asked.hull.count()?;
        let subject = &self.who.subject;
        let (whole, has) = (subject.whole(), subject.verb("has", "have"));
        let says = match asked.hull.invariant() {
            Some(n) => {
                let children = counted(n, "child", "children");
                format!("{whole} {has} at most {children} at once")
            }
            None => format!("{whole} {has} about as many children at once as before"),
        };
        Some(self.candidate("children", 91, says, bounds.of(&asked.text)))
    }

    /// Threads of one process that did not wait for each other in any of several runs.
    fn locks(&self) -> Option<Candidate> {
        let processes = self.ask("processes", "")?;
        let threads = self.ask("threads", "")?;
        let futex = self.ask("share", "futex")?;
        let gil = self.ask("share", "gil")?;
        let are_free = futex.hull.hi + gil.hull.hi < FREE_OF_LOCKS;
        let are_several = threads.hull.lo > processes.hull.lo;
        if !(are_free && are_several && self.runs.list.len() > 1) {
            return None;
        }
        let subject = &self.who.subject;
        let (whole, verb) = (subject.whole(), subject.verb("waits", "wait"));
        let says = format!("{whole} hardly {verb} for locks");
        let holds = format!("{} + {} <= 20%", futex.text, gil.text);
        Some(self.candidate("locks", 85, says, holds))
    }
}

/// A part of which something can be claimed, and what.
fn noticeable(asked: Asked) -> Option<(Asked, Bounds)> {
    let bounds = asked.hull.share()?;
    (asked.hull.lo >= NOTICEABLE).then_some((asked, bounds))
}

/// In the order of what is at least so.
fn largest<T>(all: impl Iterator<Item = (T, (Asked, Bounds))>) -> Vec<(T, (Asked, Bounds))> {
    let mut all: Vec<(T, (Asked, Bounds))> = all.collect();
    let least = |(_, (asked, _)): &(T, (Asked, Bounds))| asked.hull.lo;
    all.sort_by(|a, b| least(b).total_cmp(&least(a)));
    all
}

fn mostly(hull: Hull) -> &'static str {
    match hull.is_most() {
        true => "mostly",
        false => "in part",
    }
}

/// What a kind of wait says about its end.
fn implied(kind: WaitKind) -> Option<WakeSource> {
    match kind {
        WaitKind::Sleep | WaitKind::Timer => Some(WakeSource::Timer),
        WaitKind::ChildExit => Some(WakeSource::TaskExit),
        WaitKind::Disk => Some(WakeSource::BlockIo),
        WaitKind::Signal => Some(WakeSource::Signal),
        _ => None,
    }
}

/// A sleep is for a timer, and so on.
fn is_said(cause: CauseKind, kind: WaitKind) -> bool {
    match cause {
        CauseKind::Timer => matches!(kind, WaitKind::Sleep | WaitKind::Timer),
        CauseKind::Disk => kind == WaitKind::Disk,
        CauseKind::CpuQuota => kind == WaitKind::Throttled,
        _ => false,
    }
}

/// What the program does, and not what happened to it in this run.
fn is_ours(cause: CauseKind) -> bool {
    match cause {
        CauseKind::Computing
        | CauseKind::Starting
        | CauseKind::Network
        | CauseKind::Disk
        | CauseKind::Timer
        | CauseKind::CpuQuota => true,
        CauseKind::RunQueue
        | CauseKind::Interrupt
        | CauseKind::Outside
        | CauseKind::Signal
        | CauseKind::Unknown
        | CauseKind::Open => false,
    }
}

/// A pattern for a detail that the next run will have, too: a port that the kernel chose may be
/// any.
fn lasting(detail: &str) -> String {
    /// Linux gives clients ports from here on (`ip_local_port_range`).
    const CHOSEN: u32 = 32_768;
    let mut text = String::new();
    for (at, part) in glob(detail).replace('"', "?").split(':').enumerate() {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let port: Option<u32> = part.get(..digits).and_then(|port| port.parse().ok());
        let is_chosen = at > 0 && port.is_some_and(|port| (CHOSEN..=65_535).contains(&port));
        let part = match is_chosen {
            true => format!("*{}", part.get(digits..).unwrap_or_default()),
            false => part.to_owned(),
        };
        text.push_str(if at > 0 { ":" } else { "" });
        text.push_str(&part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_that_last_have_no_port_that_the_kernel_chose() {
        for (detail, expected) in [
            ("127.0.0.1:9418", "127.0.0.1:9418"),
            ("127.0.0.1:38799 (git)", "127.0.0.1:* (git)"),
            ("[::1]:40000", "[::1]:*"),
            ("git fetch", "git fetch"),
            ("say \"*\"", "say ???"),
            ("SYN unanswered 10.0.0.1:65535", "SYN unanswered 10.0.0.1:*"),
            ("40000", "40000"),
            ("é:40000é", "é:*é"),
        ] {
            assert_eq!(lasting(detail), expected);
        }
    }
}
