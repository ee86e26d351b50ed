//! A thread's account in one line of text, and the closing of its budget.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::document::{Document, Exit, Level, Sums, Thread, Wake};

/// `5: life 30 cpu 10 queue 5 sleep 15x1 by timer`, one line per thread, by
/// tid. Sums that are zero are left out, `≥` marks what had begun before.
pub(super) fn render(document: &Document) -> String {
    let mut threads: Vec<&Thread> = document.threads.iter().collect();
    threads.sort_by_key(|thread| thread.tid);
    let lines: Vec<String> = threads.into_iter().map(line).collect();
    lines.join("\n")
}

fn line(thread: &Thread) -> String {
    let sums = &thread.sums;
    let mut out = format!("{}:", thread.tid);
    let mut add = |name: &str, ns: u64| {
        if ns > 0 {
            write!(out, " {name} {ns}").unwrap();
        }
    };
    add("life", sums.lifetime_ns);
    add("cpu", sums.on_cpu_ns);
    add("queue", sums.runqueue_ns);
    add("unknown", sums.unknown_ns);
    for wait in &sums.waits {
        let least = at_least(wait.begun_before > 0);
        let (kind, total, count) = (wait.kind, wait.total_ns, wait.count);
        let by: Vec<String> = wait.wakes.iter().map(waker).collect();
        let by = by.join(" and ");
        write!(out, " {kind} {least}{total}x{count} by {by}").unwrap();
    }
    for open in &sums.open {
        let least = at_least(open.begun_before);
        write!(out, " open {} {least}{}", open.kind, open.so_far_ns).unwrap();
    }
    match thread.exit {
        Some(Exit::Code(code)) => write!(out, " exit {code}").unwrap(),
        Some(Exit::Signal(signal)) => write!(out, " signal {signal}").unwrap(),
        None => {}
    }
    out
}

fn at_least(begun_before: bool) -> &'static str {
    if begun_before { "≥" } else { "" }
}

fn waker(wake: &Wake) -> String {
    let outside = if wake.outside { " outside" } else { "" };
    let tid = wake.tid.map(|tid| format!(" {tid}")).unwrap_or_default();
    let name = match &wake.comm {
        Some(comm) if wake.outside => format!(" {comm}"),
        _ => String::new(),
    };
    format!("{}{outside}{name}{tid}", wake.source)
}

/// What a budget leaves over, ns.
pub(super) fn residual(sums: &Sums) -> i128 {
    let waits: u64 = sums.waits.iter().map(|wait| wait.total_ns).sum();
    let open: u64 = sums.open.iter().map(|open| open.so_far_ns).sum();
    assert_eq!(open, sums.open_ns, "open waits do not add up");
    let parts = [
        sums.on_cpu_ns,
        sums.runqueue_ns,
        waits,
        open,
        sums.unknown_ns,
        sums.left_out.unwrap_or_default().total_ns,
    ];
    let behind = sums.runqueue_behind.iter().flatten();
    let behind_ns: u64 = behind.map(|part| part.ns).sum();
    assert_eq!(behind_ns, sums.runqueue_ns, "{:?}", sums.runqueue_behind);
    i128::from(sums.lifetime_ns) - parts.into_iter().map(i128::from).sum::<i128>()
}

/// Every budget closes, and the document says so.
pub(super) fn assert_closed(document: &Document) {
    for thread in &document.threads {
        assert_eq!(residual(&thread.sums), 0, "{}", line(thread));
        let wakes: u64 = thread.sums.wakes.iter().map(|wake| wake.wait_ns).sum();
        let waits: u64 = thread.sums.waits.iter().map(|wait| wait.total_ns).sum();
        assert_eq!(wakes, waits, "wakes and waits of {}", line(thread));
        assert_blamed(&thread.sums);
    }
    assert_eq!(document.coverage.residual_ns, 0);
    for group in &document.groups {
        assert_eq!(residual(&group.sums), 0, "group {}", group.name);
        assert_blamed(&group.sums);
    }
    assert_at_once(document);
}

/// What all threads did together is what each did, over the whole run. When they
/// did what is known only as a sum is not known.
fn assert_at_once(document: &Document) {
    let Some(concurrency) = &document.concurrency else {
        assert_eq!(document.wall_ns, 0);
        return;
    };
    let sum = |part: fn(&Sums) -> u64| -> u64 {
        let threads = document.threads.iter();
        threads.map(|thread| part(&thread.sums)).sum()
    };
    let waited = |s: &Sums| s.open_ns + s.waits.iter().map(|wait| wait.total_ns).sum::<u64>();
    let folded_ns = document.coverage.folded_ns;
    let check = |name, level: &Level, total_ns: u64| {
        let known = total_ns.saturating_sub(folded_ns)..=total_ns;
        assert!(
            known.contains(&level.total_ns),
            "{name}: {level:?} {total_ns}"
        );
        assert_eq!(level.over_ns, document.wall_ns, "{name}");
        assert!(level.p99 <= level.max, "{name}");
    };
    check("running", &concurrency.running, sum(|s| s.on_cpu_ns));
    let runnable_ns = sum(|s| s.on_cpu_ns + s.runqueue_ns);
    check("runnable", &concurrency.runnable, runnable_ns);
    check("blocked", &concurrency.blocked, sum(waited));
    let unknown_ns = sum(|s| s.unknown_ns) + folded_ns;
    check("unknown", &concurrency.unknown, unknown_ns);
    assert_eq!(concurrency.unknown.total_ns, unknown_ns);
}

/// Every finished wait is blamed on something, all of it and once.
pub(super) fn assert_blamed(sums: &Sums) {
    let mut waited: BTreeMap<&str, u64> = BTreeMap::new();
    for wait in &sums.waits {
        *waited.entry(wait.kind.as_str()).or_default() += wait.total_ns;
    }
    let mut blamed: BTreeMap<&str, u64> = BTreeMap::new();
    for blame in &sums.blame {
        *blamed.entry(blame.kind.as_str()).or_default() += blame.ns;
    }
    waited.retain(|_, ns| *ns > 0);
    assert_eq!(blamed, waited, "{sums:?}");
}
