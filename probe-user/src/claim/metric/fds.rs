//! Descriptors.
//!
//! A table belongs to the selection if a selected thread has used it. The report has tables by
//! process: a table of a process with several (before and behind an exec, or an unshare) is
//! certainly a selected thread's if all threads of that process are selected. Numbers of open
//! descriptors are those at looks: a peak is certain from below, and from above only where
//! nothing can have been missed (`peak_exact`).

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Metric, Subject, selection_of,
    tally::{Life, Part, Tally, distinct},
    trust::unseen,
};
use crate::{
    claim::{
        measured::{Doubt, Measured, down, up},
        unit::Unit,
    },
    document::{FdTable, Tier},
};

const TIERS: &str = "full and tracepoint tier, not under lockdown=confidentiality";

/// How many tables.
pub const TABLES: Metric = Metric {
    definition: "Descriptor tables that selected threads have used. Threads of a process share one; \
                 a fork makes a copy, and behind an exec it is a new one.",
    tiers: TIERS,
    ..selection_of("fd_tables", Unit::Count, |subject, _| {
        match tables(subject) {
            Err(doubts) => Measured::unknown(Unit::Count, doubts),
            Ok(tables) => {
                let [sure, maybe] = [&tables.sure, &tables.maybe].map(|list| list.len() as u128);
                tables.measured(Unit::Count, certain(subject, sure), Some(maybe))
            }
        }
    })
};

/// Who shares one.
pub const SHARERS_MAX: Metric = Metric {
    definition: "Most threads that used one of these tables at once.",
    tiers: TIERS,
    ..selection_of("fd_sharers_max", Unit::Count, |subject, _| {
        match tables(subject) {
            Err(doubts) => Measured::unknown(Unit::Count, doubts),
            Ok(tables) => {
                let most = |of: &[&FdTable]| of.iter().map(|table| table.threads_max as u128).max();
                let [sure, maybe] =
                    [&tables.sure, &tables.maybe].map(|list| most(list).unwrap_or(0));
                tables.measured(Unit::Count, certain(subject, sure), Some(maybe))
            }
        }
    })
};

/// The fullest.
pub const PEAK_TABLE: Metric = Metric {
    definition: "Most descriptors that were open in one of these tables. Between two looks there may \
                 have been more; --fds looks behind every call.",
    tiers: TIERS,
    ..selection_of("fd_peak_table", Unit::Count, |subject, _| {
        match tables(subject) {
            Err(doubts) => Measured::unknown(Unit::Count, doubts),
            Ok(tables) => {
                let most =
                    |of: &[&FdTable]| of.iter().map(|table| u128::from(table.open.peak)).max();
                let hi = tables.are_exact().then(|| most(&tables.maybe).unwrap_or(0));
                tables.measured(Unit::Count, most(&tables.sure).unwrap_or(0), hi)
            }
        }
    })
};

/// All at once.
pub const PEAK_SUM: Metric = Metric {
    definition: "Most descriptors that were open at once in all of these tables together; what two \
                 tables have in common counts in both. Of another selection than `tree` only bounds \
                 are known: the fullest table, and the sum of all peaks.",
    tiers: TIERS,
    ..selection_of("fd_peak_sum", Unit::Count, |subject, _| {
        match tables(subject) {
            Err(doubts) => Measured::unknown(Unit::Count, doubts),
            Ok(tables) => {
                let peaks = tables.maybe.iter().map(|table| u128::from(table.open.peak));
                let at_most = tables.are_exact().then(|| peaks.sum::<u128>());
                let largest = tables
                    .sure
                    .iter()
                    .map(|table| u128::from(table.open.peak))
                    .max();
                let whole = subject
                    .document
                    .fd_open
                    .as_ref()
                    .filter(|_| subject.selection.is_tree() && is_consistent(subject));
                let (lo, hi) = match whole {
                    Some(open) => {
                        let sum = u128::from(open.peak_sum);
                        (sum.max(largest.unwrap_or(0)), at_most.map(|_| sum))
                    }
                    None => (largest.unwrap_or(0), at_most),
                };
                tables.measured(Unit::Count, lo, hi)
            }
        }
    })
};

/// Whether who uses a table at an instant is known. In the last round of a cut recording it may
/// not be: who has given a table back is missing, and its address may be another one's by then.
/// Where looks were lost, what is one table may look like two.
fn is_consistent(subject: &Subject<'_>) -> bool {
    !subject.document.cut && subject.prepared.trust().descriptors.is_empty()
}

/// What is certain of a number of tables, or of those who use one.
fn certain(subject: &Subject<'_>, seen: u128) -> u128 {
    match is_consistent(subject) {
        true => seen,
        false => seen.min(1),
    }
}

/// How near to the limit.
pub const LIMIT_SHARE: Metric = Metric {
    definition: "The highest share of its soft limit (RLIMIT_NOFILE) that was open in a table, under \
                 the limit in force then, of the table where that is greatest. Rounded to 0.01 %.",
    tiers: TIERS,
    ..selection_of("fd_limit_share", Unit::Share, |subject, _| {
        limit_share(subject)
    })
};

/// How fast one grows.
pub const GROWTH: Metric = Metric {
    definition: "Descriptors a second by which a table grew throughout: the slope of the line through \
                 what was seen of its course, where that is a line (as the report's `growth_per_s`), \
                 of the table where it is greatest; 0 where none grew so.",
    tiers: TIERS,
    ..selection_of("fd_growth", Unit::PerSecond, |subject, _| growth(subject))
};

/// The tables of a selection.
struct Tables<'a> {
    sure: Vec<&'a FdTable>,
    maybe: Vec<&'a FdTable>,
    /// Why there may be others.
    unbounded: Vec<Doubt>,
    /// Why numbers in them may be greater.
    doubts: Vec<Doubt>,
}

impl Tables<'_> {
    fn are_exact(&self) -> bool {
        self.maybe.iter().all(|table| table.open.peak_exact) && self.unbounded.is_empty()
    }

    /// `hi`: `None` where nothing bounds it.
    fn measured(&self, unit: Unit, lo: u128, hi: Option<u128>) -> Measured {
        if self.maybe.is_empty() && self.unbounded.is_empty() {
            return Measured::unknown(unit, vec![NO_TABLE]);
        }
        let hi = hi.filter(|_| self.unbounded.is_empty());
        let is_point = hi == Some(lo);
        let hi = hi.map_or(f64::INFINITY, |hi| up(hi.max(lo)));
        let mut doubts = [self.unbounded.clone(), self.doubts.clone()].concat();
        if !self.are_exact() {
            doubts.push(LOOKS);
        }
        if doubts.is_empty() {
            doubts.push(PART);
        }
        if is_point {
            doubts.clear();
        }
        Measured::between(down(lo), hi, distinct(doubts))
    }
}

fn tables<'a>(subject: &Subject<'a>) -> Result<Tables<'a>, Vec<Doubt>> {
    let trust = subject.prepared.trust();
    if !subject.spoiled().is_empty() {
        return Err(subject.spoiled());
    }
    let Some(list) = &subject.document.fd_tables else {
        return Err(vec![match subject.document.tier {
            Tier::Raw => unseen(Tier::Raw, "descriptor tables"),
            Tier::Full | Tier::Tracepoint => NOT_OBSERVED,
        }]);
    };
    let threads = Tally::moved(subject, |_, _: &Life| Part::default(), 0);
    let mut unbounded = threads.why_unbounded();
    unbounded.extend(trust.descriptors.iter().cloned());
    let (whole, touched) = pids(subject);
    let mut tables_of: FxHashMap<u32, usize> = FxHashMap::default();
    for pid in list.iter().flat_map(|table| &table.processes) {
        *tables_of.entry(*pid).or_default() += 1;
    }
    let is_sure =
        |pid: &u32| whole.contains(pid) || touched.contains(pid) && tables_of.get(pid) == Some(&1);
    let all = subject.selection.is_tree();
    let of = |is_so: &dyn Fn(&u32) -> bool| -> Vec<&'a FdTable> {
        let tables = list
            .iter()
            .filter(|table| all || table.processes.iter().any(is_so));
        tables.collect()
    };
    Ok(Tables {
        sure: of(&is_sure),
        maybe: of(&|pid| touched.contains(pid)),
        unbounded,
        doubts: Vec::new(),
    })
}

/// Pids whose threads are all selected, and those of which some are.
fn pids(subject: &Subject<'_>) -> (FxHashSet<u32>, FxHashSet<u32>) {
    let (prepared, threads) = (subject.prepared, &subject.document.threads);
    let mut selected: FxHashMap<usize, usize> = FxHashMap::default();
    for &index in subject.threads {
        *selected.entry(prepared.process_of(index)).or_default() += 1;
    }
    let pid = |process: usize| threads[prepared.leader(process)].pid;
    let mut processes_of: FxHashMap<u32, usize> = FxHashMap::default();
    for pid in (0..prepared.processes()).filter_map(pid) {
        *processes_of.entry(pid).or_default() += 1;
    }
    let touched = selected
        .keys()
        .filter_map(|&process| pid(process))
        .collect();
    let whole = selected
        .iter()
        .filter(|&(&process, &count)| count == prepared.size(process));
    let whole = whole.filter_map(|(&process, _)| pid(process));
    // A pid that was another process's as well leads to the tables of both.
    let whole = whole.filter(|pid| processes_of.get(pid) == Some(&1));
    (whole.collect(), touched)
}

/// How far a share in a report may be from what was seen.
const ROUNDED: f64 = 0.000_051;

fn limit_share(subject: &Subject<'_>) -> Measured {
    let tables = match tables(subject) {
        Ok(tables) => tables,
        Err(doubts) => return any_share(doubts),
    };
    if tables.maybe.is_empty() {
        return any_share(tables.measured(Unit::Share, 0, None).doubts);
    }
    let most = |of: &[&FdTable]| {
        let shares = of.iter().filter_map(|table| table.limit_share);
        shares.filter(|share| share.is_finite()).fold(0.0, f64::max)
    };
    let lo = (most(&tables.sure) - ROUNDED).max(0.0);
    let hi = most(&tables.maybe) + ROUNDED;
    let mut doubts = [tables.unbounded.clone(), vec![LOOKS]].concat();
    let rounded = vec![Doubt::new("reports have this share to 0.01 %", "")];
    let has_all = tables.maybe.iter().all(|table| table.limit_share.is_some());
    if !has_all {
        doubts.push(NO_LIMIT);
    }
    let is_exact = tables.are_exact() && has_all;
    match is_exact && tables.sure.len() == tables.maybe.len() {
        true => Measured::between(lo, hi, rounded),
        false if is_exact => Measured::between(lo, hi, doubts),
        false => Measured::between(lo, f64::INFINITY, doubts),
    }
}

/// A limit may be lowered below what is open.
fn any_share(doubts: Vec<Doubt>) -> Measured {
    Measured::between(0.0, f64::INFINITY, doubts)
}

fn growth(subject: &Subject<'_>) -> Measured {
    let tables = match tables(subject) {
        Ok(tables) if tables.unbounded.is_empty() => tables,
        Ok(tables) => return Measured::unknown(Unit::PerSecond, tables.unbounded),
        Err(doubts) => return Measured::unknown(Unit::PerSecond, doubts),
    };
    if tables.maybe.is_empty() {
        return tables.measured(Unit::PerSecond, 0, None);
    }
    let fastest = |of: &[&FdTable]| {
        let slopes = of.iter().map(|table| table.growth_per_s.unwrap_or(0.0));
        slopes.filter(|slope| slope.is_finite()).fold(0.0, f64::max)
    };
    let (lo, hi) = (fastest(&tables.sure), fastest(&tables.maybe));
    let doubts = if lo < hi { vec![WHOSE] } else { Vec::new() };
    Measured::between(lo, hi, doubts)
}

const NOT_OBSERVED: Doubt = Doubt::new(
    "descriptor tables were not observed",
    "doctor says what the kernel lacks, or make the report of a newer recording",
);
const NO_TABLE: Doubt = Doubt::new("no descriptor table of the selected threads was seen", "");
const LOOKS: Doubt = Doubt::new(
    "between two looks more descriptors may have been open",
    "run with --fds, which looks behind every call",
);
const NO_LIMIT: Doubt = Doubt::new("of some tables the limit is not known", "");
const PART: Doubt = Doubt::new(
    "tables are kept by process, and what was open in several at once for the whole tree",
    "ask for `tree`, or for whole processes",
);
const WHOSE: Doubt = Doubt::new(
    "of some tables it is not known whether selected threads used them",
    "",
);
