//! Only some threads of a report (`--group`, `--thread`): the rows of the others go, their
//! groups' sums are those of the threads that stay, and every index leads to where it did, or
//! nowhere.
//!
//! What is of the whole run stays that of the whole run: concurrency, machine, coverage,
//! listeners, herds, starts, and the critical path, as long as the first thread of its
//! process stays; its hops through threads that went are left out. A group that has lost
//! threads has no share of the path and no children, which nobody knows by thread.
//! Connections, descriptor tables, fates and memory are kept of the groups and processes that
//! stay.
//!
//! A page has every interval, and so all threads: there the others are one more group.

use std::{cmp::Reverse, collections::BTreeSet};

use wildmatch::WildMatchPattern;

use super::groups;
use crate::document::{CriticalPath, Document, Group, Thread, stacks::Stacks};

/// Names: `git*`, whatever their case.
type Glob = WildMatchPattern<'*', '?'>;

/// Which threads.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Of groups of these names; empty: of any.
    groups: Vec<Named>,
    /// These; empty: any.
    threads: Vec<Which>,
}

#[derive(Clone, Debug)]
struct Named {
    text: String,
    glob: Glob,
}

#[derive(Clone, Debug)]
enum Which {
    Tid(u32),
    Name(Named),
}

impl Named {
    fn new(text: &str) -> Named {
        Named {
            text: text.to_owned(),
            glob: Glob::new_case_insensitive(text),
        }
    }
}

/// Nothing is selected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no thread of the report is in {wanted}{}", hint(.nearest))]
pub struct NoThread {
    /// What was asked for.
    wanted: String,
    /// Names that may have been meant.
    nearest: Vec<String>,
}

fn hint(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        nearest => format!("; the nearest are {}", nearest.join(", ")),
    }
}

/// Names that are said to be near.
const NEAREST: usize = 3;

impl Selection {
    /// `groups`: patterns of names. `threads`: ids, or patterns of names.
    pub fn new(groups: &[String], threads: &[String]) -> Selection {
        let which = |text: &String| match text.parse() {
            Ok(tid) => Which::Tid(tid),
            Err(_) => Which::Name(Named::new(text)),
        };
        Selection {
            groups: groups.iter().map(|text| Named::new(text)).collect(),
            threads: threads.iter().map(which).collect(),
        }
    }

    /// Whether there is anything to select.
    pub fn is_all(&self) -> bool {
        self.groups.is_empty() && self.threads.is_empty()
    }

    /// Keeps the selected threads alone. A trace stays whole ([`Document::whole`]).
    pub fn apply(&self, document: &mut Document) -> Result<(), NoThread> {
        if self.is_all() {
            return Ok(());
        }
        let of_group = document.groups.iter().map(|group| self.has_group(group));
        let of_group: Vec<bool> = of_group.collect();
        let stays = |thread: &Thread| of_group[thread.group] && self.has(thread);
        let stays: Vec<bool> = document.threads.iter().map(stays).collect();
        if !stays.contains(&true) {
            return Err(self.no_thread(document));
        }
        if document.trace.is_some() {
            document.whole = Some(Box::new(divided(document.clone(), &stays)));
        }
        keep(document, &stays);
        Ok(())
    }

    fn has_group(&self, group: &Group) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|it| it.glob.matches(&group.name))
    }

    fn has(&self, thread: &Thread) -> bool {
        let is = |which: &Which| match which {
            Which::Tid(tid) => thread.tid == *tid,
            Which::Name(name) => name.glob.matches(&thread.comm),
        };
        self.threads.is_empty() || self.threads.iter().any(is)
    }

    fn no_thread(&self, document: &Document) -> NoThread {
        let groups = self.groups.iter().map(|it| format!("--group {}", it.text));
        let threads = self.threads.iter().map(|it| match it {
            Which::Tid(tid) => format!("--thread {tid}"),
            Which::Name(name) => format!("--thread {}", name.text),
        });
        let wanted: Vec<String> = groups.chain(threads).collect();
        let has_groups = document.groups.iter().any(|group| self.has_group(group));
        let mut nearest = Vec::new();
        match self.groups.first().filter(|_| !has_groups) {
            Some(named) => {
                let names = document.groups.iter().map(|group| &*group.name);
                nearest = near(&named.text, names);
            }
            None => {
                let names = self.threads.iter().filter_map(|it| match it {
                    Which::Name(name) => Some(&*name.text),
                    Which::Tid(_) => None,
                });
                let threads = || document.threads.iter().map(|thread| &*thread.comm);
                nearest.extend(names.flat_map(|name| near(name, threads())));
            }
        }
        nearest.dedup();
        NoThread {
            wanted: wanted.join(" "),
            nearest,
        }
    }
}

/// The names most like a pattern, best first; those that have it in them before others.
fn near<'a>(pattern: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let plain = pattern.replace(['*', '?'], "").to_lowercase();
    let names: BTreeSet<&str> = names.filter(|name| !name.is_empty()).collect();
    let likeness = |name: &'a str| {
        let lower = name.to_lowercase();
        let holds = f64::from(u8::from(lower.contains(&plain)));
        (holds + strsim::jaro_winkler(&plain, &lower), name)
    };
    let mut list: Vec<(f64, &str)> = names.into_iter().map(likeness).collect();
    list.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let best = list.into_iter().take(NEAREST);
    best.map(|(_, name)| name.to_owned()).collect()
}

/// Where rows are now, by where they were.
struct Places {
    threads: Vec<Option<usize>>,
    groups: Vec<Option<usize>>,
}

impl Places {
    fn thread(&self, before: usize) -> Option<usize> {
        self.threads.get(before).copied().flatten()
    }

    fn group(&self, before: usize) -> Option<usize> {
        self.groups.get(before).copied().flatten()
    }
}

/// Keeps the threads of which this is so.
fn keep(document: &mut Document, stays: &[bool]) {
    leave_out(document, stays);
    let (threads, groups) = (&mut document.threads, &mut document.groups);
    let places = Places {
        groups: keep_groups(threads, groups, stays),
        threads: numbered(stays),
    };
    let mut is_kept = stays.iter();
    threads.retain(|_| is_kept.next() == Some(&true));
    for thread in threads {
        thread.group = places.group(thread.group).unwrap_or_default();
        thread.creator = thread.creator.and_then(|creator| places.thread(creator));
    }
    follow(document, &places);
    document.name_threads();
}

/// Keeps the groups that keep a thread; where each is now.
fn keep_groups(threads: &[Thread], groups: &mut Vec<Group>, stays: &[bool]) -> Vec<Option<usize>> {
    let mut places = vec![None; groups.len()];
    let kept = kept_groups(threads, std::mem::take(groups), stays);
    for (now, (before, group)) in kept.into_iter().enumerate() {
        places[before] = Some(now);
        groups.push(group);
    }
    places
}

/// All threads, those that go in a group of their own, behind the others.
fn divided(mut document: Document, stays: &[bool]) -> Document {
    leave_out(&mut document, stays);
    let (threads, groups) = (&mut document.threads, &mut document.groups);
    let of_group = keep_groups(threads, groups, stays);
    let others = groups.len();
    let gone = threads.iter().zip(stays).filter(|(_, stays)| !**stays);
    let gone: Vec<&Thread> = gone.map(|(thread, _)| thread).collect();
    if !gone.is_empty() {
        let unlisted = Group {
            name: "threads that are not listed".to_owned(),
            unlisted: true,
            ..Group::default()
        };
        groups.push(of_some(unlisted, &gone));
    }
    let now = |group: usize| of_group.get(group).copied().flatten().unwrap_or(others);
    for (thread, stays) in threads.iter_mut().zip(stays) {
        thread.group = if *stays { now(thread.group) } else { others };
    }
    for fate in document.fates.iter_mut().flatten() {
        fate.group = now(fate.group);
    }
    let tables = document.fd_tables.iter_mut().flatten();
    let lists = tables.map(|table| &mut table.groups);
    let connections = document.connections.iter_mut().flatten();
    for list in lists.chain(connections.map(|connection| &mut connection.groups)) {
        for group in &mut *list {
            *group = now(*group);
        }
        list.sort_unstable();
        list.dedup();
    }
    document
}

/// What goes, as a sum.
fn leave_out(document: &mut Document, stays: &[bool]) {
    let all = document.threads.iter().zip(stays);
    let gone = all.filter(|(_, stays)| !**stays);
    let sum = document.left_out_threads.get_or_insert_default();
    for (thread, _) in gone {
        sum.threads += 1;
        sum.lifetime_ns = sum.lifetime_ns.saturating_add(thread.sums.lifetime_ns);
    }
}

/// How many come before each, of those that stay.
fn numbered(stays: &[bool]) -> Vec<Option<usize>> {
    let mut next = 0;
    let mut number = |stays: bool| {
        let number = stays.then_some(next);
        next += usize::from(stays);
        number
    };
    stays.iter().map(|stays| number(*stays)).collect()
}

/// The groups that keep a thread, with the sums of those that they keep, in the order of
/// groups; and where each was.
fn kept_groups(threads: &[Thread], groups: Vec<Group>, stays: &[bool]) -> Vec<(usize, Group)> {
    let mut members: Vec<(Vec<&Thread>, usize)> = groups.iter().map(|_| (Vec::new(), 0)).collect();
    for (thread, stays) in threads.iter().zip(stays) {
        let (kept, all) = &mut members[thread.group];
        *all += 1;
        kept.extend(stays.then_some(thread));
    }
    let groups = groups.into_iter().zip(members).enumerate();
    let kept = groups.filter(|(_, (_, (kept, _)))| !kept.is_empty());
    let mut list: Vec<(usize, Group)> = kept
        .map(|(before, (group, (kept, all)))| match kept.len() == all {
            true => (before, group),
            false => (before, of_some(group, &kept)),
        })
        .collect();
    list.sort_by_key(|(before, group)| (Reverse(group.sums.lifetime_ns), *before));
    list
}

/// A group of only these of its threads.
fn of_some(group: Group, kept: &[&Thread]) -> Group {
    let Group {
        name,
        runtime,
        helper,
        unlisted,
        ..
    } = group;
    let alone = |thread: &&Thread| Thread {
        group: 0,
        ..(*thread).clone()
    };
    let threads: Vec<Thread> = kept.iter().map(alone).collect();
    let mut group = Group {
        name,
        runtime,
        helper,
        unlisted,
        ..Group::default()
    };
    groups::total(&threads, std::slice::from_mut(&mut group));
    group
}

/// Everything that leads to a row.
fn follow(document: &mut Document, places: &Places) {
    let path = document.critical_path.take();
    document.critical_path = path.and_then(|path| path_of(path, places));
    if document.critical_path.is_none() {
        let groups = document.groups.iter_mut();
        groups.for_each(|group| group.critical_path_ns = None);
    }
    if let Some(paths) = document.critical_paths.take() {
        let paths = paths.into_iter();
        document.critical_paths = Some(paths.filter_map(|it| path_of(it, places)).collect());
    }
    if let Some(timelines) = &mut document.explained {
        timelines.retain_mut(|timeline| moved(&mut timeline.thread, &places.threads));
    }
    let threads = document.threads.iter();
    let pids: BTreeSet<u32> = threads.filter_map(|thread| thread.pid).collect();
    let tids: BTreeSet<u32> = document.threads.iter().map(|thread| thread.tid).collect();
    if let Some(tables) = &mut document.fd_tables {
        tables.retain_mut(|table| {
            let is_used =
                table.processes.is_empty() || table.processes.iter().any(|it| pids.contains(it));
            is_used && moved_all(&mut table.groups, places)
        });
    }
    if let Some(connections) = &mut document.connections {
        connections.retain_mut(|it| it.groups.is_empty() || moved_all(&mut it.groups, places));
    }
    if let Some(fates) = &mut document.fates {
        fates.retain_mut(|fate| {
            let is_there = fate
                .pid
                .map_or(tids.contains(&fate.tid), |pid| pids.contains(&pid));
            is_there && moved(&mut fate.group, &places.groups)
        });
    }
    if let Some(memory) = &mut document.memory {
        memory.retain(|memory| pids.contains(&memory.pid));
    }
    if let Some(Stacks { waits, chains }) = &mut document.stacks {
        waits.retain_mut(|spent| moved(&mut spent.thread, &places.threads));
        chains.retain_mut(|chain| moved(&mut chain.thread, &places.threads));
    }
    document.processes = processes(&document.threads);
    document.trace = None;
}

fn processes(threads: &[Thread]) -> usize {
    let known = |thread: &Thread| match thread.process {
        Some(process) => (Some(process), 0),
        None => (None, thread.pid.unwrap_or(thread.tid)),
    };
    threads.iter().map(known).collect::<BTreeSet<_>>().len()
}

/// A path whose root stays, with the hops through threads that do.
fn path_of(mut path: CriticalPath, places: &Places) -> Option<CriticalPath> {
    path.root = places.thread(path.root)?;
    let all = path.hops.len();
    path.hops
        .retain_mut(|hop| moved(&mut hop.thread, &places.threads));
    path.hops_left_out += (all - path.hops.len()) as u64;
    Some(path)
}

/// Leads to where the row is now; whether there is one.
fn moved(index: &mut usize, places: &[Option<usize>]) -> bool {
    let now = places.get(*index).copied().flatten();
    *index = now.unwrap_or_default();
    now.is_some()
}

fn moved_all(groups: &mut Vec<usize>, places: &Places) -> bool {
    groups.retain_mut(|group| moved(group, &places.groups));
    groups.sort_unstable();
    !groups.is_empty()
}
