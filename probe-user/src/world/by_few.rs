//! Times by thread, of as many threads as fit.

use rustc_hash::FxHashMap;

use super::identity::ThreadId;

/// Threads that have a time of their own: with thousands on a CPU each may meet each.
const DISTINCT_THREADS: usize = 64;

/// Bits that say which threads have none.
const BITS: u32 = 512;
const WORDS: usize = BITS as usize / 64;

/// Times of the first threads, ns, and of all others together.
///
/// In a long queue nearly every thread that is asked for is one of the others. A bit says so
/// without a look into the map: that is half of the time of a report of such a run.
#[derive(Clone, Debug, Default)]
pub struct ByFew {
    few: FxHashMap<ThreadId, u64>,
    /// One for each number modulo [`BITS`]; set where such a thread may have a time.
    seen: [u64; WORDS],
    /// Of threads beyond [`DISTINCT_THREADS`], and of forgotten ones.
    rest_ns: u64,
}

/// Times of threads that are added to many others.
#[derive(Debug, Default)]
pub struct Lot {
    /// By their bits.
    times: Vec<(ThreadId, u64)>,
    /// Where those of each word end.
    ends: [u8; WORDS],
    /// Bits of threads that have one.
    words: [u64; WORDS],
    total_ns: u64,
    /// Of no thread that is known.
    rest_ns: u64,
}

impl Lot {
    /// Those of a few.
    pub fn of(few: &ByFew) -> Lot {
        let mut times: Vec<(ThreadId, u64)> = few.iter().collect();
        times.sort_unstable_by_key(|&(thread, _)| (place(thread), thread));
        let mut lot = Lot {
            rest_ns: few.rest_ns,
            ..Lot::default()
        };
        for (end, &(thread, ns)) in (1..).zip(&times) {
            let (word, bit) = place(thread);
            lot.words[word] |= bit;
            lot.ends[word..].fill(end);
            lot.total_ns += ns;
        }
        Lot { times, ..lot }
    }
}

/// The word and bit of a thread.
fn place(thread: ThreadId) -> (usize, u64) {
    let number = thread.0 % BITS;
    (number as usize / 64, 1 << (number % 64))
}

impl ByFew {
    fn is_full(&self) -> bool {
        self.few.len() >= DISTINCT_THREADS
    }

    /// Adds a thread's.
    #[inline]
    pub fn add(&mut self, thread: ThreadId, ns: u64) {
        let (word, bit) = place(thread);
        let is_full = self.is_full();
        if is_full && self.seen[word] & bit == 0 {
            self.rest_ns += ns;
            return;
        }
        match self.few.get_mut(&thread) {
            Some(sum) => *sum += ns,
            None if is_full => self.rest_ns += ns,
            None => {
                self.few.insert(thread, ns);
                self.seen[word] |= bit;
            }
        }
    }

    /// Adds those of a lot: where most are of the others, in less time than one by one.
    #[inline]
    pub fn add_lot(&mut self, lot: &Lot) {
        self.rest_ns += lot.rest_ns;
        if !self.is_full() {
            let times = lot.times.iter();
            return times.for_each(|&(thread, ns)| self.add(thread, ns));
        }
        self.rest_ns += lot.total_ns;
        let mut from = 0;
        for (word, seen) in self.seen.iter().enumerate() {
            let to = usize::from(lot.ends[word]);
            if seen & lot.words[word] != 0 {
                for (thread, ns) in &lot.times[from..to] {
                    if seen & place(*thread).1 != 0
                        && let Some(sum) = self.few.get_mut(thread)
                    {
                        *sum += ns;
                        self.rest_ns -= ns;
                    }
                }
            }
            from = to;
        }
    }

    /// Adds up without a name what is of threads that are not known any more.
    pub fn forget(&mut self, is_known: impl Fn(ThreadId) -> bool) {
        self.few.retain(|&thread, ns| {
            let stays = is_known(thread);
            self.rest_ns += if stays { 0 } else { *ns };
            stays
        });
    }

    /// Threads with a time of their own.
    pub fn iter(&self) -> impl Iterator<Item = (ThreadId, u64)> + '_ {
        self.few.iter().map(|(&thread, &ns)| (thread, ns))
    }

    /// The time of all others.
    pub fn rest_ns(&self) -> u64 {
        self.rest_ns
    }
}

/// A bit may be set for a thread that is forgotten.
impl PartialEq for ByFew {
    fn eq(&self, other: &ByFew) -> bool {
        self.few == other.few && self.rest_ns == other.rest_ns
    }
}

impl Eq for ByFew {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn by_few_a_lot_adds_what_its_times_would(
            there in prop::collection::vec((0..600_u32, 0..100_u64), 0..150),
            lot in prop::collection::vec((0..1200_u32, 0..100_u64), 0..90),
            rest_ns in 0..9_u64,
        ) {
            let filled = |times: &[(u32, u64)]| {
                let mut filled = ByFew::default();
                times.iter().for_each(|&(thread, ns)| filled.add(ThreadId(thread), ns));
                filled
            };
            let lot = ByFew { rest_ns, ..filled(&lot) };
            let (mut at_once, mut one_by_one) = (filled(&there), filled(&there));
            at_once.add_lot(&Lot::of(&lot));
            let mut times: Vec<_> = lot.iter().collect();
            times.sort_unstable_by_key(|&(thread, _)| (place(thread), thread));
            times.iter().for_each(|&(thread, ns)| one_by_one.add(thread, ns));
            one_by_one.rest_ns += rest_ns;
            prop_assert_eq!(at_once, one_by_one);
        }

        #[test]
        fn by_few_is_a_map_of_the_first_and_a_sum_of_the_others(
            added in prop::collection::vec((0..2000_u32, 0..100_u64), 0..300),
            forgotten in 0..2000_u32,
        ) {
            let (mut by_few, mut map, mut rest_ns) = (ByFew::default(), BTreeMap::new(), 0);
            for &(thread, ns) in &added {
                // A bit stays where a thread is forgotten.
                if thread == forgotten {
                    by_few.forget(|thread| thread.0 % 2 == 0);
                    map.retain(|&thread, ns: &mut u64| {
                        rest_ns += if thread % 2 == 0 { 0 } else { *ns };
                        thread % 2 == 0
                    });
                }
                by_few.add(ThreadId(thread), ns);
                match map.len() >= DISTINCT_THREADS && !map.contains_key(&thread) {
                    true => rest_ns += ns,
                    false => *map.entry(thread).or_default() += ns,
                }
            }
            let few: BTreeMap<_, _> = by_few.iter().map(|(thread, ns)| (thread.0, ns)).collect();
            prop_assert_eq!(few, map);
            prop_assert_eq!(by_few.rest_ns(), rest_ns);
        }
    }
}
