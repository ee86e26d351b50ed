//! What is kept, and where it goes.

use std::fs::File;

use super::*;
use crate::recording::{Item, Reader};

fn symbol(addr: u64) -> Fact {
    Fact::Symbol {
        addr,
        name: format!("f{addr}"),
        sched: false,
    }
}

fn batch(watermark_ns: u64, facts: Vec<Fact>) -> Batch {
    Batch {
        watermark_ns,
        facts,
        records: Vec::new(),
    }
}

fn begin(at_ns: u64) -> Opening {
    Opening {
        facts: vec![Fact::Begin { at_ns, root: None }],
        counted: end(at_ns, at_ns),
    }
}

/// So many of everything have been counted.
fn end(ended_ns: u64, counted: u64) -> End {
    End {
        ended_ns,
        lost: vec![("switch".into(), counted)],
        skipped: vec![("wake".into(), counted)],
        probe_runs: counted,
        tool_cpu_ns: counted,
        ..End::default()
    }
}

/// Watermarks and facts in the order of the file, and records lost by its end.
fn contents(path: &Path) -> (Vec<u64>, Vec<Fact>, Option<u64>) {
    let (_, reader) = Reader::open(File::open(path).unwrap()).unwrap();
    let (mut watermarks, mut facts, mut lost) = (Vec::new(), Vec::new(), None);
    for item in reader {
        match item.unwrap() {
            Item::Batch(batch) => {
                watermarks.extend(Some(batch.watermark_ns).filter(|&ns| ns > 0));
                facts.extend(batch.facts);
            }
            Item::End(end) => {
                let count = end.lost[0].1;
                let others = [end.skipped[0].1, end.probe_runs, end.tool_cpu_ns];
                assert_eq!(others, [count; 3], "each is its own");
                lost = Some(count);
            }
        }
    }
    (watermarks, facts, lost)
}

fn recorder(dir: &Path, keep: Keep) -> Recorder {
    let recording = Recording {
        keep,
        ..Recording::whole(dir.join("run.wsc"))
    };
    Recorder::create(&recording, &Start::default(), |_| {}).unwrap()
}

#[test]
fn recorder_a_part_has_what_is_known_and_ends_with_its_last_records() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::Parts {
        max_bytes: 1,
        max_files: None,
    };
    let mut recorder = recorder(dir.path(), keep);
    recorder.batch(&batch(10, vec![symbol(1)])).unwrap();
    recorder.next(true).unwrap();
    recorder.opened(begin(30)).unwrap();
    for (watermark_ns, addr) in [(20, 2), (33, 3), (40, 4)] {
        let batch = batch(watermark_ns, vec![symbol(addr)]);
        recorder.batch(&batch).unwrap();
    }
    recorder.end(&end(50, 100)).unwrap();
    recorder.finish().unwrap();
    let path = |number| output::part(&dir.path().join("run.wsc"), number);
    let first = (vec![10, 20, 30], vec![symbol(1), symbol(2), symbol(3)]);
    assert_eq!(contents(&path(1)), (first.0, first.1, Some(30)));
    let mut facts = vec![
        symbol(1),
        Fact::Begin {
            at_ns: 30,
            root: None,
        },
    ];
    facts.extend([symbol(2), symbol(3), symbol(4)]);
    assert_eq!(contents(&path(2)), (vec![20, 33, 40], facts, Some(70)));
}

#[test]
fn recorder_of_what_was_last_keeps_the_pieces_that_are_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::Last {
        time: Duration::from_nanos(25),
        max_bytes: 1 << 20,
        signal: 12,
    };
    let mut recorder = recorder(dir.path(), keep);
    for number in 0..5 {
        recorder
            .batch(&batch(1 + 10 * number, vec![symbol(number)]))
            .unwrap();
        recorder.next(false).unwrap();
        let at_ns = 10 + 10 * number;
        recorder.opened(begin(at_ns)).unwrap();
    }
    recorder.batch(&batch(51, Vec::new())).unwrap();
    assert!(!dir.path().join("run.wsc").exists());
    recorder.end(&end(60, 100)).unwrap();
    recorder.finish().unwrap();
    // The piece of 20 is the last that leaves 25 ns behind it.
    let mut facts: Vec<Fact> = (0..2).map(symbol).collect();
    facts.push(Fact::Begin {
        at_ns: 20,
        root: None,
    });
    facts.extend((2..5).map(symbol));
    let file = dir.path().join("run.wsc");
    assert_eq!(contents(&file), (vec![21, 31, 41, 51], facts, Some(80)));
}

#[test]
fn recorder_of_what_was_last_gives_up_pieces_for_want_of_memory() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::Last {
        time: Duration::from_secs(1),
        max_bytes: 400,
        signal: 12,
    };
    let mut recorder = recorder(dir.path(), keep);
    for at_ns in 1..100 {
        recorder.batch(&batch(at_ns, Vec::new())).unwrap();
        recorder.next(false).unwrap();
        recorder.opened(begin(at_ns)).unwrap();
    }
    recorder.end(&end(100, 100)).unwrap();
    let (watermarks, _, _) = contents(&dir.path().join("run.wsc"));
    assert!((5..50).contains(&watermarks.len()), "{watermarks:?}");
    assert_eq!(watermarks.last(), Some(&99));
}

#[test]
fn recorder_what_was_last_stays_in_memory_while_it_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::Last {
        time: Duration::from_secs(1),
        max_bytes: 1 << 20,
        signal: 12,
    };
    let mut recorder = recorder(dir.path(), keep);
    recorder.batch(&batch(1, vec![symbol(1)])).unwrap();
    // A folder is in the way.
    let path = |number| output::part(&dir.path().join("run.wsc"), number);
    fs::create_dir(path(1)).unwrap();
    for at_ns in [10, 20] {
        recorder.next(true).unwrap();
        recorder.opened(begin(at_ns)).unwrap();
        recorder
            .batch(&batch(at_ns + 5, vec![symbol(at_ns)]))
            .unwrap();
        if at_ns == 10 {
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
            fs::remove_dir(path(1)).unwrap();
        }
    }
    let all = (vec![1, 15, 20], vec![symbol(1), symbol(10), symbol(20)]);
    assert_eq!(contents(&path(1)), (all.0, all.1, Some(20)));
    recorder.end(&end(30, 30)).unwrap();
    recorder.finish().unwrap();
    let (_, _, lost) = contents(&dir.path().join("run.wsc"));
    assert_eq!(lost, Some(10), "what was written is not written again");
}

#[test]
fn recorder_of_what_was_last_needs_a_place_that_can_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run.wsc");
    let keep = Keep::Last {
        time: Duration::from_secs(1),
        max_bytes: 1 << 20,
        signal: 12,
    };
    drop(recorder(dir.path(), keep));
    assert!(!file.exists(), "it comes in the end");
    fs::write(&file, "a script").unwrap();
    let recording = Recording {
        keep,
        ..Recording::whole(file)
    };
    assert!(Recorder::create(&recording, &Start::default(), |_| {}).is_err());
}
