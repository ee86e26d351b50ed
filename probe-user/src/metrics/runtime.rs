//! Threads that the runtime of a language or a library makes: what they are there for.
//! A *helper* works for the runtime, as a collector or a compiler does; a thread that
//! runs what the program gives it is none.
//!
//! They are known by the names that their runtimes give them, where nobody else uses
//! those: `Finalizer` counts in a JVM alone, which is what has a `VM Thread`. Go names
//! no thread; that a program was made by Go its file says. There a thread is an *M*:
//! the first one that the main thread makes is sysmon, which sleeps between its looks;
//! one is *parked* that waited for nothing but a futex and took at most 1 % of its life
//! to be woken and look for a goroutine. Node does not name its threads before 22.

use rustc_hash::FxHashSet;

use super::{process::Processes, sums};
use crate::{
    syscall::Class,
    vocabulary::WaitKind,
    world::{
        World,
        account::Account,
        by_thread::ByThread,
        thread::{State, Thread},
    },
};

/// What a runtime's threads are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Runtime {
    /// `jvm gc`, `go sysmon`, …
    pub name: &'static str,
    /// They work for the runtime, not for the program.
    pub helper: bool,
}

/// Whose name it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// Nobody else's.
    Any,
    /// A thread's in a JVM.
    Jvm,
}

const HELPER: bool = true;
const WORKER: bool = false;

/// Names of threads as the kernel keeps them, 15 bytes; a `*` stands for what follows.
const NAMES: &[(Of, &str, &str, bool)] = &[
    (Of::Jvm, "GC Thread#*", "jvm gc", HELPER),
    (Of::Jvm, "G1 *", "jvm gc", HELPER),
    (Of::Jvm, "ParGC Thread#*", "jvm gc", HELPER),
    (Of::Jvm, "Shenandoah *", "jvm gc", HELPER),
    (Of::Jvm, "ZWorker*", "jvm gc", HELPER),
    (Of::Jvm, "ZDriver*", "jvm gc", HELPER),
    (Of::Jvm, "ZDirector", "jvm gc", HELPER),
    (Of::Jvm, "ZUncommitter", "jvm gc", HELPER),
    (Of::Jvm, "ZUnmapper", "jvm gc", HELPER),
    (Of::Jvm, "ZStat", "jvm gc", HELPER),
    (Of::Jvm, "Reference Handl", "jvm gc", HELPER),
    (Of::Jvm, "Finalizer", "jvm gc", HELPER),
    (Of::Jvm, "Common-Cleaner", "jvm gc", HELPER),
    (Of::Jvm, "C1 CompilerThre", "jvm compiler", HELPER),
    (Of::Jvm, "C2 CompilerThre", "jvm compiler", HELPER),
    (Of::Jvm, "Sweeper thread", "jvm compiler", HELPER),
    (Of::Jvm, "VM Thread", "jvm service", HELPER),
    (Of::Jvm, "VM Periodic Tas", "jvm service", HELPER),
    (Of::Jvm, "Signal Dispatch", "jvm service", HELPER),
    (Of::Jvm, "Service Thread", "jvm service", HELPER),
    (Of::Jvm, "Monitor Deflati", "jvm service", HELPER),
    (Of::Jvm, "Notification Th", "jvm service", HELPER),
    (Of::Jvm, "Attach Listener", "jvm service", HELPER),
    (Of::Jvm, "process reaper", "jvm service", HELPER),
    (Of::Jvm, "ForkJoinPool*", "jvm fork-join pool", WORKER),
    (Of::Any, ".NET TP Worker", ".net thread pool", WORKER),
    (Of::Any, ".NET Sockets", ".net sockets", WORKER),
    (Of::Any, ".NET Tiered Com", ".net compiler", HELPER),
    (Of::Any, ".NET *GC*", ".net gc", HELPER),
    (Of::Any, ".NET *", ".net service", HELPER),
    (Of::Any, "libuv-worker", "libuv pool", WORKER),
    (Of::Any, "V8Worker", "v8 pool", HELPER),
    (Of::Any, "V8 DefaultWorke", "v8 pool", HELPER),
    (Of::Any, "DelayedTaskSche", "v8 pool", HELPER),
    (Of::Any, "SignalInspector", "v8 service", HELPER),
    (Of::Any, "tokio-runtime-w", "tokio pool", WORKER),
    (Of::Any, "tokio-rt-worker", "tokio pool", WORKER),
    (Of::Any, "ThreadPoolExecu", "python pool", WORKER),
    (Of::Any, "iou-wrk-*", "io_uring workers", HELPER),
    (Of::Any, "iou-sqp-*", "io_uring poll", HELPER),
    (Of::Any, "jemalloc_bg_thd", "jemalloc", HELPER),
    (Of::Any, "gdbus", "glib", HELPER),
    (Of::Any, "gmain", "glib", HELPER),
    (Of::Any, "pool-spawner", "glib", HELPER),
];

/// The thread that every JVM has.
const JVM: &str = "VM Thread";

/// The runtimes of a world's processes.
pub struct Runtimes<'a> {
    world: &'a World,
    processes: &'a Processes,
    /// Of their places in the list.
    jvms: FxHashSet<usize>,
}

impl<'a> Runtimes<'a> {
    /// Looks which they are.
    pub fn new(world: &'a World, processes: &'a Processes) -> Runtimes<'a> {
        let of: &ByThread<usize> = &processes.of_thread;
        let threads = world.threads.iter().filter(|thread| &*thread.comm == JVM);
        Runtimes {
            world,
            processes,
            jvms: threads.map(|thread| of[thread.id]).collect(),
        }
    }

    /// What a thread is that does not lead its process; `None` if it is the program's own.
    pub fn of(&self, thread: &Thread) -> Option<Runtime> {
        let process = self.processes.of_thread[thread.id];
        if self.processes.list[process].is_go {
            return Some(self.of_go(thread));
        }
        by_name(&thread.comm, self.jvms.contains(&process))
    }

    fn of_go(&self, thread: &Thread) -> Runtime {
        let process = self.world.processes.get(thread.process);
        let first = process.filter(|process| process.threads.first() == Some(&process.main));
        let is_second = first.is_some_and(|process| process.threads.get(1) == Some(&thread.id));
        let mut kinds = thread.account.waits.keys().map(|key| key.kind);
        let (name, helper) = if is_second && kinds.any(|kind| kind == WaitKind::Sleep) {
            ("go sysmon", HELPER)
        } else if self.is_parked(thread) {
            ("go parked Ms", HELPER)
        } else {
            ("go Ms", WORKER)
        };
        Runtime { name, helper }
    }

    fn is_parked(&self, thread: &Thread) -> bool {
        let Account {
            waits,
            on_cpu_ns,
            runqueue_ns,
            unknown_ns,
            ..
        } = &thread.account;
        let end_ns = sums::end_ns(self.world, thread);
        let table = self.world.dictionaries.table;
        // What it does at the end is not in its account.
        let awake_ns = match &thread.state {
            State::Waiting(wait) if wait.off.call.class(table) != Class::Futex => return false,
            State::Running | State::Runnable => end_ns.saturating_sub(thread.since_ns),
            _ => 0,
        };
        let awake_ns = awake_ns + on_cpu_ns + runqueue_ns;
        let life_ns = end_ns.saturating_sub(thread.start_ns.unwrap_or(end_ns));
        let at_futex = waits.keys().all(|key| key.kind == WaitKind::Futex);
        at_futex && *unknown_ns == 0 && awake_ns.saturating_mul(100) <= life_ns
    }
}

fn by_name(comm: &str, is_jvm: bool) -> Option<Runtime> {
    let is_so = |&&(of, pattern, ..): &&(Of, &str, &str, bool)| {
        (of == Of::Any || is_jvm) && matches(pattern, comm)
    };
    let &(_, _, name, helper) = NAMES.iter().find(is_so)?;
    Some(Runtime { name, helper })
}

fn matches(pattern: &str, comm: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == comm;
    };
    let Some(behind) = comm.strip_prefix(first) else {
        return false;
    };
    rest.is_empty() || behind.contains(rest.trim_end_matches('*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(comm: &str, in_jvm: Option<&str>, elsewhere: Option<&str>) {
        let name = |is_jvm| by_name(comm, is_jvm).map(|runtime| runtime.name);
        assert_eq!((name(true), name(false)), (in_jvm, elsewhere), "{comm}");
        assert!(comm.len() <= 15, "{comm}: longer than the kernel keeps");
    }

    #[test]
    fn runtime_threads_are_known_by_their_names() {
        for gc in [
            "GC Thread#0",
            "G1 Conc#0",
            "G1 Main Marker",
            "G1 Service",
            "G1 Refine#3",
        ] {
            check(gc, Some("jvm gc"), None);
        }
        check("C2 CompilerThre", Some("jvm compiler"), None);
        check("VM Periodic Tas", Some("jvm service"), None);
        check("Finalizer", Some("jvm gc"), None);
        check("work-1", None, None);
        for (comm, name) in [
            (".NET TP Worker", ".net thread pool"),
            (".NET Server GC", ".net gc"),
            (".NET BGC", ".net gc"),
            (".NET SynchManag", ".net service"),
            ("libuv-worker", "libuv pool"),
            ("tokio-runtime-w", "tokio pool"),
            ("ThreadPoolExecu", "python pool"),
            ("iou-wrk-4711", "io_uring workers"),
        ] {
            check(comm, Some(name), Some(name));
        }
        for (_, pattern, ..) in NAMES {
            assert!(pattern.len() <= 15, "{pattern}");
        }
    }
}
