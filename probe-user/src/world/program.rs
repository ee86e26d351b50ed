//! The program that a process runs: what its exec said of it, or what was found where
//! it ran already. Threads and forked processes have it from their creator, so what a
//! process later calls itself changes nothing of it.

use std::sync::Arc;

/// A program as it began, or as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Program {
    /// `comm` at its exec, of which the kernel cuts all but 15 bytes; as found where it ran
    /// already. Empty while nothing is known of it.
    pub comm: Box<str>,
    /// Arguments, NUL-separated. Of one that was found it may have written over them.
    pub argv: Box<[u8]>,
    /// It was found running; its file as `/proc/PID/exe` names it, empty where that is
    /// not known.
    pub found: Option<Box<str>>,
}

impl Program {
    /// One of which the name is known and nothing else.
    pub fn named(comm: &str) -> Arc<Program> {
        Arc::new(Program {
            comm: comm.into(),
            ..Program::default()
        })
    }

    /// Nothing is known of it.
    pub fn is_unknown(&self) -> bool {
        self.comm.is_empty() && self.argv.is_empty()
    }
}
