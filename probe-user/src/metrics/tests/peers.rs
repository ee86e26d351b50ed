//! Who is at the other end of a socket.

use probe_common::{
    fd::Object,
    sched::{flag, waker},
    task::snapshot::ON_CPU,
    uapi::{AF_INET, AF_UNIX, S_IFSOCK},
};

use super::{run, tree::READ};
use crate::{
    document::Document,
    wire::tests::probes::{By, Out, Probes, TaskId, Who},
};

const SERVICE: u16 = 9418;
const OWN: u16 = 40_000;

/// Threads that read from sockets.
struct Readers {
    probes: Probes,
    now_ns: u64,
}

impl Readers {
    fn new() -> Readers {
        Readers {
            probes: Probes::default(),
            now_ns: 1000,
        }
    }

    fn process(&mut self, pid: u32, comm: &'static str) -> TaskId {
        let who = Who {
            tid: pid,
            pid,
            ppid: 1,
            comm,
        };
        self.probes.seed(1000, who, Out::default(), ON_CPU)
    }

    fn reads(&mut self, task: TaskId, from: Object, by: &By) {
        let out = Out {
            flags: flag::OBJECT,
            ..Out::sleep(READ)
        };
        self.now_ns += 100;
        self.probes.object(self.now_ns, task, from);
        self.probes.switch(self.now_ns, Some((task, out)), None);
        self.probes.waking(self.now_ns + 10, task, by);
        self.probes.switch(self.now_ns + 20, None, Some(task));
    }

    fn document(&self) -> Document {
        run::cut(&self.probes.records)
    }
}

fn socket(own: u16, peer: u16) -> Object {
    let mut object = Object {
        mode: S_IFSOCK,
        family: AF_INET,
        protocol: 6,
        local_port: own,
        remote_port: peer,
        ..Object::default()
    };
    for end in [&mut object.local_addr, &mut object.remote_addr] {
        end[..4].copy_from_slice(&[127, 0, 0, 1]);
    }
    object
}

const PACKET: u16 = waker::CONTEXT_KNOWN | waker::SOFTIRQ | waker::NET_RX;

/// A packet that nobody is seen to have sent.
fn packet() -> By {
    By {
        flags: PACKET | waker::IDLE,
        ..By::default()
    }
}

fn packet_of(tid: u32, comm: &'static str) -> By {
    By {
        tid,
        flags: PACKET | waker::SENDER,
        stranger: Some((tid, comm)),
        ..By::default()
    }
}

/// Peers of the first thread's waits, and what they are blamed on.
#[track_caller]
fn check(readers: &Readers, peer: Option<&str>, detail: Option<&str>) {
    let document = readers.document();
    let sums = &document.threads[0].sums;
    assert!(sums.waits.iter().all(|wait| wait.peer.as_deref() == peer));
    let details: Vec<_> = sums.blame.iter().map(|row| row.detail.as_deref()).collect();
    assert_eq!(details, [detail], "{sums:?}");
}

#[test]
fn peers_are_named_by_who_sent_a_packet_to_them() {
    let mut readers = Readers::new();
    let client = readers.process(5, "client");
    readers.reads(client, socket(OWN, SERVICE), &packet());
    check(&readers, None, Some("127.0.0.1:9418"));
    readers.reads(client, socket(OWN, SERVICE), &packet_of(9, "git-daemon"));
    let named = Some("127.0.0.1:9418 (git-daemon)");
    check(&readers, Some("git-daemon"), named);
    // It has handed the connection on.
    readers.reads(client, socket(OWN, SERVICE), &packet_of(10, "other"));
    check(&readers, None, Some("127.0.0.1:9418"));
}

#[test]
fn peers_are_named_by_who_waited_at_the_other_end() {
    let mut readers = Readers::new();
    let [client, server] = [(5, "client"), (6, "server")].map(|(p, c)| readers.process(p, c));
    readers.reads(client, socket(OWN, SERVICE), &packet());
    readers.reads(server, socket(SERVICE, OWN + 1), &packet());
    check(&readers, None, Some("127.0.0.1:9418"));
    readers.reads(server, socket(SERVICE, OWN), &packet());
    let named = Some("127.0.0.1:9418 (server)");
    check(&readers, Some("server"), named);
}

#[test]
fn peers_of_many_ports_that_the_kernel_chose_are_one() {
    let mut readers = Readers::new();
    let server = readers.process(5, "server");
    for port in OWN..OWN + 6 {
        readers.reads(server, socket(SERVICE, port), &packet_of(9, "client"));
    }
    let many = Some("127.0.0.1, 6 ports (client)");
    check(&readers, Some("client"), many);
}

#[test]
fn peers_of_a_unix_socket_are_those_that_wrote_to_it() {
    let unix = Object {
        mode: S_IFSOCK,
        family: AF_UNIX,
        ino: 12,
        ..Object::default()
    };
    let by = |nr| By {
        tid: 9,
        nr,
        flags: waker::CONTEXT_KNOWN,
        stranger: Some((9, "postgres")),
        ..By::default()
    };
    // `write`, `sendto`, `close`
    for (nr, peer) in [(1, Some("postgres")), (44, Some("postgres")), (3, None)] {
        let mut readers = Readers::new();
        let client = readers.process(5, "client");
        readers.reads(client, unix, &by(nr));
        check(&readers, peer, Some("postgres"));
    }
}
