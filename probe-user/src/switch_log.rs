//! Where a thread ran and what woke it, as the trace of a scheduler has it, and as its
//! intervals do not: on which CPU, in which state it stopped, who ran where it was woken.
//! Some 6 bytes an entry.
//!
//! Entries are found by their instants, which are those at which intervals of the same
//! thread begin and end. One that fits no interval says nothing.

use crate::leb128::{leb128, read_leb128};

/// A thread's switches and wakings, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SwitchLog {
    bytes: Vec<u8>,
    /// What the first one is counted from, ns.
    base_ns: u64,
    /// When the last one was, ns.
    last_ns: u64,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, ns.
    pub at_ns: u64,
    /// What happened.
    pub what: What,
}

/// What happened to the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It started running.
    In {
        /// Where.
        cpu: u16,
        /// For how long that CPU had run tasks outside the tree before, ns; 0: not known.
        outside_ns: u64,
    },
    /// It stopped running.
    Out {
        /// Where.
        cpu: u16,
        /// Its state: see [`probe_common::sched::state`].
        state: u16,
        /// It was still runnable.
        runnable: bool,
    },
    /// It was made runnable.
    Woken(By),
}

/// What woke it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// It is not known whether an interrupt or a task did.
    Unknown,
    /// An interrupt, or a softirq, while the task with this tid ran there; 0: the idle
    /// task, or not known.
    Interrupt {
        /// In a softirq.
        soft: bool,
        /// Who was interrupted.
        tid: u32,
    },
    /// A thread of the tree, by its number where the log is.
    Thread(u32),
    /// A task outside the tree, by its number there.
    Outside(u32),
}

const IN: u64 = 0;
const OUT: u64 = 1;
const WOKEN: u64 = 2;
/// Kinds of entries take so many bits beside the time.
const KIND_BITS: u32 = 2;

impl SwitchLog {
    /// Adds the next entry; one that comes too late is left out.
    pub fn push(&mut self, entry: Entry) {
        let Some(ns) = entry.at_ns.checked_sub(self.last_ns) else {
            return;
        };
        self.last_ns = entry.at_ns;
        let (kind, first, second) = match entry.what {
            What::In { cpu, outside_ns } => (IN, cpu.into(), outside_ns),
            What::Out {
                cpu,
                state,
                runnable,
            } => (OUT, cpu.into(), u64::from(state) << 1 | u64::from(runnable)),
            What::Woken(by) => {
                let (kind, number) = match by {
                    By::Unknown => (0, 0),
                    By::Interrupt { soft: false, tid } => (1, tid),
                    By::Interrupt { soft: true, tid } => (2, tid),
                    By::Thread(number) => (3, number),
                    By::Outside(number) => (4, number),
                };
                (WOKEN, kind, u64::from(number))
            }
        };
        for number in [ns << KIND_BITS | kind, first, second] {
            leb128(&mut self.bytes, number);
        }
    }

    /// Forgets them all.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.base_ns = self.last_ns;
    }

    /// All of them, in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let mut rest = self.bytes.iter();
        let mut at_ns = self.base_ns;
        std::iter::from_fn(move || {
            let head = read_leb128(&mut rest)?;
            at_ns += head >> KIND_BITS;
            let first = read_leb128(&mut rest)?;
            let second = read_leb128(&mut rest)?;
            let number = u32::try_from(second).ok();
            let what = match head & ((1 << KIND_BITS) - 1) {
                IN => What::In {
                    cpu: u16::try_from(first).ok()?,
                    outside_ns: second,
                },
                OUT => What::Out {
                    cpu: u16::try_from(first).ok()?,
                    state: u16::try_from(second >> 1).ok()?,
                    runnable: second & 1 != 0,
                },
                _ => What::Woken(match first {
                    1 | 2 => By::Interrupt {
                        soft: first == 2,
                        tid: number?,
                    },
                    3 => By::Thread(number?),
                    4 => By::Outside(number?),
                    _ => By::Unknown,
                }),
            };
            Some(Entry { at_ns, what })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn what() -> impl Strategy<Value = What> {
        prop_oneof![
            (any::<u16>(), any::<u64>()).prop_map(|(cpu, outside_ns)| What::In { cpu, outside_ns }),
            (any::<u16>(), any::<u16>(), any::<bool>()).prop_map(|(cpu, state, runnable)| {
                What::Out {
                    cpu,
                    state,
                    runnable,
                }
            }),
            Just(What::Woken(By::Unknown)),
            (any::<bool>(), any::<u32>())
                .prop_map(|(soft, tid)| What::Woken(By::Interrupt { soft, tid })),
            any::<u32>().prop_map(|number| What::Woken(By::Thread(number))),
            any::<u32>().prop_map(|number| What::Woken(By::Outside(number))),
        ]
    }

    proptest! {
        #[test]
        fn switch_log_entries_come_back_as_they_were_pushed(
            list in prop::collection::vec((0..1_u64 << 40, what()), 0..50),
            cleared in 0_usize..50,
        ) {
            let mut at_ns = 0;
            let list: Vec<Entry> = list
                .into_iter()
                .map(|(ns, what)| {
                    at_ns += ns;
                    Entry { at_ns, what }
                })
                .collect();
            let mut log = SwitchLog::default();
            let cleared = cleared.min(list.len());
            list[..cleared].iter().for_each(|&entry| log.push(entry));
            prop_assert_eq!(log.entries().collect::<Vec<_>>(), &list[..cleared]);
            log.clear();
            list[cleared..].iter().for_each(|&entry| log.push(entry));
            prop_assert_eq!(log.entries().collect::<Vec<_>>(), &list[cleared..]);
        }
    }

    #[test]
    fn switch_log_leaves_out_what_comes_too_late() {
        let woken = |at_ns| Entry {
            at_ns,
            what: What::Woken(By::Unknown),
        };
        let mut log = SwitchLog::default();
        [5, 4, 5, 9].into_iter().for_each(|ns| log.push(woken(ns)));
        let list: Vec<u64> = log.entries().map(|entry| entry.at_ns).collect();
        assert_eq!(list, [5, 5, 9]);
    }
}
