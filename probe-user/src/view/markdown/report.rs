//! The report of a run as one pastes it into a pull request: a sentence that answers, what ran,
//! what its length was made of, where each group's time went, verdicts, and what is not certain.

use super::{check::verdicts, escaped, row, titles};
use crate::document::{CriticalPath, Document, Exit, PathSum};
use crate::view::{
    behind::{self, describe},
    ending, filter,
    order::{self, Cost},
    rows,
    sentence::{quiet, sentence},
    table::head,
    units::{self, Unit},
};

/// Causes on the critical path that stand alone; the others are one.
const CAUSES: usize = 8;
/// States, and causes behind the waits of a kind, that are named of a group.
const NAMED: usize = 4;
/// They are named from such a part of the whole on.
const PARTS: u64 = 50;

/// The page. Ends with a newline. `all`: small groups and causes, too.
pub fn report(document: &Document, all: bool) -> Vec<u8> {
    let costs = order::order(document);
    let mut out = String::new();
    if document.interim {
        out += "*An interim report: the run goes on.*\n\n";
    }
    if let Some(sentence) = sentence(&costs) {
        out += &format!("**{}**\n\n", escaped(&sentence));
    }
    out += &run(document);
    for doubt in doubts(document) {
        out += &format!("\n> {}\n", escaped(&doubt));
    }
    if let Some(path) = &document.critical_path {
        out += &critical_path(path, all);
    }
    out += &groups(&costs, all);
    if let Some(claims) = document.claims.as_ref().filter(|it| !it.is_empty()) {
        out.push('\n');
        out += &verdicts(claims);
    }
    out.into_bytes()
}

/// What ran, where, for how long, and how it ended.
fn run(document: &Document) -> String {
    let ended = match document.exit {
        Some(Exit::Code(0)) => "exit 0".to_owned(),
        Some(exit) => ending::describe(exit),
        None => "not seen".to_owned(),
    };
    let host = match (document.host.cpus, document.host.arch.as_str()) {
        (0, _) => head::place(document),
        (cpus, arch) => format!(
            "{}, {arch}, {}",
            head::place(document),
            units::counted(cpus.into(), "CPU", "CPUs")
        ),
    };
    let cells = [
        head::subject(document),
        head::duration(document),
        ended,
        head::population(document),
        host,
    ];
    let names = ["command", "took", "ended", "threads", "host"];
    titles(&names.map(|name| (name, false))) + &row(&cells.map(|cell| escaped(&cell)))
}

/// What is left out, and what is not certain, a sentence each.
fn doubts(document: &Document) -> Vec<String> {
    let coverage = &document.coverage;
    let mut doubts = Vec::new();
    if let Some(counted) = document.filter.as_ref().map(filter::counted) {
        doubts.push(format!(
            "counted are {counted}; budgets have the others as left out"
        ));
    }
    if let Some(left_out) = &document.left_out_threads {
        doubts.push(head::selected(document, left_out));
    }
    if coverage.lost_total() > 0 {
        doubts.push(head::losses(document));
    }
    if document.cut {
        doubts.push("the recording ends early".to_owned());
    }
    if coverage.residual_ns != 0 {
        let time = units::time(coverage.residual_ns.unsigned_abs());
        doubts.push(format!("{time} of thread time are not accounted for"));
    }
    if coverage.unverified_wakes > 0 {
        let wakes = units::counted(coverage.unverified_wakes, "wake-up is", "wake-ups are");
        doubts.push(format!(
            "{wakes} of unverified source: what was behind these waits is unknown"
        ));
    }
    doubts.extend(coverage.problems.iter().cloned());
    doubts
}

/// Causes, largest first, with their share.
fn critical_path(path: &CriticalPath, all: bool) -> String {
    let life_ns = path.to_ns.saturating_sub(path.from_ns);
    if life_ns == 0 {
        return String::new();
    }
    let unit = Unit::of(life_ns);
    let weighty = |sum: &&PathSum| !rows::is_small(sum.ns, life_ns);
    let most = match all {
        true => path.sums.len(),
        false => path.sums.iter().take_while(weighty).count().min(CAUSES),
    };
    let line = |name: &str, ns| {
        let share = units::share(ns, life_ns).unwrap_or_default();
        row(&[name.to_owned(), escaped(&unit.time(ns)), escaped(&share)])
    };
    let mut out = "\n".to_owned();
    out += &titles(&[
        ("critical path", false),
        (&unit.time(life_ns), true),
        ("", true),
    ]);
    for sum in &path.sums[..most] {
        out += &line(
            &escaped(&describe(sum.cause, sum.detail.as_deref())),
            sum.ns,
        );
    }
    let rest = path.sums[most..].iter().map(|sum| sum.ns);
    if let Some(ns) = rest.reduce(u64::saturating_add) {
        out += &line(&format!("other ({})", path.sums.len() - most), ns);
    }
    out
}

/// Where the time of each group went, dearest first.
fn groups(costs: &[Cost], all: bool) -> String {
    let shown: Vec<&Cost> = costs.iter().filter(|cost| all || !cost.is_small).collect();
    if shown.is_empty() {
        return String::new();
    }
    let longest = shown.iter().map(|cost| cost.group.sums.lifetime_ns).max();
    let unit = Unit::of(longest.unwrap_or(0));
    let mut out = "\n".to_owned();
    out += &titles(&[
        ("group", false),
        ("threads", true),
        ("time", true),
        ("on the path", true),
        ("spent", false),
        ("behind the waits", false),
    ]);
    for cost in &shown {
        let path_ns = cost.path_ns.min(cost.busy_ns);
        out += &row(&[
            escaped(&cost.group.name),
            units::count(cost.group.threads as u64),
            escaped(&unit.time(cost.group.sums.lifetime_ns)),
            escaped(&units::percent(path_ns, cost.life_ns).unwrap_or_default()),
            spent(cost),
            behind_waits(cost),
        ]);
    }
    let left_out = costs.len() - shown.len();
    if left_out > 0 {
        let groups = units::counted(left_out as u64, "more group is", "more groups are");
        out += &format!("\n{groups} small (`--all` lists them).\n");
    }
    out
}

/// `child-exit 73.8 %, futex 8.5 %`.
fn spent(cost: &Cost) -> String {
    let sums = &cost.group.sums;
    let states = order::states(rows::rows(sums, &cost.group.name, true));
    let weighty = states
        .iter()
        .filter(|row| !units::is_below(row.ns, sums.lifetime_ns, PARTS));
    let named = weighty.take(NAMED).map(|row| {
        let bound = if row.lower_bound { "≥ " } else { "" };
        let share = units::share(row.ns, sums.lifetime_ns).unwrap_or_default();
        escaped(&format!("{} {bound}{share}", quiet(row)))
    });
    named.collect::<Vec<_>>().join(", ")
}

/// `child-exit: network 127.0.0.1:9418 67 %, run queue 23 %` of the kind with most time.
fn behind_waits(cost: &Cost) -> String {
    let kinds = behind::behind(&cost.group.sums, false);
    let Some(kind) = kinds.first() else {
        return String::new();
    };
    let weighty = kind.rows.iter();
    let weighty = weighty.filter(|row| !units::is_below(row.ns, kind.ns, PARTS));
    let named = weighty.take(NAMED).map(|row| {
        let share = units::percent(row.ns, kind.ns).unwrap_or_default();
        escaped(&format!("{} {share}", behind::describe_row(row)))
    });
    format!("{}: {}", kind.kind, named.collect::<Vec<_>>().join(", "))
}
