//! TCP sockets and their other ends: proc_net_tcp(5) of a network namespace.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use rustc_hash::{FxHashMap, FxHashSet};

use super::sockets::Found;

/// All of one namespace.
#[derive(Default)]
pub struct Table {
    by_inode: FxHashMap<u64, Tcp>,
    /// Inode numbers, by local and remote address.
    by_ends: FxHashMap<(SocketAddr, SocketAddr), u64>,
    /// Ports that are listened at.
    listening: FxHashSet<u16>,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tcp {
    local: SocketAddr,
    remote: SocketAddr,
    is_listening: bool,
    inode: u64,
}

/// `TCP_LISTEN`.
const LISTEN: &str = "0A";

impl Table {
    /// Of the namespace of a process.
    pub fn of(pid: u32) -> Table {
        let mut table = Table::default();
        for name in ["tcp", "tcp6"] {
            let text = fs::read_to_string(format!("/proc/{pid}/net/{name}"));
            table.learn(&text.unwrap_or_default());
        }
        table
    }

    fn learn(&mut self, text: &str) {
        for socket in text.lines().filter_map(line) {
            self.by_inode.insert(socket.inode, socket);
            let ends = (plain(socket.local), plain(socket.remote));
            self.by_ends.insert(ends, socket.inode);
            if socket.is_listening {
                self.listening.insert(socket.local.port());
            }
        }
    }

    /// What is known of one.
    pub fn find(&self, inode: u64) -> Option<Found> {
        let socket = self.by_inode.get(&inode)?;
        let (local, remote) = (plain(socket.local), plain(socket.remote));
        if socket.is_listening {
            return Some(Found {
                text: Some(format!("tcp {local}")),
                ..Found::default()
            });
        }
        let peer = self.by_ends.get(&(remote, local)).copied();
        let is_elsewhere = peer.is_none() && !remote.ip().is_loopback();
        Some(Found {
            text: Some(format!("tcp {local} → {remote}")),
            // A connection that is not accepted yet has none.
            peer: peer.filter(|&inode| inode != 0),
            is_connecting: !self.listening.contains(&local.port()),
            remote: is_elsewhere.then(|| remote.to_string()),
            ..Found::default()
        })
    }
}

/// An address of IPv4 in IPv6 as what it is.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode …`
fn line(text: &str) -> Option<Tcp> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    Some(Tcp {
        local: address(fields.get(1)?)?,
        remote: address(fields.get(2)?)?,
        is_listening: *fields.get(3)? == LISTEN,
        inode: fields.get(9)?.parse().ok()?,
    })
}

/// Words of 32 bits in the order of the machine, and a port.
fn address(text: &str) -> Option<SocketAddr> {
    let (words, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for word in words.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(v4) => IpAddr::V4(Ipv4Addr::from(v4)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 12 1 0 100 0 0 10 0
   2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 13 1 0 100 0 0 10 0
   3: 0500000A:C351 0600000A:01BB 01 00000000:00000000 00:00000000 00000000     0        0 14 1 0 100 0 0 10 0
   4: 0000000000000000FFFF00000100007F:C352 0000000000000000FFFF00000100007F:1F90 01 0:0 0:0 0 0 0 15 1
   5: 0100007F:1F90 0100007F:C352 01 00000000:00000000 00:00000000 00000000     0        0 0 1 0 100 0 0 10 0
";

    #[test]
    fn sockets_have_their_other_ends() {
        let mut table = Table::default();
        table.learn(TABLE);
        let found = |inode| table.find(inode).unwrap();
        let client = found(13);
        assert_eq!(client.peer, Some(12));
        assert!(client.is_connecting && client.remote.is_none());
        let server = found(12);
        assert_eq!(server.peer, Some(13));
        assert!(!server.is_connecting);
        let far = found(14);
        assert_eq!(
            (far.peer, far.remote.as_deref()),
            (None, Some("10.0.0.6:443"))
        );
        // Not accepted yet; and IPv4 in IPv6.
        let queued = found(15);
        assert_eq!((queued.peer, queued.remote), (None, None));
        assert_eq!(
            queued.text.as_deref(),
            Some("tcp 127.0.0.1:50002 → 127.0.0.1:8080")
        );
        let listener = found(11);
        assert_eq!((listener.peer, listener.remote), (None, None));
        assert!(!listener.is_connecting);
        assert_eq!(table.find(99), None);
    }
}
