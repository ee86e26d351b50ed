//! When an accept queue was full.

use super::MOST_KEPT;

/// When an accept queue was full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Full {
    /// From when to when, ns: the first of them, as far as they are certain, or, where one
    /// finding is all there is, to what found it otherwise.
    pub spans: Vec<(u64, u64)>,
    /// All together, ns.
    pub total_ns: u64,
    /// The part of it that lies between what found it full, ns: behind the last of these it may
    /// have been over sooner than something found it so.
    pub certain_ns: u64,
    /// What has begun: from the first to the last that found it so, ns.
    begun: Option<(u64, u64)>,
}

impl Full {
    pub(super) fn found(&mut self, ts_ns: u64) {
        let (from_ns, _) = self.begun.unwrap_or((ts_ns, ts_ns));
        self.begun = Some((from_ns, ts_ns));
    }

    pub(super) fn over(&mut self, ts_ns: u64) {
        if let Some((from_ns, last_ns)) = self.begun.take() {
            let to_ns = ts_ns.max(last_ns);
            self.certain_ns += last_ns.saturating_sub(from_ns);
            self.total_ns += to_ns.saturating_sub(from_ns);
            if self.spans.len() < MOST_KEPT {
                let end_ns = if last_ns > from_ns { last_ns } else { to_ns };
                self.spans.push((from_ns, end_ns));
            }
        }
    }

    /// The same when nothing more comes.
    pub fn ended(&self) -> Full {
        let mut ended = self.clone();
        ended.over(0);
        ended
    }
}
