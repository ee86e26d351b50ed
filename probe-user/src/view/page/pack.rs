//! A trace as columns, and how much of it is drawn together so that it fits.
//!
//! At a *resolution* r, intervals of a thread that are shorter than r and follow each other
//! become one, which ends as soon as it is r long. What it stands for is added up beside it,
//! so no time is lost, only the order in which it passed.

use serde::Serialize;

use crate::document::trace::{Interval, Site, Trace, TraceState, What, leb128};
use crate::document::Wake;
use crate::vocabulary::CauseKind;

/// The finest resolution that is tried, ns.
const FINEST_NS: u64 = 1_000;
/// Resolutions double.
const STEPS: u32 = 40;

/// A trace as bytes.
pub(super) struct Packed {
    /// Header and columns, deflated.
    pub(super) deflated: Vec<u8>,
    /// 0 where no intervals are together.
    pub(super) resolution_ns: u64,
    /// Intervals that others stand for.
    pub(super) together: u64,
    /// All that were seen.
    pub(super) intervals: u64,
}

/// The trace in at most so many bytes; `None` if that cannot be.
pub(super) fn pack(trace: &Trace, most: usize) -> Option<Packed> {
    let exact = at(trace, 0);
    if exact.deflated.len() <= most {
        return Some(exact);
    }
    // Together or not, each number takes about as much room.
    let wanted = exact.intervals as f64 * most as f64 / exact.deflated.len() as f64;
    let resolutions = (0..STEPS).map(|step| FINEST_NS << step);
    let mut fitting = resolutions.skip_while(|&ns| items(trace, ns) as f64 > wanted);
    fitting.find_map(|ns| Some(at(trace, ns)).filter(|packed| packed.deflated.len() <= most))
}

/// How many intervals and parts there are at a resolution.
fn items(trace: &Trace, resolution_ns: u64) -> u64 {
    let mut items = 0;
    for lane in &trace.lanes {
        coarsened(trace, lane.intervals(), resolution_ns, |_, parts| {
            items += 1 + parts.len() as u64;
        });
    }
    items
}

/// Some intervals of one kind that are part of another.
struct Part {
    what: u32,
    count: u64,
    ns: u64,
}

/// Calls `each` with what is to be drawn, and what that stands for.
fn coarsened(
    trace: &Trace,
    intervals: impl Iterator<Item = Interval>,
    resolution_ns: u64,
    mut each: impl FnMut(Interval, &[Part]),
) {
    let mut short: Vec<Interval> = Vec::new();
    let mut short_ns = 0;
    let flush = |short: &mut Vec<Interval>, ns: u64, each: &mut dyn FnMut(Interval, &[Part])| {
        match **short {
            [] => {}
            [one] => each(one, &[]),
            _ => {
                let what = trace.whats.len() as u32;
                each(Interval { ns, what, by: None }, &parts(short));
            }
        }
        short.clear();
    };
    let is_open = |what: u32| {
        let what = trace.whats.get(what as usize);
        what.is_some_and(|what| what.state == TraceState::Open)
    };
    for interval in intervals {
        let is_short = interval.ns < resolution_ns && !is_open(interval.what);
        if is_short {
            short_ns += interval.ns;
            short.push(interval);
        }
        if !is_short || short_ns >= resolution_ns {
            flush(&mut short, std::mem::take(&mut short_ns), &mut each);
        }
        if !is_short {
            each(interval, &[]);
        }
    }
    flush(&mut short, short_ns, &mut each);
}

fn parts(short: &[Interval]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for interval in short {
        match parts.iter_mut().find(|part| part.what == interval.what) {
            Some(part) => {
                part.count += 1;
                part.ns += interval.ns;
            }
            None => parts.push(Part {
                what: interval.what,
                count: 1,
                ns: interval.ns,
            }),
        }
    }
    parts
}

/// The columns, in the order in which they are written.
#[derive(Default)]
struct Columns {
    count: Vec<u8>,
    from: Vec<u8>,
    ns: Vec<u8>,
    what: Vec<u8>,
    by: Vec<u8>,
    parts: Vec<u8>,
}

/// Lengths of the columns, bytes.
#[derive(Serialize)]
struct Lengths {
    count: usize,
    from: usize,
    ns: usize,
    what: usize,
    by: usize,
    parts: usize,
}

/// What stands before the columns.
#[derive(Serialize)]
struct Header<'a> {
    version: u32,
    resolution_ns: u64,
    together: u64,
    intervals: u64,
    columns: Lengths,
    whats: Vec<What>,
    sites: &'a [Site],
    causes: &'a [(CauseKind, Option<String>)],
    wakes: &'a [Wake],
    gil: Vec<(usize, usize, u64, u64)>,
}

/// The trace at one resolution.
fn at(trace: &Trace, resolution_ns: u64) -> Packed {
    let mut columns = Columns::default();
    let (mut together, mut intervals) = (0, 0);
    for (own, lane) in trace.lanes.iter().enumerate() {
        let mut count = 0;
        coarsened(trace, lane.intervals(), resolution_ns, |interval, parts| {
            count += 1;
            together += parts.iter().map(|part| part.count).sum::<u64>();
            columns.add(trace, own, interval, parts);
        });
        leb128(&mut columns.count, count);
        leb128(&mut columns.from, lane.from_ns);
        intervals += lane.count;
    }
    let header = Header {
        version: 1,
        resolution_ns: if together > 0 { resolution_ns } else { 0 },
        together,
        intervals,
        columns: columns.lengths(),
        whats: whats(trace),
        sites: &trace.sites,
        causes: &trace.causes,
        wakes: &trace.wakes,
        gil: (trace.gil.iter())
            .map(|held| (held.process, held.thread, held.from_ns, held.to_ns))
            .collect(),
    };
    Packed {
        deflated: columns.deflated(&super::json(&header)),
        resolution_ns: header.resolution_ns,
        together,
        intervals,
    }
}

/// Those of the trace, and behind them what stands for several.
fn whats(trace: &Trace) -> Vec<What> {
    let together = What {
        state: TraceState::Together,
        cause: None,
        site: None,
        wake: None,
        by: false,
    };
    let whats = trace.whats.iter().copied();
    whats.chain([together]).collect()
}

impl Columns {
    fn add(&mut self, trace: &Trace, own: usize, interval: Interval, parts: &[Part]) {
        leb128(&mut self.ns, interval.ns);
        leb128(&mut self.what, interval.what.into());
        let what = trace.whats.get(interval.what as usize);
        if what.is_some_and(|what| what.by) {
            let by = interval.by.unwrap_or_default();
            leb128(&mut self.by, zigzag(i64::from(by) - own as i64));
        }
        if !parts.is_empty() {
            leb128(&mut self.parts, parts.len() as u64);
        }
        for part in parts {
            leb128(&mut self.parts, part.what.into());
            leb128(&mut self.parts, part.count);
            leb128(&mut self.parts, part.ns);
        }
    }

    fn list(&self) -> [&[u8]; 6] {
        [
            &self.count,
            &self.from,
            &self.ns,
            &self.what,
            &self.by,
            &self.parts,
        ]
    }

    fn lengths(&self) -> Lengths {
        let [count, from, ns, what, by, parts] = self.list().map(<[u8]>::len);
        Lengths {
            count,
            from,
            ns,
            what,
            by,
            parts,
        }
    }

    fn deflated(&self, header: &[u8]) -> Vec<u8> {
        let length = (header.len() as u32).to_le_bytes();
        let [count, from, ns, what, by, parts] = self.list();
        super::deflate(&[&length, header, count, from, ns, what, by, parts])
    }
}

/// Small numbers of either sign as small ones.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}
