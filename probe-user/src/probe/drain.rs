//! Ring → bytes. Copies and hands off, nothing else: the analysis runs in a
//! thread of its own.

use aya::maps::{MapData, RingBuf};

use super::switches::Switches;

/// Bytes taken in one go at most, so that a flood cannot keep a drain from ending.
const BATCH_BYTES: usize = 16 << 20;

/// How long a record may take from reading the clock to being submitted, ns. A
/// virtual CPU may lose its core in between.
const SETTLE_NS: u64 = 100_000_000;

/// All rings.
pub struct Drain {
    switches: Switches,
    hot: RingBuf<MapData>,
    cold: RingBuf<MapData>,
}

impl Drain {
    /// Wraps the rings.
    pub fn new(switches: Switches, hot: RingBuf<MapData>, cold: RingBuf<MapData>) -> Drain {
        Drain {
            switches,
            hot,
            cold,
        }
    }

    /// Appends what is there to `into`. Returns the time before which nothing
    /// more can come (0: no statement, the rings were not emptied).
    pub fn take(&mut self, into: &mut Vec<u8>) -> u64 {
        let before = monotonic_ns();
        // Births last: whoever has switched by then was born before, so that each
        // batch has the births of the threads in it, also the last of a cut
        // recording.
        let emptied = self.switches.take(into, BATCH_BYTES)
            & copy(&mut self.hot, into)
            & copy(&mut self.cold, into);
        if emptied {
            before.saturating_sub(SETTLE_NS)
        } else {
            0
        }
    }
}

fn copy(ring: &mut RingBuf<MapData>, into: &mut Vec<u8>) -> bool {
    while into.len() < BATCH_BYTES {
        match ring.next() {
            Some(item) => into.extend_from_slice(&item),
            None => return true,
        }
    }
    false
}

/// `CLOCK_MONOTONIC`, ns: the probes' clock.
pub fn monotonic_ns() -> u64 {
    clock_ns(nix::libc::CLOCK_MONOTONIC)
}

/// `CLOCK_BOOTTIME`, ns: as [`monotonic_ns`], and time spent suspended.
pub fn boottime_ns() -> u64 {
    clock_ns(nix::libc::CLOCK_BOOTTIME)
}

/// `CLOCK_REALTIME`, ns.
pub fn realtime_ns() -> u64 {
    clock_ns(nix::libc::CLOCK_REALTIME)
}

fn clock_ns(clock: nix::libc::clockid_t) -> u64 {
    let mut now = nix::libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a valid place for a timespec; these clocks always exist.
    unsafe { nix::libc::clock_gettime(clock, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
