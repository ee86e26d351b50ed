//! What is at the other end of a socket of any process.

use std::{fs, os::linux::fs::MetadataExt as _};

use rustc_hash::FxHashMap;

use super::{tcp, unix};

/// Sockets of the network namespaces that were asked for, by their inode numbers.
#[derive(Default)]
pub struct Sockets {
    tcp: FxHashMap<u64, tcp::Table>,
    unix: FxHashMap<u64, unix::Table>,
}

/// What is known of a socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Both addresses, or the name that one of the ends has.
    pub text: Option<String>,
    /// The inode number of the other end, where that is on this machine.
    pub peer: Option<u64>,
    /// It is the end that asked for the connection.
    pub is_connecting: bool,
    /// It is a unix socket.
    pub is_unix: bool,
    /// And its other end has not read all that it was sent.
    pub is_unread: bool,
    /// The address of the other end, where that is elsewhere.
    pub remote: Option<String>,
}

impl Sockets {
    /// A socket of a process.
    pub fn look(&mut self, pid: u32, inode: u64) -> Found {
        let Ok(namespace) = fs::metadata(format!("/proc/{pid}/ns/net")) else {
            return Found::default();
        };
        let key = namespace.st_ino();
        let tcp = self.tcp.entry(key).or_insert_with(|| tcp::Table::of(pid));
        if let Some(found) = tcp.find(inode) {
            return found;
        }
        let unix = self.unix.entry(key).or_insert_with(|| unix::table(pid));
        unix::find(unix, inode).unwrap_or_default()
    }
}
