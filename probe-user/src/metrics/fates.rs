//! Fates: how the processes ended that did not end cleanly, and what by.
//!
//! One for each process that ended otherwise than by `exit 0`. It is that of the thread whose
//! fault it was, or else of the one that stands for the process; the others are its siblings
//! that went with it. A signal ends all threads that there are, also those whose end was not
//! seen any more. A status that only a thread ended with, by a call of its own, is none: the
//! process has that of the thread that ended last.

use std::{cmp::Reverse, collections::BTreeMap};

use nix::libc;

use super::{RunInfo, process::Processes};
use crate::{
    document::{Fate, Sender, Thread as Row},
    vocabulary::{Exit, FateCause, Shortage, Tier},
    wire::event::Sent,
    world::{World, thread::Thread},
};

/// All of them, the worst kinds first, and by time; `None` where the ends of threads are
/// not seen. `rows` are the threads in the world's order.
pub fn of(world: &World, info: &RunInfo, processes: &Processes, rows: &[Row]) -> Option<Vec<Fate>> {
    if info.start.tier == Tier::Raw {
        return None;
    }
    let own = waitscope(world, info);
    let mut ends: BTreeMap<(usize, Exit), Vec<Dead>> = BTreeMap::new();
    for (thread, row) in world.threads.iter().zip(rows) {
        if let Some(exit) = thread.exit.filter(|&exit| exit != Exit::Code(0)) {
            let process = processes.of_thread[thread.id];
            ends.entry((process, exit)).or_default().push((thread, row));
        }
    }
    let last_ns = last_ends(world, processes, rows);
    ends.retain(|(process, exit), dead| match exit {
        Exit::Signal(_) => true,
        Exit::Code(_) => {
            let last_ns = last_ns.get(process).copied().flatten();
            dead.iter().any(|(_, row)| Some(row.end_ns) == last_ns)
        }
    });
    let fate = |((process, exit), dead): ((usize, Exit), Vec<Dead>)| {
        let main = processes.list.get(process)?.main;
        let main = world.get(main).zip(rows.get(*processes.rows.get(main)?));
        fate(world, exit, main, &dead, own)
    };
    let mut fates: Vec<Fate> = ends.into_iter().filter_map(fate).collect();
    fates.sort_by_key(|it| (rank(it), Reverse(it.siblings > 0), it.at_ns, it.tid));
    Some(fates)
}

/// The end of the last thread of each process, ns; `None` where one lives.
fn last_ends(world: &World, processes: &Processes, rows: &[Row]) -> BTreeMap<usize, Option<u64>> {
    let mut last: BTreeMap<usize, Option<u64>> = BTreeMap::new();
    for (thread, row) in world.threads.iter().zip(rows) {
        let of_process = last
            .entry(processes.of_thread[thread.id])
            .or_insert(Some(0));
        *of_process = match (thread.exit, *of_process) {
            (Some(_), Some(last_ns)) => Some(last_ns.max(row.end_ns)),
            (None, Some(last_ns)) if thread.is_dead() => Some(last_ns),
            _ => None,
        };
    }
    last
}

/// The worst first: what a process did wrong, what was done to it, what may be as it should.
fn rank(fate: &Fate) -> u8 {
    let is_of_kernel = fate.sender.is_none();
    match (fate.cause, fate.exit) {
        (FateCause::Oom, _) => 0,
        (FateCause::OomMemcg, _) => 1,
        (FateCause::StackOverflow, _) => 2,
        (FateCause::Segv, _) => 3,
        (_, Exit::Signal(libc::SIGBUS | libc::SIGILL | libc::SIGFPE)) if is_of_kernel => 4,
        (_, Exit::Signal(libc::SIGPIPE)) => 7,
        (FateCause::Core, _) => 5,
        (FateCause::Signal, _) => 6,
        (FateCause::Exit, _) => 8,
    }
}

/// waitscope's own process, where it has made the command.
fn waitscope(world: &World, info: &RunInfo) -> Option<u32> {
    let root = world.threads.iter().next()?;
    root.ppid.filter(|_| info.start.attached.is_empty())
}

/// A thread that is gone.
type Dead<'a> = (&'a Thread, &'a Row);

fn fate(
    world: &World,
    exit: Exit,
    main: Option<Dead>,
    dead: &[Dead],
    own: Option<u32>,
) -> Option<Fate> {
    let sent = match exit {
        Exit::Signal(number) => last_sent(world, dead, number),
        Exit::Code(_) => None,
    };
    let at_fault = sent.filter(|(_, sent)| sent.is_fault());
    let at_fault = at_fault.and_then(|(thread, _)| dead.iter().find(|(it, _)| it.id == thread.id));
    let first = dead.first()?;
    let (thread, row) = at_fault.copied().or(main).unwrap_or(*first);
    let end = dead.iter().find(|(it, _)| it.id == thread.id);
    let (_, end) = end.unwrap_or(first);
    let sent = sent.map(|(_, sent)| sent);
    let sender = sent.and_then(|sent| sent.sender.as_ref());
    let chosen = dead.iter().find_map(|(thread, _)| thread.ending.chosen);
    let is_killed = exit == Exit::Signal(libc::SIGKILL) && sender.is_none();
    let shortage = chosen.filter(|_| is_killed);
    let core = dead.iter().any(|(thread, _)| thread.ending.core);
    Some(Fate {
        pid: row.pid,
        tid: row.tid,
        comm: row.comm.clone(),
        group: row.group,
        exit,
        cause: cause(exit, shortage, sent, core),
        shortage: shortage.flatten(),
        core,
        sender: sender.map(|(pid, comm)| Sender {
            pid: *pid,
            comm: String::from_utf8_lossy(comm).into_owned(),
            passed_on: own == Some(*pid),
        }),
        by_kernel: sent.is_some_and(Sent::is_by_kernel),
        address: sent.and_then(Sent::address),
        siblings: with_it(world, exit, dead) - 1,
        at_ns: end.end_ns,
    })
}

/// Threads that an end was the end of.
fn with_it(world: &World, exit: Exit, dead: &[Dead]) -> u64 {
    let process = dead.first().map(|(thread, _)| thread.process);
    let process = process.and_then(|id| world.processes.get(id));
    let threads = process.into_iter().flat_map(|process| &process.threads);
    let unseen = threads.filter(|&&id| world.get(id).is_some_and(|it| it.exit.is_none()));
    let unseen = match exit {
        Exit::Signal(_) => unseen.count(),
        Exit::Code(_) => 0,
    };
    (dead.len() + unseen) as u64
}

/// The latest signal of a number that was sent to any thread of a process, and to which.
fn last_sent<'a>(
    world: &'a World,
    dead: &[Dead<'a>],
    number: i32,
) -> Option<(&'a Thread, &'a Sent)> {
    let (first, _) = dead.first()?;
    let process = world.processes.get(first.process)?;
    let threads = process.threads.iter().filter_map(|&id| world.get(id));
    let sent = threads.flat_map(|thread| {
        let sent = thread.ending.sent.iter();
        sent.map(move |(at_ns, sent)| (*at_ns, thread, sent))
    });
    let sent = sent.filter(|(_, _, sent)| i32::try_from(sent.signal) == Ok(number));
    sent.max_by_key(|(at_ns, ..)| *at_ns)
        .map(|(_, thread, sent)| (thread, sent))
}

fn cause(
    exit: Exit,
    shortage: Option<Option<Shortage>>,
    sent: Option<&Sent>,
    core: bool,
) -> FateCause {
    let is_fault = sent.is_none_or(|sent| sent.code > 0);
    match (exit, shortage) {
        (Exit::Code(_), _) => FateCause::Exit,
        (_, Some(Some(Shortage::Cgroup))) => FateCause::OomMemcg,
        (_, Some(_)) => FateCause::Oom,
        (Exit::Signal(libc::SIGSEGV), None) if is_fault => {
            match sent.is_some_and(Sent::is_stack_overflow) {
                true => FateCause::StackOverflow,
                false => FateCause::Segv,
            }
        }
        (Exit::Signal(_), None) if core => FateCause::Core,
        (Exit::Signal(_), None) => FateCause::Signal,
    }
}
