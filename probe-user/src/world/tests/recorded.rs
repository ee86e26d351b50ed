//! The recordings in tests/recordings: what real programs did.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    analysis::Analysis,
    document::Document,
    recording::{Item, Reader},
};

/// All of them.
pub(crate) fn recordings() -> Vec<PathBuf> {
    in_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/recordings"))
}

/// Those in a folder.
pub(super) fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "wsc"));
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

/// The report of one, analysed as `set` says.
pub(crate) fn replayed(path: &Path, set: impl FnOnce(&mut Analysis)) -> Document {
    let (start, reader) = Reader::open(fs::File::open(path).unwrap()).unwrap();
    let mut analysis = Analysis::new(start).unwrap();
    set(&mut analysis);
    for item in reader {
        match item.unwrap() {
            Item::Batch(batch) => analysis.batch(&batch),
            Item::End(end) => analysis.end(end),
        }
    }
    analysis.document()
}
