//! Broken type information: no panic, and an end.

use std::{sync::mpsc, thread, time::Duration};

use proptest::prelude::*;

use super::{builder::*, layout::kernel};
use crate::probe::{btf::Btf, layout::Layout};

/// Fails when looking everything up takes longer than any real kernel's would.
fn ends(data: Vec<u8>, outer: &'static str, path: &'static str) {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let found = Btf::parse(data).map(|btf| btf.member(outer, path));
        // The receiver may have given up already.
        let _gone = sender.send(found);
    });
    let outcome = receiver.recv_timeout(Duration::from_secs(5));
    assert!(outcome.is_ok(), "{outer}.{path}: {outcome:?}");
}

#[test]
fn a_structure_inside_itself_ends() {
    let mut b = Builder::new();
    let own = b.next();
    b.fields("task", STRUCT, &[("", own, 8)]);
    ends(b.build(), "task", "missing");
}

#[test]
fn a_structure_many_times_inside_itself_ends() {
    let mut b = Builder::new();
    let own = b.next();
    let fields = vec![("", own, 8); 40];
    b.fields("task", STRUCT, &fields);
    ends(b.build(), "task", "missing");
}

#[test]
fn typedefs_of_each_other_end() {
    let mut b = Builder::new();
    let (one, other) = (b.next(), b.next() + 1);
    b.refer("one", TYPEDEF, other);
    b.refer("other", TYPEDEF, one);
    b.fields("task", STRUCT, &[("", one, 0), ("se", other, 0)]);
    ends(b.build(), "task", "se.missing");
}

#[test]
fn offsets_that_add_up_to_too_much_are_not_found() {
    let mut b = Builder::new();
    let int = b.int("int", 4);
    let inner = b.fields("inner", STRUCT, &[("deep", int, u32::MAX)]);
    b.fields("task", STRUCT, &[("se", inner, u32::MAX), ("", inner, 1)]);
    let btf = Btf::parse(b.build()).expect("well-formed");
    assert_eq!(btf.member("task", "se.deep"), None);
    assert_eq!(btf.member("task", "deep"), None);
}

#[test]
fn per_cpu_offsets_that_add_up_to_too_much_do_not_panic() {
    let mut b = Builder::new();
    let int = b.int("int", 4);
    b.fields("pcpu_hot", STRUCT, &[("preempt_count", int, u32::MAX)]);
    b.per_cpu(&[("pcpu_hot", u32::MAX), ("runqueues", 1)]);
    let btf = Btf::parse(b.build()).expect("well-formed");
    // Whatever it says, it says something.
    let _any = resolve(&btf);
}

pub(super) fn resolve(btf: &Btf) -> Layout {
    Layout::resolve(btf, "x86_64", |_: &[&str]| Default::default())
}

fn look_everything_up(data: Vec<u8>) {
    if let Some(btf) = Btf::parse(data) {
        let _any = resolve(&btf);
        let _any = Layout::resolve(&btf, "aarch64", |_: &[&str]| Default::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_no_trouble(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        look_everything_up(bytes);
    }

    #[test]
    fn arbitrary_bytes_behind_a_sound_header_are_no_trouble(
        sections in proptest::collection::vec(any::<u32>(), 4),
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut data = Builder::new().build();
        for (place, section) in sections.iter().enumerate() {
            let small = section % 400;
            data[8 + 4 * place..12 + 4 * place].copy_from_slice(&small.to_ne_bytes());
        }
        data.extend(bytes);
        look_everything_up(data);
    }

    #[test]
    fn flipped_bits_are_no_trouble(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..12),
    ) {
        let mut data = kernel(&[]).build();
        for (place, bit) in flips {
            let at = place.index(data.len());
            data[at] ^= 1 << bit;
        }
        look_everything_up(data);
    }

    #[test]
    fn a_cut_anywhere_is_no_trouble(cut in any::<prop::sample::Index>()) {
        let mut data = kernel(&[]).build();
        data.truncate(cut.index(data.len()));
        look_everything_up(data);
    }
}
