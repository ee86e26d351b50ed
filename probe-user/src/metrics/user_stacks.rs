//! User stacks as a document has them: each frame once.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::{
    document::{self, UserStack},
    wire::event::UserFrame,
    world::user_stacks::{UserStackId, UserStacks as Known},
};

/// All of a run.
#[derive(Debug, Default)]
pub struct UserStacks {
    /// [`document::Document::user_frames`]
    pub frames: Vec<document::UserFrame>,
    /// By [`Known::place`].
    stacks: Vec<UserStack>,
}

impl UserStacks {
    /// Those of a world.
    pub fn of(known: &Known) -> UserStacks {
        let mut numbers: FxHashMap<UserFrame, u32> = FxHashMap::default();
        let mut frames = Vec::new();
        let stacks = known.all().map(|stack| {
            let stack = stack.iter().map(|frame| {
                *numbers.entry(*frame).or_insert_with(|| {
                    frames.push(described(known, frame));
                    frames.len() as u32 - 1
                })
            });
            stack.collect()
        });
        let stacks = stacks.collect();
        UserStacks { frames, stacks }
    }

    /// One of them; `None` where none was taken, or what is in it was lost.
    pub fn get(&self, id: UserStackId) -> Option<UserStack> {
        let stack = self.stacks.get(Known::place(id)?)?;
        (!stack.is_empty()).then(|| stack.clone())
    }
}

fn described(known: &Known, frame: &UserFrame) -> document::UserFrame {
    match frame {
        UserFrame::InFile { build_id, offset } => document::UserFrame {
            module: known.module(build_id).cloned(),
            build_id: Some(Arc::from(build_id.to_string())),
            offset: *offset,
            function: None,
        },
        &UserFrame::Address(offset) => document::UserFrame {
            offset,
            ..document::UserFrame::default()
        },
    }
}
