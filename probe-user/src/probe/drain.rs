//! Ring → bytes. Copies and hands off, nothing else: the analysis runs in a
//! thread of its own.

use aya::maps::{MapData, RingBuf};

use super::switches::{Switches, Taken};

/// Bytes taken in one go at most, so that a flood cannot keep a drain from ending.
const BATCH_BYTES: usize = 16 << 20;

/// How long a record may take from reading the clock to being submitted, ns. A
/// virtual CPU may lose its core in between.
const SETTLE_NS: u64 = 100_000_000;

/// All rings.
pub struct Drain {
    switches: Switches,
    hot: Ring,
    cold: Ring,
}

/// A ring buffer of the kernel's kind.
pub struct Ring {
    /// Its records.
    pub map: RingBuf<MapData>,
    /// Its size.
    pub bytes: u32,
}

/// What a drain has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// The time before which nothing more can come; 0: no statement, the rings
    /// were not emptied.
    pub watermark_ns: u64,
    /// How full the fullest ring was.
    pub percent: u8,
}

impl Drain {
    /// Wraps the rings.
    pub fn new(switches: Switches, hot: Ring, cold: Ring) -> Drain {
        Drain {
            switches,
            hot,
            cold,
        }
    }

    /// Appends what is there to `into`.
    pub fn take(&mut self, into: &mut Vec<u8>) -> Drained {
        let before = monotonic_ns();
        // Births last: whoever has switched by then was born before, so that each
        // batch has the births of the threads in it, also the last of a cut
        // recording.
        let switches = self.switches.take(into, BATCH_BYTES);
        let hot = self.hot.take(into);
        let cold = self.cold.take(into);
        let Taken { emptied, percent } = switches.and(hot).and(cold);
        let watermark_ns = if emptied {
            before.saturating_sub(SETTLE_NS)
        } else {
            0
        };
        Drained {
            watermark_ns,
            percent,
        }
    }
}

impl Ring {
    fn take(&mut self, into: &mut Vec<u8>) -> Taken {
        let begin = into.len();
        let mut emptied = false;
        while into.len() < BATCH_BYTES {
            match self.map.next() {
                Some(item) => into.extend_from_slice(&item),
                None => {
                    emptied = true;
                    break;
                }
            }
        }
        let taken = (into.len() - begin) as u64;
        Taken {
            emptied,
            percent: (taken * 100 / u64::from(self.bytes.max(1))).min(100) as u8,
        }
    }
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
