//! Tasks by thread id. The id of a thread that nobody waits for is free before
//! its last switch-out, and an exec by another thread than the leader swaps
//! their two ids: an entry whose id is another's now is kept under a key of its
//! own until that switch-out.

use aya_ebpf::helpers;

use crate::{
    filter::{self, Entry},
    shared::load,
};

/// Marks the key of a thread whose id is another's.
const RETIRED: u64 = 1 << 32;

/// An entry and its key.
pub type Keyed = (u64, Entry);

/// The running task.
#[derive(Clone, Copy)]
pub struct Current {
    pub tid: u32,
    pub tgid: u32,
}

impl Current {
    /// Asks the kernel.
    #[inline(always)]
    pub fn get() -> Current {
        let both = helpers::bpf_get_current_pid_tgid();
        Current {
            tid: both as u32,
            tgid: (both >> 32) as u32,
        }
    }

    /// Its entry, if it is traced.
    #[inline(always)]
    pub fn entry(self) -> Option<Keyed> {
        let key = u64::from(self.tid);
        Some((key, filter::entry_at(key)?))
    }

    /// The same at its last switch-out: it may be retired, or be a leader that
    /// bears the id of a thread whose exec has not been emitted yet.
    #[inline(always)]
    pub fn last_entry(self) -> Option<Keyed> {
        let key = u64::from(self.tid);
        exiting(key)
            .or_else(|| exiting(key | RETIRED))
            .or_else(|| exiting(u64::from(self.tgid)))
    }
}

/// Makes room for a new owner of `tid`: the thread that had it, if it is still
/// on its way out, will be seen for the last time as `last_tid`.
#[inline(always)]
pub fn retire(tid: u32, last_tid: u32) {
    let key = u64::from(tid);
    if let Some((_, entry)) = exiting(key) {
        filter::insert(u64::from(last_tid) | RETIRED, last_tid, entry.as_ptr());
    }
    filter::remove(key);
}

#[inline(always)]
fn exiting(key: u64) -> Option<Keyed> {
    let entry = filter::entry_at(key)?;
    (load!(entry.exiting) != 0).then_some((key, entry))
}
