//! Listening sockets, those that dropped most first. Listed is what the tree listens at,
//! and what it connects to on this machine; and all of a recording that does not say
//! whose they are.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use probe_common::uapi::{AF_INET, AF_INET6};

use super::while_full;
use crate::{
    document::{self, Listener},
    metrics::blame::NameCause,
    vocabulary::Tier,
    world::{
        World,
        listen::{Key, Netstat, OVERFLOWS, Queues},
        object::address,
    },
};

/// All of them, and which listener each is.
pub fn of(
    world: &World,
    origin_ns: u64,
    tier: Tier,
    rows: &[document::Thread],
    namer: &impl NameCause,
) -> Vec<(Key, Listener)> {
    let asked = asked(world);
    let known = world.listeners.known.iter();
    let known = known.filter(|(key, _)| !world.listeners.is_known_otherwise(key));
    let listed = known.filter(|(key, queues)| {
        let is_known = queues.netns.is_some();
        !is_known || is_ours(queues) || asked.contains(key)
    });
    let mut list: Vec<(Key, Listener)> = listed
        .map(|(key, queues)| {
            let found = Listener {
                acceptors_did: while_full::of(world, queues, rows, namer),
                netstat: netstat(world, queues),
                seen_whole: tier == Tier::Full || is_watched_throughout(world, queues, origin_ns),
                ..listener(key, queues, origin_ns, world)
            };
            (*key, found)
        })
        .collect();
    list.sort_by_key(|(key, l)| {
        let drops = l.dropped_accept + l.dropped_syn;
        let weight = (drops, l.accept_queue_max, l.syn_queue_max, l.requests);
        (Reverse(weight), l.port, l.address, l.first_ns, key.sock)
    });
    list
}

/// Those that the tree connects to.
fn asked(world: &World) -> BTreeSet<Key> {
    let attempts = world.connections.attempts.iter();
    let here = attempts.filter(|attempts| attempts.is_here);
    here.filter_map(|attempts| world.listeners.at(attempts.to.netns, attempts.to.peer))
        .collect()
}

/// Whether packets were looked at when it began to listen, or when the run began.
fn is_watched_throughout(world: &World, queues: &Queues, origin_ns: u64) -> bool {
    let since_ns = queues.listened_ns.unwrap_or(0).max(origin_ns);
    let watched_ns = world.listeners.watched_ns;
    watched_ns.is_some_and(|watched_ns| watched_ns <= since_ns)
}

fn is_ours(queues: &Queues) -> bool {
    let by_us = queues.owner.as_ref().is_some_and(|owner| owner.is_traced);
    by_us || queues.is_inherited || !queues.acceptors.is_empty()
}

fn listener(key: &Key, queues: &Queues, origin_ns: u64, world: &World) -> Listener {
    let Key {
        sock: _,
        family,
        addr,
        port,
    } = *key;
    let owner = queues.owner.as_ref();
    let full = queues.full.ended();
    let tids = queues.accepting().filter_map(|id| Some(world.get(id)?.tid));
    let tids: BTreeSet<u32> = tids.collect();
    Listener {
        address: matches!(family, AF_INET | AF_INET6).then(|| address(family, &addr)),
        port,
        family,
        requests: queues.requests,
        accept_queue_max: queues.accept_queue_max,
        accept_limit: queues.accept_limit,
        accept_limit_at_max: queues.limit_at_max,
        syn_limit_at_max: queues.syn_limit_at_max,
        overflows: queues.overflows,
        syn_queue_max: queues.syn_queue_max,
        syn_full: queues.syn_full,
        syn_at_limit: queues.syn_at_limit,
        first_ns: queues.first_ns.saturating_sub(origin_ns),
        last_ns: queues.last_ns.saturating_sub(origin_ns),
        pid: owner.map(|owner| owner.pid),
        comm: owner.map(|owner| String::from_utf8_lossy(&owner.comm).into_owned()),
        netns: queues.netns,
        ours: is_ours(queues),
        dropped_accept: queues.dropped_accept,
        dropped_syn: queues.dropped_syn,
        cookies: queues.cookies,
        full_ns: (queues.requests > 0).then_some(full.total_ns),
        full_certain_ns: (full.certain_ns < full.total_ns).then_some(full.certain_ns),
        acceptors: tids.into_iter().collect(),
        series: (queues.requests > 0).then(|| series(queues, origin_ns)),
        ..Listener::default()
    }
}

fn series(queues: &Queues, origin_ns: u64) -> Vec<(u64, u32, u64)> {
    let points = queues.course.points.iter();
    points
        .map(|&(at_ns, waiting, dropped)| (at_ns.saturating_sub(origin_ns), waiting, dropped))
        .collect()
}

/// What the namespace of a listener counted between two looks.
fn netstat(world: &World, queues: &Queues) -> Option<BTreeMap<String, u64>> {
    deltas(world.listeners.netstat.get(&queues.netns?)?)
}

fn deltas(netstat: &Netstat) -> Option<BTreeMap<String, u64>> {
    let last = netstat.last.as_ref()?;
    let before: BTreeMap<&str, u64> = (netstat.first.counters.iter())
        .map(|(name, n)| (&**name, *n))
        .collect();
    let deltas = last.counters.iter().filter_map(|(name, n)| {
        let delta = n.saturating_sub(*before.get(&**name)?);
        Some((name.clone(), delta))
    });
    Some(deltas.collect())
}

/// Where the kernel has counted others than were seen, one sentence each.
pub fn disagreements(world: &World) -> Vec<String> {
    let listeners = &world.listeners;
    // Some of them are not distinguished.
    if listeners.elsewhere > 0 {
        return Vec::new();
    }
    let mut seen: BTreeMap<u32, u64> = BTreeMap::new();
    for queues in listeners.known.values() {
        if let Some(netns) = queues.netns {
            *seen.entry(netns).or_default() += queues.compared;
        }
    }
    let sentence = |(netns, seen): (u32, u64)| {
        let counted = deltas(listeners.netstat.get(&netns)?)?;
        let counted = *counted.get(OVERFLOWS)?;
        (counted != seen).then(|| {
            format!(
                "network namespace {netns}: the kernel counted {counted} overflows of accept \
                 queues ({OVERFLOWS}), of which {seen} were seen at listeners"
            )
        })
    };
    seen.into_iter().filter_map(sentence).collect()
}
