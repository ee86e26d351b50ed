//! What the network namespaces of the tree count themselves: the truth that what is seen
//! at listeners is compared with.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _},
    os::unix::fs::MetadataExt as _,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    probe::clock::monotonic_ns,
    wire::session::{Fact, NetCounters},
};

/// Namespaces that are looked at.
const MOST: usize = 64;

/// What is read of `TcpExt`, if the kernel has it.
const COUNTERS: &[&str] = &[
    "ListenOverflows",
    "ListenDrops",
    "TCPReqQFullDrop",
    "TCPReqQFullDoCookies",
    "SyncookiesSent",
    "TCPDeferAcceptDrop",
    "TCPSynRetrans",
];

/// The namespaces, each with a file that goes on to show its counters when its
/// processes are gone.
#[derive(Clone, Debug, Default)]
pub struct Netstat(Arc<Mutex<Vec<(u32, File)>>>);

impl Netstat {
    /// Reads those of a thread's namespace, unless they were read already.
    pub fn of_thread(&self, tid: u32) -> Option<Fact> {
        let netns = fs::metadata(format!("/proc/{tid}/ns/net")).ok()?.ino();
        let netns = u32::try_from(netns).ok()?;
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MOST || open.iter().any(|&(known, _)| known == netns) {
            return None;
        }
        let mut file = File::open(format!("/proc/{tid}/net/netstat")).ok()?;
        let counters = read(netns, &mut file)?;
        open.push((netns, file));
        Some(Fact::Netstat(counters))
    }

    /// Whether a namespace's were read.
    pub fn knows(&self, netns: u32) -> bool {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().any(|&(known, _)| known == netns)
    }

    /// Reads all of them again.
    pub fn again(&self) -> Vec<Fact> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = open.iter_mut().filter_map(|(netns, file)| {
            file.rewind().ok()?;
            read(*netns, file)
        });
        read.map(Fact::Netstat).collect()
    }
}

fn read(netns: u32, file: &mut File) -> Option<NetCounters> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    Some(NetCounters {
        netns,
        at_ns: monotonic_ns(),
        counters: counters(&text),
    })
}

/// A line of names and a line of values.
fn counters(text: &str) -> Vec<(String, u64)> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt:"));
    let (names, values) = (lines.next(), lines.next());
    let words = |line: Option<&'_ str>| -> Vec<String> {
        let words = line.unwrap_or_default().split_ascii_whitespace();
        words.map(str::to_owned).collect()
    };
    let all = words(names).into_iter().zip(words(values));
    let wanted = all.filter(|(name, _)| COUNTERS.contains(&&**name));
    wanted
        .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netstat_values_stand_below_their_names() {
        let text = "TcpExt: SyncookiesSent Other ListenOverflows\nTcpExt: 1 2 3\n\
                    IpExt: ListenDrops\nIpExt: 9\n";
        let expected = [
            ("SyncookiesSent".to_owned(), 1),
            ("ListenOverflows".to_owned(), 3),
        ];
        assert_eq!(counters(text), expected);
        assert_eq!(counters(""), []);
    }

    #[test]
    fn netstat_a_namespace_is_read_once_and_then_again() {
        let netstat = Netstat::default();
        let tid = std::process::id();
        let Some(Fact::Netstat(first)) = netstat.of_thread(tid) else {
            panic!("it was not read before");
        };
        assert_eq!(netstat.of_thread(tid), None);
        assert!(netstat.knows(first.netns));
        let again = netstat.again();
        let [Fact::Netstat(again)] = &again[..] else {
            panic!("{again:?}");
        };
        assert_eq!(again.netns, first.netns);
        assert!(again.at_ns > first.at_ns);
        assert!(!again.counters.is_empty());
    }
}
