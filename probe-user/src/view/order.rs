//! What each group cost the run, and the order of the groups by that.
//!
//! A group's **busy** time is that of its threads without what nobody would want to be
//! shorter: waits for work, for a signal, waits not finished at the end, and those that
//! ended with their process, and without waits that a filter leaves out. Groups that were on at least a third of the critical path come
//! first, then those on at least a tenth of it, then the others; among these the one with
//! the most busy time. On the path a group is no longer than it was busy: a server that is
//! asked for nothing is on all of it, and costs nothing.

use std::cmp::Reverse;

use super::rows::{self, Row};
use super::units;
use crate::document::{Document, Group};

/// A group with less than one such part of all lifetimes and of the path is small.
const SMALL: u64 = 100;
/// A group of which all but one such part is quiet is quiet.
const QUIET: u128 = 100;

/// A group and what it cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost<'a> {
    /// Its place in [`Document::groups`].
    pub index: usize,
    /// The group.
    pub group: &'a Group,
    /// Its threads' time without quiet waits, ns.
    pub busy_ns: u64,
    /// On the critical path, ns.
    pub path_ns: u64,
    /// The length of that, ns.
    pub life_ns: u64,
    /// On at least a hundredth of it.
    pub is_on_path: bool,
    /// It matters neither by its time nor on the path.
    pub is_small: bool,
}

impl Cost<'_> {
    /// Whether it was busy on less than such a part of the path.
    pub fn path_share_below(&self, parts: u64) -> bool {
        units::is_below(self.path_ns.min(self.busy_ns), self.life_ns.max(1), parts)
    }

    /// It did nothing but wait for what nobody would want to be shorter.
    pub fn is_quiet(&self) -> bool {
        u128::from(self.may_be_busy_ns()) * QUIET <= u128::from(self.group.sums.lifetime_ns)
    }

    /// Its busy time, and what a filter leaves out, of which that is not known, ns.
    pub fn may_be_busy_ns(&self) -> u64 {
        self.busy_ns.saturating_add(left_out_ns(self.group))
    }
}

fn left_out_ns(group: &Group) -> u64 {
    group.sums.left_out.unwrap_or_default().total_ns
}

/// The groups, dearest first; equal ones in the order of the document.
pub fn order(document: &Document) -> Vec<Cost<'_>> {
    let path = document.critical_path.as_ref();
    let life_ns = path.map_or(0, |path| path.to_ns.saturating_sub(path.from_ns));
    let lifetimes = document.groups.iter().map(|group| group.sums.lifetime_ns);
    let all_ns = lifetimes.fold(0, u64::saturating_add);
    let cost = |(index, group)| cost(index, group, all_ns, life_ns);
    let mut costs: Vec<Cost> = document.groups.iter().enumerate().map(cost).collect();
    let class = |cost: &Cost| match cost {
        cost if !cost.path_share_below(3) => 0,
        cost if !cost.path_share_below(10) => 1,
        _ => 2,
    };
    costs.sort_by_key(|cost| (class(cost), Reverse(cost.busy_ns), cost.index));
    costs
}

/// The time of all threads of all groups, ns.
pub fn lifetime_ns(costs: &[Cost]) -> u64 {
    let lifetimes = costs.iter().map(|cost| cost.group.sums.lifetime_ns);
    lifetimes.fold(0, u64::saturating_add)
}

fn cost(index: usize, group: &Group, all_ns: u64, life_ns: u64) -> Cost<'_> {
    let rows = rows::rows(&group.sums, &group.name, true);
    let quiet = rows.iter().filter(|row| row.quiet.is_some());
    let quiet_ns = quiet.fold(0, |sum: u64, row| sum.saturating_add(row.ns));
    let path_ns = group.critical_path_ns.unwrap_or(0);
    let counted_ns = group.sums.lifetime_ns.saturating_sub(left_out_ns(group));
    let busy_ns = counted_ns.saturating_sub(quiet_ns);
    let is_below = |ns, whole_ns| units::is_below(ns, whole_ns, SMALL);
    Cost {
        index,
        group,
        busy_ns,
        path_ns,
        life_ns,
        is_on_path: path_ns > 0 && !is_below(path_ns, life_ns),
        is_small: is_below(group.sums.lifetime_ns, all_ns)
            && (life_ns == 0 || is_below(path_ns.min(busy_ns), life_ns)),
    }
}

/// Rows with one word for each state and why it was quiet, biggest first.
pub fn states(rows: Vec<Row>) -> Vec<Row> {
    let mut states: Vec<Row> = Vec::new();
    for row in rows {
        let same = |other: &&mut Row| (&other.label, other.quiet) == (&row.label, row.quiet);
        match states.iter_mut().find(same) {
            Some(state) => state.ns = state.ns.saturating_add(row.ns),
            None => states.push(row),
        }
    }
    states.sort_by_key(|row| Reverse(row.ns));
    states
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{CriticalPath, OpenWait, Sums, Wait, Wake};

    fn group(name: &str, on_cpu_ns: u64, path_ns: u64) -> Group {
        Group {
            name: name.to_owned(),
            threads: 1,
            critical_path_ns: Some(path_ns),
            sums: Sums {
                lifetime_ns: on_cpu_ns,
                on_cpu_ns,
                ..Sums::default()
            },
            ..Group::default()
        }
    }

    /// Of a path of 1000 ns.
    fn check(groups: Vec<Group>, expect: &[&str]) {
        let document = Document {
            groups,
            critical_path: Some(CriticalPath {
                to_ns: 1000,
                ..CriticalPath::default()
            }),
            ..Document::default()
        };
        let order = order(&document);
        let names: Vec<&str> = order.iter().map(|cost| cost.group.name.as_str()).collect();
        assert_eq!(names, expect);
    }

    #[test]
    fn order_is_by_the_share_of_the_path_then_by_busy_time() {
        check(
            vec![
                group("beside", 90_000, 0),
                group("root", 1_000, 1_000),
                group("some", 300, 300),
                group("workers", 8_000, 500),
            ],
            &["workers", "root", "some", "beside"],
        );
    }

    #[test]
    fn order_what_is_idle_open_or_ended_with_its_process_costs_nothing() {
        let wake = |source: &str, syscall: Option<&str>| Wake {
            source: source.parse().unwrap(),
            syscall: syscall.map(str::to_owned),
            comm: Some("x".to_owned()),
            wait_ns: 5_000,
            count: 1,
            ..Wake::default()
        };
        let waits = |wait: Wait, wake: Wake| Wait {
            total_ns: 5_000,
            count: 1,
            wakes: vec![wake],
            ..wait
        };
        let waiting = |name: &str, wait: Wait, wake: Wake| {
            let mut group = group(name, 10, 1_000);
            group.sums.waits = vec![waits(wait, wake)];
            group.sums.lifetime_ns += 5_000;
            group
        };
        let kind = |kind: &str| Wait {
            kind: kind.parse().unwrap(),
            ..Wait::default()
        };
        let idle = Wait {
            idle: Some(true),
            ..kind("futex")
        };
        let mut open = group("open", 10, 1_000);
        open.sums.lifetime_ns += 5_000;
        open.sums.open_ns = 5_000;
        open.sums.open = vec![OpenWait {
            so_far_ns: 5_000,
            count: 1,
            ..OpenWait::default()
        }];
        let groups = vec![
            waiting("idle", idle, wake("task", None)),
            waiting("ended", kind("futex"), wake("task", Some("exit_group"))),
            waiting("signal", kind("signal"), wake("task", Some("kill"))),
            open,
            group("little", 20, 20),
            waiting("lock", kind("futex"), wake("task", Some("futex"))),
        ];
        let document = Document {
            groups: groups.clone(),
            ..Document::default()
        };
        let quiet = |cost: &Cost| (cost.busy_ns, cost.is_quiet());
        let costs = order(&document);
        let of = |name: &str| costs.iter().find(|cost| cost.group.name == name).map(quiet);
        for name in ["idle", "ended", "signal", "open"] {
            assert_eq!(of(name), Some((10, true)), "{name}");
        }
        assert_eq!(of("lock"), Some((5_010, false)));
        check(
            groups,
            &["lock", "little", "idle", "ended", "signal", "open"],
        );
    }
}
