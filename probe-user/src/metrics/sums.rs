//! One account → the sums a view shows, and adding sums up for a group.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::{
    blame::{self, Causes, NameCause},
    calls, gil, run_queue,
};
use crate::{
    document::{LeftOut, OpenWait, Sums, Switches, Wait, WaitSite, WaitStates, Wake},
    syscall::Table,
    world::{
        World,
        account::{Account, ObjectKey, WaitKey, WaitSum, WakeKey, WakeSum},
        filter::{Counted, WaitFilter},
        names::{NameId, Names},
        thread::{self, State, Thread},
        wait_site::{Dictionaries, futex_text},
    },
};

/// Turns wakers' identities into the texts of the document.
pub trait NameWaker {
    /// Comm, pid, tid and "outside" of the waker.
    fn name_waker(&self, key: &WakeKey) -> Wake;

    /// The program at the other end of what a wait is on.
    fn name_peer(&self, object: ObjectKey) -> Option<String>;
}

/// The sums of one thread at the world's present moment. `is_idle` says of its
/// waits whether they are.
pub fn of_thread(
    world: &World,
    thread: &Thread,
    is_idle: impl Fn(&WaitKey, &WaitSum) -> Option<bool>,
    namer: &impl NameWaker,
    causes: &mut Causes<'_, impl NameCause>,
) -> Sums {
    let mut sums = Sums {
        on_cpu_ns: thread.account.on_cpu_ns,
        runqueue_ns: thread.account.runqueue_ns,
        runqueue_count: thread.account.runqueue_count,
        unknown_ns: thread.account.unknown_ns,
        switches: Switches {
            voluntary: thread.account.voluntary,
            involuntary: thread.account.involuntary,
        },
        migrations: thread.migrations,
        ..Sums::default()
    };
    if let Some(start) = thread.start_ns {
        sums.lifetime_ns = end_ns(world, thread).saturating_sub(start);
        add_present(world, thread, &mut sums);
    }
    let account = &thread.account;
    add_waits(world, account, is_idle, namer, &mut sums);
    sums.blame = causes.of(account);
    sums.runqueue_behind = Some(run_queue::of(account, sums.runqueue_ns, namer));
    sort(&mut sums);
    sums
}

/// The finished waits of an account.
fn add_waits(
    world: &World,
    account: &Account,
    is_idle: impl Fn(&WaitKey, &WaitSum) -> Option<bool>,
    namer: &impl NameWaker,
    sums: &mut Sums,
) {
    sums.wait_states = Some(WaitStates {
        interruptible_ns: account.interruptible_ns,
        uninterruptible_ns: account.uninterruptible_ns,
    });
    sums.waits = account
        .waits
        .iter()
        .map(|(key, sum)| Wait {
            idle: is_idle(key, sum),
            ..finished_wait(world, key, sum, namer)
        })
        .collect();
    let idle = sums.waits.iter().filter(|wait| wait.idle == Some(true));
    sums.idle_ns = idle.map(|wait| wait.total_ns).sum();
    sums.wakes = wakes(&all_wakes(account), namer);
}

/// Of a thread's sums only the waits that its filter counts.
pub fn count_only(
    thread: &Thread,
    world: &World,
    filter: WaitFilter,
    is_idle: impl Fn(&WaitKey, &WaitSum) -> Option<bool>,
    (namer, causes): (&impl NameWaker, &mut Causes<'_, impl NameCause>),
    sums: &mut Sums,
) {
    let account = &thread.account;
    let counted = account.counted.as_deref();
    let counted = counted.map_or_else(|| Cow::Owned(Counted::new(filter)), Cow::Borrowed);
    let mut left_out = LeftOut {
        count: counted.left_out.count,
        total_ns: counted.left_out.ns,
    };
    sums.open.retain(|open| {
        let stays = filter.counts_kind(open.kind);
        if !stays {
            sums.open_ns -= open.so_far_ns;
            left_out.count += open.count;
            left_out.total_ns += open.so_far_ns;
        }
        stays
    });
    sums.left_out = Some(left_out);
    let counted = Account {
        first_wakeups: account.first_wakeups.clone(),
        ..counted.account.clone()
    };
    // Whether they are idle follows from all of them.
    let all = |key: &WaitKey, sum: &WaitSum| is_idle(key, account.waits.get(key).unwrap_or(sum));
    add_waits(world, &counted, all, namer, sums);
    sums.blame = causes.of(&counted);
    sort(sums);
}

/// Last observed instant of a thread.
pub fn end_ns(world: &World, thread: &Thread) -> u64 {
    if thread.is_dead() {
        thread.since_ns
    } else {
        world.seen_until_ns().max(thread.since_ns)
    }
}

/// The interval that is not finished.
fn add_present(world: &World, thread: &Thread, sums: &mut Sums) {
    let so_far_ns = end_ns(world, thread) - thread.since_ns;
    match &thread.state {
        State::Running => sums.on_cpu_ns += so_far_ns,
        State::Runnable => sums.runqueue_ns += so_far_ns,
        State::Unknown => sums.unknown_ns += so_far_ns,
        State::NotStarted | State::Dead => {}
        State::Waiting(wait) => {
            sums.open_ns += so_far_ns;
            sums.open.push(open_wait(world, thread, wait, so_far_ns));
        }
    }
}

/// The wait that a thread is in, at the world's present moment.
pub fn open_wait(world: &World, thread: &Thread, wait: &thread::Wait, so_far_ns: u64) -> OpenWait {
    let Dictionaries {
        symbols,
        table,
        gils,
        ..
    } = &world.dictionaries;
    if let Some(key) = world.key_at_end(thread.id) {
        return open_at(world, key, so_far_ns, wait.begun_before);
    }
    let call = &wait.off.call;
    let frames = thread.stack_of_sleep();
    let place = thread.wait_site(&wait.off, frames, None, symbols, *table, gils);
    OpenWait {
        kind: place.kind,
        syscall: call_name(*table, call.nr, call.compat),
        function: place.function.map(str::to_owned),
        object: thread.object_text(&wait.off, place.kind, &world.dictionaries),
        stack: place
            .unknown_stack
            .as_deref()
            .map_or_else(Vec::new, frames_of),
        count: 1,
        so_far_ns,
        begun_before: wait.begun_before,
    }
}

/// One of which is known what it was, because it ended behind the end.
fn open_at(world: &World, key: &WaitKey, so_far_ns: u64, begun_before: bool) -> OpenWait {
    let site = site_of(world, key);
    OpenWait {
        kind: site.kind,
        syscall: site.syscall,
        function: site.function,
        object: site.object,
        stack: stack_of(world, key.stack),
        count: 1,
        so_far_ns,
        begun_before,
    }
}

fn finished_wait(world: &World, key: &WaitKey, sum: &WaitSum, namer: &impl NameWaker) -> Wait {
    let Dictionaries { names, table, .. } = &world.dictionaries;
    Wait {
        kind: key.kind,
        syscall: call_name(*table, key.nr, key.compat),
        function: names.text(key.function).map(str::to_owned),
        object: object_text(names, key.object),
        peer: namer.name_peer(key.object),
        stack: stack_of(world, key.stack),
        idle: None,
        count: sum.count,
        total_ns: sum.total_ns,
        max_ns: sum.max_ns,
        begun_before: sum.begun_before,
        wakes: wakes(&sum.wakes, namer),
    }
}

/// What a wait was for, and where.
pub fn site_of(world: &World, key: &WaitKey) -> WaitSite {
    let Dictionaries { names, table, .. } = &world.dictionaries;
    WaitSite {
        kind: key.kind,
        syscall: call_name(*table, key.nr, key.compat),
        function: names.text(key.function).map(str::to_owned),
        object: object_text(names, key.object),
        user_stack: None,
    }
}

/// The functions of a stack, innermost first.
pub fn stack_of(world: &World, stack: NameId) -> Vec<String> {
    let stack = world.dictionaries.names.text(stack);
    stack.map_or_else(Vec::new, frames_of)
}

fn object_text(names: &Names, key: ObjectKey) -> Option<String> {
    match key {
        ObjectKey::None => None,
        ObjectKey::File(name) => names.text(name).map(str::to_owned),
        ObjectKey::Futex(addr) => Some(futex_text(addr)),
    }
}

fn frames_of(joined: &str) -> Vec<String> {
    joined.split(';').map(str::to_owned).collect()
}

/// A call's name; 32-bit calls and calls newer than the table by number.
pub fn call_name(table: Table, nr: i16, compat: bool) -> Option<String> {
    if nr < 0 {
        return None;
    }
    if compat {
        return Some(format!("32-bit call {nr}"));
    }
    Some(
        table
            .name(nr)
            .map_or_else(|| format!("call {nr}"), str::to_owned),
    )
}

/// Births, and the ends of all waits.
fn all_wakes(account: &Account) -> FxHashMap<WakeKey, WakeSum> {
    let mut all = account.first_wakeups.clone();
    for (key, sum) in account.waits.values().flat_map(|wait| &wait.wakes) {
        let total = all.entry(*key).or_default();
        total.count = total.count.saturating_add(sum.count);
        total.wait_ns = total.wait_ns.saturating_add(sum.wait_ns);
    }
    all
}

fn wakes(by: &FxHashMap<WakeKey, WakeSum>, namer: &impl NameWaker) -> Vec<Wake> {
    let named = |(key, sum): (&WakeKey, &WakeSum)| Wake {
        count: sum.count,
        wait_ns: sum.wait_ns,
        ..namer.name_waker(key)
    };
    by.iter().map(named).collect()
}

/// Adds a thread's sums to its group's.
pub fn add(into: &mut Sums, from: &Sums) {
    into.lifetime_ns = into.lifetime_ns.saturating_add(from.lifetime_ns);
    into.on_cpu_ns = into.on_cpu_ns.saturating_add(from.on_cpu_ns);
    into.runqueue_ns = into.runqueue_ns.saturating_add(from.runqueue_ns);
    into.runqueue_count = into.runqueue_count.saturating_add(from.runqueue_count);
    into.idle_ns = into.idle_ns.saturating_add(from.idle_ns);
    into.open_ns = into.open_ns.saturating_add(from.open_ns);
    if let Some(from) = from.left_out {
        let sum = into.left_out.get_or_insert_default();
        sum.count = sum.count.saturating_add(from.count);
        sum.total_ns = sum.total_ns.saturating_add(from.total_ns);
    }
    into.unknown_ns = into.unknown_ns.saturating_add(from.unknown_ns);
    into.switches.voluntary = into
        .switches
        .voluntary
        .saturating_add(from.switches.voluntary);
    into.switches.involuntary = into
        .switches
        .involuntary
        .saturating_add(from.switches.involuntary);
    into.migrations = into.migrations.saturating_add(from.migrations);
    if let Some(from) = from.wait_states {
        let sum = into.wait_states.get_or_insert_default();
        sum.interruptible_ns = sum.interruptible_ns.saturating_add(from.interruptible_ns);
        sum.uninterruptible_ns = sum
            .uninterruptible_ns
            .saturating_add(from.uninterruptible_ns);
    }
    for wait in &from.waits {
        add_wait(&mut into.waits, wait);
    }
    for open in &from.open {
        add_open(&mut into.open, open);
    }
    add_all_wakes(&mut into.wakes, &from.wakes);
    blame::add(&mut into.blame, &from.blame);
    calls::add(&mut into.calls, from.calls.as_deref());
    gil::add(&mut into.gil, from.gil.as_ref());
    run_queue::add(&mut into.runqueue_behind, from.runqueue_behind.as_deref());
}

/// In a group, waits on different objects are one row.
fn add_wait(list: &mut Vec<Wait>, wait: &Wait) {
    let same = |other: &&mut Wait| {
        other.kind == wait.kind
            && other.syscall == wait.syscall
            && other.function == wait.function
            && other.stack == wait.stack
            && other.idle == wait.idle
    };
    match list.iter_mut().find(same) {
        Some(other) => {
            if other.object != wait.object {
                other.object = None;
            }
            if other.peer != wait.peer {
                other.peer = None;
            }
            other.count = other.count.saturating_add(wait.count);
            other.total_ns = other.total_ns.saturating_add(wait.total_ns);
            other.max_ns = other.max_ns.max(wait.max_ns);
            other.begun_before = other.begun_before.saturating_add(wait.begun_before);
            add_all_wakes(&mut other.wakes, &wait.wakes);
        }
        None => {
            let mut first = Wait {
                wakes: Vec::new(),
                ..wait.clone()
            };
            add_all_wakes(&mut first.wakes, &wait.wakes);
            list.push(first);
        }
    }
}

fn add_open(list: &mut Vec<OpenWait>, open: &OpenWait) {
    let same = |other: &&mut OpenWait| {
        other.kind == open.kind
            && other.syscall == open.syscall
            && other.function == open.function
            && other.stack == open.stack
            && other.begun_before == open.begun_before
    };
    match list.iter_mut().find(same) {
        Some(other) => {
            if other.object != open.object {
                other.object = None;
            }
            other.count = other.count.saturating_add(open.count);
            other.so_far_ns = other.so_far_ns.saturating_add(open.so_far_ns);
        }
        None => list.push(open.clone()),
    }
}

/// In a group, wakers of one name are one; ids stay only where there is one.
fn add_all_wakes(list: &mut Vec<Wake>, more: &[Wake]) {
    for wake in more {
        let same = |other: &&mut Wake| {
            other.source == wake.source
                && other.comm == wake.comm
                && other.syscall == wake.syscall
                && other.outside == wake.outside
                && other.signal == wake.signal
        };
        match list.iter_mut().find(same) {
            Some(other) => {
                other.count = other.count.saturating_add(wake.count);
                other.wait_ns = other.wait_ns.saturating_add(wake.wait_ns);
                if other.tid != wake.tid {
                    other.tid = None;
                }
                if other.pid != wake.pid {
                    other.pid = None;
                }
            }
            None => list.push(wake.clone()),
        }
    }
}

/// Largest first; ties in an order that does not depend on hashing.
pub fn sort(sums: &mut Sums) {
    sums.waits.sort_by(|a, b| {
        let name = |w: &Wait| {
            (
                w.kind.as_str(),
                w.syscall.clone(),
                w.function.clone(),
                w.object.clone(),
                w.stack.clone(),
                w.idle,
            )
        };
        b.total_ns
            .cmp(&a.total_ns)
            .then_with(|| name(a).cmp(&name(b)))
    });
    sums.waits
        .iter_mut()
        .for_each(|wait| sort_wakes(&mut wait.wakes));
    sums.open.sort_by(|a, b| {
        b.so_far_ns
            .cmp(&a.so_far_ns)
            .then_with(|| (a.kind.as_str(), &a.function).cmp(&(b.kind.as_str(), &b.function)))
    });
    sort_wakes(&mut sums.wakes);
    run_queue::sort(sums.runqueue_behind.as_deref_mut().unwrap_or_default());
}

fn sort_wakes(list: &mut [Wake]) {
    list.sort_by(|a, b| {
        let name = |w: &Wake| {
            (
                w.source.as_str(),
                w.comm.clone(),
                w.pid,
                w.tid,
                w.syscall.clone(),
                w.signal.clone(),
            )
        };
        b.wait_ns
            .cmp(&a.wait_ns)
            .then(b.count.cmp(&a.count))
            .then_with(|| name(a).cmp(&name(b)))
    });
}
