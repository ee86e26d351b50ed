//! A recording cut at every byte, and with every bit flipped.

use super::super::format::{FRAME_BYTES, FrameHeader, HEADER_BYTES};
use super::*;

/// Where each frame begins, and the end of the file.
fn frames(file: &[u8]) -> Vec<usize> {
    let json = u32::from_le_bytes(file[16..20].try_into().unwrap());
    let mut at = HEADER_BYTES + json as usize;
    let mut frames = vec![at];
    while at < file.len() {
        let header = FrameHeader::decode(file[at..].first_chunk().unwrap());
        at += FRAME_BYTES + header.length as usize;
        frames.push(at);
    }
    frames
}

/// What is whole before `cut`: facts without their records count as a batch.
fn whole_before(file: &[u8], cut: usize) -> Vec<Item> {
    let whole: Vec<u16> = frames(file)
        .windows(2)
        .filter(|frame| frame[1] <= cut)
        .map(|frame| FrameHeader::decode(file[frame[0]..].first_chunk().unwrap()).frame_type)
        .collect();
    let batches = whole.iter().filter(|&&frame_type| frame_type != 2).count();
    let mut expect = items();
    let next = expect.get(batches).cloned();
    expect.truncate(batches);
    if let (Some(&2), Some(Item::Batch(batch))) = (whole.last(), next) {
        expect.push(Item::Batch(Batch {
            watermark_ns: 0,
            records: vec![],
            ..batch
        }));
    }
    expect
}

#[test]
fn a_file_cut_at_any_byte_gives_all_whole_frames_and_says_so() {
    let file = written(&start(), &items());
    let frames = frames(&file);
    assert_eq!((frames[0] > 100, frames.len()), (true, 7));
    for cut in 0..file.len() {
        let outcome = read(&file[..cut]);
        if cut < frames[0] {
            match outcome.map(|_| ()).unwrap_err() {
                Problem::NotARecording => assert_eq!(cut, 0),
                Problem::HeaderCut { at_bytes } => assert_eq!(at_bytes, cut as u64),
                other => panic!("cut at {cut}: {other:?}"),
            }
            continue;
        }
        let (read_start, read_items, problem) = outcome.unwrap();
        assert_eq!(read_start, start());
        assert_eq!(read_items, whole_before(&file, cut), "cut at {cut}");
        match problem {
            Some(Problem::Unfinished { at_bytes }) if frames.contains(&cut) => {
                assert_eq!(at_bytes, cut as u64)
            }
            Some(Problem::Cut { at_bytes }) if !frames.contains(&cut) => {
                assert_eq!(at_bytes, cut as u64)
            }
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let file = written(&start(), &items());
    let frames = frames(&file);
    let packed = frames[..6]
        .iter()
        .filter(|&&at| file[at + 6] & 1 != 0)
        .count();
    assert!((1..6).contains(&packed), "both kinds of payload are tested");
    for bit in 0..file.len() * 8 {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let Ok((_, read_items, problem)) = read(&damaged) else {
            assert!(bit / 8 < frames[0], "bit {bit}");
            continue;
        };
        assert!(bit / 8 >= frames[0] && problem.is_some(), "bit {bit}");
        let damaged_frame = frames.iter().rfind(|&&at| at <= bit / 8).copied().unwrap();
        assert_eq!(read_items, whole_before(&file, damaged_frame), "bit {bit}");
        if let Some(Problem::Corrupt { at_bytes, .. }) = problem {
            assert_eq!(at_bytes, damaged_frame as u64);
        }
    }
}

#[test]
fn zeros_behind_the_last_frame_are_damage() {
    // What a crash of the machine leaves in a file whose size was written first.
    let mut file = written(&start(), &items()[..2]);
    let whole = file.len() as u64;
    file.resize(file.len() + 4096, 0);
    let (read_items, problem) = read_items(&file);
    assert_eq!(read_items, items()[..2]);
    assert!(matches!(problem, Some(Problem::Corrupt { at_bytes, .. }) if at_bytes == whole));
}

/// A recording of so many drains, each of another size.
fn large(drains: u64) -> Vec<Item> {
    let batch = |number: u64| {
        let records = (0..number % 97).flat_map(|seed| record(64, (number + seed) as u8));
        let fact = Fact::Symbol {
            addr: number,
            name: format!("function_{number}"),
            sched: false,
        };
        Item::Batch(Batch {
            watermark_ns: number,
            facts: number
                .is_multiple_of(3)
                .then_some(fact)
                .into_iter()
                .collect(),
            records: records.collect(),
        })
    };
    (1..=drains).map(batch).collect()
}

#[test]
fn a_large_file_cut_at_random_places_gives_a_prefix() {
    let items = large(2000);
    let file = written(&start(), &items);
    assert!(file.len() > 1 << 20, "{} bytes", file.len());
    let frames = frames(&file);
    // Linear congruential, so that a failure comes again.
    let mut random: u64 = 20_261_201;
    for _ in 0..1000 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let cut = frames[0] + (random >> 33) as usize % (file.len() - frames[0]);
        let (mut read_items, problem) = read_items(&file[..cut]);
        let is_border = frames.binary_search(&cut).is_ok();
        match problem {
            Some(Problem::Unfinished { at_bytes }) if is_border => {
                assert_eq!(at_bytes, cut as u64);
            }
            Some(Problem::Cut { at_bytes }) if !is_border => assert_eq!(at_bytes, cut as u64),
            other => panic!("cut at {cut}: {other:?}"),
        }
        // Facts whose records are cut away come alone.
        if let Some(Item::Batch(last)) = read_items.last_mut()
            && last.watermark_ns == 0
        {
            let whole = items.get(read_items.len() - 1);
            let Some(Item::Batch(last)) = read_items.pop() else {
                unreachable!()
            };
            assert!(matches!(whole, Some(Item::Batch(batch)) if batch.facts == last.facts));
        }
        assert!(items.starts_with(&read_items), "cut at {cut}");
        let whole = frames.iter().filter(|&&at| at <= cut).count() - 1;
        assert!(read_items.len() <= whole && whole <= 2 * (read_items.len() + 1));
    }
}
