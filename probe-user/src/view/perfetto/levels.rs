//! Counters: how many threads run, stand on a run queue, are blocked, and of how many it is
//! not known, each as the mean of a small part of the run, so that its integral is exact; and
//! the series that the report has, of listeners' queues and of open descriptors.

use std::io;

use super::{
    packets::Packets,
    proto::{CounterDescriptor, Data, TYPE_COUNTER, TrackDescriptor, TrackEvent},
};
use crate::document::{Document, trace::TraceState};

/// Parts that a run is divided into.
const PARTS: u64 = 4000;

/// Uuids of counters begin here; threads' are below.
const COUNTERS: u64 = 1 << 48;

const NAMES: [&str; 4] = [
    "threads running",
    "threads runnable",
    "threads blocked",
    "threads unknown",
];

fn place(state: TraceState) -> usize {
    match state {
        TraceState::OnCpu => 0,
        TraceState::RunQueue => 1,
        TraceState::Wait | TraceState::Open => 2,
        TraceState::Unknown | TraceState::Together => 3,
    }
}

/// How many threads do what.
pub struct Levels {
    /// How long a part is, ns.
    part_ns: u64,
    /// Where the present one began, and up to when it is summed up, ns.
    part_from_ns: u64,
    now_ns: u64,
    threads: [u64; 4],
    /// Sums over the part, thread-ns.
    sums: [u128; 4],
    /// What was written last.
    written: [Option<f64>; 4],
}

impl Levels {
    /// None does anything yet.
    pub fn new(document: &Document, packets: &mut Packets<'_>) -> io::Result<Levels> {
        for (at, name) in NAMES.iter().enumerate() {
            describe(at as u64, name, "threads", packets)?;
        }
        let from_ns = document.begin_ns();
        Ok(Levels {
            part_ns: (document.wall_ns / PARTS).max(1),
            part_from_ns: from_ns,
            now_ns: from_ns,
            threads: [0; 4],
            sums: [0; 4],
            written: [None; 4],
        })
    }

    /// A thread changes its state.
    pub fn change(
        &mut self,
        at_ns: u64,
        from: Option<TraceState>,
        to: Option<TraceState>,
        packets: &mut Packets<'_>,
    ) -> io::Result<()> {
        self.pass(at_ns, packets)?;
        if let Some(from) = from {
            self.threads[place(from)] = self.threads[place(from)].saturating_sub(1);
        }
        if let Some(to) = to {
            self.threads[place(to)] += 1;
        }
        Ok(())
    }

    fn pass(&mut self, to_ns: u64, packets: &mut Packets<'_>) -> io::Result<()> {
        while self.now_ns < to_ns {
            let end_ns = self.part_from_ns.saturating_add(self.part_ns);
            let until_ns = end_ns.min(to_ns);
            let ns = u128::from(until_ns - self.now_ns);
            for (sum, threads) in self.sums.iter_mut().zip(self.threads) {
                *sum += ns * u128::from(threads);
            }
            self.now_ns = until_ns;
            if until_ns == end_ns {
                self.write(packets)?;
            }
        }
        Ok(())
    }

    /// Writes the part that is over, where it is not as the one before.
    fn write(&mut self, packets: &mut Packets<'_>) -> io::Result<()> {
        let over_ns = (self.now_ns - self.part_from_ns).max(1);
        for at in 0..NAMES.len() {
            let mean = self.sums[at] as f64 / over_ns as f64;
            if self.written[at] != Some(mean) {
                count(self.part_from_ns, at as u64, mean, packets)?;
                self.written[at] = Some(mean);
            }
        }
        self.sums = [0; 4];
        self.part_from_ns = self.now_ns;
        Ok(())
    }

    /// The run is over; the trace ends here.
    pub fn end(mut self, end_ns: u64, packets: &mut Packets<'_>) -> io::Result<()> {
        self.pass(end_ns, packets)?;
        self.write(packets)?;
        for at in 0..NAMES.len() {
            count(end_ns, at as u64, 0.0, packets)?;
        }
        Ok(())
    }
}

/// The series that the report has.
pub fn series(document: &Document, packets: &mut Packets<'_>) -> io::Result<()> {
    let mut counter = NAMES.len() as u64;
    for listener in document.listeners.iter().flatten() {
        let Some(series) = &listener.series else {
            continue;
        };
        let address = listener.address.map(|address| address.to_string());
        let at = format!("{}:{}", address.unwrap_or_default(), listener.port);
        describe(
            counter,
            &format!("accept queue {at}"),
            "connections",
            packets,
        )?;
        describe(
            counter + 1,
            &format!("dropped at {at}"),
            "requests",
            packets,
        )?;
        for &(at_ns, waiting, dropped) in series {
            count(at_ns, counter, f64::from(waiting), packets)?;
            count(at_ns, counter + 1, dropped as f64, packets)?;
        }
        counter += 2;
    }
    for table in document.fd_tables.iter().flatten() {
        let name = format!("open descriptors of table {}", table.id);
        describe(counter, &name, "descriptors", packets)?;
        for &(at_ns, open) in &table.series {
            count(at_ns, counter, f64::from(open), packets)?;
        }
        counter += 1;
    }
    Ok(())
}

fn describe(counter: u64, name: &str, unit: &str, packets: &mut Packets<'_>) -> io::Result<()> {
    packets.write_at(
        0,
        Data::TrackDescriptor(TrackDescriptor {
            uuid: Some(COUNTERS + counter),
            name: Some(name.to_owned()),
            counter: Some(CounterDescriptor {
                unit_name: Some(unit.to_owned()),
            }),
            ..TrackDescriptor::default()
        }),
    )
}

fn count(at_ns: u64, counter: u64, value: f64, packets: &mut Packets<'_>) -> io::Result<()> {
    packets.write_at(
        at_ns,
        Data::TrackEvent(TrackEvent {
            r#type: Some(TYPE_COUNTER),
            track_uuid: Some(COUNTERS + counter),
            double_counter_value: Some(value),
            ..TrackEvent::default()
        }),
    )
}
