//! Where processes listen that were there before the observation: sockets among their
//! descriptors that the lists of their network namespace show in that state.

use std::{collections::HashSet, fs, os::unix::fs::MetadataExt as _};

use probe_common::{
    connection::{Listening, listening},
    families::Record as _,
    uapi::{AF_INET, AF_INET6},
};
use zerocopy::IntoBytes as _;

use crate::probe::clock::monotonic_ns;

/// Records of them, as the probes emit one when a socket begins to listen; none has the
/// address of its socket.
pub(super) fn of(pids: &[u32]) -> Vec<u8> {
    let mut records = Vec::new();
    for listener in pids.iter().flat_map(|&pid| of_process(pid)) {
        records.extend_from_slice(listener.as_bytes());
    }
    records
}

fn of_process(pid: u32) -> Vec<Listening> {
    let sockets = sockets(pid);
    let netns = fs::metadata(format!("/proc/{pid}/ns/net")).map(|file| file.ino());
    let netns = netns.ok().and_then(|netns| u32::try_from(netns).ok());
    let (false, Some(netns)) = (sockets.is_empty(), netns) else {
        return Vec::new();
    };
    let mut comm = [0; 16];
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    let name = name.strip_suffix(b"\n").unwrap_or(&name);
    for (to, from) in comm.iter_mut().zip(name) {
        *to = *from;
    }
    let places = ["tcp", "tcp6"].map(|file| {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{file}")).unwrap_or_default();
        let rows = text.lines().filter_map(row);
        let own = rows.filter(|(_, inode)| sockets.contains(inode));
        own.map(|(place, _)| place).collect::<Vec<Place>>()
    });
    let records = places.concat().into_iter().map(|place| Listening {
        header: Listening::header(0, listening::TRACED, monotonic_ns()),
        sock: 0,
        tid: pid,
        tgid: pid,
        netns,
        family: place.family,
        port: place.port,
        addr: place.addr,
        comm,
    });
    records.collect()
}

/// Inode numbers of its sockets.
fn sockets(pid: u32) -> HashSet<u64> {
    let Ok(folder) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return HashSet::new();
    };
    let links = folder.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let inodes = links.filter_map(|link| {
        let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        inode.parse().ok()
    });
    inodes.collect()
}

/// Where a socket listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    family: u16,
    port: u16,
    addr: [u8; 16],
}

/// The place and the inode number of a listening socket, from a row of proc_net_tcp(5):
/// addresses there are words in the machine's own order.
fn row(line: &str) -> Option<(Place, u64)> {
    const LISTEN: &str = "0A";
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (addr, port) = fields.next()?.split_once(':')?;
    if fields.nth(1)? != LISTEN {
        return None;
    }
    let inode = fields.nth(5)?.parse().ok()?;
    let mut bytes = [0; 16];
    for (to, word) in bytes.chunks_exact_mut(4).zip(addr.as_bytes().chunks(8)) {
        let word = u32::from_str_radix(str::from_utf8(word).ok()?, 16).ok()?;
        to.copy_from_slice(&word.to_ne_bytes());
    }
    let place = Place {
        family: if addr.len() == 8 { AF_INET } else { AF_INET6 },
        port: u16::from_str_radix(port, 16).ok()?,
        addr: bytes,
    };
    Some((place, inode))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

    use super::*;

    #[test]
    fn listening_rows_are_read_as_the_kernel_writes_them() {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt";
        assert_eq!(row(head), None);
        let established = "0: 0100007F:1F90 00000000:0000 01 00000000:00000000 00:00000000 \
                           00000000  1000        0 4711 1";
        assert_eq!(row(established), None);
        let (place, inode) = row(&established.replace(" 01 ", " 0A ")).expect("it listens");
        assert_eq!((place.family, place.port, inode), (AF_INET, 8080, 4711));
        #[cfg(target_endian = "little")]
        assert_eq!(place.addr[..4], Ipv4Addr::LOCALHOST.octets());
        let v6 = established
            .replace(" 01 ", " 0A ")
            .replace("0100007F", "00000000000000000000000001000000");
        let (place, _) = row(&v6).expect("it listens");
        assert_eq!(place.family, AF_INET6);
        #[cfg(target_endian = "little")]
        assert_eq!(place.addr, Ipv6Addr::LOCALHOST.octets());
    }

    #[test]
    fn listening_sockets_of_this_process_are_found() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let found = of_process(std::process::id());
        let found: Vec<_> = found.iter().filter(|it| it.port == port).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].addr[..4], [127, 0, 0, 1]);
        assert!(found[0].netns != 0);
    }
}
