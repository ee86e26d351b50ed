//! What the records do not say of tasks, and the running kernel does: looked up for each
//! tick, by whatever can.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::document::top::{WaitsFor, Why};

/// Answers of the moment.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// Of processes, by pid.
    pub processes: FxHashMap<u32, Owner>,
    /// By the tid of a waiter: all that could end its wait.
    pub others: FxHashMap<u32, Others>,
    /// By the tid of one that slept before it was seen: for how long at least, ns.
    pub asleep_ns: FxHashMap<u32, u64>,
}

/// Whose a process is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The name of its user, or its number.
    pub user: Option<Arc<str>>,
    /// Its container.
    pub container: Option<Arc<str>>,
    /// Its pid in its own namespace, where that is another one.
    pub ns_pid: Option<u32>,
}

/// Who could end a wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// The threads, or first threads of the processes: tid, and why.
    pub tasks: Vec<(u32, Why)>,
    /// If there is only one, and its process is not followed: what it is.
    pub outside: Option<WaitsFor>,
    /// What the wait is on, where the records do not say.
    pub object: Option<String>,
    /// It is for an answer that was asked for: at the connecting end of a connection.
    pub is_asked: bool,
    /// It is a futex of this process alone, and without a time limit.
    pub is_inside: bool,
    /// The other end is on another machine: its address.
    pub remote: Option<String>,
}

/// What is to be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Who waits.
    pub tid: u32,
    /// In which process.
    pub pid: u32,
    /// Since when, ns: a wait is asked about once.
    pub since_ns: u64,
    /// On what.
    pub on: On,
}

/// On what a thread waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum On {
    /// The word of a futex, in the memory of its process.
    Futex(u64),
    /// A pipe, by its inode number, until something is written.
    PipeRead(u64),
    /// The same, until something is read.
    PipeWrite(u64),
    /// A socket, by its inode number.
    Socket(u64),
    /// Whatever it is: since when, where that was before it was seen.
    Since,
    /// Descriptors in an array of `struct pollfd`: its address, and how many.
    Poll(u64, u64),
    /// Descriptors in the sets of select(2).
    Select,
    /// A lock on a file, by its inode number.
    FileLock(u64),
    /// The end of a vfork(2).
    Vfork,
}
