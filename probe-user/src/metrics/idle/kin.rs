//! Who made whom.

use crate::world::{World, by_thread::ByThread, identity::ThreadId};

/// Makers of threads.
pub(super) struct Kin<'a> {
    world: &'a World,
    process_of: &'a ByThread<usize>,
}

impl<'a> Kin<'a> {
    pub(super) fn new(world: &'a World, process_of: &'a ByThread<usize>) -> Kin<'a> {
        Kin { world, process_of }
    }

    /// Whether `maker` made `made`, or its maker, and so on; for makers in other
    /// processes any of their threads will do.
    pub(super) fn has_made(&self, maker: ThreadId, made: ThreadId) -> bool {
        let process = |thread: ThreadId| self.process_of.get(thread);
        let mut thread = made;
        while let Some(creator) = self.creator(thread) {
            let elsewhere = process(creator) != process(made);
            if creator == maker || (elsewhere && process(creator) == process(maker)) {
                return true;
            }
            thread = creator;
        }
        false
    }

    /// A creator was there before its creature, whatever the records say.
    fn creator(&self, thread: ThreadId) -> Option<ThreadId> {
        let creator = self.world.get(thread)?.creator?;
        (creator < thread).then_some(creator)
    }
}
