//! Names of functions in user stacks. The kernel says of a frame in which file it lies, by path
//! and build id, and where in it; the name is looked up only when a report is made, in the files
//! of this machine. A file whose build id is another one by now names nothing, so that on
//! another machine, or after an upgrade, a frame has no name instead of a wrong one.
//!
//! A name is that of the function whose symbol covers the frame: what the compiler has inlined
//! into it has none of its own, as that would take the debug information of the whole program.
//!
//! Paths may be a stranger's, who made the recording: see [`file`].

mod demangle;
mod file;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use crate::document::UserFrame;

/// Where distributions install what was stripped from their programs, by build id.
const DEBUG_FOLDER: &str = "/usr/lib/debug";

/// Files that are looked into, of one report.
const MOST_FILES: usize = 4096;

/// Names the functions of the frames that have none, where a file here has them.
pub fn name(frames: &mut [UserFrame]) {
    name_by(frames, Path::new(DEBUG_FOLDER));
}

/// The build id of a file, if it is one that has one.
pub fn build_id(path: &Path) -> Option<Vec<u8>> {
    file::build_id(path)
}

fn name_by(frames: &mut [UserFrame], debug_folder: &Path) {
    let mut files: BTreeMap<(Arc<str>, Arc<str>), Vec<usize>> = BTreeMap::new();
    for (place, frame) in frames.iter().enumerate() {
        if let (Some(module), Some(build_id), None) =
            (&frame.module, &frame.build_id, &frame.function)
        {
            let file = (module.clone(), build_id.clone());
            files.entry(file).or_default().push(place);
        }
    }
    for ((module, build_id), places) in files.into_iter().take(MOST_FILES) {
        let offsets: Vec<u64> = places.iter().map(|&place| frames[place].offset).collect();
        let look = || file::functions(Path::new(&*module), &build_id, &offsets, debug_folder);
        // Files may be made to break what reads them (sums that overflow): they name nothing.
        let found = catch_unwind(AssertUnwindSafe(look)).ok().flatten();
        for (place, function) in places.into_iter().zip(found.into_iter().flatten()) {
            frames[place].function = function.map(Arc::from);
        }
    }
}
