//! User stacks, each once: which frames they have, and in which files these lie.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::wire::event::{BuildId, UserFrame, UserFrames};

/// Number of a user stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserStackId(u32);

impl UserStackId {
    /// None was taken.
    pub const NONE: UserStackId = UserStackId(0);
}

/// All that is known of them.
#[derive(Clone, Debug, Default)]
pub struct UserStacks {
    /// By the probes' hash of it.
    ids: FxHashMap<u64, UserStackId>,
    /// Innermost frame first; empty where the record of it was lost.
    list: Vec<Box<[UserFrame]>>,
    modules: FxHashMap<BuildId, Arc<str>>,
}

impl UserStacks {
    /// That of a stack.
    pub(super) fn id(&mut self, stack: u64) -> UserStackId {
        let UserStacks { ids, list, .. } = self;
        *ids.entry(stack).or_insert_with(|| {
            list.push(Box::default());
            UserStackId(u32::try_from(list.len()).unwrap_or(0))
        })
    }

    /// Learns what is in a stack: of several records the one that says most.
    pub(super) fn learn(&mut self, frames: &UserFrames) {
        let UserStackId(id) = self.id(frames.stack);
        let Some(known) = (id as usize)
            .checked_sub(1)
            .and_then(|at| self.list.get_mut(at))
        else {
            return;
        };
        let described = |frames: &[UserFrame]| {
            let in_file = |frame: &&UserFrame| matches!(frame, UserFrame::InFile { .. });
            (frames.iter().filter(in_file).count(), frames.len())
        };
        if described(&frames.frames) > described(known) {
            *known = frames.frames.clone();
        }
    }

    /// Learns the name of a file.
    pub(super) fn learn_module(&mut self, build_id: BuildId, path: &str) {
        self.modules.entry(build_id).or_insert_with(|| path.into());
    }

    /// The frames of every stack, innermost first, in the order of their numbers: the first
    /// is of number 1.
    pub fn all(&self) -> impl Iterator<Item = &[UserFrame]> {
        self.list.iter().map(|frames| &**frames)
    }

    /// The place of a stack in [`UserStacks::all`].
    pub fn place(id: UserStackId) -> Option<usize> {
        (id.0 as usize).checked_sub(1)
    }

    /// The name of the file with a build id, where it was found.
    pub fn module(&self, build_id: &BuildId) -> Option<&Arc<str>> {
        self.modules.get(build_id)
    }
}
