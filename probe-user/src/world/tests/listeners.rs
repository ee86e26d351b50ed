//! Listeners: what their requests found.

use probe_common::{
    listen::Request,
    uapi::{AF_INET, AF_INET6},
};

use crate::{
    document::{Document, Listener},
    metrics::tests::run,
    wire::{
        event,
        tests::{
            bytes::padded,
            probes::{Out, Probes, Who},
        },
    },
    world::listen::{Listeners, MOST},
};

/// A request at 127.0.0.1:80 whose listener has a backlog of 4.
fn request(accept_queue: u32, syn_queue: u32) -> Request {
    Request {
        sock: 0x1000,
        accept_queue,
        accept_limit: 4,
        syn_queue,
        family: AF_INET,
        port: 80,
        addr: padded(&[127, 0, 0, 1]),
        ..Request::default()
    }
}

/// The report of a run that began at 1000 ns.
fn document(requests: &[(u64, Request)]) -> Document {
    let mut probes = Probes::default();
    let who = Who {
        tid: 5,
        pid: 5,
        ppid: 1,
        comm: "server",
    };
    probes.seed(1000, who, Out::default(), 1 << 9);
    for &(ts_ns, request) in requests {
        probes.request(ts_ns, request);
    }
    run::document(&probes.records, 9000)
}

fn listeners(requests: &[(u64, Request)]) -> Vec<Listener> {
    document(requests).listeners.expect("the full tier")
}

#[test]
fn listeners_a_listener_keeps_its_longest_queues_and_its_last_limit() {
    let grown = Request {
        accept_limit: 8,
        ..request(1, 0)
    };
    let told = listeners(&[(1500, request(3, 1)), (1600, request(2, 2)), (2500, grown)]);
    let expected = Listener {
        address: Some([127, 0, 0, 1].into()),
        port: 80,
        family: AF_INET,
        requests: 3,
        accept_queue_max: 3,
        accept_limit: 8,
        accept_limit_at_max: Some(4),
        syn_queue_max: 2,
        syn_limit_at_max: Some(4),
        seen_whole: true,
        first_ns: 500,
        last_ns: 1500,
        full_ns: Some(0),
        series: Some(vec![(500, 3, 0), (600, 2, 0), (1500, 1, 0)]),
        ..Listener::default()
    };
    assert_eq!(told, [expected]);
}

#[test]
fn listeners_queues_are_judged_as_the_kernel_judges_them() {
    // Accept queue, SYN queue; overflows, full, at the limit.
    for (accept, syn, expected) in [
        (3, 3, (0, 0, 0)),
        (4, 4, (0, 0, 1)),
        (5, 5, (1, 1, 0)),
        (u32::MAX, 0, (1, 0, 0)),
    ] {
        let told = listeners(&[(1500, request(accept, syn))]);
        let found = (told[0].overflows, told[0].syn_full, told[0].syn_at_limit);
        assert_eq!(found, expected, "{accept} {syn}");
    }
}

#[test]
fn listeners_are_told_apart_by_socket_and_address_the_busiest_first() {
    let other_socket = Request {
        sock: 0x2000,
        ..request(5, 0)
    };
    let any_v6 = Request {
        family: AF_INET6,
        addr: [0; 16],
        ..request(4, 0)
    };
    let vsock = Request {
        family: 40,
        ..request(2, 0)
    };
    let told = listeners(&[
        (1500, request(1, 0)),
        (1600, vsock),
        (1700, other_socket),
        (1800, any_v6),
        (1900, request(1, 0)),
    ]);
    let names: Vec<_> = told
        .iter()
        .map(|l| (l.address.map(|a| a.to_string()), l.requests))
        .collect();
    let local = || Some("127.0.0.1".to_owned());
    let any = Some("::".to_owned());
    assert_eq!(names, [(local(), 1), (any, 1), (None, 1), (local(), 2)]);
}

#[test]
fn listeners_come_by_overflows_then_accept_queue_then_syn_queue_then_requests() {
    let at = |port, accept_queue, syn_queue| Request {
        port,
        sock: u64::from(port),
        ..request(accept_queue, syn_queue)
    };
    let told = listeners(&[
        (1500, at(1, 0, 0)),
        (1600, at(2, 0, 0)),
        (1650, at(2, 0, 0)),
        (1700, at(3, 0, 4)),
        (1800, at(4, 4, 0)),
        (1900, at(5, 5, 0)),
    ]);
    let ports: Vec<u16> = told.iter().map(|listener| listener.port).collect();
    assert_eq!(ports, [5, 4, 3, 2, 1]);
}

#[test]
fn listeners_take_no_limit_from_a_request_that_came_late() {
    let limited = |accept_limit| event::Request {
        sock: 0x1000,
        accept_queue: 0,
        accept_limit,
        syn_queue: 0,
        family: AF_INET,
        port: 80,
        ..event::Request::default()
    };
    let mut listeners = Listeners::default();
    for (ts_ns, limit) in [(1500, 4), (1700, 8), (1400, 2), (1600, 1)] {
        listeners.add(ts_ns, &limited(limit));
    }
    let told: Vec<_> = listeners.known.values().collect();
    let [queues] = told[..] else {
        panic!("one listener: {told:?}");
    };
    assert_eq!((queues.first_ns, queues.last_ns), (1400, 1700));
    assert_eq!((queues.accept_limit, queues.requests), (8, 4));
}

#[test]
fn listeners_a_request_belongs_to_no_thread() {
    let document = document(&[(1500, request(1, 0))]);
    assert_eq!(document.threads.len(), 1);
}

#[test]
fn listeners_beyond_the_first_are_counted_together_and_told_of() {
    let each = |n: usize| Request {
        sock: 1 + n as u64,
        ..request(0, 0)
    };
    let mut requests: Vec<_> = (0..MOST + 3).map(|n| (1500 + n as u64, each(n))).collect();
    requests.push((5000, each(0)));
    let document = document(&requests);
    let told = document.listeners.expect("the full tier");
    assert_eq!(told.len(), MOST);
    assert_eq!(
        told.iter().map(|l| l.requests).sum::<u64>(),
        MOST as u64 + 1
    );
    let problems = document.coverage.problems;
    assert_eq!(
        problems,
        ["3 connection requests came to more than 1024 listeners and were not counted"]
    );
}
