//! What must hold in every report of a run without losses, whatever ran.

use std::collections::BTreeMap;

use crate::report::{Account, Coverage, Report, Thread};

/// All violations, one sentence each.
pub fn violations(report: &Report) -> Vec<String> {
    let mut found = Vec::new();
    let coverage = &report.coverage;
    if coverage.lost_total != coverage.lost.values().sum::<u64>() {
        found.push(format!("lost_total is not the sum of {:?}", coverage.lost));
    }
    if lost(coverage) != 0 {
        found.push(format!("lost records: {:?}", coverage.lost));
    }
    if coverage.residual_ns != 0 {
        found.push(format!("residual {} ns", coverage.residual_ns));
    }
    for thread in &report.threads {
        for violation in of_thread(thread) {
            found.push(format!("{} {}: {violation}", thread.comm, thread.tid));
        }
    }
    for group in &report.groups {
        for violation in of_account(&group.account) {
            found.push(format!("group {}: {violation}", group.name));
        }
    }
    found.extend(of_sums(report));
    found
}

/// Lost records, but for calls whose return the kernel skipped and said so.
fn lost(coverage: &Coverage) -> u64 {
    let skipped = |said: &String| said.contains("skipped") && said.contains("_fexit");
    let excused = coverage.problems.iter().any(skipped);
    let calls = coverage.lost.get("call").copied().unwrap_or_default();
    coverage.lost_total - if excused { calls } else { 0 }
}

fn of_thread(thread: &Thread) -> Vec<String> {
    let mut found = of_account(&thread.account);
    let lifetime = thread.account.lifetime_ns;
    if thread.end_ns.checked_sub(thread.start_ns) != Some(lifetime) {
        let (start, end) = (thread.start_ns, thread.end_ns);
        found.push(format!("lives {lifetime} ns from {start} to {end}"));
    }
    found
}

/// The budget closes, and each wait has exactly one wake-up.
fn of_account(account: &Account) -> Vec<String> {
    let mut found = Vec::new();
    let waits: u64 = account.waits.iter().map(|wait| wait.total_ns).sum();
    let parts =
        account.on_cpu_ns + account.runqueue_ns + waits + account.open_ns + account.unknown_ns;
    if parts != account.lifetime_ns {
        found.push(format!("{} ns, its parts {parts} ns", account.lifetime_ns));
    }
    let open: u64 = account.open.iter().map(|wait| wait.so_far_ns).sum();
    if open != account.open_ns {
        found.push(format!("open {} ns, its parts {open} ns", account.open_ns));
    }
    found.extend(of_blame(account));
    for wait in &account.waits {
        let count: u64 = wait.wakes.iter().map(|wake| wake.count).sum();
        let ns: u64 = wait.wakes.iter().map(|wake| wake.wait_ns).sum();
        if (count, ns) != (wait.count, wait.total_ns) {
            found.push(format!(
                "{} {} of {} ns ended by {count} wakes of {ns} ns",
                wait.count, wait.kind, wait.total_ns
            ));
        }
        if wait.max_ns > wait.total_ns || wait.total_ns > wait.max_ns * wait.count {
            found.push(format!("{}: impossible maximum {}", wait.kind, wait.max_ns));
        }
    }
    found
}

/// Groups partition the threads.
fn of_sums(report: &Report) -> Vec<String> {
    let mut found = Vec::new();
    let grouped: u64 = report.groups.iter().map(|group| group.threads).sum();
    if grouped != report.threads.len() as u64 {
        found.push(format!(
            "{grouped} of {} threads grouped",
            report.threads.len()
        ));
    }
    let sum = |parts: &mut dyn Iterator<Item = &Account>| -> u64 {
        parts.map(|account| account.lifetime_ns).sum()
    };
    let threads = sum(&mut report.threads.iter().map(|thread| &thread.account));
    let groups = sum(&mut report.groups.iter().map(|group| &group.account));
    if threads != groups {
        found.push(format!("threads live {threads} ns, groups {groups} ns"));
    }
    found
}

/// Every ns of a finished wait is blamed on something, once.
fn of_blame(account: &Account) -> Vec<String> {
    let mut by_kind: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for wait in &account.waits {
        by_kind.entry(&wait.kind).or_default().0 += wait.total_ns;
    }
    for blame in &account.blame {
        by_kind.entry(&blame.kind).or_default().1 += blame.ns;
    }
    let wrong = by_kind
        .iter()
        .filter(|(_, (waited, blamed))| waited != blamed);
    wrong
        .map(|(kind, (waited, blamed))| format!("{kind} {waited} ns, blamed {blamed} ns"))
        .collect()
}
