//! Records as the probes write them, of three programs.

use std::collections::VecDeque;

use probe_common::{
    families::Record,
    fd::Object,
    header::Header,
    sched::{Switch, flag, state, waker},
    task::{Exit, Fork},
};
use waitscope::{probe::drain::SETTLE_NS, wire::session::Batch};
use zerocopy::{Immutable, IntoBytes};

/// Time between two drains, ns.
const DRAIN_NS: u64 = 20_000_000;

const READ: i16 = 0;
const FUTEX: i16 = 202;

/// A stream and how many records and threads it has.
pub struct Stream {
    pub batches: Vec<Batch>,
    pub records: u64,
    pub threads: u64,
}

/// Two threads on one CPU that answer each other through a pipe.
pub fn pair(switches: u32) -> Stream {
    let mut tape = Tape::default();
    tape.born(1, 0);
    tape.born(2, 1);
    for tid in [1, 2] {
        tape.pipe(tid);
    }
    for i in 0..switches {
        let (prev, next) = if i % 2 == 0 { (1, 2) } else { (2, 1) };
        tape.now_ns += 2_500;
        let wake = tape.now_ns - 800;
        tape.switch(
            0,
            Some((prev, READ, 5)),
            Some((next, wake, prev)),
            flag::OBJECT,
        );
    }
    tape.cut()
}

/// Threads on two CPUs that wait for each other's futexes.
pub fn pool(threads: u32, switches: u32) -> Stream {
    let mut tape = Tape::default();
    let mut waiting: VecDeque<u32> = VecDeque::new();
    for tid in 1..=threads {
        tape.born(tid, 1);
        waiting.push_back(tid);
    }
    let mut running = [0; 2];
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..switches {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let cpu = (random & 1) as usize;
        tape.now_ns += 1_000 + (random >> 8) % 3_000;
        let at = (random >> 24) as usize % waiting.len();
        let Some(next) = waiting.remove(at) else {
            continue;
        };
        let by = running[1 - cpu];
        let wake = tape.now_ns - 500;
        let word = 0x7f00_0000 + u64::from(running[cpu] % 4) * 64;
        let prev = (running[cpu] != 0).then_some((running[cpu], FUTEX, word));
        tape.switch(cpu as u16, prev, Some((next, wake, by)), 0);
        if running[cpu] != 0 {
            waiting.push_back(running[cpu]);
        }
        running[cpu] = next;
    }
    tape.cut()
}

/// Processes that are born, wait once and end, one after the other.
pub fn storm(processes: u32) -> Stream {
    let mut tape = Tape::default();
    tape.born(1, 0);
    for i in 0..processes {
        let tid = 2 + i;
        tape.born(tid, 1);
        tape.now_ns += 50_000;
        let woken = tape.now_ns - 1_000;
        tape.switch(0, Some((1, 61, 0)), Some((tid, woken, 1)), 0);
        tape.now_ns += 200_000;
        tape.exit(tid);
        tape.now_ns += 1_000;
        let woken = tape.now_ns - 500;
        tape.last_switch(tid, 1, woken);
    }
    tape.cut()
}

/// What is written, in order of time.
#[derive(Default)]
struct Tape {
    now_ns: u64,
    bytes: Vec<(u64, Vec<u8>)>,
    seqs: Vec<u16>,
}

impl Tape {
    fn born(&mut self, tid: u32, creator: u32) {
        self.now_ns += 1_000;
        let fork = Fork {
            header: self.header::<Fork>(0, 0),
            creator_tid: creator,
            tid,
            tgid: tid,
            ppid: creator,
            clone_flags: 0,
            start_ns: self.now_ns,
            comm: *b"worker\0\0\0\0\0\0\0\0\0\0",
        };
        self.put(&fork);
        self.seqs.resize(self.seqs.len().max(tid as usize + 1), 0);
    }

    fn pipe(&mut self, tid: u32) {
        let object = Object {
            header: self.header::<Object>(0, 0),
            tid,
            fd: 5,
            ino: 77,
            mode: 0o010_600,
            ..Object::default()
        };
        self.put(&object);
    }

    fn exit(&mut self, tid: u32) {
        let exit = Exit {
            header: self.header::<Exit>(0, 0),
            tid,
            ..Exit::default()
        };
        self.put(&exit);
    }

    fn last_switch(&mut self, prev: u32, next: u32, wake_ns: u64) {
        self.switch_as(
            0,
            Some((prev, -1, 0, state::DEAD)),
            Some((next, wake_ns, prev)),
            0,
        );
    }

    fn switch(
        &mut self,
        cpu: u16,
        prev: Option<(u32, i16, u64)>,
        next: Option<(u32, u64, u32)>,
        flags: u16,
    ) {
        let prev = prev.map(|(tid, nr, arg0)| (tid, nr, arg0, state::INTERRUPTIBLE));
        self.switch_as(cpu, prev, next, flags);
    }

    fn switch_as(
        &mut self,
        cpu: u16,
        prev: Option<(u32, i16, u64, u16)>,
        next: Option<(u32, u64, u32)>,
        flags: u16,
    ) {
        let mut switch = Switch {
            prev_nr: -1,
            waker_nr: -1,
            ..Switch::default()
        };
        let mut flags = flags;
        if let Some((tid, nr, arg0, state)) = prev {
            flags |= flag::HAS_PREV;
            let seq = &mut self.seqs[tid as usize];
            *seq = seq.wrapping_add(1);
            switch.prev_tid = tid;
            switch.prev_nr = nr;
            switch.prev_arg0 = arg0;
            switch.prev_state = state;
            switch.prev_seq = *seq;
        }
        if let Some((tid, wake_ns, by)) = next {
            flags |= flag::HAS_NEXT | flag::MOVES_KNOWN;
            switch.next_tid = tid;
            switch.next_seq = self.seqs[tid as usize];
            switch.wake_ns = wake_ns;
            switch.waker_tid = by;
            switch.waker_nr = 1;
            switch.waker_flags = waker::CONTEXT_KNOWN;
            switch.waker_flags |= if by == 0 { waker::IDLE } else { waker::TRACED };
        }
        switch.header = self.header::<Switch>(flags, cpu);
        self.put(&switch);
    }

    fn header<T: Record>(&self, flags: u16, cpu: u16) -> Header {
        T::header(cpu, flags, self.now_ns)
    }

    fn put(&mut self, record: &(impl IntoBytes + Immutable)) {
        self.bytes.push((self.now_ns, record.as_bytes().to_vec()));
    }

    /// One batch per drain.
    fn cut(self) -> Stream {
        let records = self.bytes.len() as u64;
        let mut batches: Vec<Batch> = Vec::new();
        let mut end_ns = 0;
        for (ts_ns, bytes) in self.bytes {
            if batches.is_empty() || ts_ns > end_ns {
                end_ns = ts_ns + DRAIN_NS;
                batches.push(Batch {
                    watermark_ns: ts_ns.saturating_sub(SETTLE_NS),
                    ..Batch::default()
                });
            }
            if let Some(batch) = batches.last_mut() {
                batch.records.extend(bytes);
            }
        }
        Stream {
            batches,
            records,
            threads: self.seqs.len() as u64,
        }
    }
}
