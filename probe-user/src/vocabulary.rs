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
    }
}

impl WakeSource {
    /// Whether `current` at the waking is the one who did it.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
        check!(CauseKind);
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
