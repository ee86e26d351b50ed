//! What lost records would have told: the kernel's sums, put in the place of
//! unknown time.
//!
//! They are exact, but only sums: who woke, in which function it slept and when
//! in particular stay unknown, and of the longest sleep only that it is no
//! shorter than the mean. What they do not account for stays unknown, too:
//! a thread whose tid another one had as well, and one whose sums are more than
//! its unknown time, are left as they are.

use probe_common::{
    loss_sums::what,
    sched::{flag, state},
    uapi::{S_IFIFO, S_IFREG, S_IFSOCK},
};
use rustc_hash::FxHashMap;

use super::{
    World,
    account::{Account, ObjectKey, WaitKey, WakeKey, WakeSum},
    blame::CauseId,
    classify::{Sleep, classify},
    identity::{ThreadId, Waker},
    names::NameId,
    thread::Thread,
    wait_site::Dictionaries,
};
use crate::{
    syscall::Descriptor,
    vocabulary::{WaitKind, WakeSource},
    wire::{
        event::{Object, Syscall},
        session::LossSum,
    },
};

/// How much was put in the place of unknown time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Waits.
    pub waits: u64,
    /// Time, of waits and other, ns.
    pub ns: u64,
}

impl Total {
    /// Adds another.
    pub fn add(&mut self, other: &Total) {
        self.waits = self.waits.saturating_add(other.waits);
        self.ns = self.ns.saturating_add(other.ns);
    }
}

/// One thread's sums.
#[derive(Default)]
pub(super) struct Sums<'a> {
    stays: Vec<&'a LossSum>,
    /// Its last switch-out, if that was lost, ns.
    pub(super) end_ns: Option<u64>,
}

/// Sums by thread, for those that alone have had their tid.
pub(super) fn by_thread<'a>(world: &World, folded: &'a [LossSum]) -> FxHashMap<ThreadId, Sums<'a>> {
    let mut threads: FxHashMap<u32, Vec<ThreadId>> = FxHashMap::default();
    for thread in world.threads.iter() {
        threads.entry(thread.tid).or_default().push(thread.id);
    }
    let mut sums: FxHashMap<ThreadId, Sums<'a>> = FxHashMap::default();
    for stay in folded {
        let Some([id]) = threads.get(&stay.tid).map(Vec::as_slice) else {
            continue;
        };
        let sums = sums.entry(*id).or_default();
        if stay.what == what::END {
            sums.end_ns = Some(stay.ns);
        } else {
            sums.stays.push(stay);
        }
    }
    sums
}

impl Sums<'_> {
    /// Puts them into the thread's account; returns how much that was.
    pub(super) fn unfold(&self, thread: &mut Thread, dictionaries: &Dictionaries) -> Total {
        let mut all_ns = self.stays.iter().map(|stay| stay.ns);
        let told_ns = all_ns.try_fold(0, u64::checked_add);
        let left_ns = told_ns.and_then(|ns| thread.account.unknown_ns.checked_sub(ns));
        let Some(unknown_ns) = left_ns else {
            return Total::default();
        };
        let before_ns = thread.account.unknown_ns;
        thread.account.unknown_ns = unknown_ns;
        let mut waits: u64 = 0;
        for stay in &self.stays {
            match stay.what {
                what::CPU => {
                    thread.account.on_cpu_ns = thread.account.on_cpu_ns.saturating_add(stay.ns)
                }
                what::RUNQUEUE => {
                    thread.account.runqueue_ns = thread.account.runqueue_ns.saturating_add(stay.ns);
                    thread.account.runqueue_count =
                        thread.account.runqueue_count.saturating_add(stay.count);
                }
                what::SLEEP => {
                    slept(thread, stay, dictionaries);
                    waits = waits.saturating_add(stay.count);
                }
                // Of a later version: it stays unknown.
                _ => thread.account.unknown_ns = thread.account.unknown_ns.saturating_add(stay.ns),
            }
        }
        Total {
            waits,
            ns: before_ns - thread.account.unknown_ns,
        }
    }
}

fn slept(thread: &mut Thread, stay: &LossSum, dictionaries: &Dictionaries) {
    let kind = kind_of(thread, stay, dictionaries);
    let key = WaitKey {
        kind,
        nr: stay.nr,
        compat: stay.flags & flag::COMPAT != 0,
        function: NameId::NONE,
        stack: NameId::NONE,
        object: ObjectKey::None,
    };
    let account = &mut thread.account;
    let switches = match stay.flags & flag::THROTTLED {
        0 => &mut account.voluntary,
        _ => &mut account.involuntary,
    };
    *switches = switches.saturating_add(stay.count);
    add_stay(account, key, stay);
    match account.counted.as_deref_mut() {
        Some(counted) if counted.filter.counts_sum(kind) => {
            add_stay(&mut counted.account, key, stay);
        }
        Some(counted) => counted.left_out.add(stay.count, stay.ns),
        None => {}
    }
}

fn add_stay(account: &mut Account, key: WaitKey, stay: &LossSum) {
    let by = WakeKey {
        signal: None,
        source: WakeSource::Unverified,
        waker: Waker::Nobody,
        nr: -1,
    };
    if stay.flags & flag::THROTTLED == 0 {
        account.add_state(stay.state, stay.ns);
    }
    let sum = account.waits.entry(key).or_default();
    sum.count = sum.count.saturating_add(stay.count);
    sum.total_ns = sum.total_ns.saturating_add(stay.ns);
    // At least their mean.
    sum.max_ns = sum.max_ns.max(stay.ns.div_ceil(stay.count.max(1)));
    let wakes: &mut WakeSum = sum.wakes.entry(by).or_default();
    wakes.count = wakes.count.saturating_add(stay.count);
    wakes.wait_ns = wakes.wait_ns.saturating_add(stay.ns);
    let blame = account
        .blame
        .entry((key.kind, CauseId::UNKNOWN))
        .or_default();
    *blame = blame.saturating_add(stay.ns);
}

fn kind_of(thread: &Thread, stay: &LossSum, dictionaries: &Dictionaries) -> WaitKind {
    if stay.flags & flag::THROTTLED != 0 {
        return WaitKind::Throttled;
    }
    let call = Syscall {
        nr: stay.nr,
        compat: stay.flags & flag::COMPAT != 0,
        kernel: stay.flags & flag::KERNEL != 0,
        ..Syscall::default()
    };
    let on_file = call.class(dictionaries.table).descriptor() == Descriptor::First;
    let io_wait = stay.flags & flag::IOWAIT != 0;
    // A regular file's name may say that it is an eventfd; but nobody waits for I/O
    // on one.
    let settles = matches!(stay.mode, S_IFIFO | S_IFSOCK) || stay.mode == S_IFREG && io_wait;
    let object = (on_file && settles).then(|| Object {
        mode: stay.mode,
        ..Object::default()
    });
    let kind = classify(&Sleep {
        call,
        table: dictionaries.table,
        state: stay.state & !state::DEAD,
        io_wait,
        on_lock: stay.flags & flag::LOCK != 0,
        object: object.as_ref(),
        stack: &[],
        finished: None,
    });
    // The word is not known.
    if kind == WaitKind::Futex && dictionaries.gils.may_hold(thread.pid) {
        return WaitKind::Unknown;
    }
    kind
}
