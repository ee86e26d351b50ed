//! The closed vocabularies of waitscope: what a thread waits for, who ends a
//! wait, what a wait was really for, and what the probes can see. Each word
//! stands here once; records, world, document and views use the enums, and match
//! on them without a catch-all, so that a new word does not compile before every
//! place that must know it does.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An enum whose every variant is a word. Ids are append-only: they order rows
/// of the world and may be stored.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $what:literal {
            $($(#[$doc:meta])* $variant:ident = $id:literal: $text:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$doc])* $variant = $id,)+
        }

        impl $name {
            /// All of them, by id.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The word used in every output.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<$name, UnknownWord> {
                let mut all = $name::ALL.iter().copied();
                all.find(|word| word.as_str() == text).ok_or_else(|| UnknownWord {
                    what: $what,
                    text: text.to_owned(),
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                deserializer.deserialize_str(Word($what, |text| text.parse()))
            }
        }
    };
}

/// A text that is none of the words of its vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {text:?}")]
pub struct UnknownWord {
    /// The vocabulary.
    pub what: &'static str,
    /// The text.
    pub text: String,
}

/// Reads one word of a vocabulary.
struct Word<T>(&'static str, fn(&str) -> Result<T, UnknownWord>);

impl<T> de::Visitor<'_> for Word<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).map_err(E::custom)
    }
}

words! {
    /// What a thread waits for.
    #[derive(Default)]
    #[expect(missing_docs, reason = "the names are the vocabulary of the field")]
    pub enum WaitKind: "wait kind" {
        ChildExit = 0: "child-exit",
        Vfork = 1: "vfork",
        Epoll = 2: "epoll",
        Poll = 3: "poll",
        Select = 4: "select",
        Futex = 5: "futex",
        Gil = 6: "gil",
        PipeRead = 7: "pipe-read",
        PipeWrite = 8: "pipe-write",
        SocketRecv = 9: "socket-recv",
        SocketSend = 10: "socket-send",
        SocketAccept = 11: "socket-accept",
        SocketConnect = 12: "socket-connect",
        Sleep = 13: "sleep",
        Timer = 14: "timer",
        Event = 15: "event",
        Signal = 16: "signal",
        Disk = 17: "disk",
        Sync = 18: "sync",
        PageFault = 19: "page-fault",
        Swap = 20: "swap",
        Memory = 21: "memory",
        KernelLock = 22: "kernel-lock",
        FileLock = 23: "file-lock",
        Tty = 24: "tty",
        IoUring = 25: "io-uring",
        Ipc = 26: "ipc",
        Stopped = 27: "stopped",
        Throttled = 28: "throttled",
        #[default]
        Unknown = 29: "unknown",
    }
}

words! {
    /// Who ended a wait.
    #[derive(Default)]
    pub enum WakeSource: "wake source" {
        /// A task on its way out.
        TaskExit = 0: "task-exit",
        /// A task, by a system call.
        Task = 1: "task",
        /// A timer interrupt.
        Timer = 2: "timer",
        /// A packet, in softirq.
        NetRx = 3: "net-rx",
        /// Completion of block I/O.
        BlockIo = 4: "block-io",
        /// Another interrupt.
        Irq = 5: "irq",
        /// A kernel thread.
        Kthread = 6: "kthread",
        /// The first run of a new thread.
        New = 7: "new",
        /// An interrupt or a task: it could not be verified which.
        #[default]
        Unverified = 8: "unverified",
        /// A signal, by whatever sent it ([`SignalSender`]).
        Signal = 9: "signal",
    }
}

words! {
    /// What sent a signal.
    #[derive(Default)]
    pub enum SignalSender: "sender of a signal" {
        /// A task, by a system call, a fault or its end.
        #[default]
        Task = 0: "task",
        /// The kernel of its own accord: a kernel thread, or for want of memory.
        Kernel = 1: "kernel",
        /// Somebody at a terminal, by a key such as Ctrl-C.
        Terminal = 2: "terminal",
        /// A timer of the process (alarm, setitimer, timer_create).
        Timer = 3: "timer",
        /// Another interrupt.
        Interrupt = 4: "interrupt",
    }
}

/// `SIGTERM`; real-time signals have no names: `signal 40`.
pub fn signal_name(number: i32) -> String {
    match nix::sys::signal::Signal::try_from(number) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => format!("signal {number}"),
    }
}

impl WakeSource {
    /// Whether `current` at the waking is the one who did it. (A signal's sender is known
    /// by itself.)
    pub fn is_task(self) -> bool {
        matches!(
            self,
            WakeSource::TaskExit | WakeSource::Task | WakeSource::Kthread
        )
    }
}

words! {
    /// What a wait was really for, or what a thread did that did not wait.
    #[derive(Default)]
    pub enum CauseKind: "cause" {
        /// A thread of the tree ran.
        Computing = 0: "computing",
        /// A process was made and had yet to run its program.
        Starting = 1: "starting",
        /// A thread of the tree was runnable and had no CPU.
        RunQueue = 2: "run-queue",
        /// A packet had not come yet.
        Network = 3: "network",
        /// A block device worked.
        Disk = 4: "disk",
        /// A time had not come yet.
        Timer = 5: "timer",
        /// Another interrupt had not come yet.
        Interrupt = 6: "interrupt",
        /// A task outside the tree had not acted yet.
        Outside = 7: "outside",
        /// Lost records, or a waker that could not be verified.
        #[default]
        Unknown = 8: "unknown",
        /// A wait that had not ended when the observation did.
        Open = 9: "open",
        /// A signal from outside the tree, or of the kernel, had not come yet.
        Signal = 10: "signal",
        /// A cgroup had used up its CPU quota.
        CpuQuota = 11: "cpu-quota",
    }
}

words! {
    /// What the CPU did on whose run queue a thread stood.
    #[derive(Default)]
    pub enum Behind: "what a thread was behind" {
        /// It ran a thread of the tree.
        Tree = 0: "tree",
        /// It ran a task outside the tree.
        Outside = 1: "outside",
        /// It was idle, and being woken.
        IdleCpu = 2: "idle-cpu",
        /// It does not follow from the records.
        #[default]
        Unknown = 3: "unknown",
    }
}

words! {
    /// How a descriptor table came to be.
    #[derive(Default)]
    pub enum TableOrigin: "origin of a descriptor table" {
        /// First seen with a new thread, which shares it with its creator.
        CloneFiles = 0: "clone-files",
        /// A copy, made by a fork.
        Fork = 1: "fork",
        /// Of its process alone, by an exec.
        Exec = 2: "exec",
        /// By unshare(2) or close_range(2).
        Unshare = 3: "unshare",
        /// It was there before the observation.
        #[default]
        Seen = 4: "seen",
    }
}

words! {
    /// What a descriptor is: by [`probe_common::fd_table::of_kind`].
    #[derive(Default)]
    pub enum DescriptorKind: "kind of a descriptor" {
        /// Sockets.
        Socket = 0: "socket",
        /// Pipes and FIFOs.
        Pipe = 1: "pipe",
        /// Regular files, directories, block devices.
        File = 2: "file",
        /// Terminals.
        Tty = 3: "tty",
        /// eventfd, signalfd, inotify, fanotify, pidfd, userfaultfd, perf event.
        Event = 4: "event",
        /// timerfd.
        Timer = 5: "timer",
        /// epoll.
        Epoll = 6: "epoll",
        /// Other devices and anonymous files.
        #[default]
        Other = 7: "other",
    }
}

words! {
    /// What ended a process that did not end cleanly: the worst first.
    #[derive(Default)]
    pub enum FateCause: "cause of an end" {
        /// The OOM killer, for want of memory of the machine, or of it is not known what.
        Oom = 0: "oom",
        /// The OOM killer, at the limit of a cgroup.
        OomMemcg = 1: "oom-memcg",
        /// A stack that could not grow.
        StackOverflow = 2: "stack-overflow",
        /// Another fault.
        Segv = 3: "segv",
        /// Another signal, with a dump of core.
        Core = 4: "core",
        /// Another signal.
        Signal = 5: "signal",
        /// A status of its own.
        #[default]
        Exit = 6: "exit",
    }
}

words! {
    /// Whose memory was short.
    pub enum Shortage: "shortage" {
        /// A cgroup had reached its limit.
        Cgroup = 0: "cgroup",
        /// The machine had no more.
        Machine = 1: "machine",
    }
}

words! {
    /// How much the probes see, by what the kernel offers.
    #[derive(Default)]
    pub enum Tier: "tier" {
        /// Switches and wakings by BTF (tp_btf), results of kernel functions by
        /// fentry or kprobe.
        Full = 0: "full",
        /// Switches and wakings by BTF only.
        #[default]
        Tracepoint = 1: "tracepoint",
        /// Switches and wakings from the fields of classic tracepoints: no BTF.
        Raw = 2: "raw",
    }
}

words! {
    /// The kernel functions whose calls the full tier watches.
    pub enum Function: "watched function" {
        /// Returns the child's id, or 0 when there is none yet.
        DoWait = 0: "do_wait",
        /// `do_epoll_wait` (or `ep_poll`) returns the number of events.
        Epoll = 1: "do_epoll_wait",
    }
}

/// How a process or thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exit {
    /// `exit(2)` with this status.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each word reads back, no two are the same, ids are positions.
    macro_rules! check {
        ($name:ident) => {
            for (id, word) in $name::ALL.iter().enumerate() {
                assert_eq!(*word as usize, id, "{word}");
                assert_eq!(word.as_str().parse(), Ok(*word));
                let json = serde_json::to_string(word).unwrap();
                assert_eq!(json, format!("{:?}", word.as_str()));
                assert_eq!(serde_json::from_str::<$name>(&json).unwrap(), *word);
            }
        };
    }

    #[test]
    fn vocabulary_each_word_reads_back_as_itself() {
        check!(WaitKind);
        check!(WakeSource);
        check!(SignalSender);
        check!(CauseKind);
        check!(Behind);
        check!(DescriptorKind);
        check!(FateCause);
        check!(Shortage);
        check!(Tier);
        check!(Function);
    }

    #[test]
    fn vocabulary_an_unknown_word_is_named_with_its_vocabulary() {
        let error = "naps".parse::<WaitKind>().unwrap_err();
        assert_eq!(error.to_string(), "unknown wait kind \"naps\"");
        let error = serde_json::from_str::<CauseKind>("7").unwrap_err();
        assert!(error.to_string().contains("expected a cause"), "{error}");
    }
}
