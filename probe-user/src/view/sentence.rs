//! One sentence that answers: what the group that cost the run most did with its time,
//! and what was behind that. Made from numbers by rules.
//!
//! The group is the first of [`order`](super::order). What it did most is named, and what
//! came next, at most three, until that is half of its busy time; and from a fifth of all its
//! time on always. Of a wait that comes first: for whom, and the causes behind it that took at least a twentieth of it, at
//! most three. Where records or wakers are missing, the sentence says so itself.

use std::cmp::Reverse;

use super::behind;
use super::merge::Named;
use super::order::{self, Cost};
use super::rows::{self, Quiet, Row, State};
use super::run_queue;
use super::units::{self, is_below};
use super::woken::Waker;
use crate::document::{Blame, Group, RunQueuePart, Sums};
use crate::vocabulary::{Behind, CauseKind, WaitKind, WakeSource};

/// States that are named at most.
const STATES: usize = 3;
/// What comes next is named from such a part of the time on.
const SECOND: u64 = 5;
/// Causes that are named.
const NAMED: usize = 3;
/// A cause, and doubt, is named from such a part on.
const PARTS: u64 = 20;

/// The sentence about these groups, dearest first; `None` where nothing was observed.
pub fn sentence(costs: &[Cost]) -> Option<String> {
    let first = costs.first()?;
    let all_ns = order::lifetime_ns(costs);
    let busy = costs.iter().map(Cost::may_be_busy_ns);
    let busy_ns = busy.fold(0, u64::saturating_add);
    if all_ns == 0 {
        return None;
    }
    if is_below(busy_ns, all_ns, PARTS) {
        return Some(idle(costs, all_ns, busy_ns));
    }
    of_group(first.group)
}

/// `7 threads had nothing to do for 99.9 % of their time, most of it select not finished`.
fn idle(costs: &[Cost], all_ns: u64, busy_ns: u64) -> String {
    let threads = costs.iter().map(|cost| cost.group.threads as u64).sum();
    let longest = costs.iter().flat_map(|cost| {
        let rows = rows::rows(&cost.group.sums, &cost.group.name, true);
        order::states(rows)
    });
    let longest = longest.filter(|row| row.quiet.is_some());
    let longest = longest.max_by_key(|row| row.ns);
    let what = longest.map_or_else(String::new, |row| format!(", most of it {}", quiet(&row)));
    let share = units::percent(all_ns - busy_ns, all_ns).unwrap_or_default();
    let (threads, their) = match threads {
        1 => ("1 thread".to_owned(), "its"),
        n => (units::counted(n, "thread", "threads"), "their"),
    };
    format!("{threads} had nothing to do for {share} of {their} time{what}")
}

/// `futex idle`, `select not finished`.
pub fn quiet(row: &Row) -> String {
    let why = match row.quiet {
        None => return row.label.clone(),
        Some(Quiet::Idle) => " idle",
        Some(Quiet::Open) => " not finished",
        Some(Quiet::UntilEnd) => " until exit",
        // The kind says it.
        Some(Quiet::Signal) => "",
    };
    format!("{}{why}", row.label)
}

fn of_group(group: &Group) -> Option<String> {
    let sums = &group.sums;
    let rows = rows::rows(sums, &group.name, false);
    let quiet_rows: Vec<Row> = rows
        .iter()
        .filter(|row| row.quiet.is_some())
        .cloned()
        .collect();
    let is_busy = |row: &Row| {
        row.quiet.is_none()
            && matches!(
                row.state,
                State::Wait | State::Open | State::RunQueue | State::OnCpu | State::Cause
            )
    };
    let busy: Vec<Row> = rows.into_iter().filter(is_busy).collect();
    let quiet_ns = quiet_rows
        .iter()
        .map(|row| row.ns)
        .fold(0, u64::saturating_add);
    let mut parts = Vec::new();
    // Where most of the time nothing was to be done, that comes first.
    if !is_below(quiet_ns, sums.lifetime_ns, 2)
        && let Some(row) = order::states(quiet_rows).first()
    {
        let most = match is_below(quiet_ns - row.ns, quiet_ns, PARTS) {
            true => "",
            false => "most of it ",
        };
        parts.push(format!(
            "had nothing to do for {} of {} time ({most}{})",
            units::percent(quiet_ns, sums.lifetime_ns).unwrap_or_default(),
            its(group),
            quiet(row)
        ));
    }
    let Some(first) = busy.first() else {
        return Some(format!("{} {}", subject(group), parts.first()?));
    };
    let left_out_ns = sums.left_out.unwrap_or_default().total_ns;
    let busy_ns = sums
        .lifetime_ns
        .saturating_sub(quiet_ns)
        .saturating_sub(left_out_ns);
    let mut named_ns = 0;
    for row in busy.iter().take(STATES) {
        if named_ns > 0
            && !is_below(named_ns, busy_ns, 2)
            && is_below(row.ns, sums.lifetime_ns, SECOND)
        {
            break;
        }
        named_ns = row.ns.saturating_add(named_ns);
        parts.push(predicate(row, group, parts.is_empty()));
    }
    let mut text = format!("{} {}", subject(group), listed(&parts));
    text.push_str(&causes(first, sums, parts.len() == 1));
    text.push_str(&doubt(sums));
    Some(text)
}

/// `git`, `8 git pull processes`, `4 threads of python3 gitsync`.
fn subject(group: &Group) -> String {
    let name = &group.name;
    let threads = units::count(group.threads as u64);
    let of_threads = name.strip_suffix(" (threads)");
    match (group.threads, group.pids.len(), of_threads) {
        (1, ..) => name.clone(),
        (n, pids, _) if n == pids => format!("{threads} {name} processes"),
        (_, _, Some(program)) => format!("{threads} threads of {program}"),
        _ => format!("{threads} threads of {name}"),
    }
}

fn its(group: &Group) -> &'static str {
    if group.threads == 1 { "its" } else { "their" }
}

/// `waited 31 % for a timer, computed 30 % and waited 21 % for the network`; what is said
/// of two in a row is said once.
fn listed(parts: &[String]) -> String {
    let mut text = String::new();
    let mut verb = "";
    for (at, part) in parts.iter().enumerate() {
        let is_last = at + 1 == parts.len();
        text.push_str(match at {
            0 => "",
            _ if is_last => " and ",
            _ => ", ",
        });
        let (first, rest) = part.split_once(' ').unwrap_or((part, ""));
        text.push_str(if first == verb { rest } else { part });
        verb = first;
    }
    text
}

/// `waited 88 % of their time for git pull (child-exit)`.
fn predicate(row: &Row, group: &Group, is_first: bool) -> String {
    let is_lower = row.lower_bound || group.sums.unknown_ns > 0;
    let bound = if is_lower { "≥ " } else { "" };
    let share = units::percent(row.ns, row.whole_ns).unwrap_or_default();
    let share = match is_first {
        true => format!("{bound}{share} of {} time", its(group)),
        false => format!("{bound}{share}"),
    };
    match row.state {
        State::OnCpu => format!("computed {share}"),
        State::RunQueue => format!("waited {share} for a CPU (run queue)"),
        _ if row.label == WaitKind::Sleep.as_str() => format!("slept {share}"),
        _ => match whom(row, group) {
            Some(whom) => format!("waited {share} for {whom} ({})", row.label),
            None if row.label == WaitKind::Unknown.as_str() => {
                format!("waited {share} for something unknown")
            }
            None => format!("waited {share} in {}", row.label),
        },
    }
}

/// Whom a wait was for.
fn whom(row: &Row, group: &Group) -> Option<String> {
    let (waker, task) = row.waker.as_ref()?;
    let task = task.as_ref().map(named);
    let cause = |cause: CauseKind| {
        let blame = group.sums.blame.iter();
        let mut named = blame.filter(|b| b.kind.as_str() == row.label && b.cause == cause);
        named.find_map(|b| Some(behind::describe(b.cause, Some(b.detail.as_ref()?))))
    };
    match waker {
        Waker::Sibling if group.threads > 1 => Some("each other".to_owned()),
        Waker::Sibling | Waker::Task | Waker::Exit => task,
        Waker::Outside => Some(format!("{} outside", task.as_deref().unwrap_or("a task"))),
        Waker::Timer if row.label == WaitKind::Throttled.as_str() => cause(CauseKind::CpuQuota),
        Waker::Timer => Some("a timer".to_owned()),
        Waker::Network => Some(cause(CauseKind::Network).unwrap_or("the network".to_owned())),
        Waker::Disk => Some(cause(CauseKind::Disk).unwrap_or("a disk".to_owned())),
        Waker::OwnEnd | Waker::Signal | Waker::Kernel | Waker::Unverified | Waker::Nobody => None,
    }
}

/// `perl`, `perl and 3 others`.
fn named(task: &Named) -> String {
    match task.more as u64 {
        0 => task.text.clone(),
        more => format!(
            "{} and {}",
            task.text,
            units::counted(more, "other", "others")
        ),
    }
}

/// `; behind that: network 127.0.0.1:9418 64 %, run queue 29 %`.
///
/// `alone`: nothing else was said of the group.
fn causes(row: &Row, sums: &Sums, alone: bool) -> String {
    match row.state {
        State::Wait => {}
        State::RunQueue => return queued(sums),
        _ => return String::new(),
    }
    let of_kind = sums.blame.iter().filter(|b| b.kind.as_str() == row.label);
    let mut of_kind: Vec<&Blame> = of_kind.collect();
    of_kind.sort_by_key(|b| (Reverse(b.ns), b.cause.as_str(), &b.detail));
    let whole_ns = of_kind.iter().map(|b| b.ns).fold(0, u64::saturating_add);
    let weighty = of_kind.iter().filter(|b| !is_below(b.ns, whole_ns, PARTS));
    let weighty: Vec<&&Blame> = weighty.take(NAMED).collect();
    if let ([only], Some((waker, _))) = (weighty.as_slice(), &row.waker)
        && is_said(*waker, only.cause)
    {
        return String::new();
    }
    let causes = weighty.iter().map(|b| {
        let share = units::percent(b.ns, whole_ns).unwrap_or_default();
        format!("{} {share}", behind::describe(b.cause, b.detail.as_deref()))
    });
    let causes: Vec<String> = causes.collect();
    if causes.is_empty() {
        return String::new();
    }
    // The causes are known of all waits of a kind together.
    let is_all = row.ns.saturating_mul(10) >= whole_ns.saturating_mul(9);
    let that = match (is_all, alone) {
        (true, true) => "that".to_owned(),
        (true, false) => row.label.clone(),
        (false, _) => format!("all {}", row.label),
    };
    format!("; behind {that}: {}", causes.join(", "))
}

/// `; behind git index-pack 70 %, tasks outside 30 %`.
fn queued(sums: &Sums) -> String {
    let parts = sums.runqueue_behind.iter().flatten();
    let weighty = parts.filter(|part| !is_below(part.ns, sums.runqueue_ns, PARTS));
    let weighty: Vec<&RunQueuePart> = weighty.take(NAMED).collect();
    if weighty.iter().all(|part| part.behind == Behind::Unknown) {
        return String::new();
    }
    let named = weighty.iter().map(|part| {
        let share = units::percent(part.ns, sums.runqueue_ns).unwrap_or_default();
        format!("{} {share}", run_queue::name(part))
    });
    format!("; {}", named.collect::<Vec<_>>().join(", "))
}

/// The waker has no more behind it than that.
fn is_said(waker: Waker, cause: CauseKind) -> bool {
    match cause {
        CauseKind::Timer | CauseKind::CpuQuota => waker == Waker::Timer,
        CauseKind::Network => waker == Waker::Network,
        CauseKind::Disk => waker == Waker::Disk,
        CauseKind::Outside => waker == Waker::Outside,
        CauseKind::Interrupt | CauseKind::Unknown => true,
        CauseKind::Computing
        | CauseKind::Starting
        | CauseKind::RunQueue
        | CauseKind::Signal
        | CauseKind::Open => false,
    }
}

/// What the sentence may be wrong about.
fn doubt(sums: &Sums) -> String {
    let mut doubts = Vec::new();
    let mut add = |ns: u64, what: &str| {
        if ns > 0 && !is_below(ns, sums.lifetime_ns, PARTS) {
            let share = units::percent(ns, sums.lifetime_ns).unwrap_or_default();
            doubts.push(format!("{share} of the time {what}"));
        }
    };
    add(sums.unknown_ns, "is lost");
    let wakes = sums.waits.iter().flat_map(|wait| &wait.wakes);
    let unverified = wakes.filter(|wake| wake.source == WakeSource::Unverified);
    add(
        unverified
            .map(|wake| wake.wait_ns)
            .fold(0, u64::saturating_add),
        "was ended by a source that is not verified",
    );
    match doubts.is_empty() {
        true => String::new(),
        false => format!("; but {}", doubts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Document, OpenWait, Wait, Wake};
    use crate::view::testing::{blame, close, group, wait, wake};

    fn waits(kind: &str, wakes: &[Wake]) -> Wait {
        let ms: u64 = wakes.iter().map(|wake| wake.wait_ns / 1_000_000).sum();
        Wait {
            wakes: wakes.to_vec(),
            ..wait(kind, "", "", 1, ms)
        }
    }

    /// In ms: on CPU, on the run queue, and the waits.
    fn sums(on_cpu: u64, runqueue: u64, waits: &[Wait], causes: &[Blame]) -> Sums {
        close(Sums {
            on_cpu_ns: on_cpu * 1_000_000,
            runqueue_ns: runqueue * 1_000_000,
            waits: waits.to_vec(),
            blame: causes.to_vec(),
            ..Sums::default()
        })
    }

    fn of(document: &Document) -> Option<String> {
        sentence(&order::order(document))
    }

    fn check(name: &str, threads: usize, pids: u32, sums: &Sums, expect: &str) {
        let document = Document {
            groups: vec![group(name, threads, (0..pids).collect(), sums.clone())],
            ..Document::default()
        };
        assert_eq!(of(&document).as_deref(), Some(expect));
    }

    #[test]
    fn sentence_of_a_wait_says_for_whom_and_what_was_behind() {
        let git = |ms| wake("task-exit", Some("git pull"), None, 1, ms);
        check(
            "python3 gitsync (threads)",
            8,
            1,
            &sums(
                20,
                10,
                &[waits("child-exit", &[git(880)]), wait("gil", "", "", 1, 90)],
                &[
                    blame("child-exit", "network", "127.0.0.1:9418", 563),
                    blame("child-exit", "run-queue", "", 255),
                    blame("child-exit", "computing", "git", 43),
                    blame("child-exit", "starting", "", 19),
                    blame("gil", "computing", "python3", 90),
                ],
            ),
            "8 threads of python3 gitsync waited 88 % of their time for git pull (child-exit); \
             behind that: network 127.0.0.1:9418 64 %, run queue 29 %",
        );
        let sleep = wake("task-exit", Some("sleep"), None, 3, 990);
        check(
            "sh",
            1,
            1,
            &sums(
                10,
                0,
                &[waits("child-exit", &[sleep])],
                &[blame("child-exit", "timer", "", 990)],
            ),
            "sh waited 99 % of its time for sleep (child-exit); behind that: timer 100 %",
        );
    }

    #[test]
    fn sentence_of_what_is_no_wait() {
        check(
            "stress",
            2,
            2,
            &sums(970, 30, &[], &[]),
            "2 stress processes computed 97 % of their time",
        );
        let part = |behind, ms: u64| RunQueuePart {
            behind,
            detail: None,
            ns: ms * 1_000_000,
        };
        let mut queued = sums(420, 580, &[], &[]);
        let stress =
            "2 stress processes waited 58 % of their time for a CPU (run queue) and computed 42 %";
        check("stress", 2, 2, &queued, stress);
        queued.runqueue_behind = Some(vec![part(Behind::Unknown, 580)]);
        check("stress", 2, 2, &queued, stress);
        let parts = [
            (Behind::Tree, 464),
            (Behind::Outside, 106),
            (Behind::Unknown, 10),
        ];
        queued.runqueue_behind = Some(parts.map(|(behind, ms)| part(behind, ms)).to_vec());
        let behind = format!("{stress}; behind threads of the tree 80 %, outside 18 %");
        check("stress", 2, 2, &queued, &behind);
        let timer = wake("timer", None, None, 1, 997);
        check(
            "sleep",
            1,
            1,
            &sums(
                3,
                0,
                &[waits("sleep", &[timer])],
                &[blame("sleep", "timer", "", 997)],
            ),
            "sleep slept 99.7 % of its time",
        );
    }

    #[test]
    fn sentence_of_a_wait_for_quota_names_the_cgroup() {
        let timer = || wake("timer", None, None, 9, 800);
        let waits = [waits("throttled", &[timer()])];
        let mut throttled = sums(
            200,
            0,
            &waits,
            &[blame("throttled", "cpu-quota", "cgroup batch", 800)],
        );
        let expect =
            "spin waited 80 % of its time for CPU quota cgroup batch (throttled) and computed 20 %";
        check("spin", 1, 1, &throttled, expect);
        // By whatever froze it.
        throttled.blame = vec![blame("throttled", "timer", "", 800)];
        let expect = "spin waited 80 % of its time in throttled and computed 20 %";
        check("spin", 1, 1, &throttled, expect);
    }

    #[test]
    fn sentence_of_a_wait_that_different_kinds_of_wakers_ended() {
        let ended = [
            wake("task", Some("java"), Some("futex"), 9, 770),
            wake("timer", None, None, 9, 220),
        ];
        check(
            "java",
            8,
            1,
            &sums(
                10,
                0,
                &[waits("futex", &ended)],
                &[blame("futex", "timer", "", 990)],
            ),
            "8 threads of java waited 77 % of their time for each other (futex) and \
             22 % for a timer (futex); behind all futex: timer 100 %",
        );
    }

    #[test]
    fn sentence_of_devices_names_them_once() {
        let by = |source| [wake(source, None, None, 1, 800)];
        check(
            "dd",
            1,
            1,
            &sums(
                200,
                0,
                &[waits("disk", &by("block-io"))],
                &[blame("disk", "disk", "vda", 800)],
            ),
            "dd waited 80 % of its time for disk vda (disk) and computed 20 %",
        );
        check(
            "curl",
            1,
            1,
            &sums(
                100,
                0,
                &[waits("socket-recv", &by("net-rx"))],
                &[blame("socket-recv", "network", "[::1]:80", 800)],
            ),
            "curl waited 89 % of its time for network [::1]:80 (socket-recv)",
        );
    }

    #[test]
    fn sentence_of_a_spread_budget_names_states_until_they_are_half_of_it() {
        let waits = ["epoll", "futex", "poll", "select"].map(|kind| wait(kind, "", "", 1, 180));
        check(
            "go",
            5,
            1,
            &sums(140, 140, &waits, &[]),
            "5 threads of go waited 18 % of their time in epoll, 18 % in futex and 18 % in poll",
        );
    }

    #[test]
    fn sentence_of_a_program_that_is_idle() {
        let mut idle = sums(1, 0, &[], &[]);
        idle.open = vec![OpenWait {
            kind: WaitKind::Epoll,
            so_far_ns: 999_000_000,
            count: 1,
            ..OpenWait::default()
        }];
        (idle.open_ns, idle.lifetime_ns) = (999_000_000, 1_000_000_000);
        check(
            "nginx",
            1,
            1,
            &idle,
            "1 thread had nothing to do for 99.9 % of its time, most of it epoll not finished",
        );
        let jobs = Wait {
            idle: Some(true),
            ..wait("futex", "", "", 9, 800)
        };
        check(
            "pool",
            4,
            1,
            &sums(200, 0, &[jobs], &[]),
            "4 threads of pool had nothing to do for 80 % of their time (futex idle) and \
             computed 20 %",
        );
    }

    #[test]
    fn sentence_says_what_is_in_doubt() {
        let mut lost = sums(600, 0, &[wait("poll", "", "", 1, 200)], &[]);
        (lost.unknown_ns, lost.lifetime_ns) = (200_000_000, 1_000_000_000);
        check(
            "x",
            1,
            1,
            &lost,
            "x computed ≥ 60 % of its time and waited ≥ 20 % in poll; but 20 % of the time is lost",
        );
        let unverified = waits("event", &[wake("unverified", None, None, 1, 900)]);
        check(
            "x",
            1,
            1,
            &sums(100, 0, &[unverified], &[blame("event", "unknown", "", 900)]),
            "x waited 90 % of its time in event; but 90 % of the time was ended by a source \
             that is not verified",
        );
        let before = Wait {
            begun_before: 1,
            ..waits(
                "tty",
                &[Wake {
                    outside: true,
                    ..wake("task", Some("sshd"), None, 1, 900)
                }],
            )
        };
        check(
            "x",
            1,
            1,
            &sums(100, 0, &[before], &[blame("tty", "outside", "sshd", 900)]),
            "x waited ≥ 90 % of its time for sshd outside (tty)",
        );
    }

    #[test]
    fn sentence_of_nothing_is_none() {
        assert_eq!(of(&Document::default()), None);
        let group = group("x", 1, vec![1], Sums::default());
        let document = Document {
            groups: vec![group],
            ..Document::default()
        };
        assert_eq!(of(&document), None);
    }
}
