//! Whatever the bytes: no panic, an end, and a count of what was not usable.

use probe_common::families::{KINDS, kind};
use proptest::prelude::*;

use super::{bytes::seal, decoded, samples::every_kind};
use crate::wire::{
    decode::Problems,
    event::{Event, What},
};

const HEADER: usize = 16;

fn with_size(mut record: Vec<u8>, size: u16) -> Vec<u8> {
    record[2..4].copy_from_slice(&size.to_ne_bytes());
    record
}

fn with_kind(mut record: Vec<u8>, kind: u16) -> Vec<u8> {
    record[..2].copy_from_slice(&kind.to_ne_bytes());
    record
}

/// Events before and after, and the problems in between.
fn check(middle: &[u8], events: usize, malformed: u64, unknown: u64) {
    let exit = seal(probe_common::task::Exit::default());
    let (found, problems) = decoded(&[&exit, middle, &exit].concat());
    assert_eq!(problems, Problems { unknown, malformed }, "{middle:?}");
    assert_eq!(found.len(), events, "{middle:?}");
}

#[test]
fn a_record_cut_anywhere_ends_the_batch_and_is_counted() {
    for record in every_kind() {
        for cut in 1..record.len() {
            let (events, problems) = decoded(&record[..cut]);
            assert_eq!(events, [], "cut at {cut}");
            assert_eq!(problems.malformed, 1, "cut at {cut}");
            assert_eq!(problems.unknown, 0, "cut at {cut}");
        }
    }
}

#[test]
fn a_size_that_is_not_the_kinds_costs_only_that_record() {
    for record in every_kind() {
        let len = record.len();
        let longer = with_size([&record[..], &[0; 8]].concat(), len as u16 + 8);
        check(&longer, 2, 1, 0);
        check(
            &with_size(record[..len - 8].to_vec(), len as u16 - 8),
            2,
            1,
            0,
        );
        check(
            &with_size(record[..HEADER].to_vec(), HEADER as u16),
            2,
            1,
            0,
        );
    }
}

#[test]
fn an_unknown_kind_is_skipped_by_its_length() {
    for record in every_kind() {
        for kind in [0, KINDS[KINDS.len() - 1] + 1, u16::MAX] {
            check(&with_kind(record.clone(), kind), 2, 0, 1);
        }
    }
    let bare = with_size(with_kind(every_kind()[0][..HEADER].to_vec(), 999), 16);
    check(&bare, 2, 0, 1);
}

#[test]
fn a_size_that_leads_nowhere_ends_the_batch() {
    for record in every_kind() {
        for size in [0, 1, HEADER as u16 - 1, u16::MAX] {
            check(&with_size(record.clone(), size), 1, 1, 0);
            check(&with_size(with_kind(record.clone(), 999), size), 1, 1, 0);
        }
    }
}

#[test]
fn nothing_is_nothing() {
    assert_eq!(decoded(&[]), (Vec::new(), Problems::default()));
}

/// One to three events of `every_kind`, as bytes that may be spoilt.
fn spoilt() -> impl Strategy<Value = Vec<u8>> {
    let one = (0..every_kind().len(), any::<u16>(), any::<u8>(), 0..4_u8);
    proptest::collection::vec(one, 0..8).prop_map(|picks| {
        let spoil = |(which, place, value, how): (usize, u16, u8, u8)| {
            let mut record = every_kind()[which].clone();
            let place = usize::from(place) % record.len();
            match how {
                0 => record[place] = value,
                1 => record[place % 4] = value,
                2 => record.truncate(place),
                _ => {}
            }
            record
        };
        picks.into_iter().flat_map(spoil).collect()
    })
}

fn terminates(bytes: &[u8]) {
    let (events, problems) = decoded(bytes);
    let records = problems.malformed + problems.unknown;
    // No record is shorter than its header, and none makes more than two events.
    assert!(events.len() + 2 * records as usize <= 2 * (bytes.len() / HEADER + 1));
    let addresses = |event: &Event| match &event.what {
        What::SleeperStack(frames) | What::WakerStack(frames) => frames.len(),
        _ => 0,
    };
    assert!(events.iter().map(addresses).sum::<usize>() <= bytes.len() / 8);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn arbitrary_bytes_are_decoded_to_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        terminates(&bytes);
    }

    #[test]
    fn spoilt_records_are_decoded_to_their_end(bytes in spoilt()) {
        terminates(&bytes);
    }

    #[test]
    fn any_content_of_a_sound_record_decodes(
        which in 0..every_kind().len(),
        content in proptest::collection::vec(any::<u8>(), 1568),
    ) {
        let mut record = every_kind()[which].clone();
        let len = record.len();
        record[4..].copy_from_slice(&content[4..len]);
        let (events, problems) = decoded(&record);
        // Its flags may name something that is not known.
        let named = [
            kind::KERNEL_RETURN,
            kind::FD_TABLE,
            kind::FD_KINDS,
            kind::STEP,
            kind::ACCEPT,
        ];
        let is_named = named.iter().any(|kind| record[..2] == kind.to_ne_bytes());
        let unknown = u64::from(is_named && events.is_empty());
        prop_assert_eq!(problems, Problems { unknown, malformed: 0 });
        prop_assert!(events.len() <= 2);
    }
}
