//! Who holds a file that is locked: proc_locks(5).

use std::{fs, os::linux::fs::MetadataExt as _};

use super::{descriptors::numbers, poll::Polled};
use crate::metrics::top::around::{On, Question};

/// A lock, or a wait for one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lock {
    waits: bool,
    is_flock: bool,
    writes: bool,
    /// Who asked for it; -1 where it belongs to an open file, 0 where that is not to be seen.
    pid: i64,
    /// Device and inode number, as the table has them.
    file: String,
    inode: u64,
    /// First and last byte.
    bytes: (u64, u64),
}

/// All locks of the machine.
#[derive(Default)]
pub struct Locks(Vec<Lock>);

impl Locks {
    /// Now, if any of these waits are for one.
    pub fn for_any(subjects: &[(Question, Polled)]) -> Locks {
        let is_lock = |(_, polled): &(Question, Polled)| matches!(polled.on[..], [On::FileLock(_)]);
        if !subjects.iter().any(is_lock) {
            return Locks::default();
        }
        let text = fs::read_to_string("/proc/locks").unwrap_or_default();
        Locks(text.lines().filter_map(line).collect())
    }

    /// Who holds what a process waits for at a file; nobody if that is not known of all.
    pub fn holders(&self, own: u32, inode: u64) -> Vec<u32> {
        let mut found = Vec::new();
        for lock in self.in_the_way(own, inode) {
            let holders = lock.holders();
            if holders.is_empty() {
                return holders;
            }
            found.extend(holders);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn in_the_way(&self, own: u32, inode: u64) -> Vec<&Lock> {
        let is_own = |lock: &&Lock| lock.waits && lock.pid == i64::from(own) && lock.inode == inode;
        let wanted: Vec<&Lock> = self.0.iter().filter(is_own).collect();
        let held = self.0.iter().filter(|lock| !lock.waits);
        held.filter(|lock| wanted.iter().any(|wanted| conflict(wanted, lock)))
            .collect()
    }
}

fn conflict(wanted: &Lock, held: &Lock) -> bool {
    wanted.file == held.file
        && wanted.is_flock == held.is_flock
        // A process is not in its own way.
        && (held.is_flock || wanted.pid != held.pid)
        && (wanted.writes || held.writes)
        && wanted.bytes.0 <= held.bytes.1
        && held.bytes.0 <= wanted.bytes.1
}

impl Lock {
    /// A process has its locks until it ends. One of flock(2) belongs to the open file: who
    /// took it may be gone, and others have it.
    fn holders(&self) -> Vec<u32> {
        let taker = u32::try_from(self.pid).ok().filter(|&pid| pid != 0);
        match taker {
            Some(pid) if !self.is_flock || self.is_in(pid) => vec![pid],
            Some(_) => {
                let all = numbers("/proc").into_iter();
                all.filter(|&pid| self.is_in(pid)).collect()
            }
            None => Vec::new(),
        }
    }

    /// A process has the file open that this lock belongs to.
    fn is_in(&self, pid: u32) -> bool {
        numbers(&format!("/proc/{pid}/fd")).into_iter().any(|fd| {
            let file = fs::metadata(format!("/proc/{pid}/fd/{fd}"));
            file.is_ok_and(|file| file.st_ino() == self.inode)
                && fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}"))
                    .is_ok_and(|info| self.is_among(&info))
        })
    }

    fn is_among(&self, info: &str) -> bool {
        let locks = info.lines().filter_map(|line| line.strip_prefix("lock:"));
        locks.filter_map(line).any(|lock| lock == *self)
    }
}

/// `2: -> FLOCK  ADVISORY  WRITE 4711 08:01:7864554 0 EOF`
fn line(text: &str) -> Option<Lock> {
    let mut words = text.split_whitespace().skip(1).peekable();
    let waits = words.next_if_eq(&"->").is_some();
    let kind = words.next()?;
    if !matches!(kind, "FLOCK" | "POSIX" | "OFDLCK") {
        return None;
    }
    let mut words = words.skip(1);
    let writes = words.next()? == "WRITE";
    let pid = words.next()?.parse().ok()?;
    let file = words.next()?;
    let first = words.next()?.parse().ok()?;
    let last = words.next()?;
    Some(Lock {
        waits,
        is_flock: kind == "FLOCK",
        writes,
        pid,
        inode: file.rsplit(':').next()?.parse().ok()?,
        file: file.to_owned(),
        bytes: (first, last.parse().unwrap_or(u64::MAX)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
1: POSIX  ADVISORY  WRITE 10 08:01:7 0 99
1: -> POSIX  ADVISORY  WRITE 11 08:01:7 50 60
2: POSIX  ADVISORY  READ  12 08:01:7 100 EOF
3: FLOCK  ADVISORY  READ  13 08:01:8 0 EOF
4: FLOCK  ADVISORY  READ  14 08:01:8 0 EOF
3: -> FLOCK  ADVISORY  WRITE 15 08:01:8 0 EOF
3:  -> FLOCK  ADVISORY  READ 16 08:01:8 0 EOF
5: OFDLCK ADVISORY  WRITE -1 08:01:9 0 EOF
5: -> POSIX  ADVISORY  READ 17 08:01:9 0 9
6: LEASE  ACTIVE    READ  18 08:01:8 0 EOF
7: FLOCK  ADVISORY  WRITE 19 08:02:8 0 EOF
";

    #[test]
    fn file_locks_are_held_by_those_in_the_way() {
        let locks = Locks(TABLE.lines().filter_map(line).collect());
        assert_eq!(locks.0.len(), 10);
        let check = |own, inode, expected: &[i64]| {
            let found = locks.in_the_way(own, inode);
            let pids: Vec<i64> = found.iter().map(|lock| lock.pid).collect();
            assert_eq!(pids, expected, "{own}");
        };
        check(11, 7, &[10]);
        check(15, 8, &[13, 14]);
        check(16, 8, &[]);
        check(17, 9, &[-1]);
        check(10, 7, &[]);
        let info = "pos:\t0\nlock:\t1: FLOCK  ADVISORY  READ 13 08:01:8 0 EOF\n";
        assert!(locks.0[3].is_among(info) && !locks.0[4].is_among(info));
        assert!(locks.holders(17, 9).is_empty());
    }
}
