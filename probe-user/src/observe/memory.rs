//! What a process has in memory, by proc_pid_status(5) and proc_pid_smaps(5).

use std::{cmp::Reverse, fs};

use crate::wire::session::Fact;

/// Processes of which it is found out what no other one has, the largest: the kernel walks
/// through all of their memory for that.
const MOST: usize = 1000;

/// What processes that live on have in memory at the end.
#[derive(Debug, Default)]
pub struct AtEnd {
    /// Pid, and most that was resident, bytes.
    seen: Vec<(u32, u64)>,
}

impl AtEnd {
    /// A process that is there, if it has not gone since and has memory.
    pub fn note(&mut self, pid: u32) {
        let status = fs::read(format!("/proc/{pid}/status")).ok();
        let peak = status.and_then(|status| bytes_of(&status, b"VmHWM:"));
        self.seen.extend(peak.map(|peak| (pid, peak)));
    }

    /// What is known of all of them.
    pub fn facts(self) -> Vec<Fact> {
        self.facts_by(private)
    }

    fn facts_by(mut self, private: impl Fn(u32) -> Option<u64>) -> Vec<Fact> {
        self.seen.sort_by_key(|&(pid, peak)| (Reverse(peak), pid));
        let fact = |(at, (pid, peak)): (usize, (u32, u64))| Fact::Memory {
            pid,
            rss_peak_bytes: Some(peak),
            private_bytes: (at < MOST).then(|| private(pid)).flatten(),
        };
        self.seen.into_iter().enumerate().map(fact).collect()
    }
}

/// What a process has in memory and no other one, bytes; `None` if it has gone.
fn private(pid: u32) -> Option<u64> {
    let rollup = fs::read(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let parts = [
        &b"Private_Clean:"[..],
        b"Private_Dirty:",
        b"Private_Hugetlb:",
    ];
    let parts = parts.map(|name| bytes_of(&rollup, name).unwrap_or(0));
    let sum = |sum: u64, part| sum.saturating_add(part);
    (!rollup.is_empty()).then(|| parts.into_iter().fold(0, sum))
}

/// The bytes of `NAME:   4711 kB`. A name in there may be no UTF-8.
fn bytes_of(text: &[u8], name: &[u8]) -> Option<u64> {
    let mut lines = text.split(|&byte| byte == b'\n');
    let value = lines.find_map(|line| line.strip_prefix(name))?;
    let digits = str::from_utf8(value).ok()?.trim().strip_suffix(" kB")?;
    digits.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_kib() {
        let text =
            b"Name:\t\xff VmHWM: 1 kB\nVmPeak:\t 9000 kB\nVmHWM:\t    4711 kB\nVmRSS:\t1 kB\n";
        assert_eq!(bytes_of(text, b"VmHWM:"), Some(4711 * 1024));
        for odd in [
            &b"VmHWM: 4711"[..],
            b"VmHWM: x kB",
            b"VmHWM: 99999999999999999999 kB",
            b"",
        ] {
            assert_eq!(bytes_of(odd, b"VmHWM:"), None);
        }
        assert_eq!(bytes_of(b"VmHWM: 18446744073709551615 kB", b"VmHWM:"), None);
    }

    #[test]
    fn this_process_has_memory_of_its_own() {
        let mut at_end = AtEnd::default();
        at_end.note(std::process::id());
        at_end.note(u32::MAX);
        let facts = at_end.facts();
        let [
            Fact::Memory {
                rss_peak_bytes: Some(peak),
                private_bytes: Some(private),
                ..
            },
        ] = *facts
        else {
            panic!("{facts:?}");
        };
        assert!(private > 0 && peak >= private, "{peak} {private}");
    }

    #[test]
    fn of_many_processes_only_the_largest_are_walked_through() {
        let most = u32::try_from(MOST).expect("a small number");
        let at_end = AtEnd {
            seen: (0..most + 5).map(|pid| (pid, u64::from(pid))).collect(),
        };
        let mut unknown = Vec::new();
        let facts = at_end.facts_by(|pid| Some(u64::from(pid)));
        assert_eq!(facts.len(), MOST + 5);
        for fact in facts {
            let Fact::Memory {
                pid,
                rss_peak_bytes,
                private_bytes,
            } = fact
            else {
                panic!("{fact:?}");
            };
            assert_eq!(rss_peak_bytes, Some(u64::from(pid)));
            match private_bytes {
                Some(private) => assert_eq!(private, u64::from(pid)),
                None => unknown.push(pid),
            }
        }
        assert_eq!(unknown, [4, 3, 2, 1, 0]);
    }
}
