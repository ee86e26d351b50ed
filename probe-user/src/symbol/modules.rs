//! Which files user stacks lie in: the kernel says a file's build id, the memory map of a process
//! that has it mapped its name.

use std::{fs, path::PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{memory, user};
use crate::wire::{
    event::{BuildId, UserFrame, UserFrames},
    session::Fact,
};

/// Processes that are looked into for one build id: they may be gone by then.
const TRIES: u8 = 8;

/// What has been found out.
#[derive(Default)]
pub struct Modules {
    known: FxHashSet<BuildId>,
    /// How often it was looked for.
    missing: FxHashMap<BuildId, u8>,
    /// Inode numbers of the files that were looked into, with their names.
    files: FxHashSet<(u64, Vec<u8>)>,
}

impl Modules {
    /// The names of files that a stack of a thread lies in, and of others that its process has
    /// mapped.
    pub fn of(&mut self, tid: u32, frames: &UserFrames) -> Vec<Fact> {
        let Modules { known, missing, .. } = self;
        let mut is_wanted = false;
        for frame in &frames.frames {
            if let UserFrame::InFile { build_id, .. } = frame
                && !known.contains(build_id)
            {
                let tries = missing.entry(*build_id).or_default();
                is_wanted |= *tries < TRIES;
                *tries = tries.saturating_add(1);
            }
        }
        match is_wanted {
            true => self.look_into(tid),
            false => Vec::new(),
        }
    }

    fn look_into(&mut self, tid: u32) -> Vec<Fact> {
        // That of a thread, also where the first one of its process is gone.
        let folder = PathBuf::from(format!("/proc/{tid}"));
        let maps = fs::read(folder.join("maps")).unwrap_or_default();
        let mut facts = Vec::new();
        for code in memory::code(&maps) {
            if !self.files.insert((code.inode, code.path.to_owned())) {
                continue;
            }
            // The file itself, whatever its name leads to here and now.
            let place = format!("map_files/{:x}-{:x}", code.start, code.end);
            let Some(build_id) = user::build_id(&folder.join(place)).and_then(padded) else {
                continue;
            };
            if self.known.insert(build_id) {
                facts.push(Fact::Module {
                    build_id,
                    path: String::from_utf8_lossy(code.path).into_owned(),
                });
            }
        }
        facts
    }
}

/// As the kernel has it.
fn padded(bytes: Vec<u8>) -> Option<BuildId> {
    let mut build_id = BuildId::default();
    let filled = build_id.0.get_mut(..bytes.len())?;
    filled.copy_from_slice(&bytes);
    (!bytes.is_empty()).then_some(build_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::event::BUILD_ID;

    fn frames(build_id: [u8; BUILD_ID]) -> UserFrames {
        UserFrames {
            stack: 1,
            frames: Box::new([UserFrame::InFile {
                build_id: BuildId(build_id),
                offset: 7,
            }]),
        }
    }

    #[test]
    fn modules_of_this_process_are_found_once() {
        let mut modules = Modules::default();
        let own = std::process::id();
        let facts = modules.of(own, &frames([1; BUILD_ID]));
        let exe = std::env::current_exe().unwrap();
        let is_own = |fact: &&Fact| matches!(fact, Fact::Module { path, .. } if *path == exe.to_string_lossy());
        let Some(Fact::Module { build_id, .. }) = facts.iter().find(is_own) else {
            panic!("{facts:?}");
        };
        assert!(modules.of(own, &frames(build_id.0)).is_empty());
        assert!(modules.of(own, &frames([1; BUILD_ID])).is_empty());
    }

    #[test]
    fn modules_of_a_process_that_is_gone_are_looked_for_again() {
        let mut modules = Modules::default();
        assert!(modules.of(u32::MAX, &frames([1; BUILD_ID])).is_empty());
        assert!(
            !modules
                .of(std::process::id(), &frames([1; BUILD_ID]))
                .is_empty()
        );
        for _ in 0..100 {
            assert!(modules.of(u32::MAX, &frames([2; BUILD_ID])).is_empty());
        }
    }

    #[test]
    fn modules_build_ids_are_filled_up() {
        let mut filled = [0; BUILD_ID];
        filled[..2].copy_from_slice(&[7, 8]);
        assert_eq!(padded(vec![7, 8]), Some(BuildId(filled)));
        assert_eq!(padded(vec![7; BUILD_ID]), Some(BuildId([7; BUILD_ID])));
        assert_eq!(
            (padded(vec![]), padded(vec![7; BUILD_ID + 1])),
            (None, None)
        );
    }
}
