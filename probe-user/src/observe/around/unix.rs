//! Unix sockets and their other ends: sock_diag(7) of a network namespace. Where the kernel
//! has no `unix_diag`, or another namespace may not be entered, nothing is known of them.

use std::{
    fs::{self, File},
    os::{fd::AsRawFd as _, linux::fs::MetadataExt as _},
    thread,
};

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::{
    SockDiagMessage,
    unix::{ShowFlags, StateFlags, UnixRequest, UnixResponse, nlas::UnixDiagName},
};
use nix::{
    sched::{CloneFlags, setns},
    sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket},
};
use rustc_hash::FxHashMap;

use super::sockets::Found;

/// By inode number.
pub type Table = FxHashMap<u64, Unix>;

/// One end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unix {
    /// The path or abstract name that it was bound to, or that it was accepted at.
    name: Option<String>,
    /// The inode number of the other end; 0 while that is not accepted.
    peer: Option<u64>,
    /// It has not read all that it was sent.
    has_unread: bool,
}

/// What the kernel puts into one message at most (`netlink_recvmsg`), bytes.
const MESSAGES: usize = 32 << 10;
/// Messages begin at multiples of so many bytes.
const ALIGNED: usize = 4;

/// All of the network namespace of a process.
pub fn table(pid: u32) -> Table {
    let own = fs::metadata("/proc/self/ns/net").map(|own| own.st_ino());
    let Ok(other) = File::open(format!("/proc/{pid}/ns/net")) else {
        return Table::default();
    };
    let is_own = matches!((&own, other.metadata()), (Ok(own), Ok(other)) if *own == other.st_ino());
    let table = match is_own {
        true => dump(),
        // Only the thread enters it.
        false => thread::scope(|scope| {
            let inside = scope.spawn(|| {
                setns(&other, CloneFlags::CLONE_NEWNET).ok()?;
                dump()
            });
            inside.join().ok().flatten()
        }),
    };
    table.unwrap_or_default()
}

/// What is known of one.
pub fn find(table: &Table, inode: u64) -> Option<Found> {
    let own = table.get(&inode)?;
    let peer = own.peer.and_then(|peer| table.get(&peer));
    let peers_name = peer.and_then(|peer| peer.name.as_ref());
    let text = match peers_name.or(own.name.as_ref()) {
        Some(name) => format!("unix {name}"),
        None => format!("unix socket:[{inode}]"),
    };
    Some(Found {
        text: Some(text),
        peer: own.peer.filter(|&peer| peer != 0),
        // What is accepted has the name of where it was.
        is_connecting: own.name.is_none() && peers_name.is_some(),
        is_unix: true,
        is_unread: peer.is_some_and(|peer| peer.has_unread),
        remote: None,
    })
}

/// All of the namespace that the calling thread is in.
fn dump() -> Option<Table> {
    let (datagrams, flags) = (SockType::Datagram, SockFlag::SOCK_CLOEXEC);
    let protocol = SockProtocol::NetlinkSockDiag;
    let socket = socket(AddressFamily::Netlink, datagrams, flags, protocol).ok()?;
    let request = request();
    send(socket.as_raw_fd(), &request, MsgFlags::empty()).ok()?;
    let mut table = Table::default();
    let mut bytes = vec![0; MESSAGES];
    loop {
        let length = recv(socket.as_raw_fd(), &mut bytes, MsgFlags::empty()).ok()?;
        if learn(&mut table, bytes.get(..length)?)? {
            return Some(table);
        }
    }
}

fn request() -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let request = UnixRequest {
        state_flags: StateFlags::all(),
        inode: 0,
        show_flags: ShowFlags::NAME | ShowFlags::PEER | ShowFlags::RQLEN,
        cookie: [0xff; 8],
    };
    let mut message = NetlinkMessage::new(header, SockDiagMessage::UnixRequest(request).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// Takes in some messages; whether they were the last, or nothing if they are none.
fn learn(table: &mut Table, mut bytes: &[u8]) -> Option<bool> {
    while !bytes.is_empty() {
        let message = NetlinkMessage::<SockDiagMessage>::deserialize(bytes).ok()?;
        match message.payload {
            NetlinkPayload::InnerMessage(SockDiagMessage::UnixResponse(response)) => {
                table.insert(u64::from(response.header.inode), one(&response));
            }
            NetlinkPayload::Done(_) => return Some(true),
            _ => return None,
        }
        let length = usize::try_from(message.header.length).ok()?;
        bytes = bytes
            .get(length.next_multiple_of(ALIGNED)..)
            .unwrap_or_default();
    }
    Some(false)
}

fn one(response: &UnixResponse) -> Unix {
    Unix {
        name: response.name().map(|name| match name {
            UnixDiagName::Pathname(path) => path.to_string_lossy().into_owned(),
            // As in proc_net_unix(5).
            UnixDiagName::Abstract(name) => format!("@{}", String::from_utf8_lossy(name)),
        }),
        peer: response.peer().map(u64::from),
        has_unread: response.receive_queue_size().is_some_and(|bytes| bytes > 0),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        os::{
            fd::AsRawFd as _,
            linux::net::SocketAddrExt as _,
            unix::net::{SocketAddr, UnixListener, UnixStream},
        },
    };

    use super::*;

    fn unix(name: Option<&str>, peer: Option<u64>) -> Unix {
        Unix {
            name: name.map(str::to_owned),
            peer,
            has_unread: false,
        }
    }

    #[test]
    fn unix_sockets_have_their_other_ends() {
        let table = Table::from_iter([
            (1, unix(Some("/run/db"), None)),
            (2, unix(Some("/run/db"), Some(3))),
            (3, unix(None, Some(2))),
            (4, unix(None, Some(5))),
            (5, unix(None, Some(4))),
            // Not accepted yet.
            (6, unix(None, Some(0))),
        ]);
        let check = |inode, text: &str, peer, is_connecting| {
            let found = find(&table, inode).unwrap();
            assert_eq!(found.text.as_deref(), Some(text));
            assert_eq!((found.peer, found.is_connecting), (peer, is_connecting));
        };
        check(1, "unix /run/db", None, false);
        check(2, "unix /run/db", Some(3), false);
        check(3, "unix /run/db", Some(2), true);
        check(4, "unix socket:[4]", Some(5), false);
        check(6, "unix socket:[6]", None, false);
        assert_eq!(find(&table, 7), None);
    }

    fn inode(fd: &impl std::os::fd::AsFd) -> u64 {
        let link = fs::read_link(format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd())).unwrap();
        let link = link.to_str().unwrap();
        link["socket:[".len()..link.len() - 1].parse().unwrap()
    }

    /// Of our own namespace; a kernel may be without it.
    #[test]
    fn unix_sockets_are_found_in_the_kernel() {
        let table = table(std::process::id());
        if table.is_empty() {
            return;
        }
        let name = format!("waitscope-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let client = UnixStream::connect_addr(&address).unwrap();
        let (server, _) = listener.accept().unwrap();
        (&client).write_all(b"?").unwrap();
        let table = super::table(std::process::id());
        let found = find(&table, inode(&client)).unwrap();
        assert_eq!(found.text, Some(format!("unix @{name}")));
        assert_eq!(found.peer, Some(inode(&server)));
        assert!(found.is_connecting && found.is_unread);
        let found = find(&table, inode(&server)).unwrap();
        assert!(!found.is_connecting && !found.is_unread);
    }

    #[test]
    fn unix_sockets_are_not_read_from_what_is_no_message() {
        let check = |bytes: &[u8], expected| {
            assert_eq!(learn(&mut Table::default(), bytes), expected);
        };
        check(&[], Some(false));
        check(&[1, 2, 3], None);
        check(&[0xff; 64], None);
        check(&[0; 64], None);
        // NLMSG_DONE.
        check(
            &[20, 0, 0, 0, 3, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            Some(true),
        );
    }
}
