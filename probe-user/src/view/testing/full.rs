//! What only the full tier observes: calls with their results, and listeners.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::parts::*;
use crate::document::*;
use crate::vocabulary::{CauseKind, WaitKind};

/// A server whose workers share an epoll instance, and its supervisor.
pub(in crate::view) fn full() -> Document {
    Document {
        command: words("server --workers 4"),
        exit: Some(Exit::Code(0)),
        tier: Tier::Full,
        wall_ns: 4_210 * MS,
        processes: 5,
        threads: vec![Thread {
            argv: words("server --workers 4"),
            group: 1,
            sums: supervisor(),
            ..thread(700, 700, "server", 0)
        }],
        groups: vec![
            group("server (forked)", 4, vec![701, 702, 703, 704], workers()),
            group("server", 1, vec![700], supervisor()),
            group("logger", 1, vec![705], logger()),
        ],
        listeners: Some(listeners()),
        connections: Some(connections()),
        ..Document::default()
    }
}

fn workers() -> Sums {
    let epoll = Calls {
        with_events: Some(1_171),
        empty: Some(31),
        failed: 2,
        begun_before: 1,
        empty_after_wake: Some(28),
        ..calls(Function::Epoll, 1_204, 15_900)
    };
    close(Sums {
        on_cpu_ns: 940 * MS,
        waits: vec![Wait {
            wakes: vec![wake("net-rx", None, None, 1_199, 15_900)],
            ..wait("epoll", "epoll_wait", "do_epoll_wait", 1_199, 15_900)
        }],
        calls: Some(vec![epoll]),
        ..Sums::default()
    })
}

fn supervisor() -> Sums {
    let reaping = Calls {
        reaped: Some(4),
        none_ready: Some(12),
        failed: 1,
        ..calls(Function::DoWait, 17, 4_100)
    };
    let polling = Calls {
        empty: Some(40),
        ..calls(Function::Epoll, 40, 2)
    };
    close(Sums {
        on_cpu_ns: 110 * MS,
        waits: vec![Wait {
            wakes: vec![wake("task-exit", Some("server"), None, 4, 4_100)],
            ..wait("child-exit", "wait4", "do_wait", 4, 4_100)
        }],
        calls: Some(vec![reaping, polling]),
        ..Sums::default()
    })
}

/// It was observed and called nothing.
fn logger() -> Sums {
    close(Sums {
        idle_ns: 3_900 * MS,
        waits: vec![
            Wait {
                idle: Some(true),
                ..wait("pipe-read", "read", "anon_pipe_read", 8, 3_900)
            },
            wait("pipe-read", "read", "anon_pipe_read", 1, 300),
        ],
        calls: Some(Vec::new()),
        ..Sums::default()
    })
}

fn calls(function: Function, count: u64, ms: u64) -> Calls {
    Calls {
        count,
        total_ns: ms * MS,
        max_ns: ms * MS,
        ..Calls::none_of(function)
    }
}

/// One that overflows, one whose handshakes pile up, many that do neither.
fn listeners() -> Vec<Listener> {
    let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let v6 = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let mut list = vec![
        Listener {
            accept_queue_max: 33,
            accept_limit: 32,
            overflows: 1_014,
            pid: Some(700),
            comm: Some("server".to_owned()),
            ours: true,
            dropped_accept: 1_020,
            full_ns: Some(2_470 * MS),
            acceptors: vec![701, 702],
            acceptors_did: while_full(),
            ..listener(v4, 9418, 2_000)
        },
        Listener {
            accept_queue_max: 4,
            accept_limit: 16,
            syn_queue_max: 17,
            syn_full: 3,
            syn_at_limit: 5,
            cookies: Some(3),
            ..listener(v6, 443, 90)
        },
    ];
    list.extend((0..8).map(|n| Listener {
        accept_queue_max: 3,
        accept_limit: 128,
        ..listener(v4, 8_080 + n, 1)
    }));
    list
}

fn while_full() -> Vec<WhileFull> {
    let did = |wait, cause, detail: Option<&str>, ms| WhileFull {
        wait,
        cause,
        detail: detail.map(str::to_owned),
        ns: ms * MS,
    };
    vec![
        did(None, CauseKind::Computing, Some("server (forked)"), 3_000),
        did(
            Some(WaitKind::SocketRecv),
            CauseKind::Network,
            Some("10.0.0.5:5432"),
            1_500,
        ),
        did(None, CauseKind::RunQueue, None, 400),
        did(
            Some(WaitKind::Futex),
            CauseKind::Computing,
            Some("server"),
            40,
        ),
    ]
}

/// One whose listener drops, one that closes early, one that nothing is to be said of.
fn connections() -> Vec<Connection> {
    let to = |port, attempts| Connection {
        remote: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        port,
        family: 2,
        groups: vec![1],
        attempts,
        early_end_ns: 1_000 * MS,
        early_bytes: 4096,
        connect: ConnectTimes {
            count: attempts,
            total_ns: attempts * MS,
            p50_ns: MS,
            p99_ns: MS,
            max_ns: MS,
        },
        ..Connection::default()
    };
    vec![
        Connection {
            listener: Some(0),
            fates: Fates {
                served: 82,
                unanswered: 4,
                open: 10,
                ..Fates::default()
            },
            syn_retransmits: 30,
            syn_wait_ns: 30_760 * MS,
            ..to(9418, 96)
        },
        Connection {
            fates: Fates {
                served: 10,
                refused: 1,
                closed_early: 5,
                reset_early: 2,
                failed: 1,
                ..Fates::default()
            },
            retransmits: 3,
            ..to(22, 19)
        },
        Connection {
            fates: Fates {
                served: 7,
                ..Fates::default()
            },
            ..to(5432, 7)
        },
    ]
}

fn listener(address: IpAddr, port: u16, requests: u64) -> Listener {
    Listener {
        seen_whole: true,
        address: Some(address),
        port,
        family: if address.is_ipv4() { 2 } else { 10 },
        requests,
        first_ns: 5 * MS,
        last_ns: 4_000 * MS,
        ..Listener::default()
    }
}
