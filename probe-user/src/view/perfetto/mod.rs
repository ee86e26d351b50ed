//! The run as a trace for Perfetto: a stream of packets, written as it is made.
//!
//! What is in it, and what of it is said in which way: `docs/perfetto.md`. [`course`] is what
//! all threads did in the course of time; of it come the switches and wakings of every CPU
//! ([`cpus`]), the waits as slices with their flows ([`tracks`]), the counters ([`levels`]) and
//! the tree of processes ([`tree`]), whose numbers are Perfetto's own matter ([`ids`]).

mod course;
mod cpus;
mod ids;
mod levels;
mod packets;
mod proto;
#[cfg(test)]
mod tests;
mod tracks;
mod tree;

use std::io::{self, Write};

use probe_common::uapi::CLONE_THREAD;

use self::{
    course::{Course, Step},
    cpus::{Cpus, HARDIRQ, SOFTIRQ},
    ids::Ids,
    levels::Levels,
    packets::{Packets, SEQUENCE},
    proto::{Data, SEQ_INCREMENTAL_STATE_CLEARED, SystemInfo, TracePacket, Utsname},
    tracks::{Tracks, name_of},
    tree::Tree,
};
use super::sanitize;
use crate::{
    document::{
        Document,
        trace::{Interval, Switches, Trace, TraceState},
    },
    switch_log::By,
};

/// Most columns of a text of other processes.
const MOST_TEXT: usize = 400;

/// Text of other processes, without anything that a reader could be misled by.
fn plain(text: &str) -> String {
    sanitize::fit(&sanitize::text(text), MOST_TEXT).into_owned()
}

/// Whether there is what a trace is made of: not in a report in JSON.
pub fn has_trace(document: &Document) -> bool {
    let whole = document.whole.as_deref().unwrap_or(document);
    let trace = whole.trace.as_ref();
    trace.is_some_and(|trace| trace.switches.is_some())
}

/// Writes a trace of all threads: nothing if [`has_trace`] says that there is none.
pub fn write(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    // All threads are in it, also where only some are listed.
    let document = document.whole.as_deref().unwrap_or(document);
    let Some(trace) = document.trace.as_deref() else {
        return Ok(());
    };
    let Some(switches) = &trace.switches else {
        return Ok(());
    };
    let mut packets = Packets::new(out);
    head(document, &mut packets)?;
    let ids = ids::of(document, switches);
    let cpus = Cpus::new(document.host.cpus as usize);
    let mut writer = Writer {
        document,
        trace,
        switches,
        tree: Tree::new(document, switches, &ids),
        tracks: Tracks::new(document, trace),
        levels: Levels::new(document, &mut packets)?,
        left: vec![None; document.threads.len()],
        woken: vec![None; document.threads.len()],
        states: vec![None; document.threads.len()],
        ids,
        cpus,
        packets,
    };
    for (at_ns, row, step) in Course::new(document, trace, &switches.threads) {
        writer.step(at_ns, row, step)?;
    }
    writer.end()
}

/// What the reader must know first.
fn head(document: &Document, packets: &mut Packets<'_>) -> io::Result<()> {
    let host = &document.host;
    packets.write(&TracePacket {
        trusted_packet_sequence_id: Some(SEQUENCE),
        sequence_flags: Some(SEQ_INCREMENTAL_STATE_CLEARED),
        data: Some(Data::SystemInfo(SystemInfo {
            utsname: Some(Utsname {
                sysname: Some("Linux".to_owned()),
                release: Some(plain(&host.kernel)),
                machine: Some(plain(&host.arch)),
            }),
            num_cpus: Some(host.cpus),
        })),
        ..TracePacket::default()
    })
}

struct Writer<'a> {
    document: &'a Document,
    trace: &'a Trace,
    switches: &'a Switches,
    ids: Ids,
    cpus: Cpus,
    tracks: Tracks<'a>,
    levels: Levels,
    tree: Tree,
    /// Of each thread, when and where it last stopped running.
    left: Vec<Option<(u64, usize)>>,
    /// Of each thread, what has woken it since its present interval began.
    woken: Vec<Option<By>>,
    /// Of each thread, what it does.
    states: Vec<Option<TraceState>>,
    packets: Packets<'a>,
}

impl Writer<'_> {
    fn step(&mut self, at_ns: u64, row: usize, step: Step) -> io::Result<()> {
        let tid = self.ids.tids[row];
        if self.states[row].is_none() && !matches!(step, Step::Next(_) | Step::Gone) {
            self.begin(at_ns, row, step)?;
        }
        match step {
            Step::Out(state) => {
                let cpu = self.cpus.switch_out(at_ns, tid, state);
                self.left[row] = Some((at_ns, cpu));
            }
            Step::In { cpu, outside_ns } => self.cpus.switch_in(at_ns, tid, cpu, outside_ns),
            Step::Placed(state) => self.cpus.place(at_ns, tid, state),
            Step::Born => self.be_born(at_ns, row),
            Step::Woken { by, cpu } => {
                self.wake(at_ns, row, by, cpu.map(usize::from))?;
            }
            Step::Next(next) => self.next(at_ns, row, next)?,
            Step::Gone => {
                if let Some(tid) = self.tree.gone(row, &self.ids) {
                    self.cpus.free(at_ns, tid, self.near(at_ns, row));
                }
                if let Some(tid) = self.tree.process_gone(row, &self.ids) {
                    self.cpus.free(at_ns, tid, self.near(at_ns, row));
                }
            }
        }
        self.cpus.flush(&mut self.packets)
    }

    /// Where it stopped running at this very instant.
    fn near(&self, at_ns: u64, row: usize) -> Option<usize> {
        let left = self.left[row].filter(|&(left_ns, _)| left_ns == at_ns);
        left.map(|(_, cpu)| cpu)
    }

    /// The first that is seen of a thread.
    fn begin(&mut self, at_ns: u64, row: usize, step: Step) -> io::Result<()> {
        // Behind `task_newtask`, which makes another process of a pid that is there.
        let known_ns = at_ns + u64::from(step == Step::Born);
        let (pid, tid) = (self.ids.pids[row], self.ids.tids[row]);
        let name = &self.document.threads[row].comm;
        let track = self.tracks.describe(row, pid, tid, name);
        self.packets
            .write_at(known_ns, Data::TrackDescriptor(track))?;
        let tree = self.tree.begin(self.document, row, &self.ids);
        self.packets.write_at(known_ns, Data::ProcessTree(tree))
    }

    fn be_born(&mut self, at_ns: u64, row: usize) {
        let thread = &self.document.threads[row];
        let (pid, tid) = (self.ids.pids[row], self.ids.tids[row]);
        let creator = thread.creator.filter(|&it| it < self.ids.tids.len());
        let is_thread = creator.is_some_and(|it| self.ids.pids[it] == pid) && tid != pid;
        match creator {
            Some(creator) if is_thread || tid == pid => {
                let flags = if is_thread { CLONE_THREAD } else { 0 };
                let by = self.ids.tids[creator];
                let comm = plain(&thread.comm);
                self.cpus.newtask(at_ns, tid, comm, by, flags);
            }
            _ => self.cpus.waking(at_ns, tid, 0, None, 0),
        }
    }

    fn wake(&mut self, at_ns: u64, row: usize, by: By, cpu: Option<usize>) -> io::Result<()> {
        let tid = self.ids.tids[row];
        let near = cpu.or_else(|| self.near(at_ns, row));
        self.woken[row] = Some(by);
        match by {
            By::Thread(waker) if (waker as usize) < self.ids.tids.len() => {
                let waker = waker as usize;
                let waker_tid = self.ids.tids[waker];
                self.cpus.waking(at_ns, tid, waker_tid, near, 0);
                self.tracks.woken_by(at_ns, row, waker, &mut self.packets)?;
            }
            By::Outside(task) => {
                let waker = self.ids.outside.get(task as usize).copied();
                self.cpus.waking(at_ns, tid, waker.unwrap_or(0), near, 0);
            }
            By::Interrupt {
                soft,
                tid: interrupted,
            } => {
                let flags = if soft { SOFTIRQ } else { HARDIRQ };
                let interrupted = i32::try_from(interrupted).unwrap_or(0);
                let runs_on = self.cpus.running.get(&interrupted).copied();
                match runs_on.filter(|_| near.is_none()) {
                    Some(cpu) => self.cpus.waking_in_interrupt(at_ns, tid, cpu, flags),
                    None => self.cpus.waking(at_ns, tid, 0, near, flags),
                }
            }
            By::Thread(_) | By::Unknown => self.cpus.waking(at_ns, tid, 0, near, 0),
        }
        Ok(())
    }

    fn next(&mut self, at_ns: u64, row: usize, next: Option<Interval>) -> io::Result<()> {
        let woken_by = self.woken[row].take().and_then(|by| self.name(by));
        self.tracks
            .next(at_ns, row, next, woken_by.as_deref(), &mut self.packets)?;
        let what = next.and_then(|it| self.trace.whats.get(it.what as usize));
        let state = what.map(|what| what.state);
        let before = std::mem::replace(&mut self.states[row], state);
        self.levels.change(at_ns, before, state, &mut self.packets)
    }

    /// Who woke a thread; `None` of an interrupt, and where that is not known.
    fn name(&self, by: By) -> Option<String> {
        match by {
            By::Thread(waker) => Some(name_of(self.document, waker as usize)),
            By::Outside(task) => {
                let task = self.switches.tasks.get(task as usize)?;
                Some(format!("outside: {} {}", task.comm, task.tid))
            }
            By::Unknown | By::Interrupt { .. } => None,
        }
    }

    fn end(mut self) -> io::Result<()> {
        self.cpus.end(&mut self.packets)?;
        let from_ns = self.document.begin_ns();
        let tree = self
            .tree
            .others(self.switches, &self.ids, self.cpus.count());
        self.packets.write_at(from_ns, Data::ProcessTree(tree))?;
        levels::series(self.document, &mut self.packets)?;
        self.levels.end(self.document.end_ns(), &mut self.packets)
    }
}
