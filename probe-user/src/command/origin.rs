//! Which recording a page was made from, so that it can be found again.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use crate::document::Recording;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// A recording as it is now; `None` where it cannot be read again, as a pipe.
pub fn of(path: &Path) -> Option<Recording> {
    let metadata = path.metadata().ok()?;
    let name = path.file_name()?.to_string_lossy().into_owned();
    let sha256 = metadata.is_file().then(|| sha256(path))?.ok()?;
    Some(Recording { name, sha256 })
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        // To memory.
        let _written = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_known_by_the_hash_that_sha256sum_prints() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.wsc");
        std::fs::write(&path, "abc").unwrap();
        let found = of(&path).unwrap();
        assert_eq!(found.name, "run.wsc");
        let expect = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(found.sha256, expect);
        assert_eq!(of(folder.path()), None);
    }
}
