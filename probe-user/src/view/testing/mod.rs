//! Documents with known content, and comparison with stored text.
//!
//! `UPDATE_GOLDEN=1 cargo test` writes the stored text anew; read the diff.

mod check;
mod filled;
mod full;
mod hostile;
mod parts;
mod pool;
mod stacks;
mod trouble;

use std::path::Path;

use crate::document::Document;
pub(super) use check::check;
pub(super) use filled::filled;
pub(super) use full::full;
pub(super) use hostile::{HOSTILE, hostile_text, hostile_texts};
pub(super) use parts::{blame, close, group, verdict, wait, wake};
pub(super) use pool::{pool, renamed};
pub(super) use stacks::stacks;
use trouble::crowd;
pub(super) use trouble::trouble;

/// Compares with `tests/golden/view/<name>`.
pub(super) fn golden(name: &str, actual: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/view");
    let path = folder.join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let stored = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        stored == actual,
        "{} differs (UPDATE_GOLDEN=1 rewrites it)\n--- stored\n{stored}\n--- actual\n{actual}",
        path.display()
    );
}

/// Every stored document, by the name of its golden files.
pub(super) fn documents() -> [(&'static str, Document); 5] {
    [
        ("pool", pool()),
        ("trouble", trouble()),
        ("crowd", crowd()),
        ("full", full()),
        ("nothing", Document::default()),
    ]
}
