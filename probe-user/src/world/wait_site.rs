//! What a wait is and where: its kind, kernel function and object.

use std::net::SocketAddr;

use probe_common::uapi::{AF_INET, AF_INET6, IPPROTO_TCP, tcp_state};

use super::{
    account::{ObjectKey, WaitKey},
    blame::cause::Cause,
    cgroup::Cgroups,
    classify::{Sleep, classify},
    disk::Disks,
    gil::Gils,
    names::{NameId, Names},
    object,
    stack::{self, Symbol, Symbols},
    thread::{State, Thread},
    user_stacks::UserStacks,
};
use crate::{
    syscall::{Class, Table},
    vocabulary::{WaitKind, WakeSource},
    wire::event::{Cgroup, Object, Off},
};

/// Before a peer that has not answered the first segment of a connection.
pub const UNANSWERED: &str = "SYN unanswered ";

/// What a thread's transitions read and write besides itself.
pub struct Dictionaries {
    /// Kernel functions by address.
    pub symbols: Symbols,
    /// Interned text.
    pub names: Names,
    /// The tree's system-call numbers.
    pub table: Table,
    /// Interpreter locks.
    pub gils: Gils,
    /// Disks by their numbers.
    pub disks: Disks,
    /// Cgroups by their ids.
    pub cgroups: Cgroups,
    /// User stacks by their hashes.
    pub user_stacks: UserStacks,
    /// Counts what was learned by which a wait may be described otherwise than before.
    pub known: u64,
    /// Whether the stack of each wait is kept.
    pub keeps_stacks: bool,
}

impl Dictionaries {
    /// Learns a cgroup, or its new quota.
    pub(super) fn learn_cgroup(&mut self, cgroup: &Cgroup) {
        let Dictionaries { cgroups, names, .. } = self;
        cgroups.learn(cgroup, names);
        self.known += 1;
    }

    /// A stack's functions, where stacks are kept.
    pub(super) fn stack(&mut self, frames: &[u64]) -> NameId {
        if !self.keeps_stacks || frames.is_empty() {
            return NameId::NONE;
        }
        let text = joined(&self.symbols.resolve(frames));
        match &*text {
            "" => NameId::NONE,
            text => self.names.id(text),
        }
    }
}

/// A described file.
#[derive(Clone, Debug)]
pub struct FileObject {
    object: Object,
    /// Its name, once a wait on it has been counted.
    name: Option<NameId>,
}

impl From<&Object> for FileObject {
    fn from(object: &Object) -> FileObject {
        FileObject {
            object: object.clone(),
            name: None,
        }
    }
}

impl FileObject {
    /// What it is called.
    fn text(&self) -> String {
        object::describe(&self.object)
    }

    /// Where it listens, if it is a socket that does.
    fn listener(&self) -> Option<SocketAddr> {
        let Object {
            family,
            protocol,
            sock_state,
            local_port,
            local_addr,
            ..
        } = &self.object;
        let is_inet = matches!(*family, AF_INET | AF_INET6);
        let is_listener =
            is_inet && *protocol == IPPROTO_TCP && u16::from(*sock_state) == tcp_state::LISTEN;
        is_listener.then(|| SocketAddr::new(object::address(*family, local_addr), *local_port))
    }

    /// Its name, once a wait on it has been counted.
    pub fn name(&self) -> Option<NameId> {
        self.name
    }
}

/// A wait's kind and whereabouts.
pub struct WaitSite<'a> {
    /// What for.
    pub kind: WaitKind,
    /// Kernel function slept in.
    pub function: Option<&'a str>,
    /// For unknown waits, the stack, `;`-separated.
    pub unknown_stack: Option<String>,
}

impl Thread {
    /// Under what a wait is counted. `finished`: see [`Thread::wait_site`].
    pub(super) fn wait_key(
        &mut self,
        off: &Off,
        frames: &[u64],
        finished: Option<WaitKind>,
        dictionaries: &mut Dictionaries,
    ) -> WaitKey {
        if off.throttled {
            return throttled_by(dictionaries.cgroups.with_quota(off.call.arg0));
        }
        let Dictionaries {
            symbols,
            names,
            table,
            gils,
            ..
        } = dictionaries;
        let site = self.wait_site(off, frames, finished, symbols, *table, gils);
        let is_full = self.account.has_many_waits();
        let mut named = |text: &str| {
            let name = names.id_unless(is_full, text);
            name.map_or(ObjectKey::None, ObjectKey::File)
        };
        let on = self.object_of(off, site.kind, *table);
        let file = on.file();
        let object = match on {
            On::Nothing => ObjectKey::None,
            On::Futex(word) => ObjectKey::Futex(word),
            On::Named(text) => named(&text),
            On::File(_, described) => match described.name {
                Some(name) => ObjectKey::File(name),
                None => named(&described.text()),
            },
        };
        if let (ObjectKey::File(name), Some(end)) = (object, file)
            && let Some(described) = self.end_mut(end)
        {
            described.name = Some(name);
        }
        // A call that goes on after an interruption may leave no function of its own.
        let goes_on = !frames.is_empty() && self.last_sleep.is_some_and(|l| l.call == off.call);
        let mut id = |text: Option<&str>| text.map_or(NameId::NONE, |text| names.id(text));
        WaitKey {
            kind: site.kind,
            nr: off.call.nr,
            compat: off.call.compat,
            function: match site.function {
                None if goes_on => self.last_function,
                function => id(function),
            },
            stack: id(site.unknown_stack.as_deref()),
            object,
        }
    }

    /// What goes on when a sleep is interrupted.
    pub(super) fn remember(&mut self, off: &Off, key: &WaitKey) {
        if off.throttled {
            return;
        }
        self.last_sleep = Some(*off);
        if !is_held(key.kind) {
            self.last_function = key.function;
        }
    }

    /// What a wait is and where, as far as its stack was taken. `finished`: what kind of
    /// asynchronous request its waking shows to be at its end.
    pub fn wait_site<'a>(
        &self,
        off: &Off,
        frames: &[u64],
        finished: Option<WaitKind>,
        symbols: &'a Symbols,
        table: Table,
        gils: &Gils,
    ) -> WaitSite<'a> {
        if off.throttled {
            return WaitSite {
                kind: WaitKind::Throttled,
                function: None,
                unknown_stack: None,
            };
        }
        let stack = symbols.resolve(frames);
        let mut kind = classify(&Sleep {
            call: off.call,
            table,
            state: off.state,
            io_wait: off.io_wait,
            on_lock: off.on_lock,
            object: self.first_object(off).map(|described| &described.object),
            stack: &stack,
            finished,
        });
        let word = futex_word(off, table);
        if kind == WaitKind::Futex && word.is_some_and(|w| gils.holds(self.pid, self.since_ns, w)) {
            kind = WaitKind::Gil;
        }
        let unexplained = kind == WaitKind::Unknown && !stack.is_empty();
        WaitSite {
            kind,
            function: stack::function(&stack),
            unknown_stack: unexplained.then(|| joined(&stack)),
        }
    }

    /// The file behind the call's first descriptor.
    fn first_object(&self, off: &Off) -> Option<&FileObject> {
        self.object.as_ref().filter(|_| off.has_object)
    }

    /// What a wait of this kind is on.
    fn object_of(&self, off: &Off, kind: WaitKind, table: Table) -> On<'_> {
        let class = off.call.class(table);
        if let Some(text) = named_by_arguments(off, class, kind).filter(|_| !is_held(kind)) {
            return text;
        }
        let end = end_of(class, kind);
        let described = end.and_then(|end| match end {
            End::First => self.first_object(off),
            End::Second => self.second_object.as_ref().filter(|_| off.has_second),
        });
        match end.zip(described) {
            Some((end, described)) if is_of_class(class, &described.object) => {
                On::File(end, described)
            }
            _ => On::Nothing,
        }
    }

    fn end_mut(&mut self, end: End) -> Option<&mut FileObject> {
        match end {
            End::First => self.object.as_mut(),
            End::Second => self.second_object.as_mut(),
        }
    }

    /// Where it goes to sleep until a connection comes, by a switch-out: a listener whose
    /// accept queue is empty.
    pub(super) fn accepts_at(&self, off: &Off, table: Table) -> Option<SocketAddr> {
        if !matches!(self.state, State::Waiting(_)) || off.call.class(table) != Class::Accept {
            return None;
        }
        let object = self.object.as_ref().filter(|_| off.has_object);
        object?.listener()
    }

    /// The address at the other end of what the wait is on.
    pub(super) fn peer(
        &self,
        off: &Off,
        kind: WaitKind,
        dictionaries: &mut Dictionaries,
    ) -> NameId {
        let peer = match self.object_of(off, kind, dictionaries.table) {
            On::File(_, described) => object::peer(&described.object),
            _ => None,
        };
        let is_full = self.account.has_many_causes();
        let name = peer.and_then(|peer| dictionaries.names.id_unless(is_full, &peer));
        name.unwrap_or(NameId::NONE)
    }

    /// The cause behind a wait for a connection whose first segment was sent again
    /// meanwhile, whatever ended it in the end: an answer, or a time.
    pub(super) fn unanswered(
        &self,
        off: &Off,
        kind: WaitKind,
        source: WakeSource,
        dictionaries: &mut Dictionaries,
    ) -> Option<Cause> {
        let (sent_ns, to) = self.unanswered.as_ref()?;
        if *sent_ns < self.since_ns || !matches!(source, WakeSource::NetRx | WakeSource::Timer) {
            return None;
        }
        let peer = match self.object_of(off, kind, dictionaries.table) {
            On::File(_, described) => object::peer(&described.object)?,
            _ => return None,
        };
        if peer != **to {
            return None;
        }
        let is_full = self.account.has_many_causes();
        let text = format!("{UNANSWERED}{peer}");
        let name = dictionaries.names.id_unless(is_full, &text);
        Some(Cause::Network(name.unwrap_or(NameId::NONE)))
    }

    /// The disk that had finished a request when it was woken at `woken_ns`.
    pub(super) fn finisher(&self, woken_ns: u64, dictionaries: &mut Dictionaries) -> NameId {
        match self.disk {
            Some((at_ns, dev)) if at_ns == woken_ns => {
                dictionaries.disks.name(dev, &mut dictionaries.names)
            }
            _ => NameId::NONE,
        }
    }

    /// The file that a wait of this kind is on.
    pub fn blocked_on(&self, off: &Off, kind: WaitKind, table: Table) -> Option<&Object> {
        match self.object_of(off, kind, table) {
            On::File(_, described) => Some(&described.object),
            On::Nothing | On::Futex(_) | On::Named(_) => None,
        }
    }

    /// What a wait of this kind is on.
    pub fn object_text(
        &self,
        off: &Off,
        kind: WaitKind,
        dictionaries: &Dictionaries,
    ) -> Option<String> {
        if off.throttled {
            let name = dictionaries.cgroups.with_quota(off.call.arg0)?;
            return dictionaries.names.text(name).map(str::to_owned);
        }
        match self.object_of(off, kind, dictionaries.table) {
            On::File(_, described) => Some(described.text()),
            On::Futex(word) => Some(futex_text(word)),
            On::Named(text) => Some(text),
            On::Nothing => None,
        }
    }
}

/// A wait for CPU quota of the cgroup of this name.
fn throttled_by(cgroup: Option<NameId>) -> WaitKey {
    WaitKey {
        kind: WaitKind::Throttled,
        nr: -1,
        compat: false,
        function: NameId::NONE,
        stack: NameId::NONE,
        object: cgroup.map_or(ObjectKey::None, ObjectKey::File),
    }
}

impl Thread {
    /// What a wait that has not ended is on, if another wait was on the same, or a futex's
    /// word.
    pub fn known_object(
        &self,
        off: &Off,
        kind: WaitKind,
        dictionaries: &Dictionaries,
    ) -> ObjectKey {
        let find = |text: &str| dictionaries.names.find(text);
        let name = match self.object_of(off, kind, dictionaries.table) {
            On::Nothing => None,
            On::Futex(word) => return ObjectKey::Futex(word),
            On::Named(text) => find(&text),
            On::File(_, described) => described.name.or_else(|| find(&described.text())),
        };
        name.map_or(ObjectKey::None, ObjectKey::File)
    }
}

/// What a wait is on.
enum On<'a> {
    Nothing,
    File(End, &'a FileObject),
    Futex(u64),
    Named(String),
}

impl On<'_> {
    fn file(&self) -> Option<End> {
        match *self {
            On::File(end, _) => Some(end),
            _ => None,
        }
    }
}

/// What a futex word is called.
pub fn futex_text(addr: u64) -> String {
    format!("futex {addr:#x}")
}

/// The address of the futex that a call waits on.
fn futex_word(off: &Off, table: Table) -> Option<u64> {
    (off.call.class(table) == Class::Futex).then_some(off.call.arg0)
}

/// The first word of the object that a futex call waits at. The C library's condition
/// variables have two words side by side, of which the older waiters sleep at one and the
/// newer at the other, in turns; its read-write locks have one for readers and one for
/// writers. It gives the real-time clock also where it waits without a time-out, as others
/// do not.
fn of_object(word: u64, operation: u64) -> u64 {
    const COMMAND: u64 = 0x7f;
    const WAIT_BITSET: u64 = 9;
    const CLOCK_REALTIME: u64 = 0x100;
    let is_libc = operation & CLOCK_REALTIME != 0 && operation & COMMAND == WAIT_BITSET;
    if is_libc { word & !7 } else { word }
}

/// What the arguments name by themselves.
fn named_by_arguments<'a>(off: &Off, class: Class, kind: WaitKind) -> Option<On<'a>> {
    let (first, second) = (off.call.arg0, off.call.arg1);
    match class {
        Class::Futex => Some(On::Futex(of_object(first, second))),
        // Its arguments are still those of the call that goes on.
        Class::Restart if kind == WaitKind::Futex => Some(On::Futex(of_object(first, second))),
        Class::Futexes if !off.call.looked_up => Some(On::Nothing),
        Class::Futexes if second == 0 => Some(On::Futex(first)),
        Class::Futexes => {
            // Bit 0: there are more.
            let more = if second & 1 == 0 { "" } else { ", …" };
            let second = second & !1;
            Some(On::Named(format!("futexes {first:#x}, {second:#x}{more}")))
        }
        Class::Semaphores => Some(On::Named(format!("semaphores {}", first & 0xffff_ffff))),
        Class::Messages => Some(On::Named(format!("message queue {}", first & 0xffff_ffff))),
        _ => None,
    }
}

/// Which of a call's descriptors.
#[derive(Clone, Copy)]
enum End {
    First,
    Second,
}

/// The descriptor that a wait of this kind is on.
fn end_of(class: Class, kind: WaitKind) -> Option<End> {
    let reads = matches!(
        kind,
        WaitKind::PipeRead
            | WaitKind::SocketRecv
            | WaitKind::Disk
            | WaitKind::Timer
            | WaitKind::Event
    );
    let writes = matches!(
        kind,
        WaitKind::PipeWrite | WaitKind::SocketSend | WaitKind::Sync
    );
    match class {
        _ if is_held(kind) => None,
        Class::Splice if reads => Some(End::First),
        Class::Splice if writes => Some(End::Second),
        Class::SendFile if reads => Some(End::Second),
        Class::SendFile if writes => Some(End::First),
        Class::Splice | Class::SendFile => None,
        _ => Some(End::First),
    }
}

/// Whether somebody else holds the thread, whatever its call is on.
fn is_held(kind: WaitKind) -> bool {
    matches!(kind, WaitKind::Stopped | WaitKind::Throttled)
}

/// Whether a file is what such a call works on. io_uring_enter(2) may be given the number
/// of a registered ring in the place of a descriptor.
fn is_of_class(class: Class, file: &Object) -> bool {
    class != Class::IoUring || &*file.name == b"[io_uring]"
}

fn joined(stack: &[&Symbol]) -> String {
    stack
        .iter()
        .map(|symbol| &*symbol.name)
        .collect::<Vec<_>>()
        .join(";")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    #[test]
    fn waits_a_disk_of_another_waking_finished_nothing() {
        let mut world = World::new(Table::by_id("x86_64").expect("a known table"));
        let thread = Thread {
            disk: Some((1_050, 254 << 20 | 16)),
            ..Thread::default()
        };
        let mut finisher = |woken_ns| thread.finisher(woken_ns, &mut world.dictionaries);
        assert_eq!(finisher(1_049), NameId::NONE);
        assert_eq!(finisher(1_051), NameId::NONE);
        let name = finisher(1_050);
        assert_eq!(world.dictionaries.names.text(name), Some("254:16"));
    }

    #[test]
    fn object_two_words_of_a_condition_variable_are_one() {
        let name = |word: u64, operation: u64| of_object(word, operation);
        // FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, private and shared.
        for operation in [0x189, 0x109] {
            assert_eq!(name(0x1028, operation), 0x1028);
            assert_eq!(name(0x102c, operation), 0x1028);
        }
        // Of others nothing is known: FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_LOCK_PI.
        for operation in [0x80, 0x89, 0x86, 0x0] {
            assert_eq!(name(0x102c, operation), 0x102c);
        }
    }
}
