//! What a wait is and where: its kind, kernel function and object.

use super::{
    account::{ObjectKey, WaitKey},
    classify::{Sleep, classify},
    disk::Disks,
    gil::Gils,
    kind::WaitKind,
    names::{NameId, Names},
    object,
    stack::{self, Symbol, Symbols},
    thread::Thread,
};
use crate::{
    syscall::{Class, Table},
    wire::event::{Object, Off},
};

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
    /// Under what a wait is counted.
    pub(super) fn wait_key(
        &mut self,
        off: &Off,
        frames: &[u64],
        dictionaries: &mut Dictionaries,
    ) -> WaitKey {
        let Dictionaries {
            symbols,
            names,
            table,
            gils,
            disks: _,
        } = dictionaries;
        let site = self.wait_site(off, frames, symbols, *table, gils);
        let object = match self.object_of(off) {
            Some(FileObject {
                name: Some(name), ..
            }) => ObjectKey::File(*name),
            Some(FileObject { object, .. }) => {
                let name =
                    names.id_unless(self.account.has_many_waits(), &object::describe(object));
                name.map_or(ObjectKey::None, ObjectKey::File)
            }
            None => futex_word(off, *table).map_or(ObjectKey::None, ObjectKey::Futex),
        };
        if let (ObjectKey::File(name), Some(described)) = (object, &mut self.object) {
            described.name = Some(name);
        }
        let mut id = |text: Option<&str>| text.map_or(NameId::NONE, |text| names.id(text));
        WaitKey {
            kind: site.kind,
            nr: off.call.nr,
            compat: off.call.compat,
            function: id(site.function),
            stack: id(site.unknown_stack.as_deref()),
            object,
        }
    }

    /// What a wait is and where, as far as its stack was taken.
    pub fn wait_site<'a>(
        &self,
        off: &Off,
        frames: &[u64],
        symbols: &'a Symbols,
        table: Table,
        gils: &Gils,
    ) -> WaitSite<'a> {
        let stack = symbols.resolve(frames);
        let mut kind = classify(&Sleep {
            call: off.call,
            table,
            state: off.state,
            io_wait: off.io_wait,
            on_lock: off.on_lock,
            object: self.object_of(off).map(|described| &described.object),
            stack: &stack,
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

    fn object_of(&self, off: &Off) -> Option<&FileObject> {
        self.object.as_ref().filter(|_| off.has_object)
    }

    /// The address at the other end of what the wait is on.
    pub(super) fn peer(&self, off: &Off, dictionaries: &mut Dictionaries) -> NameId {
        let peer = self
            .object_of(off)
            .and_then(|described| object::peer(&described.object));
        let is_full = self.account.has_many_causes();
        let name = peer.and_then(|peer| dictionaries.names.id_unless(is_full, &peer));
        name.unwrap_or(NameId::NONE)
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

    /// What the wait is on.
    pub fn object_text(&self, off: &Off, table: Table) -> Option<String> {
        match self.object_of(off) {
            Some(described) => Some(object::describe(&described.object)),
            None => futex_word(off, table).map(futex_text),
        }
    }
}

/// What a futex word is called.
pub fn futex_text(addr: u64) -> String {
    format!("futex {addr:#x}")
}

/// The address of the futex that a call waits on.
fn futex_word(off: &Off, table: Table) -> Option<u64> {
    let native = !off.call.compat && !off.call.kernel;
    let futex = native && table.class(off.call.nr) == Class::Futex;
    futex.then_some(off.call.arg0)
}

fn joined(stack: &[&Symbol]) -> String {
    stack
        .iter()
        .map(|symbol| &*symbol.name)
        .collect::<Vec<_>>()
        .join(";")
}
