//! Blame on a horizon: logs without what lies before it.

use super::{IntervalLogs, cause::Cause, keys::CauseId};
use crate::world::{account::WaitKey, identity::ThreadId, names::NameId};

/// Which keys and causes are referred to.
pub struct References {
    keys: Vec<bool>,
    causes: Vec<bool>,
}

impl References {
    /// Something refers to this cause.
    pub fn mark(&mut self, cause: CauseId) {
        mark(&mut self.causes, cause.0);
    }
}

fn mark(marks: &mut [bool], number: u32) {
    if let Some(mark) = marks.get_mut(number as usize) {
        *mark = true;
    }
}

impl IntervalLogs {
    /// Forgets a thread.
    pub fn forget(&mut self, id: ThreadId) {
        if let Some(log) = self.logs.take(id) {
            log.release(&mut self.budget);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        for at in 0..self.logs.len() {
            self.forget(ThreadId(u32::try_from(at).unwrap_or(u32::MAX)));
        }
        *self = IntervalLogs {
            budget: std::mem::take(&mut self.budget),
            filter: self.filter,
            ..IntervalLogs::default()
        };
    }

    /// Forgets what ended before an instant, ns.
    pub fn cut(&mut self, before_ns: u64) {
        for log in self.logs.iter_mut() {
            log.cut(before_ns, &mut self.budget);
        }
    }

    /// What the logs refer to.
    pub fn references(&self) -> References {
        let mut keys = self.keys.unmarked();
        let mut causes = self.causes.unmarked();
        for cause in [CauseId::UNKNOWN, CauseId::RUN_QUEUE, CauseId::OLDER] {
            mark(&mut causes, cause.0);
        }
        for log in self.logs.iter() {
            log.each_reference(
                |key| mark(&mut keys, key.0),
                |cause| mark(&mut causes, cause.0),
            );
        }
        References { keys, causes }
    }

    /// Forgets the keys and causes that nothing refers to.
    pub fn retain(&mut self, references: &References) {
        self.keys.retain(&references.keys);
        self.causes.retain(&references.causes);
    }

    /// The keys that are referred to, each with its stack.
    pub fn keys_of(&self, references: &References) -> impl Iterator<Item = (&WaitKey, NameId)> {
        let places = self.keys.marked(&references.keys);
        places.map(|place| (&place.key, place.stacks.kernel))
    }

    /// The causes that are referred to.
    pub fn causes_of(&self, references: &References) -> impl Iterator<Item = &Cause> {
        self.causes.marked(&references.causes)
    }
}
