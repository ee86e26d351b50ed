//! Who has a pipe or a socket open: proc_pid_fd(5) of all processes.

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use rustc_hash::{FxHashMap, FxHashSet};

use super::sockets::Sockets;

/// What was seen of all processes is good for so long.
const FRESH: Duration = Duration::from_secs(3);
/// And for so many times as long as it takes, which is about 0.1 ms a process.
const REST: u32 = 50;
/// The same if something is wanted that was not there then.
const REST_IF_NEW: u32 = 10;

/// Pipes and sockets of all processes, as they were when somebody last walked through them.
#[derive(Default)]
pub struct Holders {
    walked: Option<Instant>,
    /// For how long that took.
    cost: Duration,
    /// Process and descriptor, by inode number.
    open: FxHashMap<u64, Vec<(u32, u32)>>,
    /// Inode numbers that nobody had open.
    absent: FxHashSet<u64>,
    /// Inode numbers whose holders are known.
    holders: FxHashMap<u64, Vec<Holder>>,
}

/// A process that has it open.
struct Holder {
    pid: u32,
    reads: bool,
    writes: bool,
    /// It has one thread only.
    is_single: bool,
}

/// What a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A socket, by its inode number.
    Socket(u64),
    /// A pipe without a name.
    Pipe(u64),
    /// An eventfd: by that threads wake each other.
    Wakeup,
    /// Something else.
    Other,
}

impl Holders {
    /// Of these inode numbers, from now on.
    pub fn learn(&mut self, now: Instant, wanted: &BTreeSet<u64>) {
        if !wanted.is_empty() && self.is_stale(now, wanted) {
            let begun = Instant::now();
            self.walk();
            (self.walked, self.cost) = (Some(now), begun.elapsed());
            let absent = wanted.iter().filter(|inode| !self.open.contains_key(inode));
            self.absent = absent.copied().collect();
        }
        self.look(wanted);
    }

    /// For what is new one does not wait as long as for what may have changed.
    fn is_stale(&self, now: Instant, wanted: &BTreeSet<u64>) -> bool {
        let Some(walked) = self.walked else {
            return true;
        };
        let is_known = |inode: &u64| self.open.contains_key(inode) || self.absent.contains(inode);
        now - walked
            > match wanted.iter().all(is_known) {
                true => FRESH.max(self.cost * REST),
                false => self.cost * REST_IF_NEW,
            }
    }

    fn walk(&mut self) {
        self.open.clear();
        self.holders.clear();
        for pid in numbers("/proc") {
            for fd in numbers(&format!("/proc/{pid}/fd")) {
                if let Some(Target::Socket(inode) | Target::Pipe(inode)) = target(pid, fd) {
                    self.open.entry(inode).or_default().push((pid, fd));
                }
            }
        }
    }

    fn look(&mut self, wanted: &BTreeSet<u64>) {
        for &inode in wanted {
            let open = self.open.get(&inode).map_or(&[][..], Vec::as_slice);
            let holders = self.holders.entry(inode).or_insert_with(|| holders(open));
            // Of one that has more threads by now it is not known who of them it will be.
            for holder in holders {
                holder.is_single = is_single(holder.pid);
            }
        }
    }

    /// Who else has it open, for writing, for reading, or for either; nobody if other threads
    /// of the process itself have it, too: it may be any of them then.
    pub fn others(&self, inode: u64, writes: Option<bool>, own: u32) -> Vec<u32> {
        let holders: Vec<&Holder> = self.of(inode, writes).collect();
        if holders
            .iter()
            .any(|holder| holder.pid == own && !holder.is_single)
        {
            return Vec::new();
        }
        let pids = holders.iter().map(|holder| holder.pid);
        pids.filter(|&pid| pid != own).collect()
    }

    /// Only the process itself has it.
    pub fn is_own(&self, inode: u64, writes: Option<bool>, own: u32) -> bool {
        let mut holders = self.of(inode, writes).peekable();
        holders.peek().is_some() && holders.all(|holder| holder.pid == own)
    }

    fn of(&self, inode: u64, writes: Option<bool>) -> impl Iterator<Item = &Holder> {
        let holders = self.holders.get(&inode).into_iter().flatten();
        holders.filter(move |holder| match writes {
            Some(true) => holder.writes,
            Some(false) => holder.reads,
            None => true,
        })
    }
}

/// By process, what its descriptors are for.
fn holders(open: &[(u32, u32)]) -> Vec<Holder> {
    let mut holders: Vec<Holder> = Vec::new();
    for &(pid, fd) in open {
        let (reads, writes) = access(pid, fd);
        match holders.iter_mut().find(|holder| holder.pid == pid) {
            Some(holder) => {
                holder.reads |= reads;
                holder.writes |= writes;
            }
            None => holders.push(Holder {
                pid,
                reads,
                writes,
                is_single: false,
            }),
        }
    }
    holders
}

/// What is open in a process: numbers and words, the lowest first, and how many more than
/// `most` there are.
pub fn open(pid: u32, most: usize) -> (Vec<(u32, String)>, usize) {
    let mut fds = numbers(&format!("/proc/{pid}/fd"));
    fds.sort_unstable();
    let more = fds.len().saturating_sub(most);
    fds.truncate(most);
    let mut sockets = Sockets::default();
    let words = |fd: u32| {
        let link = fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?;
        let link = link.to_string_lossy();
        let socket = match named(&link) {
            Target::Socket(inode) => sockets.look(pid, inode).text,
            _ => None,
        };
        Some((fd, socket.unwrap_or_else(|| link.into_owned())))
    };
    (fds.into_iter().filter_map(words).collect(), more)
}

/// What a descriptor of a process is.
pub fn target(pid: u32, fd: u32) -> Option<Target> {
    let link = fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?;
    Some(link.to_str().map_or(Target::Other, named))
}

/// `socket:[4711]`
fn named(link: &str) -> Target {
    let numbered = |name: &str| {
        let inode = link
            .strip_prefix(name)?
            .strip_prefix(":[")?
            .strip_suffix(']')?;
        inode.parse().ok()
    };
    let socket = numbered("socket").map(Target::Socket);
    match socket.or_else(|| numbered("pipe").map(Target::Pipe)) {
        Some(target) => target,
        None if link == "anon_inode:[eventfd]" => Target::Wakeup,
        None => Target::Other,
    }
}

/// Entries of a folder that are numbers.
pub fn numbers(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.collect()
}

/// Whether it is open for reading, and for writing.
fn access(pid: u32, fd: u32) -> (bool, bool) {
    let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok());
    match flags.map(|flags| flags & nix::libc::O_ACCMODE) {
        Some(nix::libc::O_RDONLY) => (true, false),
        Some(nix::libc::O_WRONLY) => (false, true),
        _ => (true, true),
    }
}

fn is_single(pid: u32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    tasks.is_ok_and(|tasks| tasks.count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_known_by_their_links() {
        assert_eq!(named("socket:[4711]"), Target::Socket(4711));
        assert_eq!(named("pipe:[12]"), Target::Pipe(12));
        assert_eq!(named("anon_inode:[eventfd]"), Target::Wakeup);
        for other in [
            "anon_inode:[timerfd]",
            "/socket:[1]",
            "pipe:[]",
            "/dev/pts/1",
            "",
        ] {
            assert_eq!(named(other), Target::Other, "{other}");
        }
    }
}
