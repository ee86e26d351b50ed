//! Listening sockets, the busiest first.

use std::cmp::Reverse;

use probe_common::uapi::{AF_INET, AF_INET6};

use crate::{
    document::Listener,
    world::{
        World,
        listen::{Key, Queues},
        object::address,
    },
};

/// All of them, those that overflowed and those with the longest queues first.
pub fn of(world: &World, origin_ns: u64) -> Vec<Listener> {
    let known = world.listeners.known.iter();
    let mut list: Vec<(Listener, u64)> = known
        .map(|(key, queues)| (listener(key, queues, origin_ns), key.sock))
        .collect();
    list.sort_by_key(|(l, sock)| {
        let weight = (l.overflows, l.accept_queue_max, l.syn_queue_max, l.requests);
        (Reverse(weight), l.port, l.address, l.first_ns, *sock)
    });
    list.into_iter().map(|(listener, _)| listener).collect()
}

fn listener(key: &Key, queues: &Queues, origin_ns: u64) -> Listener {
    let Key {
        sock: _,
        family,
        addr,
        port,
    } = *key;
    let Queues {
        requests,
        first_ns,
        last_ns,
        accept_queue_max,
        accept_limit,
        overflows,
        syn_queue_max,
        syn_full,
        syn_at_limit,
    } = *queues;
    Listener {
        address: matches!(family, AF_INET | AF_INET6).then(|| address(family, &addr)),
        port,
        family,
        requests,
        accept_queue_max,
        accept_limit,
        overflows,
        syn_queue_max,
        syn_full,
        syn_at_limit,
        first_ns: first_ns.saturating_sub(origin_ns),
        last_ns: last_ns.saturating_sub(origin_ns),
    }
}
