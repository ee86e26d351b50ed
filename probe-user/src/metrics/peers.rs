//! Who is at the other end of a socket, where the records say so: the task that sent what
//! ended a wait on it (a packet's sender, if it ran as the packet was delivered; who
//! wrote to a Unix socket), or a process of the tree that waited at just the other end.
//! Several different ones are none. Records do not say in which network namespace an
//! address is: where a tree has several, both ends of a connection may be in two of them.
//!
//! Many connections from one host, each of a port that the kernel chose, are one peer.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::process::Processes;
use crate::{
    syscall::{Class, Table},
    vocabulary::WakeSource,
    world::{
        World,
        account::{ObjectKey, WakeKey},
        identity::{ExternalId, Waker},
        names::NameId,
        wait_site::UNANSWERED,
    },
};

/// From here on ports are the kernel's choice (`net.ipv4.ip_local_port_range`).
const CHOSEN: u16 = 32_768;

/// So many chosen ports of one host are more than a row each.
const MANY: usize = 4;

/// The peers of a world's sockets.
#[derive(Default)]
pub struct Peers {
    /// By what the socket is called.
    by_socket: FxHashMap<NameId, Programs>,
    /// By the peer's address.
    by_address: FxHashMap<String, Programs>,
    /// Chosen ports of hosts that packets were waited from.
    ports: FxHashMap<String, FxHashSet<u16>>,
}

type Programs = BTreeSet<String>;

impl Peers {
    /// Finds them.
    pub fn of(world: &World, processes: &Processes) -> Peers {
        let mut peers = Peers::default();
        let mut ends = Ends::default();
        for thread in world.threads.iter() {
            let process = &processes.list[processes.of_thread[thread.id]];
            for (key, sum) in &thread.account.waits {
                let ObjectKey::File(name) = key.object else {
                    continue;
                };
                let Some(socket) = world.dictionaries.names.text(name).and_then(Socket::of) else {
                    continue;
                };
                let senders = sum
                    .wakes
                    .keys()
                    .filter(|wake| socket.is_sender(world, wake));
                let mut senders = senders.peekable();
                if let Socket::Internet { own, peer } = socket {
                    ends.add(name, (own, peer), &process.label);
                    if senders.peek().is_some() {
                        peers.learn_port(peer);
                    }
                }
                let programs = senders.filter_map(|wake| program(world, processes, wake.waker));
                peers.by_socket.entry(name).or_default().extend(programs);
            }
        }
        peers.learn_ends(&ends);
        peers
    }

    /// Sockets whose other end is there, too; and what is known of all by address.
    fn learn_ends(&mut self, ends: &Ends<'_>) {
        for (&name, &(own, peer)) in &ends.sockets {
            let programs = self.by_socket.entry(name).or_default();
            let others = ends.programs.get(&(peer, own));
            programs.extend(others.into_iter().flatten().map(|&label| label.to_owned()));
            let of_address = self.by_address.entry(peer.to_owned()).or_default();
            of_address.extend(programs.iter().cloned());
        }
    }

    /// A packet from there ended a wait.
    fn learn_port(&mut self, address: &str) {
        if let Some((host, port)) = chosen_port(address) {
            self.ports.entry(host.to_owned()).or_default().insert(port);
        }
    }

    /// The program at the other end of what a wait was on.
    pub fn at(&self, object: ObjectKey) -> Option<&str> {
        match object {
            ObjectKey::File(name) => the_only(self.by_socket.get(&name)),
            ObjectKey::None | ObjectKey::Futex(_) => None,
        }
    }

    /// A peer by its address, with its program.
    pub fn named(&self, address: &str) -> String {
        if let Some(address) = address.strip_prefix(UNANSWERED) {
            return format!("{UNANSWERED}{}", self.named(address));
        }
        let program = the_only(self.by_address.get(address));
        let program = program.map_or_else(String::new, |program| format!(" ({program})"));
        let many = chosen_port(address).and_then(|(host, _)| {
            let ports = self.ports.get(host)?.len();
            (ports > MANY).then_some((host, ports))
        });
        match many {
            Some((host, ports)) => format!("{host}, {ports} ports{program}"),
            None => format!("{address}{program}"),
        }
    }
}

/// Connections by the addresses of both ends, the own one first.
#[derive(Default)]
struct Ends<'a> {
    sockets: FxHashMap<NameId, (&'a str, &'a str)>,
    /// Programs that waited there.
    programs: FxHashMap<(&'a str, &'a str), BTreeSet<&'a str>>,
}

impl<'a> Ends<'a> {
    fn add(&mut self, name: NameId, ends: (&'a str, &'a str), program: &'a str) {
        self.sockets.insert(name, ends);
        self.programs.entry(ends).or_default().insert(program);
    }
}

/// What the text of an object says of a socket.
#[derive(Clone, Copy)]
enum Socket<'a> {
    /// Addresses of its own end and of the other one.
    Internet {
        own: &'a str,
        peer: &'a str,
    },
    Unix,
}

impl Socket<'_> {
    fn of(text: &str) -> Option<Socket<'_>> {
        let (family, rest) = text.split_once([' ', ':'])?;
        match family {
            "tcp" | "udp" | "sctp" => {
                let (own, peer) = rest.split_once(" → ")?;
                Some(Socket::Internet { own, peer })
            }
            "unix" => Some(Socket::Unix),
            _ => None,
        }
    }

    /// Whether who ended a wait on it did so from its other end.
    fn is_sender(self, world: &World, wake: &WakeKey) -> bool {
        match self {
            Socket::Internet { .. } => wake.source == WakeSource::NetRx,
            Socket::Unix => {
                wake.source == WakeSource::Task && writes(wake.nr, world.dictionaries.table)
            }
        }
    }
}

fn writes(nr: i16, table: Table) -> bool {
    nr >= 0 && matches!(table.class(nr), Class::Write | Class::Send)
}

fn program(world: &World, processes: &Processes, waker: Waker) -> Option<String> {
    match waker {
        Waker::Thread(id) => {
            let process = processes.of_thread.get(id)?;
            Some(processes.list.get(*process)?.label.clone())
        }
        Waker::External(ExternalId(id)) => {
            let task = world.directory.externals.get(id as usize)?;
            Some(task.comm.to_string())
        }
        Waker::UnnamedExternal(_) | Waker::Nobody => None,
    }
}

fn the_only(programs: Option<&Programs>) -> Option<&str> {
    let programs = programs.filter(|programs| programs.len() == 1)?;
    programs.first().map(String::as_str)
}

/// Host and port of an address whose port the kernel chose.
fn chosen_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok().filter(|&port| port >= CHOSEN)?;
    Some((host, port))
}
