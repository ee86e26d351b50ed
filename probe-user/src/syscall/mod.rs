//! System calls: names by number for each architecture, and what a sleep in
//! one waits for. The table is by name, so that it is written once.

mod aarch64;
mod class;
mod x86_64;

use std::sync::LazyLock;

pub use class::{Class, Descriptor};
use probe_common::config::{SYSCALL_SLOTS, lookup, syscall_bits};

/// One architecture's numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `syscall_64.tbl`
    X86_64,
    /// The generic table, which arm64 uses.
    Aarch64,
}

impl Table {
    /// The running machine's.
    pub fn native() -> Table {
        if cfg!(target_arch = "aarch64") {
            Table::Aarch64
        } else {
            Table::X86_64
        }
    }

    /// The name recordings use.
    pub fn id(self) -> &'static str {
        match self {
            Table::X86_64 => "x86_64",
            Table::Aarch64 => "aarch64",
        }
    }

    /// The inverse of [`Table::id`].
    pub fn by_id(id: &str) -> Option<Table> {
        [Table::X86_64, Table::Aarch64]
            .into_iter()
            .find(|t| t.id() == id)
    }

    /// The name of a call; `None` when this version does not know it.
    pub fn name(self, nr: i16) -> Option<&'static str> {
        let names = match self {
            Table::X86_64 => x86_64::NAMES,
            Table::Aarch64 => aarch64::NAMES,
        };
        let name = *names.get(usize::try_from(nr).ok()?)?;
        (!name.is_empty()).then_some(name)
    }

    /// What a sleep in a call waits for.
    #[inline]
    pub fn class(self, nr: i16) -> Class {
        // Asked at every wait: the names are matched once.
        static X86_64: LazyLock<Vec<Class>> = LazyLock::new(|| classes(x86_64::NAMES));
        static AARCH64: LazyLock<Vec<Class>> = LazyLock::new(|| classes(aarch64::NAMES));
        let classes = match self {
            Table::X86_64 => &*X86_64,
            Table::Aarch64 => &*AARCH64,
        };
        let index = usize::try_from(nr).unwrap_or(usize::MAX);
        classes.get(index).copied().unwrap_or(Class::Other)
    }
}

fn classes(names: &[&str]) -> Vec<Class> {
    names.iter().map(|name| Class::of(name)).collect()
}

/// What the probes must know about every call, by number ([`syscall_bits`]).
pub fn probe_table(table: Table) -> [u8; SYSCALL_SLOTS] {
    std::array::from_fn(|nr| probe_bits(table, nr))
}

fn probe_bits(table: Table, nr: usize) -> u8 {
    let nr = i16::try_from(nr).unwrap_or(-1);
    let class = table.class(nr);
    let lookup = table.name(nr).map_or(lookup::NONE, class::lookup_of);
    let mut bits = lookup << syscall_bits::LOOKUP_SHIFT;
    if class.descriptor() == Descriptor::First {
        bits |= syscall_bits::FD;
    }
    if !class.settles() {
        bits |= syscall_bits::NEEDS_STACK;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_both_tables_name_the_same_calls() {
        for (name, x86, arm) in [
            ("read", 0, 63),
            ("futex", 202, 98),
            ("wait4", 61, 260),
            ("epoll_pwait", 281, 22),
            ("io_uring_enter", 426, 426),
            ("futex_wait", 455, 455),
        ] {
            assert_eq!(Table::X86_64.name(x86), Some(name));
            assert_eq!(Table::Aarch64.name(arm), Some(name));
        }
        for nr in [-1, 336 + 64, i16::MAX] {
            assert_eq!(Table::X86_64.name(nr), None);
            assert_eq!(Table::X86_64.class(nr), Class::Other);
        }
    }

    #[test]
    fn probes_learn_which_calls_take_a_descriptor_and_which_need_a_stack() {
        let table = probe_table(Table::X86_64);
        let bits = |nr: usize| table[nr];
        assert_eq!(bits(0), syscall_bits::FD); // read
        assert_eq!(bits(202), 0); // futex
        assert_eq!(bits(83), syscall_bits::NEEDS_STACK); // mkdir
        let looked_up = |what: u8| what << syscall_bits::LOOKUP_SHIFT;
        let openat = syscall_bits::NEEDS_STACK | looked_up(lookup::THIRD);
        assert_eq!(bits(257), openat);
        assert_eq!(bits(7), looked_up(lookup::POLL));
        assert_eq!(bits(449), looked_up(lookup::FUTEXES));
        let both = syscall_bits::FD | syscall_bits::NEEDS_STACK;
        assert_eq!(bits(275), both | looked_up(lookup::DESCRIPTOR_2)); // splice
        assert_eq!(bits(40), both | looked_up(lookup::DESCRIPTOR_1)); // sendfile
        assert_eq!(bits(1000), syscall_bits::NEEDS_STACK); // unknown
    }
}
