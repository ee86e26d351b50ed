//! What the running kernel says of blocked tasks beside the records: looked up for each tick
//! of `top`, and kept as long as the wait lasts, or for a while.

mod call;
pub mod descriptors;
mod futex;
mod locks;
mod owner;
mod poll;
mod since;
mod sockets;
mod tcp;
mod unix;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    time::{Duration, Instant},
};

use rustc_hash::{FxHashMap, FxHashSet};

use self::{
    call::Call, descriptors::Holders, locks::Locks, owner::Owners, poll::Polled, since::Clock,
    sockets::Sockets,
};
use crate::{
    document::top::{WaitsFor, Why},
    metrics::top::around::{Around, On, Others, Question},
    world::process::ProcessId,
};

/// Waits that are looked into in one tick: the longest come first.
const MOST: usize = 512;
/// An answer is good for so long, but for that of a futex.
const FRESH: Duration = Duration::from_secs(3);

/// Looks up what is asked, and remembers it.
#[derive(Default)]
pub struct LookAround {
    owners: Owners,
    holders: Holders,
    answers: FxHashMap<Question, (Instant, Others)>,
    /// Since when threads were asleep that were so before they were seen, at the latest.
    asleep: FxHashMap<Question, Option<Instant>>,
}

impl LookAround {
    /// What is known of these processes, and of what these waits are on.
    pub fn look(&mut self, processes: &BTreeMap<u32, ProcessId>, questions: &[Question]) -> Around {
        let is_since = |question: &&Question| question.on == On::Since;
        let (since, others): (Vec<&Question>, Vec<&Question>) =
            questions.iter().partition(is_since);
        let now = Instant::now();
        self.look_since(now, &since);
        let questions: Vec<Question> = others.into_iter().take(MOST).copied().collect();
        let questions = &questions[..];
        let asked: FxHashSet<&Question> = questions.iter().collect();
        self.answers.retain(|question, _| asked.contains(question));
        let is_fresh = |(at, _): &(Instant, Others)| now - *at < FRESH;
        let stale = |question: &&Question| !self.answers.get(question).is_some_and(is_fresh);
        let stale: Vec<Question> = questions.iter().filter(stale).copied().collect();
        self.answer(now, &stale);
        let mut around = Around {
            processes: self.owners.of(processes),
            ..Around::default()
        };
        for (question, since) in &self.asleep {
            let asleep = since.map(|since| now.saturating_duration_since(since).as_nanos());
            let asleep_ns = asleep.and_then(|ns| u64::try_from(ns).ok());
            around
                .asleep_ns
                .extend(asleep_ns.map(|ns| (question.tid, ns)));
        }
        for (question, (_, others)) in &self.answers {
            around.others.insert(question.tid, others.clone());
        }
        // A lock may have another holder at any moment.
        for question in questions {
            if let On::Futex(word) = question.on {
                let Question { pid, tid, .. } = *question;
                let awaited = futex::awaited(pid, tid, word);
                let is_join = awaited.is_some_and(|(_, why)| why == Why::ThreadExit);
                let held = Others {
                    tasks: awaited.into_iter().collect(),
                    is_inside: futex::is_inside(pid, tid, word, is_join),
                    ..Others::default()
                };
                around.others.insert(tid, held);
            }
        }
        for others in around.others.values_mut() {
            others.outside = outside(processes, &others.tasks);
        }
        around
    }

    /// Looks up some more of those that slept before they were seen.
    fn look_since(&mut self, now: Instant, questions: &[&Question]) {
        let asked: FxHashSet<&Question> = questions.iter().copied().collect();
        self.asleep.retain(|question, _| asked.contains(question));
        let asleep = &self.asleep;
        let unknown = questions
            .iter()
            .filter(|question| !asleep.contains_key(question));
        let unknown: Vec<Question> = unknown.take(MOST).map(|question| **question).collect();
        if unknown.is_empty() {
            return;
        }
        let Some(clock) = Clock::read() else { return };
        for question in unknown {
            let ns = clock.asleep_ns(question.pid, question.tid);
            let since = ns.and_then(|ns| now.checked_sub(Duration::from_nanos(ns)));
            self.asleep.insert(question, since);
        }
    }

    fn answer(&mut self, now: Instant, questions: &[Question]) {
        let subjects = questions.iter().filter_map(|question| {
            let polled = subject(question)?;
            Some((*question, polled))
        });
        let subjects: Vec<(Question, Polled)> = subjects.collect();
        let mut sockets = Sockets::default();
        let mut wanted = BTreeSet::new();
        for (question, polled) in &subjects {
            wanted.extend(polled.on.iter().filter_map(|on| match *on {
                On::PipeRead(inode) | On::PipeWrite(inode) => Some(inode),
                On::Socket(inode) => sockets.look(question.pid, inode).peer,
                _ => None,
            }));
        }
        self.holders.learn(now, &wanted);
        let locks = Locks::for_any(&subjects);
        let mut found = Facts {
            sockets,
            locks,
            holders: &self.holders,
        };
        for (question, polled) in subjects {
            let others = found.others(&question, &polled);
            self.answers.insert(question, (now, others));
        }
    }
}

/// The only one, if its process is not followed.
fn outside(followed: &BTreeMap<u32, ProcessId>, tasks: &[(u32, Why)]) -> Option<WaitsFor> {
    let &[(tid, why)] = tasks else { return None };
    let status = fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let pid = field("Tgid:")?.trim().parse().ok()?;
    let comm = fs::read(format!("/proc/{tid}/comm")).ok()?;
    (!followed.contains_key(&pid)).then(|| WaitsFor {
        pid,
        tid,
        comm: String::from_utf8_lossy(comm.strip_suffix(b"\n").unwrap_or(&comm)).into_owned(),
        why,
    })
}

/// What a wait is on; nothing if others than these answer that.
fn subject(question: &Question) -> Option<Polled> {
    let Question { pid, tid, .. } = *question;
    match question.on {
        On::Futex(_) | On::Since => None,
        // Also what a poll is not for is remembered.
        On::Poll(array, count) => Some(poll::polled(pid, array, count).unwrap_or_default()),
        On::Select => Some(poll::selected(pid, tid).unwrap_or_default()),
        on => Some(Polled {
            on: vec![on],
            is_several: false,
        }),
    }
}

/// What answers come from.
struct Facts<'a> {
    sockets: Sockets,
    locks: Locks,
    holders: &'a Holders,
}

impl Facts<'_> {
    fn others(&mut self, question: &Question, polled: &Polled) -> Others {
        let mut found: Vec<Others> = Vec::new();
        for on in &polled.on {
            if !(polled.is_several && self.is_wakeup(question.pid, *on)) {
                found.push(self.of(question, *on, polled.is_several));
            }
        }
        if found.len() < 2 {
            return found.pop().unwrap_or_default();
        }
        // Any of them may do, if all are known.
        if found.iter().any(|others| others.tasks.is_empty()) {
            return Others::default();
        }
        let mut tasks: Vec<(u32, Why)> = found.into_iter().flat_map(|it| it.tasks).collect();
        tasks.sort_unstable();
        tasks.dedup();
        Others {
            tasks,
            ..Others::default()
        }
    }

    /// Only the process itself has its other end: by that its threads wake each other.
    fn is_wakeup(&mut self, pid: u32, on: On) -> bool {
        match on {
            On::PipeRead(inode) => self.holders.is_own(inode, Some(true), pid),
            On::Socket(inode) => {
                let peer = self.sockets.look(pid, inode).peer;
                peer.is_some_and(|peer| self.holders.is_own(peer, None, pid))
            }
            _ => false,
        }
    }

    fn of(&mut self, question: &Question, on: On, is_several: bool) -> Others {
        let Question { pid, tid, .. } = *question;
        let tasks = |inode, writes, why| {
            let pids = self.holders.others(inode, writes, pid);
            pids.into_iter().map(|pid| (pid, why)).collect()
        };
        let pipe = |inode, writes, why| Others {
            tasks: tasks(inode, Some(writes), why),
            object: Some(format!("pipe:[{inode}]")),
            ..Others::default()
        };
        match on {
            On::PipeRead(inode) => pipe(inode, true, Why::PipeWriter),
            On::PipeWrite(inode) => pipe(inode, false, Why::PipeReader),
            On::Socket(inode) => {
                let found = self.sockets.look(pid, inode);
                let peer = |peer| tasks(peer, None, Why::SocketPeer);
                Others {
                    tasks: found.peer.map_or_else(Vec::new, peer),
                    object: found.text,
                    // Connections to a message bus are polled beside an eventfd for ever.
                    is_asked: found.is_connecting
                        && (!(is_several && found.is_unix) || found.is_unread),
                    remote: found.remote,
                    ..Others::default()
                }
            }
            On::FileLock(inode) => {
                let holders = self.locks.holders(pid, inode).into_iter();
                Others {
                    tasks: holders.map(|pid| (pid, Why::FileLockHolder)).collect(),
                    object: locked_path(pid, tid),
                    ..Others::default()
                }
            }
            On::Vfork => Others {
                tasks: latest_child(pid, tid)
                    .map(|it| (it, Why::Child))
                    .into_iter()
                    .collect(),
                ..Others::default()
            },
            On::Futex(_) | On::Since | On::Poll(..) | On::Select => Others::default(),
        }
    }
}

/// The file that a thread waits to lock: the first argument of flock(2) and fcntl(2).
fn locked_path(pid: u32, tid: u32) -> Option<String> {
    let fd = Call::of(pid, tid)?.args[0];
    let path = fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?;
    path.to_str().map(str::to_owned)
}

/// The child that a thread has made last: it makes no other one while it waits for that.
fn latest_child(pid: u32, tid: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{tid}/children"));
    children.ok()?.split_whitespace().last()?.parse().ok()
}

/// Bytes of the memory of a process.
fn read(pid: u32, address: u64, bytes: &mut [u8]) -> io::Result<()> {
    File::open(format!("/proc/{pid}/mem"))?.read_exact_at(bytes, address)
}
