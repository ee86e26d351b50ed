//! Groups: the same sums over all their threads, largest lifetime first.

use std::iter::zip;

use super::sums;
use crate::document::{Group, Level, Thread};

/// Adds every thread to its group.
pub fn total(threads: &[Thread], groups: &mut [Group]) {
    for thread in threads {
        let group = &mut groups[thread.group];
        group.threads += 1;
        group.pids.extend(thread.pid);
        if let Some(exit) = thread.exit {
            *group.exits.entry(exit).or_default() += 1;
        }
        sums::add(&mut group.sums, &thread.sums);
    }
    for group in groups {
        group.pids.sort_unstable();
        group.pids.dedup();
        sums::sort(&mut group.sums);
    }
}

/// What is known of each group as a whole: the processes that it made, and how long the
/// critical path led through it, ns.
pub fn describe(groups: &mut [Group], children: Vec<Option<Level>>, on_path_ns: Vec<u64>) {
    for (group, children) in zip(&mut *groups, children) {
        group.children = children;
    }
    for (group, ns) in zip(groups, on_path_ns) {
        group.critical_path_ns = Some(ns);
    }
}

/// Sorts groups by lifetime, oldest first among equals, and renumbers threads.
pub fn order(threads: &mut [Thread], groups: &mut Vec<Group>) {
    let mut by_size: Vec<usize> = (0..groups.len()).collect();
    by_size.sort_by_key(|&index| (std::cmp::Reverse(groups[index].sums.lifetime_ns), index));
    let mut new_place = vec![0; groups.len()];
    for (place, &index) in by_size.iter().enumerate() {
        new_place[index] = place;
    }
    for thread in threads {
        thread.group = new_place[thread.group];
    }
    *groups = by_size
        .iter()
        .map(|&index| std::mem::take(&mut groups[index]))
        .collect();
}
