//! Connections and listeners.
//!
//! Connections are kept by destination, with the groups that made them: those of a
//! destination are certainly the selection's if all threads of all its groups are selected,
//! and may be if one is. The probes see a connection from its first segment on; what lost
//! records or more destinations than are distinguished hide has no bound.
//!
//! A listener's overflows are what the probes saw dropped. The network namespace's own counter
//! (`ListenOverflows`), where it was read, is the most that there can have been in it; on the
//! tracepoint tier, where a packet is judged a moment before the kernel does, it also says
//! whether what was seen can have happened.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::{
    Arguments, Metric, Subject,
    percentile::{Lot, of_nothing, p99},
    selection_of,
    tally::{Life, Part, Tally, distinct},
    trust::{PARTIAL, unseen},
    words,
};
use crate::{
    claim::{
        measured::{Doubt, Measured, down, up},
        unit::Unit,
    },
    document::{Connection, Listener, Tier},
};

const TIERS: &str = "full and tracepoint tier, with the cgroup2 hierarchy mounted";

/// Connections.
pub const CONNECTS: Metric = Metric {
    definition: "TCP connections that the selected threads began, from the first segment on. What \
                 fails before a segment could be sent is not counted.",
    tiers: TIERS,
    ..selection_of("connects", Unit::Count, |subject, _| {
        sum(subject, |to| to.attempts)
    })
};

/// Connections that failed.
pub const FAILED: Metric = Metric {
    arguments: Arguments::OptionalWord(words::fates),
    definition: "Those with a fate: `refused`, `unanswered`, `closed-early`, `reset-early`, `failed`, \
                 or any of these. One that is open at the end has none yet.",
    tiers: TIERS,
    ..selection_of("connects_failed", Unit::Count, |subject, arguments| {
        let of: fn(&Connection) -> u64 = match words::word(arguments) {
            "refused" => |to| to.fates.refused,
            "unanswered" => |to| to.fates.unanswered,
            "closed-early" => |to| to.fates.closed_early,
            "reset-early" => |to| to.fates.reset_early,
            "failed" => |to| to.fates.failed,
            _ => |to| to.fates.troubles(),
        };
        sum(subject, of)
    })
};

/// How long they took.
pub const CONNECT_P99: Metric = Metric {
    definition: "From a connection's first segment to its being established: what 99 % of those that \
                 were established did not exceed; known to 1/64.",
    tiers: TIERS,
    ..selection_of("connect_p99", Unit::Time, |subject, _| connect_p99(subject))
};

/// First segments again.
pub const SYN_RETRANSMITS: Metric = Metric {
    definition: "First segments (SYN) of these connections that were sent again.",
    tiers: TIERS,
    ..selection_of("syn_retransmits", Unit::Count, |subject, _| {
        sum(subject, |to| to.syn_retransmits)
    })
};

/// Time lost to these.
pub const SYN_WAIT: Metric = Metric {
    definition: "From the first segment of a connection to the last that was sent again, all \
                 connections together.",
    tiers: TIERS,
    ..selection_of("syn_wait", Unit::Time, |subject, _| {
        sum(subject, |to| to.syn_wait_ns)
    })
};

/// Dropped by full accept queues.
pub const OVERFLOWS: Metric = Metric {
    definition: "Connection requests, and ends of handshakes, that a full accept queue dropped, at the \
                 listeners on this machine that the tree listens at or connects to. Of the whole \
                 tree, whatever is selected.",
    tiers: TIERS,
    ..selection_of("overflows", Unit::Count, |subject, _| {
        overflows(subject, |_| true)
    })
};

/// Those at the tree's own listeners.
pub const OVERFLOWS_OURS: Metric = Metric {
    definition: "The same at listeners of the tree's own.",
    tiers: TIERS,
    ..selection_of("overflows_ours", Unit::Count, |subject, _| {
        overflows(subject, |listener| listener.ours)
    })
};

/// Dropped by full SYN queues.
pub const SYN_DROPS: Metric = Metric {
    definition: "Connection requests that a full SYN queue dropped, at these listeners. One that was \
                 answered with a cookie was not dropped.",
    tiers: TIERS,
    ..selection_of("syn_drops", Unit::Count, |subject, _| syn_drops(subject))
};

/// The destinations of a selection: certainly its own, and perhaps.
struct Destinations<'a> {
    sure: Vec<&'a Connection>,
    maybe: Vec<&'a Connection>,
    unbounded: Vec<Doubt>,
}

fn destinations<'a>(subject: &Subject<'a>) -> Result<Destinations<'a>, Vec<Doubt>> {
    let trust = subject.prepared.trust();
    let Some(list) = &subject.document.connections else {
        return Err(vec![unobserved(subject, "connections")]);
    };
    let mut lost = [subject.spoiled(), trust.network.clone()].concat();
    if trust.partial {
        // What is open may still have any fate.
        lost.push(PARTIAL);
    }
    if !lost.is_empty() {
        return Err(lost);
    }
    let threads = Tally::moved(subject, |_, _: &Life| Part::default(), 0);
    let mut unbounded = threads.why_unbounded();
    unbounded.extend(uncounted(subject));
    let mut selected: FxHashMap<usize, usize> = FxHashMap::default();
    for &index in subject.threads {
        let group = subject.document.threads[index].group;
        *selected.entry(group).or_default() += 1;
    }
    let groups = &subject.document.groups;
    let is_whole = |group: &usize| {
        let size = groups.get(*group).map(|group| group.threads);
        size.is_some_and(|size| selected.get(group) == Some(&size))
    };
    let all = subject.selection.is_tree();
    let own = |to: &&Connection| all || !to.groups.is_empty() && to.groups.iter().all(is_whole);
    let touched = |to: &&Connection| {
        all || to.groups.is_empty() || to.groups.iter().any(|group| selected.contains_key(group))
    };
    Ok(Destinations {
        sure: list.iter().filter(own).collect(),
        maybe: list.iter().filter(touched).collect(),
        unbounded,
    })
}

fn uncounted(subject: &Subject<'_>) -> Option<Doubt> {
    let count = subject.document.coverage.uncounted;
    (count > 0).then(|| {
        let what =
            format!("{count} connections and requests were to more places than are distinguished");
        Doubt::said(what, "")
    })
}

fn unobserved(subject: &Subject<'_>, what: &'static str) -> Doubt {
    match subject.document.tier {
        Tier::Raw => unseen(Tier::Raw, what),
        Tier::Full | Tier::Tracepoint => Doubt::said(
            format!("{what} were not observed"),
            "the report says what was missing: mostly that no cgroup2 hierarchy is mounted",
        ),
    }
}

fn sum(subject: &Subject<'_>, of: impl Fn(&Connection) -> u64) -> Measured {
    let to = match destinations(subject) {
        Ok(to) => to,
        Err(doubts) => return Measured::unknown(Unit::Count, doubts),
    };
    let all = |list: &[&Connection]| list.iter().map(|to| u128::from(of(to))).sum::<u128>();
    let (lo, hi) = (all(&to.sure), all(&to.maybe));
    range(
        lo,
        Some(hi).filter(|_| to.unbounded.is_empty()),
        [to.unbounded, vec![WHOSE]].concat(),
    )
}

fn range(lo: u128, hi: Option<u128>, doubts: Vec<Doubt>) -> Measured {
    let doubts = if hi == Some(lo) {
        Vec::new()
    } else {
        distinct(doubts)
    };
    let lo = down(lo);
    Measured::between(lo, hi.map_or(f64::INFINITY, |hi| up(hi).max(lo)), doubts)
}

fn connect_p99(subject: &Subject<'_>) -> Measured {
    let to = match destinations(subject) {
        Ok(to) if to.unbounded.is_empty() => to,
        Ok(to) => return Measured::unknown(Unit::Time, to.unbounded),
        Err(doubts) => return Measured::unknown(Unit::Time, doubts),
    };
    if to.sure.len() != to.maybe.len() {
        return Measured::unknown(Unit::Time, vec![WHOSE]);
    }
    let lot = |to: &&Connection| Lot {
        count: to.connect.count,
        p99: to.connect.p99_ns,
        max: to.connect.max_ns,
    };
    let lots: Vec<Lot> = to.sure.iter().map(lot).collect();
    let doubts = vec![Doubt::new(
        "percentiles are kept by destination, to 1/64",
        "",
    )];
    p99(&lots, 0, doubts).unwrap_or_else(|| of_nothing("no connection was established"))
}

fn overflows(subject: &Subject<'_>, is_one: impl Fn(&Listener) -> bool) -> Measured {
    let (listeners, mut doubts) = match listeners(subject) {
        Ok(found) => found,
        Err(doubts) => return Measured::unknown(Unit::Count, doubts),
    };
    let chosen: Vec<&Listener> = listeners
        .iter()
        .filter(|listener| is_one(listener))
        .collect();
    let seen: u128 = chosen.iter().map(|it| u128::from(it.dropped_accept)).sum();
    let is_judged = subject.document.tier == Tier::Full && doubts.is_empty();
    let counted = counted(&chosen);
    if is_judged {
        return range(seen, Some(seen), doubts);
    }
    let lo = seen.min(counted.unwrap_or(seen));
    doubts.push(match counted {
        Some(_) => OTHERS,
        None => NO_COUNTER,
    });
    range(lo, counted, doubts)
}

/// What the namespaces of these listeners counted; `None` if one was not read.
fn counted(chosen: &[&Listener]) -> Option<u128> {
    let mut by_namespace: BTreeMap<u32, u64> = BTreeMap::new();
    for listener in chosen {
        let count = listener.netstat.as_ref()?.get("ListenOverflows")?;
        by_namespace.insert(listener.netns?, *count);
    }
    let counts = by_namespace.values().map(|&count| u128::from(count));
    (!chosen.is_empty()).then(|| counts.sum())
}

fn syn_drops(subject: &Subject<'_>) -> Measured {
    let (listeners, mut doubts) = match listeners(subject) {
        Ok(found) => found,
        Err(doubts) => return Measured::unknown(Unit::Count, doubts),
    };
    let seen: u128 = listeners.iter().map(|it| u128::from(it.dropped_syn)).sum();
    let unclear = listeners
        .iter()
        .any(|it| it.syn_full > 0 && it.cookies.is_none());
    doubts.extend(unclear.then_some(NO_COOKIES));
    if subject.document.tier == Tier::Full && doubts.is_empty() {
        return range(seen, Some(seen), doubts);
    }
    doubts.extend((subject.document.tier != Tier::Full).then_some(BEFORE));
    range(seen, None, doubts)
}

/// The listeners, and why there may be more to them; or why nothing is certain.
fn listeners<'a>(subject: &Subject<'a>) -> Result<(&'a [Listener], Vec<Doubt>), Vec<Doubt>> {
    let trust = subject.prepared.trust();
    let Some(list) = &subject.document.listeners else {
        return Err(vec![unobserved(subject, "listeners")]);
    };
    let mut lost = [subject.spoiled(), trust.network.clone()].concat();
    lost.extend(trust.partial.then_some(PARTIAL));
    if !lost.is_empty() {
        return Err(lost);
    }
    Ok((list, uncounted(subject).into_iter().collect()))
}

const WHOSE: Doubt = Doubt::new(
    "connections are kept by groups, of which only a part is selected",
    "ask for `tree`, or for whole processes",
);
const OTHERS: Doubt = Doubt::new(
    "this tier sees packets before the kernel judges them; the kernel's own counter is of the whole network namespace",
    "run in a network namespace of its own, or on the full tier",
);
const NO_COUNTER: Doubt = Doubt::new(
    "this tier sees packets before the kernel judges them, and the kernel's own counter was not read",
    "the full tier sees what the kernel drops",
);
const BEFORE: Doubt = Doubt::new(
    "this tier sees packets before the kernel judges them",
    "the full tier sees what the kernel drops",
);
const NO_COOKIES: Doubt = Doubt::new("whether the namespace sends SYN cookies is not known", "");
