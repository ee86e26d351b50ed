//! A trace as columns, and what is given up of it so that it fits: first the last digits of
//! instants, then the order of what is short.
//!
//! With a *unit* u, every instant is the next multiple of u: which wait, by whom and how
//! often stays as it is. At a *resolution* r, intervals of a thread that are shorter than r
//! and follow each other become one, which ends as soon as it is r long. What it stands for
//! is added up beside it.

use serde::Serialize;

use crate::document::Wake;
use crate::vocabulary::CauseKind;
use crate::{
    document::trace::{Interval, Site, Trace, TraceState, What},
    leb128::leb128,
};

/// How exact a packed trace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Level {
    /// Instants are multiples of 2 to this, ns.
    unit_bits: u32,
    /// 0: nothing is drawn together.
    resolution_ns: u64,
}

/// To the nanosecond.
const EXACT: Level = Level {
    unit_bits: 0,
    resolution_ns: 0,
};

/// The units that are tried before anything is drawn together: up to 4 µs.
const UNIT_BITS: [u32; 4] = [6, 8, 10, 12];

/// Resolutions, up to 18 minutes.
const RESOLUTION_BITS: std::ops::Range<u32> = 13..40;

/// A resolution is so many units.
const UNITS_BITS: u32 = 8;

/// What is tried, the most exact first.
fn levels() -> impl Iterator<Item = Level> {
    let alone = UNIT_BITS.iter().map(|&unit_bits| Level {
        unit_bits,
        resolution_ns: 0,
    });
    let together = RESOLUTION_BITS.map(|bits| Level {
        unit_bits: bits.saturating_sub(UNITS_BITS).max(UNIT_BITS[3]),
        resolution_ns: 1 << bits,
    });
    std::iter::once(EXACT).chain(alone).chain(together)
}

/// A trace as bytes.
pub(super) struct Packed {
    /// Header and columns, deflated.
    pub(super) deflated: Vec<u8>,
    /// What instants are multiples of, ns.
    pub(super) unit_ns: u64,
    /// 0 where no intervals are together.
    pub(super) resolution_ns: u64,
    /// Intervals that others stand for.
    pub(super) together: u64,
    /// All that were seen.
    pub(super) intervals: u64,
}

/// Intervals and parts of some that a page has at most: a browser shows so many at once.
const MOST_ITEMS: u64 = 4_000_000;

/// The trace in at most so many bytes; `None` if that cannot be.
pub(super) fn pack(trace: &Trace, most: usize) -> Option<Packed> {
    // Bytes for a bit: what deflating leaves of it is known behind a first attempt, and not
    // less than half.
    let mut share = 0.5 / 8.0;
    for level in levels() {
        let Size { bits, items } = size(trace, level);
        if bits as f64 * share > most as f64 || items > MOST_ITEMS {
            continue;
        }
        let packed = at(trace, level);
        if packed.deflated.len() <= most {
            return Some(packed);
        }
        share = packed.deflated.len() as f64 / bits.max(1) as f64;
    }
    None
}

/// How much there is at a level.
struct Size {
    /// About as many as tell it.
    bits: u64,
    /// Intervals and parts.
    items: u64,
}

fn size(trace: &Trace, level: Level) -> Size {
    let bits = |ns: u64| u64::from(u64::BITS - (ns >> level.unit_bits).leading_zeros());
    let mut size = Size { bits: 0, items: 0 };
    for lane in &trace.lanes {
        let intervals = lane.intervals();
        coarsened(trace, intervals, level.resolution_ns, |interval, parts| {
            let of_parts = parts.iter().map(|part| OTHER_BITS + bits(part.ns));
            size.bits += OTHER_BITS + bits(interval.ns) + of_parts.sum::<u64>();
            size.items += 1 + parts.len() as u64;
        });
    }
    size
}

/// What an interval was takes that, beside its length.
const OTHER_BITS: u64 = 2;

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

/// The columns, in the order in which they are written, and how far the present lane is.
#[derive(Default)]
struct Columns {
    unit_bits: u32,
    at_ns: u64,
    at_units: u64,
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
    unit_ns: u64,
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

/// The trace at one level.
fn at(trace: &Trace, level: Level) -> Packed {
    let mut columns = Columns::new(level.unit_bits);
    let (mut together, mut intervals, mut written) = (0, 0, 0);
    for (own, lane) in trace.lanes.iter().enumerate() {
        let mut count = 0;
        columns.begin(lane.from_ns);
        coarsened(
            trace,
            lane.intervals(),
            level.resolution_ns,
            |interval, parts| {
                count += 1;
                together += parts.iter().map(|part| part.count).sum::<u64>();
                columns.add(trace, own, interval, parts);
            },
        );
        leb128(&mut columns.count, count);
        written += count;
        intervals += lane.count;
    }
    let header = Header {
        version: 1,
        unit_ns: 1 << level.unit_bits,
        resolution_ns: if together > 0 { level.resolution_ns } else { 0 },
        together,
        intervals: written,
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
        unit_ns: header.unit_ns,
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
    fn new(unit_bits: u32) -> Columns {
        Columns {
            unit_bits,
            ..Columns::default()
        }
    }

    fn units(&self, ns: u64) -> u64 {
        let half = (1 << self.unit_bits) >> 1;
        ns.saturating_add(half) >> self.unit_bits
    }

    fn begin(&mut self, from_ns: u64) {
        self.at_ns = from_ns;
        self.at_units = self.units(from_ns);
        leb128(&mut self.from, self.at_units);
    }

    fn add(&mut self, trace: &Trace, own: usize, interval: Interval, parts: &[Part]) {
        self.at_ns = self.at_ns.saturating_add(interval.ns);
        // Instants are rounded, not lengths: those would add up to another end.
        let to = self.units(self.at_ns);
        leb128(&mut self.ns, to - self.at_units);
        self.at_units = to;
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
            let units = self.units(part.ns);
            leb128(&mut self.parts, units);
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
