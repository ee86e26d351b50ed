//! What the latest part of a thread's past is blamed on, while that goes on.

use super::{IntervalLogs, keys::CauseId, log::Did, walk::Piece};
use crate::{vocabulary::WaitKind, world::identity::ThreadId};

impl IntervalLogs {
    /// Calls `each` with the kind, a cause and its part of the finished waits of a thread
    /// since an instant, ns. The parts add up to the time of these waits behind it.
    pub fn blame_since(
        &mut self,
        id: ThreadId,
        since_ns: u64,
        mut each: impl FnMut(WaitKind, CauseId, u64),
    ) {
        let Some(log) = self.logs.get(id) else { return };
        let mut cut = None;
        for (from_ns, entry) in log.intervals().rev() {
            if entry.to_ns <= since_ns {
                break;
            }
            let key = match entry.did {
                Did::Pass(_) => continue,
                Did::WaitFor { key, .. } | Did::WaitOn { key, .. } | Did::TimedOut { key, .. } => {
                    key
                }
            };
            let Some(kind) = self.keys.get(key.0).map(|place| place.key.kind) else {
                continue;
            };
            if from_ns >= since_ns {
                log.each(entry.did, entry.to_ns - from_ns, |cause, ns| {
                    each(kind, cause, ns)
                });
            } else {
                cut = Some((kind, *entry));
            }
        }
        let Some((kind, entry)) = cut else { return };
        let waker = match entry.did {
            Did::Pass(_) => return,
            Did::WaitFor { cause, .. } => return each(kind, cause, entry.to_ns - since_ns),
            Did::WaitOn { waker, .. } | Did::TimedOut { waker, .. } => waker,
        };
        self.walk(Piece {
            thread: waker,
            from_ns: since_ns,
            to_ns: entry.to_ns,
            before: entry.seq,
        });
        for &(cause, ns) in &self.scratch.shares {
            each(kind, cause, ns);
        }
    }

    /// Calls `each` with what a thread did between two instants, ns, as far as that is
    /// finished, and its part; returns up to when it is.
    pub fn course(
        &mut self,
        id: ThreadId,
        from_ns: u64,
        to_ns: u64,
        mut each: impl FnMut(CauseId, u64),
    ) -> u64 {
        let end_ns = self.end_ns(id).clamp(from_ns, to_ns);
        self.walk(Piece {
            thread: id,
            from_ns,
            to_ns: end_ns,
            before: u64::MAX,
        });
        for &(cause, ns) in &self.scratch.shares {
            each(cause, ns);
        }
        end_ns
    }
}
