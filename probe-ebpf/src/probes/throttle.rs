//! Threads of cgroups that have used up their CPU quota. They are runnable and will not run
//! before the next period: a wait, and no run queue.
//!
//! From 6.18 on such a task dequeues itself on its way to user space, and says so
//! (`throttle_cfs_rq_work`). Before, its whole group is dequeued, with all its tasks on their
//! run queue (`throttle_cfs_rq`), before `sched_switch`: that of the one that ran shows
//! it; of the others that stand there nothing does.
//!
//! Nothing shows the end of it. From 6.6 on each run queue adds up how long it was throttled:
//! what has been added since then says when it ended. (Twice, if it was throttled again
//! before the task ran: then the sum is right.) Else it ends with the switch-in.

use aya_ebpf::{bindings::BPF_ANY, helpers};
use probe_common::{
    cgroup::{Cgroup, NAME_BYTES},
    sched::{flag, waker},
};

use crate::{
    current, emit,
    filter::Entry,
    maps::{CGROUPS, LIFECYCLE},
    offsets::{self, Constant, known},
    read::{Task, chase, field},
    shared::{Shared, address, load, store},
    syscall::{self, Syscall},
};

/// `MAX_RT_PRIO` (include/linux/sched/prio.h): below it no quota counts.
const FAIR_PRIO: u32 = 100;
/// Cgroups above a task's own that are looked at.
const LEVELS: u32 = 8;

/// Whether a task that was running, and is still runnable, may not run on.
#[inline(always)]
pub fn is_throttled(prev: Task) -> bool {
    if known(&offsets::TASK_THROTTLED) {
        return field::<u8>(prev, &offsets::TASK_THROTTLED) != 0;
    }
    if !known(&offsets::CFS_RQ_THROTTLE_COUNT) {
        return false;
    }
    let own: *const u8 = chase(prev, &offsets::TASK_CFS_RQ);
    count(own) != 0 && field::<u32>(prev, &offsets::TASK_PRIO) >= FAIR_PRIO
}

#[inline(always)]
fn count(cfs_rq: *const u8) -> u32 {
    chase(cfs_rq, &offsets::CFS_RQ_THROTTLE_COUNT)
}

/// Notes that it waits, as it switches out. Returns the flags that say so.
#[inline(always)]
pub fn begin(prev: Task, entry: Entry, call: &mut Syscall, ts_ns: u64) -> u16 {
    let own: *const u8 = chase(prev, &offsets::TASK_CFS_RQ);
    let mut begun = 0;
    if known(&offsets::CFS_RQ_THROTTLED_CLOCK) {
        let clock: u64 = chase(own, &offsets::CFS_RQ_THROTTLED_CLOCK);
        if clock != 0 {
            begun = clock.wrapping_sub(sum(own));
        }
    }
    store!(entry.run_delay_ns = begun);
    if !current::is_tabled() {
        store!(entry.arg0 = own as u64);
    }
    store!(entry.off_ns = ts_ns);
    store!(entry.needs_stack = 0);
    named(prev, own, call, ts_ns)
}

/// Puts the group into the place of the call. Returns the flags that say so.
#[inline(always)]
fn named(task: Task, own: *const u8, call: &mut Syscall, ts_ns: u64) -> u16 {
    *call = Syscall {
        arg0: describe(group_of(task, own), ts_ns),
        ..syscall::NONE
    };
    flag::THROTTLED
}

/// The outermost group that has no quota left.
#[inline(always)]
fn group_of(task: Task, own: *const u8) -> *const u8 {
    let mut cfs_rq = own;
    let mut entity: *const u8 = chase(task, &offsets::TASK_PARENT_ENTITY);
    for _ in 0..LEVELS {
        if entity.is_null() {
            break;
        }
        let above: *const u8 = chase(entity, &offsets::ENTITY_CFS_RQ);
        if count(above) == 0 {
            break;
        }
        cfs_rq = above;
        entity = chase(entity, &offsets::ENTITY_PARENT);
    }
    chase(cfs_rq, &offsets::CFS_RQ_GROUP)
}

/// Describes a group to user space, unless that is done. Returns its id.
#[inline(always)]
fn describe(group: *const u8, ts_ns: u64) -> u64 {
    let cgroup: *const u8 = chase(group, &offsets::GROUP_CGROUP);
    let node: *const u8 = chase(cgroup, &offsets::CGROUP_NODE);
    let id: u64 = chase(node, &offsets::NODE_ID);
    let quota_ns: u64 = chase(group, &offsets::GROUP_QUOTA);
    let period_ns: u64 = chase(group, &offsets::GROUP_PERIOD);
    let mark = quota_ns ^ period_ns.rotate_left(32);
    if let Some(known) = CGROUPS.get_ptr(id) {
        // SAFETY: a word of a preallocated map.
        if unsafe { known.read_volatile() } == mark {
            return id;
        }
    }
    let recorded = emit::record(&LIFECYCLE, 0, ts_ns, |to: Shared<Cgroup>| {
        store!(to.id = id);
        store!(to.quota_ns = quota_ns);
        store!(to.period_ns = period_ns);
        write_name(to, node);
    });
    if recorded {
        // Without room it is described each time.
        let _full = CGROUPS.insert(id, mark, u64::from(BPF_ANY));
    }
    id
}

#[inline(always)]
fn write_name(to: Shared<Cgroup>, node: *const u8) {
    let name = address!(to.name);
    // SAFETY: its first byte is one of its bytes.
    unsafe { name.cast::<u8>().write_volatile(0) };
    if offsets::HAS_PROBE_READ.load() == 0 {
        return;
    }
    let text: u64 = chase(node, &offsets::NODE_NAME);
    // SAFETY: there is room for as many bytes; the helper checks the source itself. What is
    // behind the NUL is not read.
    unsafe {
        let _cut = helpers::generated::bpf_probe_read_kernel_str(
            name.cast(),
            NAME_BYTES as u32,
            text as *const core::ffi::c_void,
        );
    }
}

/// Whether a task that the iterator finds runnable and off its CPU waits for quota; it is met
/// there for the first time, or has been seen to switch out.
#[inline(always)]
pub fn find(task: Task, entry: Entry, call: &mut Syscall, is_last: bool, ts_ns: u64) -> u16 {
    if load!(entry.off_ns) != 0 {
        if !is_noted(entry) {
            return 0;
        }
        let own: *const u8 = chase(task, &offsets::TASK_CFS_RQ);
        return named(task, own, call, ts_ns);
    }
    if is_last || !is_throttled(task) {
        return 0;
    }
    let flags = begin(task, entry, call, ts_ns);
    store!(entry.sleep_flags = load!(entry.sleep_flags) | flags);
    flags
}

/// Whether the wait that ends with a switch-in is one for quota.
#[inline(always)]
pub fn is_noted(entry: Entry) -> bool {
    load!(entry.sleep_flags) & flag::THROTTLED != 0
}

/// A throttled task switches in: notes since when it might have.
#[inline(always)]
pub fn end(next: Task, entry: Entry, ts_ns: u64) {
    end_before(entry, ts_ns, queued_ns(next, entry));
}

/// As [`end`], so many ns before the switch-in.
#[inline(always)]
pub fn end_before(entry: Entry, on_ns: u64, queued_ns: u64) {
    let off_ns = load!(entry.off_ns);
    // What would be no wait at all is one of which the end is not known.
    let is_known = on_ns > off_ns && queued_ns < on_ns - off_ns;
    let queued_ns = if is_known { queued_ns } else { 0 };
    store!(entry.wake_ns = on_ns - queued_ns);
    store!(entry.waker_tid = 0);
    store!(entry.waker_nr = -1);
    store!(entry.waker_flags = waker::UNTHROTTLED);
}

/// For how long the task has been free to run, ns; 0 where that is not known.
#[inline(always)]
fn queued_ns(next: Task, entry: Entry) -> u64 {
    let begun = load!(entry.run_delay_ns);
    if !known(&offsets::CFS_RQ_THROTTLED_CLOCK) || !known(&offsets::RQ_CLOCK) || begun == 0 {
        return 0;
    }
    let own: *const u8 = chase(next, &offsets::TASK_CFS_RQ);
    if own as u64 != load!(entry.arg0) {
        return 0;
    }
    let rq: *const u8 = chase(own, &offsets::CFS_RQ_RQ);
    let clock: u64 = chase(rq, &offsets::RQ_CLOCK);
    let ended = begun.wrapping_add(sum(own));
    clock.saturating_sub(ended)
}

#[inline(always)]
fn sum(cfs_rq: *const u8) -> u64 {
    chase(cfs_rq, &offsets::CFS_RQ_THROTTLED_SUM)
}
