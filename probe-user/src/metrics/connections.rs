//! Connections by destination, those with the biggest trouble first: most that were not
//! served, then most time lost to first segments sent again, then most attempts.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use probe_common::uapi::{AF_INET, AF_INET6};

use crate::{
    document::{self, ConnectTimes, Connection, Fates},
    wire::session::Start,
    world::{
        World,
        connection::{Attempts, Fate},
        identity::ThreadId,
        listen::Key,
    },
};

/// All of them; `None` where they are not observed. `rows` are in the world's order, with their
/// groups; `listeners` in that of the document.
pub fn of(
    world: &World,
    start: &Start,
    rows: &[document::Thread],
    listeners: &[Key],
) -> Option<Vec<Connection>> {
    if !start.sees_connections {
        return None;
    }
    let ids = world.threads.iter().map(|thread| thread.id);
    let groups = rows.iter().map(|row| row.group);
    let group_of: HashMap<ThreadId, usize> = ids.zip(groups).collect();
    let mut list: Vec<Connection> = (world.connections.attempts.iter())
        .map(|attempts| {
            let groups = attempts.threads.iter().filter_map(|id| group_of.get(id));
            let groups: BTreeSet<usize> = groups.copied().collect();
            Connection {
                groups: groups.into_iter().collect(),
                listener: listener(world, attempts, listeners),
                early_end_ns: world.connections.early.within_ns,
                early_bytes: world.connections.early.below_bytes,
                ..connection(attempts)
            }
        })
        .collect();
    list.sort_by_key(|c| {
        let weight = (c.fates.alarming(), c.syn_wait_ns, c.attempts);
        (Reverse(weight), c.remote, c.port, c.netns)
    });
    Some(list)
}

fn listener(world: &World, attempts: &Attempts, listeners: &[Key]) -> Option<usize> {
    if !attempts.is_here {
        return None;
    }
    let key = world.listeners.at(attempts.to.netns, attempts.to.peer)?;
    listeners.iter().position(|listener| *listener == key)
}

fn connection(attempts: &Attempts) -> Connection {
    let of = |fate: Fate| attempts.fates[fate as usize];
    let ended: u64 = attempts.fates.iter().sum();
    let times = &attempts.connect_ns;
    Connection {
        remote: Some(attempts.to.peer.ip()),
        port: attempts.to.peer.port(),
        family: match attempts.to.peer.is_ipv4() {
            true => AF_INET,
            false => AF_INET6,
        },
        netns: attempts.to.netns,
        attempts: attempts.count,
        fates: Fates {
            served: of(Fate::Served),
            refused: of(Fate::Refused),
            unanswered: of(Fate::Unanswered),
            closed_early: of(Fate::ClosedEarly),
            reset_early: of(Fate::ResetEarly),
            failed: of(Fate::Failed),
            open: attempts.count.saturating_sub(ended),
        },
        connect: ConnectTimes {
            count: times.count,
            total_ns: times.total,
            p50_ns: times.p50().unwrap_or(0),
            p99_ns: times.p99().unwrap_or(0),
            max_ns: times.max,
        },
        syn_retransmits: attempts.syn_again,
        syn_wait_ns: attempts.syn_wait_ns,
        retransmits: attempts.again,
        ..Connection::default()
    }
}
