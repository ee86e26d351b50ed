//! The same on what real programs did: the recordings in tests/recordings, or those in the
//! folder that CLAIM_RECORDINGS names, at 50 cuts each.

use std::{
    fs,
    path::{Path, PathBuf},
};

use probe_common::{header::Header, loss::LOSS_NAMES};
use zerocopy::FromBytes as _;

use super::{assert_wider, class};
use crate::{
    analysis::Analysis,
    document::Document,
    recording::{Item, Reader},
    wire::session::{Batch, End, Start},
    world::tests::recorded::{in_folder, recordings},
};

struct Recorded {
    start: Start,
    batches: Vec<(Batch, Vec<Vec<u8>>)>,
    end: End,
}

/// In records, behind what says who the root is and that it was let go.
const HEAD: usize = 8;

impl Recorded {
    fn read(path: &Path) -> Self {
        let (start, reader) = Reader::open(fs::File::open(path).unwrap()).unwrap();
        let (mut batches, mut end) = (Vec::new(), None);
        for item in reader {
            match item.unwrap() {
                Item::Batch(batch) => {
                    let records = split(&batch.records);
                    batches.push((batch, records));
                }
                Item::End(ended) => end = Some(ended),
            }
        }
        let end = end.unwrap();
        Self {
            start,
            batches,
            end,
        }
    }

    fn len(&self) -> usize {
        self.batches.iter().map(|(_, records)| records.len()).sum()
    }

    /// What is left when some records are lost.
    fn without(&self, is_lost: impl Fn(usize, &[u8]) -> bool) -> Document {
        let (mut index, mut lost) = (0, Vec::new());
        let mut analysis = Analysis::new(self.start.clone()).unwrap();
        for (batch, records) in &self.batches {
            let mut kept = Vec::new();
            for record in records {
                if index >= HEAD && is_lost(index, record) {
                    lost.push(class(record));
                } else {
                    kept.extend_from_slice(record);
                }
                index += 1;
            }
            analysis.batch(&Batch {
                records: kept,
                ..batch.clone()
            });
        }
        let mut end = self.end.clone();
        for (class, name) in LOSS_NAMES {
            let n = lost.iter().filter(|lost| **lost == class).count() as u64;
            match end.lost.iter_mut().find(|(known, _)| known == name) {
                Some((_, count)) => *count += n,
                None => end.lost.push(((*name).to_owned(), n)),
            }
        }
        analysis.end(end);
        analysis.document()
    }

    /// What is left of a recording that ends behind so many records.
    fn cut(&self, mut left: usize) -> Document {
        let mut analysis = Analysis::new(self.start.clone()).unwrap();
        for (batch, records) in &self.batches {
            let these = &records[..left.min(records.len())];
            left -= these.len();
            analysis.batch(&Batch {
                records: these.concat(),
                ..batch.clone()
            });
            if left == 0 {
                break;
            }
        }
        analysis.document()
    }
}

fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let Ok((header, _)) = Header::read_from_prefix(bytes) {
        let (record, rest) = bytes.split_at(usize::from(header.size));
        records.push(record.to_vec());
        bytes = rest;
    }
    assert!(bytes.is_empty());
    records
}

/// Which recordings, and at how many places each is cut.
fn some_recordings() -> (Vec<PathBuf>, usize) {
    match std::env::var_os("CLAIM_RECORDINGS") {
        Some(folder) => (in_folder(Path::new(&folder)), 50),
        None => (recordings(), 2),
    }
}

/// Neither losses of a class, a few or all of it, nor a cut moves what is measured.
#[test]
fn claims_what_is_left_of_a_recording_moves_nothing() {
    let (paths, cuts) = some_recordings();
    let is_thorough = cuts > 2;
    let mut moved = Vec::new();
    let mut compare = |what: String, whole: &Document, part: &Document| {
        if let Err(error) = assert_wider(whole, part) {
            moved.push(format!("{what}: {error}"));
        }
    };
    for (at, path) in paths.iter().enumerate() {
        let recorded = Recorded::read(path);
        let whole = recorded.without(|_, _| false);
        for (which, (lost, name)) in LOSS_NAMES.iter().enumerate() {
            for every in [1, 7, 1000] {
                if is_thorough || (at + every) % LOSS_NAMES.len() == which {
                    let part = recorded
                        .without(|index, record| index % every == 0 && class(record) == *lost);
                    let what = format!("{}: every {every}th of {name} lost", path.display());
                    compare(what, &whole, &part);
                }
            }
        }
        for cut in 1..=cuts {
            let left = recorded.len() * cut / (cuts + 1);
            let what = format!("{}: {left} records of {}", path.display(), recorded.len());
            let part = recorded.cut(left);
            compare(what, &whole, &part);
        }
    }
    assert!(moved.is_empty(), "{}", moved.join("\n"));
}
