//! Connections: what became of them, and what the listeners at their other end did.

use probe_common::{
    connection::{Accept, Connect, Listening, Step, accept, step},
    header::Header,
    listen::{Request, request},
    task::snapshot,
    uapi::{AF_INET, AF_INET6, CLONE_THREAD},
};

use crate::{
    analysis::{Analysis, Settings},
    document::{Connection, Document, Fates, Listener},
    metrics::tests::run,
    wire::{
        session::{Batch, Fact, NetCounters, Start, Tier},
        tests::{
            bytes::{at, padded},
            probes::{Out, Probes, TaskId, Who},
        },
    },
    world::connection::Early,
};

const SOCK: u64 = 0x2000;
const NETNS: u32 = 77;
const SYN_SENT: u16 = 2;
const ESTABLISHED: u16 = 1;
const S: u64 = 1_000_000_000;

/// A thread that connects to 127.0.0.1:80, from 1 s on.
fn client() -> (Probes, TaskId) {
    let mut probes = Probes::default();
    let who = Who {
        tid: 5,
        pid: 5,
        ppid: 1,
        comm: "client",
    };
    let task = probes.seed(S, who, Out::default(), 1 << 9);
    (probes, task)
}

fn connect() -> Connect {
    Connect {
        sock: SOCK,
        netns: NETNS,
        family: AF_INET,
        port: 80,
        local_addr: padded(&[127, 0, 0, 1]),
        addr: padded(&[127, 0, 0, 1]),
        ..Connect::default()
    }
}

fn in_state(state: u16) -> Step {
    Step {
        sock: SOCK,
        state,
        sent: 1,
        ..Step::default()
    }
}

fn document(probes: &Probes, facts: Vec<Fact>) -> Document {
    document_with(probes, facts, Early::default())
}

fn document_with(probes: &Probes, facts: Vec<Fact>, early: Early) -> Document {
    let start = Start {
        syscall_table: "x86_64".to_owned(),
        sees_connections: true,
        sees_listeners: true,
        ..Start::default()
    };
    let settings = Settings {
        short_run_ns: 0,
        early,
        ..Settings::new(u64::MAX, "/".into())
    };
    let analysis = Analysis::with(start, &settings);
    let mut analysis = analysis.expect("x86_64 is a known table");
    let (last, first) = facts
        .split_last()
        .map_or((None, &[][..]), |(last, first)| (Some(last.clone()), first));
    analysis.batch(&Batch {
        facts: first.to_vec(),
        records: probes.records.concat(),
        watermark_ns: 50 * S,
    });
    analysis.batch(&Batch {
        facts: last.into_iter().collect(),
        ..Batch::default()
    });
    analysis.end(run::end(60 * S));
    analysis.document()
}

fn connections(probes: &Probes) -> Vec<Connection> {
    document(probes, Vec::new()).connections.expect("observed")
}

fn listeners(probes: &Probes, facts: Vec<Fact>) -> Vec<Listener> {
    document(probes, facts).listeners.expect("observed")
}

/// The fate of a connection that is established after 1 ms (if it is), and then ends so.
#[track_caller]
fn check(established: bool, steps: &[(u64, u16, Step)], expected: Fates) {
    let (mut probes, task) = client();
    probes.connect(2 * S, task, connect());
    if established {
        probes.step(2 * S + S / 1000, step::ESTABLISHED, in_state(SYN_SENT));
    }
    for &(ts_ns, to, step) in steps {
        probes.step(ts_ns, to, step);
    }
    let found = connections(&probes);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].attempts, found[0].fates), (1, expected));
}

#[test]
fn connections_that_are_never_established_are_refused_unanswered_or_failed() {
    let closed = |error, sent| {
        let step = Step {
            error,
            sent,
            ..in_state(SYN_SENT)
        };
        [(3 * S, step::CLOSED, step)]
    };
    let none = Fates::default();
    check(false, &[], Fates { open: 1, ..none });
    check(false, &closed(111, 1), Fates { refused: 1, ..none });
    check(
        false,
        &closed(110, 7),
        Fates {
            unanswered: 1,
            ..none
        },
    );
    check(
        false,
        &closed(0, 1),
        Fates {
            unanswered: 1,
            ..none
        },
    );
    check(false, &closed(113, 1), Fates { failed: 1, ..none });
    check(false, &closed(0, 0), Fates { failed: 1, ..none });
}

/// One that the peer ends after a second and a half, when it has sent 100 bytes.
#[test]
fn connections_end_early_as_it_is_set() {
    let (mut probes, task) = client();
    probes.connect(2 * S, task, connect());
    probes.step(2 * S, step::ESTABLISHED, in_state(SYN_SENT));
    let fin = Step {
        received: 101,
        ..in_state(ESTABLISHED)
    };
    probes.step(3 * S + S / 2, step::PEER_CLOSED, fin);
    for (within_ns, below_bytes, closed_early) in [
        (S, 4096, 0),
        (3 * S / 2, 101, 1),
        (3 * S / 2 - 1, 101, 0),
        (3 * S / 2, 100, 0),
        (u64::MAX, u64::MAX, 1),
        (0, 0, 0),
    ] {
        let early = Early {
            within_ns,
            below_bytes,
        };
        let found = document_with(&probes, Vec::new(), early).connections;
        let fates = found.expect("observed")[0].fates;
        assert_eq!(
            (fates.closed_early, fates.served),
            (closed_early, 1 - closed_early),
            "{early:?}"
        );
    }
}

#[test]
fn connections_that_the_peer_ends_at_once_are_told_from_served_ones() {
    let by_fin = |ts_ns, received: u64| {
        let fin = Step {
            received: received + 1,
            ..in_state(ESTABLISHED)
        };
        [
            (ts_ns, step::PEER_CLOSED, fin),
            (9 * S, step::CLOSED, in_state(9)),
        ]
    };
    let by_rst = |ts_ns, received: u64, error| {
        let rst = Step {
            received,
            error,
            ..in_state(ESTABLISHED)
        };
        [(ts_ns, step::CLOSED, rst)]
    };
    let served = Fates {
        served: 1,
        ..Fates::default()
    };
    let closed = Fates {
        closed_early: 1,
        ..Fates::default()
    };
    let reset = Fates {
        reset_early: 1,
        ..Fates::default()
    };
    let failed = Fates {
        failed: 1,
        ..Fates::default()
    };
    check(
        true,
        &[],
        Fates {
            open: 1,
            ..Fates::default()
        },
    );
    check(true, &by_fin(2 * S + 5, 4095), closed);
    check(true, &by_fin(2 * S + 5, 4096), served);
    // Its own end may come when nobody looks any more.
    check(true, &by_fin(2 * S + 5, 4096)[..1], served);
    check(true, &by_fin(4 * S, 0), served);
    check(true, &by_rst(2 * S + 5, 4095, 104), reset);
    check(true, &by_rst(2 * S + 5, 4096, 104), served);
    check(true, &by_rst(4 * S, 0, 104), served);
    check(true, &by_rst(2 * S + 5, 0, 110), failed);
    // By itself.
    check(true, &by_rst(2 * S + 5, 0, 0), served);
    check(true, &[(3 * S, step::CLOSED, in_state(5))], served);
}

#[test]
fn connections_first_segments_sent_again_cost_the_time_up_to_the_last() {
    let (mut probes, task) = client();
    probes.connect(2 * S, task, connect());
    probes.step(3 * S, step::AGAIN, in_state(SYN_SENT));
    probes.step(5 * S, step::AGAIN, in_state(SYN_SENT));
    probes.step(5 * S + 40, step::ESTABLISHED, in_state(SYN_SENT));
    probes.step(6 * S, step::AGAIN, in_state(ESTABLISHED));
    // Of a socket that nobody knows.
    probes.step(6 * S, step::AGAIN, Step::default());
    let found = &connections(&probes)[0];
    let again = (found.syn_retransmits, found.syn_wait_ns, found.retransmits);
    assert_eq!(again, (2, 3 * S, 1));
    let times = (found.connect.count, found.connect.max_ns);
    assert_eq!(times, (1, 3 * S + 40));
}

#[test]
fn connections_to_ipv4_in_ipv6_are_those_to_ipv4() {
    let mut mapped = [0; 16];
    mapped[10..].copy_from_slice(&[0xff, 0xff, 127, 0, 0, 1]);
    let (mut probes, task) = client();
    probes.connect(2 * S, task, connect());
    let in_v6 = Connect {
        sock: SOCK + 1,
        family: AF_INET6,
        local_addr: mapped,
        addr: mapped,
        ..connect()
    };
    probes.connect(2 * S + 1, task, in_v6);
    let found = connections(&probes);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].attempts, found[0].family), (2, AF_INET));
}

fn listening(sock: u64, addr: [u8; 16]) -> Listening {
    Listening {
        sock,
        netns: NETNS,
        family: AF_INET,
        port: 80,
        addr,
        ..Listening::default()
    }
}

fn request_at(flags: u16, accept_queue: u32) -> Request {
    Request {
        header: Header {
            flags,
            ..at(0, 0, 0)
        },
        sock: 0x1000,
        accept_queue,
        accept_limit: 1,
        family: AF_INET,
        port: 80,
        addr: padded(&[127, 0, 0, 1]),
        ..Request::default()
    }
}

fn netstat(at_ns: u64, overflows: u64) -> Fact {
    Fact::Netstat(NetCounters {
        netns: NETNS,
        at_ns,
        counters: vec![("ListenOverflows".to_owned(), overflows)],
    })
}

#[test]
fn listeners_drops_are_requests_and_ends_of_handshakes_and_compared_with_the_kernels() {
    let (mut probes, task) = client();
    probes.listening(S + 1, task, listening(0x1000, padded(&[127, 0, 0, 1])));
    for (ts_ns, flags, queue) in [
        (2 * S, 0, 1),
        (3 * S, 0, 2),
        (4 * S, request::HANDSHAKE_END, 2),
        (6 * S, 0, 1),
        (7 * S, request::COOKIES, 2),
    ] {
        probes.request(ts_ns, request_at(flags, queue));
    }
    let facts = vec![netstat(S, 100), netstat(8 * S, 103)];
    let agreed = document(&probes, facts);
    let found = &agreed.listeners.as_ref().expect("observed")[0];
    assert_eq!((found.requests, found.overflows), (4, 2));
    assert_eq!((found.dropped_accept, found.cookies), (3, Some(0)));
    // From 3 s to 6 s; nothing comes behind the last.
    assert_eq!(found.full_ns, Some(3 * S));
    let owner = (found.pid, found.comm.as_deref(), found.ours);
    assert_eq!(owner, (Some(5), Some("client"), true));
    let netstat_of = found.netstat.as_ref().expect("read twice");
    assert_eq!(netstat_of["ListenOverflows"], 3);
    assert!(agreed.coverage.problems.is_empty());
    let facts = vec![netstat(S, 100), netstat(8 * S, 107)];
    let problems = document(&probes, facts).coverage.problems;
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("counted 7 overflows"), "{problems:?}");
    // What came before the first look is not in the kernel's difference.
    let facts = vec![netstat(3 * S + 1, 101), netstat(8 * S, 103)];
    assert!(document(&probes, facts).coverage.problems.is_empty());
}

#[test]
fn listeners_a_queue_is_full_until_somebody_accepts() {
    let (mut probes, task) = client();
    probes.listening(S + 1, task, listening(0x1000, padded(&[127, 0, 0, 1])));
    probes.request(3 * S, request_at(0, 2));
    let call = Accept {
        sock: 0x1000,
        netns: NETNS,
        queue: 2,
        family: AF_INET,
        port: 80,
        addr: padded(&[127, 0, 0, 1]),
        ..Accept::default()
    };
    probes.accept(3 * S + 500, task, accept::CALL, call);
    let found = &listeners(&probes, Vec::new())[0];
    assert_eq!(found.full_ns, Some(500));
    assert_eq!(found.acceptors, [5]);
    let did: u64 = found.acceptors_did.iter().map(|did| did.ns).sum();
    assert_eq!(did, 500);
}

#[test]
fn listeners_what_others_listen_at_is_left_out_unless_the_tree_connects_there() {
    let (mut probes, task) = client();
    for (sock, host) in [(0x1000, 1), (0x1001, 2)] {
        probes.found_listening(S + sock, listening(sock, padded(&[127, 0, 0, host])));
    }
    assert!(listeners(&probes, Vec::new()).is_empty());
    probes.connect(2 * S, task, connect());
    let report = document(&probes, Vec::new());
    let found = report.listeners.expect("observed");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].address, Some([127, 0, 0, 1].into()));
    assert!(!found[0].ours);
    assert_eq!(report.connections.expect("observed")[0].listener, Some(0));
}

#[test]
fn listeners_found_in_proc_are_those_that_requests_come_to() {
    let (mut probes, task) = client();
    let place = padded(&[127, 0, 0, 1]);
    probes.listening(S + 1, task, listening(0, place));
    let found = &listeners(&probes, Vec::new())[0];
    assert_eq!((found.pid, found.requests), (Some(5), 0));
    probes.found_listening(2 * S, listening(0x1000, place));
    probes.request(2 * S + 1, request_at(0, 0));
    let found = listeners(&probes, Vec::new());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].pid, found[0].requests), (Some(5), 1));
}

#[test]
fn listeners_that_the_command_was_given_are_of_somebody_outside() {
    let mut probes = Probes::default();
    let who = Who {
        tid: 5,
        pid: 5,
        ppid: 1,
        comm: "waitscope",
    };
    let root = probes.seed(S, who, Out::default(), snapshot::HELD);
    let place = padded(&[127, 0, 0, 1]);
    probes.listening(S + 1, root, listening(0, place));
    probes.exec(S + 2, root, 5, &["server"]);
    let found = &listeners(&probes, Vec::new())[0];
    assert_eq!((found.pid, &found.comm, found.ours), (None, &None, true));
    probes.found_listening(2 * S, listening(0x1000, place));
    probes.request(2 * S + 1, request_at(0, 0));
    let found = listeners(&probes, Vec::new());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].pid, found[0].ours), (None, true));
    // What it makes listen itself is its own.
    probes.listening(3 * S, root, listening(0x1001, padded(&[127, 0, 0, 2])));
    let found = listeners(&probes, Vec::new());
    assert!(found.iter().any(|listener| listener.pid == Some(5)));
}

#[test]
fn listeners_are_seen_whole_where_packets_were_looked_at_from_the_beginning() {
    let check = |tier, watched_ns: Option<u64>, expect| {
        let (mut probes, task) = client();
        probes.listening(2 * S, task, listening(0x1000, padded(&[127, 0, 0, 1])));
        let start = Start {
            syscall_table: "x86_64".to_owned(),
            tier,
            sees_listeners: true,
            ..Start::default()
        };
        let mut analysis = Analysis::new(start).expect("it is known");
        let facts = watched_ns.map(|at_ns| Fact::Watching { at_ns });
        analysis.batch(&Batch {
            facts: facts.into_iter().collect(),
            ..Batch::default()
        });
        analysis.batch(&run::batch(&probes.records));
        let found = analysis.document().listeners.expect("observed");
        assert_eq!(found[0].seen_whole, expect, "{watched_ns:?}");
    };
    check(Tier::Full, None, true);
    check(Tier::Tracepoint, None, false);
    check(Tier::Tracepoint, Some(2 * S + 1), false);
    check(Tier::Tracepoint, Some(S + 1), true);
}

#[test]
fn connections_that_end_with_their_own_process_are_not_reset_early() {
    let check = |ends: &[usize], expect| {
        let (mut probes, task) = client();
        let thread = Who {
            tid: 6,
            pid: 5,
            ppid: 1,
            comm: "client",
        };
        let tasks = [task, probes.fork(S + 1, 5, CLONE_THREAD, thread)];
        probes.connect(2 * S, task, connect());
        probes.step(2 * S + 1, step::ESTABLISHED, in_state(SYN_SENT));
        for &at in ends {
            probes.exit(2 * S + 2, tasks[at], 0);
        }
        let reset = Step {
            error: 104,
            ..in_state(ESTABLISHED)
        };
        probes.step(2 * S + 3, step::CLOSED, reset);
        let fates = connections(&probes)[0].fates;
        assert_eq!((fates.served, fates.reset_early), expect);
    };
    check(&[], (0, 1));
    check(&[0], (0, 1));
    check(&[1, 0], (1, 0));
}

#[test]
fn connections_segments_that_were_not_seen_to_be_sent_again_are_counted_by_the_kernel() {
    let (mut probes, task) = client();
    let after = |state, again| Step {
        again,
        ..in_state(state)
    };
    probes.connect(2 * S, task, connect());
    probes.step(3 * S, step::AGAIN, after(SYN_SENT, 1));
    probes.step(6 * S, step::ESTABLISHED, after(SYN_SENT, 2));
    probes.step(7 * S, step::CLOSED, after(ESTABLISHED, 5));
    let found = &connections(&probes)[0];
    let again = (found.syn_retransmits, found.syn_wait_ns, found.retransmits);
    assert_eq!(again, (2, S, 3));
}
