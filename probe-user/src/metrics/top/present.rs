//! What each thread waits for at the moment.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Sleeps,
    around::{On, Question},
    living,
};
use crate::{
    metrics::sums,
    syscall::Class,
    vocabulary::WaitKind,
    world::{
        World,
        identity::ThreadId,
        thread::{State, Thread, Wait},
        wait_site::Dictionaries,
    },
};

/// Waits that are shorter are not looked into beyond their records, ns, unless they were
/// there before anything was seen.
const LOOKED_INTO_NS: u64 = 20_000_000;

/// The waits that are not finished.
#[derive(Default)]
pub struct Present {
    /// By who is in it.
    pub waits: FxHashMap<ThreadId, Arc<Open>>,
    /// Those of threads that have been woken and not run since.
    pub woken: FxHashMap<ThreadId, Over>,
    /// Threads in `waits` that certainly have not been woken: others may have been, just
    /// before the moment.
    asleep: FxHashSet<ThreadId>,
    /// What was known when they were described.
    known: u64,
}

/// One of them. What stands here stays as it is while the wait goes on: it is described once,
/// and shared by the ticks that it lasts.
pub struct Open {
    /// What for.
    pub kind: WaitKind,
    /// On what.
    pub object: Option<Arc<str>>,
    /// The kernel function that it sleeps in.
    pub function: Option<Arc<str>>,
    /// The system call.
    pub syscall: Option<Arc<str>>,
    /// Where in the kernel it sleeps, innermost first.
    pub stack: Arc<[Arc<str>]>,
    /// It had begun before the observation.
    pub begun_before: bool,
    /// Since when, ns.
    since_ns: u64,
    /// When its stack was taken, ns.
    taken_ns: Option<u64>,
    /// Its futex is an interpreter's lock: which program a process runs may become known, or
    /// another, only while the wait goes on.
    is_gil: bool,
    /// On what, where somebody else can say more of that.
    pub on: Option<On>,
    /// The child that is waited for.
    pub child: Child,
}

/// A wait that is over, though its thread does not run yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// What it was for.
    pub kind: WaitKind,
    /// When the thread was woken, ns.
    pub wake_ns: u64,
}

/// Which child a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Child {
    /// None.
    No,
    /// This one, by its pid.
    One(u32),
    /// Any.
    Any,
    /// The one that it has just made by vfork(2).
    Vfork,
}

impl Present {
    /// Of a world. What was there `before` and goes on is not described anew.
    pub fn of(world: &World, sleeps: &Sleeps, before: &Present) -> Present {
        let now_ns = world.seen_until_ns();
        let (mut over, mut asleep) = (FxHashMap::default(), FxHashSet::default());
        let is_known = before.known == world.dictionaries.known;
        let mut waits = FxHashMap::default();
        waits.reserve(before.waits.len());
        for thread in living(world) {
            let State::Waiting(wait) = &thread.state else {
                continue;
            };
            let old = before.waits.get(&thread.id).filter(|_| is_known);
            let open = match old.filter(|old| old.is_of(world, thread, wait)) {
                Some(old) => old.clone(),
                None => Arc::new(Open::of(world, thread, wait)),
            };
            match sleeps.of(thread, wait, now_ns) {
                Some(Sleep::Over(wake_ns)) => {
                    let kind = open.kind;
                    over.insert(thread.id, Over { kind, wake_ns });
                    continue;
                }
                Some(Sleep::GoesOn) => _ = asleep.insert(thread.id),
                None => {}
            }
            waits.insert(thread.id, open);
        }
        Present {
            waits,
            woken: over,
            asleep,
            known: world.dictionaries.known,
        }
    }

    /// What a thread waits for, if it does.
    pub fn kind(&self, id: ThreadId) -> Option<WaitKind> {
        self.waits.get(&id).map(|open| open.kind)
    }

    /// What a thread has waited for since it last ran, woken or not.
    pub fn kind_since_run(&self, id: ThreadId) -> Option<WaitKind> {
        let woken = || self.woken.get(&id).map(|over| over.kind);
        self.kind(id).or_else(woken)
    }

    /// It certainly waits: nothing has woken it.
    pub fn is_asleep(&self, id: ThreadId) -> bool {
        self.asleep.contains(&id)
    }

    /// What would have to be looked up of it.
    pub fn questions(&self, world: &World) -> Vec<Question> {
        let mut questions = Vec::new();
        for (&id, open) in &self.waits {
            let Some((thread, pid)) = world.get(id).and_then(|it| Some((it, it.pid?))) else {
                continue;
            };
            let before = open.begun_before;
            let so_far_ns = world.seen_until_ns().saturating_sub(thread.since_ns);
            let on = open.on.filter(|_| before || so_far_ns >= LOOKED_INTO_NS);
            let since = before.then_some(On::Since);
            questions.extend(on.into_iter().chain(since).map(|on| Question {
                tid: thread.tid,
                pid,
                since_ns: thread.since_ns,
                on,
            }));
        }
        questions.sort_by_key(|question| question.since_ns);
        questions
    }
}

/// Whether a thread that did not run at the moment had been woken by then.
enum Sleep {
    /// At this time, ns.
    Over(u64),
    GoesOn,
}

impl Sleeps {
    /// `None` where that is not known.
    fn of(&self, thread: &Thread, wait: &Wait, now_ns: u64) -> Option<Sleep> {
        let wake_ns = match self.next.get(&thread.tid) {
            // Without a waking, or behind lost records, nothing follows.
            Some(on) => Some(on.wake.filter(|_| on.seq == wait.off.seq)?.ts_ns),
            // By now it may be off its CPU another time.
            None => {
                let off_cpu = self.wakings.of(thread.tid);
                off_cpu.filter(|it| it.off_ns == thread.since_ns)?.wake_ns
            }
        };
        Some(match wake_ns.filter(|&wake_ns| wake_ns <= now_ns) {
            Some(wake_ns) => Sleep::Over(wake_ns.max(thread.since_ns)),
            None => Sleep::GoesOn,
        })
    }
}

impl Open {
    fn of(world: &World, thread: &Thread, wait: &Wait) -> Open {
        let open = sums::open_wait(world, thread, wait, 0);
        let symbols = &world.dictionaries.symbols;
        let stack = symbols.resolve(thread.stack_of_sleep());
        Open {
            on: on(world, thread, wait, open.kind),
            child: child(world, wait, open.kind),
            kind: open.kind,
            object: open.object.map(Arc::from),
            function: open.function.map(Arc::from),
            syscall: open.syscall.map(Arc::from),
            stack: stack.iter().map(|symbol| symbol.name.clone()).collect(),
            begun_before: open.begun_before,
            since_ns: thread.since_ns,
            taken_ns: taken_ns(thread),
            is_gil: is_gil(world, thread, wait),
        }
    }

    /// Whether it is what a thread is in now.
    fn is_of(&self, world: &World, thread: &Thread, wait: &Wait) -> bool {
        let now = (thread.since_ns, taken_ns(thread));
        (self.since_ns, self.taken_ns) == now && self.is_gil == is_gil(world, thread, wait)
    }
}

fn is_gil(world: &World, thread: &Thread, wait: &Wait) -> bool {
    let Dictionaries { table, gils, .. } = &world.dictionaries;
    let call = &wait.off.call;
    call.class(*table) == Class::Futex && gils.holds(thread.pid, thread.since_ns, call.arg0)
}

fn taken_ns(thread: &Thread) -> Option<u64> {
    thread.sleeper_stack.as_ref().map(|&(taken_ns, _)| taken_ns)
}

fn on(world: &World, thread: &Thread, wait: &Wait, kind: WaitKind) -> Option<On> {
    let table = world.dictionaries.table;
    let call = &wait.off.call;
    let inode = || {
        thread
            .blocked_on(&wait.off, kind, table)
            .map(|file| file.ino)
    };
    match kind {
        WaitKind::Futex if call.class(table) == Class::Futex => Some(On::Futex(call.arg0)),
        WaitKind::PipeRead => inode().map(On::PipeRead),
        WaitKind::PipeWrite => inode().map(On::PipeWrite),
        WaitKind::SocketRecv | WaitKind::SocketSend | WaitKind::SocketConnect => {
            inode().map(On::Socket)
        }
        WaitKind::Poll if call.class(table) == Class::Poll => Some(On::Poll(call.arg0, call.arg1)),
        WaitKind::Select if call.class(table) == Class::Select => Some(On::Select),
        WaitKind::FileLock => inode().map(On::FileLock),
        WaitKind::Vfork => Some(On::Vfork),
        _ => None,
    }
}

/// `P_PID` of waitid(2).
const ONE_PROCESS: u64 = 1;

fn child(world: &World, wait: &Wait, kind: WaitKind) -> Child {
    let call = &wait.off.call;
    let name = world.dictionaries.table.name(call.nr).unwrap_or_default();
    match (kind, name) {
        (WaitKind::Vfork, _) => Child::Vfork,
        // A negative number is a group of processes.
        (WaitKind::ChildExit, "wait4") if (call.arg0 as i32) > 0 => Child::One(call.arg0 as u32),
        (WaitKind::ChildExit, "waitid") if call.arg0 == ONE_PROCESS => Child::One(call.arg1 as u32),
        (WaitKind::ChildExit, _) => Child::Any,
        _ => Child::No,
    }
}
