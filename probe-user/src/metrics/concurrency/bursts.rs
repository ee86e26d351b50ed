//! Wake-ups per millisecond, and run-queue latency inside bursts and outside.
//! The definitions are in the module above.

use crate::{
    document::{Latency, Wakes},
    histogram::Histogram,
};

/// A bin's length, ns.
const BIN_NS: u64 = 1_000_000;
/// Fewer wake-ups in a bin are no burst, however few the CPUs.
const LEAST: u64 = 8;
/// Wake-ups for each CPU that make a burst.
const PER_CPU: u64 = 4;

/// Wake-ups in order of time.
pub(super) struct Bursts {
    origin_ns: u64,
    least: u64,
    /// The bin that is being filled, and its wake-ups.
    bin: u64,
    wakes: u64,
    /// Latencies of that bin's wake-ups, where known, ns.
    latencies: Vec<u64>,
    per_bin: Histogram,
    bursts: u64,
    inside: Histogram,
    outside: Histogram,
}

impl Bursts {
    pub(super) fn new(origin_ns: u64, cpus: u32) -> Bursts {
        Bursts {
            origin_ns,
            least: LEAST.max(PER_CPU * u64::from(cpus)),
            bin: 0,
            wakes: 0,
            latencies: Vec::new(),
            per_bin: Histogram::default(),
            bursts: 0,
            inside: Histogram::default(),
            outside: Histogram::default(),
        }
    }

    /// A waking, and how long its thread then stood in the run queue.
    pub(super) fn wake(&mut self, ts_ns: u64, latency_ns: Option<u64>) {
        self.fill_to(ts_ns.saturating_sub(self.origin_ns) / BIN_NS);
        self.wakes += 1;
        self.latencies.extend(latency_ns);
    }

    /// Closes the bins before this one.
    fn fill_to(&mut self, bin: u64) {
        if bin <= self.bin {
            return;
        }
        let is_burst = self.wakes >= self.least;
        self.bursts += u64::from(is_burst);
        let latencies = match is_burst {
            true => &mut self.inside,
            false => &mut self.outside,
        };
        for latency_ns in self.latencies.drain(..) {
            latencies.add(latency_ns);
        }
        self.per_bin.add(std::mem::take(&mut self.wakes));
        self.per_bin.add_times(0, bin - self.bin - 1);
        self.bin = bin;
    }

    /// Of a run that lasted so long; its last bin may be a short one.
    pub(super) fn end(mut self, over_ns: u64) -> Wakes {
        self.fill_to(over_ns.div_ceil(BIN_NS).max(self.bin + 1));
        Wakes {
            count: self.per_bin.total,
            bins: self.per_bin.count,
            p99_per_ms: self.per_bin.p99().unwrap_or(0),
            max_per_ms: self.per_bin.max,
            burst_from: self.least,
            bursts: self.bursts,
            latency_inside: latency(&self.inside),
            latency_outside: latency(&self.outside),
        }
    }
}

fn latency(of: &Histogram) -> Option<Latency> {
    Some(Latency {
        count: of.count,
        total_ns: of.total,
        p99_ns: of.p99()?,
        max_ns: of.max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN_NS: u64 = 7_000;

    /// Wake-ups at these µs of the run, with their latencies in ns, on two CPUs.
    fn of(wakes: &[(u64, Option<u64>)]) -> Wakes {
        let mut bursts = Bursts::new(ORIGIN_NS, 2);
        for &(us, latency_ns) in wakes {
            bursts.wake(ORIGIN_NS + us * 1_000, latency_ns);
        }
        bursts.end(4_500_000)
    }

    fn same(count: u64, ns: u64) -> Option<Latency> {
        Some(Latency {
            count,
            total_ns: count * ns,
            p99_ns: ns,
            max_ns: ns,
        })
    }

    #[test]
    fn bursts_four_wakeups_for_each_cpu_and_eight_at_least_are_a_burst() {
        for (cpus, least) in [(0, 8), (1, 8), (2, 8), (3, 12), (192, 768)] {
            assert_eq!(Bursts::new(0, cpus).least, least, "{cpus} CPUs");
        }
        let crowd = |n| vec![(1_500, Some(100)); n];
        let (seven, eight) = (of(&crowd(7)), of(&crowd(8)));
        assert_eq!((seven.bursts, seven.latency_inside), (0, None));
        assert_eq!(seven.latency_outside, same(7, 100));
        assert_eq!((eight.bursts, eight.latency_outside), (1, None));
        assert_eq!(eight.latency_inside, same(8, 100));
    }

    #[test]
    fn bursts_bins_begin_with_the_run_and_empty_ones_count() {
        let mut crowd = vec![(999, Some(5)); 7];
        crowd.extend([(1_000, Some(5)), (4_400, Some(5))]);
        let told = of(&crowd);
        assert_eq!((told.count, told.bins), (9, 5));
        assert_eq!((told.max_per_ms, told.p99_per_ms), (7, 7));
        assert_eq!(told.bursts, 0);
    }

    #[test]
    fn bursts_a_latency_that_is_not_known_makes_a_burst_and_is_no_latency() {
        let mut crowd = vec![(2_000, None); 7];
        crowd.push((2_999, Some(40)));
        let told = of(&crowd);
        assert_eq!((told.count, told.bursts), (8, 1));
        assert_eq!(told.latency_inside, same(1, 40));
    }

    #[test]
    fn bursts_no_wakeup_has_no_latency() {
        let told = of(&[]);
        assert_eq!((told.count, told.bins, told.max_per_ms), (0, 5, 0));
        assert_eq!((told.latency_inside, told.latency_outside), (None, None));
    }
}
