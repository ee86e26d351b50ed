//! What a herd is called, who woke it and what would help.

use std::cmp::Reverse;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    context::Place,
    found::{Found, Object, Sum},
};
use crate::{
    document::Herd,
    metrics::{blame::NameCause, threads::Namer},
    vocabulary::{CauseKind, WaitKind, WakeSource},
    world::{
        World, account::ObjectKey, blame::cause::Cause, identity::Waker, interval::Ended,
        wait_site::futex_text,
    },
};

/// Herds with less than one of so many wakes at a place are chance.
const SHARE: u64 = 10;

/// So much longer runs of a futex's threads that had something to do are than the others': where
/// all run about equally long, each may have had its own job.
const LONGER: u64 = 4;

/// Who sleeps at a place of a group, by their accounts.
#[derive(Default)]
struct Sleepers {
    threads: usize,
    pids: FxHashSet<Option<u32>>,
    /// Wakes there, in herds or not.
    wakes: u64,
    /// Packets wake them there, as the herd's wakers do.
    by_packets: bool,
}

impl Found {
    /// All herds, those first that were woken for nothing most often; `None` if there is
    /// none and most wakers are not known.
    pub fn rows(&self, world: &World, namer: &Namer<'_>) -> Option<Vec<Herd>> {
        if self.sums.is_empty() && self.unverified > self.waits / 2 {
            return None;
        }
        let sleepers = self.sleepers(world, namer);
        let nobody = Sleepers::default();
        let sums = self.sums.iter();
        let rows = sums.filter_map(|(object, sum)| {
            let sleepers = sleepers.get(object).unwrap_or(&nobody);
            let is_chance = sum.wakes * SHARE < sleepers.wakes;
            (!is_chance).then(|| row(world, namer, object, sum, sleepers))
        });
        let mut rows: Vec<Herd> = rows.collect();
        rows.sort_by(|a, b| {
            let weight = |herd: &Herd| Reverse((herd.wasted, herd.wasted_cpu_ns));
            let by_weight = weight(a).cmp(&weight(b));
            by_weight.then_with(|| a.object.cmp(&b.object))
        });
        Some(rows)
    }

    fn sleepers(&self, world: &World, namer: &Namer<'_>) -> FxHashMap<Object, Sleepers> {
        let mut sleepers: FxHashMap<Object, Sleepers> = FxHashMap::default();
        if self.sums.is_empty() {
            return sleepers;
        }
        for thread in world.threads.iter() {
            let group = namer.group_of()[thread.id];
            let mut seen = FxHashSet::default();
            for (key, waits) in &thread.account.waits {
                let place = Place::of(key);
                let of = |process| Object {
                    place,
                    group,
                    process,
                };
                let objects = [of(None), of(thread.pid)];
                let Some((object, sum)) = objects
                    .iter()
                    .find_map(|object| self.sums.get_key_value(object))
                else {
                    continue;
                };
                let at = sleepers.entry(*object).or_default();
                at.threads += usize::from(seen.insert(*object));
                at.pids.insert(thread.pid);
                at.wakes += waits.count;
                let mut wakes = waits.wakes.keys();
                at.by_packets |=
                    wakes.any(|wake| wake.source == WakeSource::NetRx && sum.is_by(wake.waker));
            }
        }
        sleepers
    }
}

impl Sum {
    /// Whether those that had something to do ran longer than the others.
    fn has_workers(&self) -> bool {
        let useful = u128::from(self.useful_cpu_ns) * u128::from(self.wasted);
        let wasted = u128::from(self.wasted_cpu_ns) * u128::from(self.useful);
        useful > u128::from(LONGER) * wasted
    }

    /// Whether it was among those who woke them: of interrupts, whether any did.
    fn is_by(&self, waker: Waker) -> bool {
        match waker {
            Waker::Thread(id) => self.wakers.contains_key(&Ended::By(id)),
            _ => {
                let is_packet = |by: &Ended| matches!(by, Ended::For(Cause::Network(_), _));
                self.wakers.keys().any(is_packet)
            }
        }
    }
}

fn row(world: &World, namer: &Namer<'_>, object: &Object, sum: &Sum, sleepers: &Sleepers) -> Herd {
    let kind = object.place.kind;
    let name = name(world, object);
    let advice = advice(kind, name.as_deref(), sum, sleepers);
    Herd {
        object: named(namer, object, name, sleepers),
        kind,
        wakes: sum.wakes,
        useful: sum.useful,
        wasted: sum.wasted,
        events: sum.events,
        fan_out_max: sum.fan_out_max,
        wasted_cpu_ns: sum.wasted_cpu_ns,
        waker_ns: sum.waker_ns,
        waker: waker(namer, sum),
        exclusive: exclusive(kind),
        advice: advice.map(str::to_owned),
    }
}

/// What they wait for, if that is known. All epoll instances have one name.
fn name(world: &World, object: &Object) -> Option<String> {
    match object.place.object {
        ObjectKey::Futex(word) => Some(futex_text(word)),
        ObjectKey::File(name) => {
            let text = world.dictionaries.names.text(name);
            text.filter(|text| !text.starts_with('['))
                .map(str::to_owned)
        }
        ObjectKey::None => None,
    }
}

/// `poll on tcp 127.0.0.1:8080`, `epoll of nginx (8 processes)`, `futex 0x7f… of server`.
fn named(namer: &Namer<'_>, object: &Object, name: Option<String>, at: &Sleepers) -> String {
    let kind = object.place.kind;
    let group = namer.name_of_group(object.group);
    match name {
        Some(word) if kind == WaitKind::Futex => format!("{word} of {group}"),
        Some(name) => format!("{} on {name}", kind.as_str()),
        None if at.pids.len() == at.threads => {
            format!("{} of {group} ({} processes)", kind.as_str(), at.threads)
        }
        None => format!("{} of {group} ({} threads)", kind.as_str(), at.threads),
    }
}

/// Who woke them most often, and how many others did.
fn waker(namer: &Namer<'_>, sum: &Sum) -> String {
    let mut counts: FxHashMap<String, u64> = FxHashMap::default();
    for (by, count) in &sum.wakers {
        *counts.entry(who(namer, *by)).or_default() += count;
    }
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let others = counts.len().saturating_sub(1);
    let first = counts.into_iter().next().map(|(name, _)| name);
    let first = first.unwrap_or_default();
    match others {
        0 => first,
        1 => format!("{first} and another"),
        more => format!("{first} and {more} others"),
    }
}

fn who(namer: &Namer<'_>, by: Ended) -> String {
    match by {
        Ended::By(id) => namer.group_name(id),
        Ended::For(cause, _) => {
            let (kind, detail) = namer.name_cause(cause);
            match (kind, detail) {
                (CauseKind::Outside, Some(comm)) => format!("outside: {comm}"),
                (kind, Some(detail)) => format!("{} {detail}", kind.as_str()),
                (kind, None) => kind.as_str().to_owned(),
            }
        }
    }
}

/// Whether the kernel wakes one sleeper of such a wait for one event: accept(2)
/// (`inet_csk_wait_for_connect`, `prepare_to_wait_exclusive`) and a pipe (5.6 and later:
/// `wait_event_interruptible_exclusive`) always do; poll(2) and select(2) never
/// (`__pollwait`, `add_wait_queue`). For epoll it is a flag of what is waited for, and for
/// a futex the waker's choice: not known.
fn exclusive(kind: WaitKind) -> Option<bool> {
    match kind {
        WaitKind::SocketAccept | WaitKind::PipeRead | WaitKind::PipeWrite => Some(true),
        WaitKind::Poll | WaitKind::Select => Some(false),
        _ => None,
    }
}

/// What would wake one, where one would have done: mostly one alone found something.
/// EPOLLEXCLUSIVE (`epoll_ctl(2)`) is for several epoll instances on one file;
/// SO_REUSEPORT (`socket(7)`) for sockets that packets come to, each process with its own.
fn advice(
    kind: WaitKind,
    name: Option<&str>,
    sum: &Sum,
    sleepers: &Sleepers,
) -> Option<&'static str> {
    if sum.useful > 2 * sum.events {
        return None;
    }
    let is_tcp = name.is_some_and(|name| name.starts_with("tcp "));
    let has_instances = sleepers.pids.len() > 1;
    match (kind, sleepers.by_packets) {
        (WaitKind::Epoll, true) if has_instances => {
            Some("EPOLLEXCLUSIVE or SO_REUSEPORT would wake one")
        }
        (WaitKind::Epoll, false) if has_instances => Some("EPOLLEXCLUSIVE would wake one"),
        (WaitKind::Epoll, _) => {
            Some("EPOLLEXCLUSIVE would wake one, if each has an epoll instance of its own")
        }
        (WaitKind::Poll | WaitKind::Select, true) if is_tcp => Some(
            "poll and select always wake all: blocking accept, epoll with EPOLLEXCLUSIVE or \
             SO_REUSEPORT would wake one",
        ),
        (WaitKind::Poll | WaitKind::Select, true) => Some(
            "poll and select always wake all: epoll with EPOLLEXCLUSIVE or SO_REUSEPORT would \
             wake one",
        ),
        (WaitKind::Poll | WaitKind::Select, false) => {
            Some("poll and select always wake all: epoll with EPOLLEXCLUSIVE would wake one")
        }
        (WaitKind::Futex, _) if sum.has_workers() => Some(
            "if one can do the work: waking one for each job (notify_one, FUTEX_WAKE of 1) would \
             do",
        ),
        _ => None,
    }
}
