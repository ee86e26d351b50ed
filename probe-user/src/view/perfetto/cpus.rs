//! What every CPU did, as ftrace would have it: `sched_switch`, `sched_waking`,
//! `task_newtask` and `sched_process_free`, a bundle of events for each CPU.
//!
//! The probes see the threads of the tree. What a CPU did between two of them is known where
//! it has run tasks outside the tree all the time; else it may have been idle, and that is
//! not known. Two tasks that are none stand for it on each CPU ([`gap_tid`]), because a CPU
//! without a task is an idle one to Perfetto.
//!
//! Where a thread comes to be in a state that no switch put it in, it is switched to and away
//! again at that instant: its time in the state before and behind is exact, and the CPU has a
//! slice of no length.

use std::io;

use rustc_hash::FxHashMap;

use super::{
    course::letter,
    ids::{PID_MAX, RESERVED},
    packets::Packets,
    proto::{
        CompactSched, Data, Event, FtraceEvent, FtraceEventBundle, SchedProcessFree, SchedSwitch,
        SchedWaking, TaskNewtask, TracePacket,
    },
};

/// Events of a bundle.
const BUNDLE: usize = 4096;

/// `TRACE_FLAG_HARDIRQ` and `TRACE_FLAG_SOFTIRQ` in `common_flags`.
pub const HARDIRQ: u32 = 0x08;
pub const SOFTIRQ: u32 = 0x10;

/// The task that stands for a gap on a CPU.
pub fn gap_tid(cpu: usize, is_outside: bool) -> i32 {
    let first = if is_outside {
        RESERVED
    } else {
        RESERVED + PID_MAX
    };
    first + i32::try_from(cpu).unwrap_or(0)
}

/// All CPUs.
#[derive(Default)]
pub struct Cpus {
    list: Vec<Cpu>,
    /// Where each thread runs, by tid in the trace.
    pub running: FxHashMap<i32, usize>,
    /// Threads that came to a CPU on which another one ran.
    pub overlaps: u64,
}

#[derive(Default)]
struct Cpu {
    /// Which thread of the tree runs.
    thread: Option<i32>,
    /// What has been written to run last; `None` before the first switch.
    written: Option<i32>,
    /// When that was, ns.
    last_ns: u64,
    /// A thread that has left, and what it left to is not known yet.
    left: Option<Left>,
    events: Vec<FtraceEvent>,
    wakings: CompactSched,
    /// When the last of these was, ns: each is counted from the one before.
    waking_ns: u64,
}

struct Left {
    at_ns: u64,
    state: u16,
}

impl Cpus {
    /// At least so many.
    pub fn new(cpus: usize) -> Cpus {
        let mut list = Vec::new();
        list.resize_with(cpus, Cpu::default);
        Cpus {
            list,
            ..Cpus::default()
        }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    fn cpu(&mut self, at: usize) -> &mut Cpu {
        if self.list.len() <= at {
            self.list.resize_with(at + 1, Cpu::default);
        }
        &mut self.list[at]
    }

    /// A thread starts running.
    pub fn switch_in(&mut self, at_ns: u64, tid: i32, cpu: u16, outside_ns: u64) {
        let mut at = usize::from(cpu);
        if self.cpu(at).thread.is_some() {
            // Times that the kernel hid are near the truth: another has not quite left.
            self.overlaps += 1;
            let free = self.list.iter().position(|cpu| cpu.thread.is_none());
            at = free.unwrap_or(self.list.len());
        }
        let cpu = self.cpu(at);
        cpu.close_gap(at, at_ns, outside_ns, tid);
        cpu.thread = Some(tid);
        self.running.insert(tid, at);
    }

    /// A thread stops running; returns where.
    pub fn switch_out(&mut self, at_ns: u64, tid: i32, state: u16) -> usize {
        let at = self.running.remove(&tid).unwrap_or(0);
        let cpu = self.cpu(at);
        cpu.thread = None;
        cpu.left = Some(Left { at_ns, state });
        at
    }

    /// A thread is in a state that no switch put it in.
    pub fn place(&mut self, at_ns: u64, tid: i32, state: u16) {
        let at = self.quiet();
        let cpu = self.cpu(at);
        cpu.leave(at);
        let runs = cpu.written.unwrap_or(gap_tid(at, false));
        cpu.switch(at_ns, runs, letter::RUNNABLE, tid);
        cpu.switch(at_ns, tid, state, runs);
    }

    /// A CPU on which no thread of the tree runs, if there is one.
    fn quiet(&self) -> usize {
        let quiet = self.list.iter().position(|cpu| cpu.thread.is_none());
        quiet.unwrap_or(0)
    }

    /// A thread is woken in a task's context, by that with this tid (0: by none). On which CPU
    /// is known where that runs; else it may be `near` it.
    pub fn waking(&mut self, at_ns: u64, tid: i32, by: i32, near: Option<usize>, flags: u32) {
        let waking = SchedWaking { pid: Some(tid) };
        self.event(at_ns, by, near, flags, Event::SchedWaking(waking));
    }

    /// A thread is woken by an interrupt while another runs; that runs on this CPU.
    pub fn waking_in_interrupt(&mut self, at_ns: u64, tid: i32, at: usize, flags: u32) {
        let cpu = self.cpu(at);
        let wakings = &mut cpu.wakings;
        wakings.intern_table = vec![String::new()];
        wakings.waking_timestamp.push(at_ns - cpu.waking_ns);
        cpu.waking_ns = at_ns;
        wakings.waking_pid.push(tid);
        wakings.waking_target_cpu.push(0);
        wakings.waking_prio.push(0);
        wakings.waking_comm_index.push(0);
        wakings.waking_common_flags.push(flags);
    }

    /// A thread is made by another one; `flags` are those of clone(2).
    pub fn newtask(&mut self, at_ns: u64, tid: i32, comm: String, by: i32, flags: u64) {
        let newtask = TaskNewtask {
            pid: Some(tid),
            comm: Some(comm),
            clone_flags: Some(flags),
        };
        self.event(at_ns, by, None, 0, Event::TaskNewtask(newtask));
    }

    /// A tid is given back.
    pub fn free(&mut self, at_ns: u64, tid: i32, near: Option<usize>) {
        let free = SchedProcessFree { pid: Some(tid) };
        self.event(at_ns, 0, near, 0, Event::SchedProcessFree(free));
    }

    fn event(&mut self, at_ns: u64, by: i32, near: Option<usize>, flags: u32, event: Event) {
        let at = near.or_else(|| self.running.get(&by).copied());
        let at = at.unwrap_or_else(|| self.quiet());
        let cpu = self.cpu(at);
        // Events of one CPU and one instant are in the order in which they are written.
        if cpu.left.as_ref().is_some_and(|left| left.at_ns == at_ns) {
            cpu.leave(at);
        }
        cpu.events.push(FtraceEvent {
            timestamp: Some(at_ns),
            pid: u32::try_from(by).ok(),
            common_flags: (flags != 0).then_some(flags),
            event: Some(event),
        });
    }

    /// Writes bundles that are full.
    pub fn flush(&mut self, packets: &mut Packets<'_>) -> io::Result<()> {
        self.flush_from(BUNDLE, packets)
    }

    /// Writes all bundles; no thread starts running any more.
    pub fn end(&mut self, packets: &mut Packets<'_>) -> io::Result<()> {
        for (at, cpu) in self.list.iter_mut().enumerate() {
            cpu.leave(at);
        }
        self.flush_from(1, packets)
    }

    fn flush_from(&mut self, least: usize, packets: &mut Packets<'_>) -> io::Result<()> {
        for (at, cpu) in self.list.iter_mut().enumerate() {
            let count = cpu.events.len() + cpu.wakings.waking_pid.len();
            if count < least {
                continue;
            }
            let wakings = std::mem::take(&mut cpu.wakings);
            cpu.waking_ns = 0;
            let bundle = FtraceEventBundle {
                cpu: u32::try_from(at).ok(),
                event: std::mem::take(&mut cpu.events),
                compact_sched: Some(wakings).filter(|it| !it.waking_pid.is_empty()),
            };
            packets.write(&TracePacket {
                data: Some(Data::FtraceEvents(bundle)),
                ..TracePacket::default()
            })?;
        }
        Ok(())
    }
}

impl Cpu {
    fn switch(&mut self, at_ns: u64, from: i32, state: u16, to: i32) {
        let switch = SchedSwitch {
            prev_pid: Some(from),
            prev_state: Some(state.into()),
            next_pid: Some(to),
        };
        self.written = Some(to);
        self.last_ns = at_ns;
        self.events.push(FtraceEvent {
            timestamp: Some(at_ns),
            pid: u32::try_from(from).ok(),
            common_flags: None,
            event: Some(Event::SchedSwitch(switch)),
        });
    }

    /// A thread comes: it is known now what was before it.
    fn close_gap(&mut self, at: usize, at_ns: u64, outside_ns: u64, tid: i32) {
        let outside = gap_tid(at, true);
        let outside_from_ns = at_ns.saturating_sub(outside_ns);
        match (self.left.take(), self.written) {
            (Some(left), Some(from)) if left.at_ns == at_ns => {
                self.switch(at_ns, from, left.state, tid);
                return;
            }
            (Some(left), Some(from)) if outside_from_ns <= left.at_ns => {
                self.switch(left.at_ns, from, left.state, outside);
            }
            (Some(left), Some(from)) => {
                self.switch(left.at_ns, from, left.state, gap_tid(at, false));
            }
            _ => {}
        }
        let runs = self.written.unwrap_or(gap_tid(at, false));
        if outside_ns > 0 && runs != outside && self.last_ns < outside_from_ns {
            self.switch(outside_from_ns, runs, letter::RUNNABLE, outside);
        }
        let runs = self.written.unwrap_or(gap_tid(at, false));
        self.switch(at_ns, runs, letter::RUNNABLE, tid);
    }

    /// A thread has left, to what is not known.
    fn leave(&mut self, at: usize) {
        if let (Some(left), Some(from)) = (self.left.take(), self.written) {
            self.switch(left.at_ns, from, left.state, gap_tid(at, false));
        }
    }
}
