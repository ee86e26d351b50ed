//! What a command gets in the place of our own standard descriptors.

use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

/// Descriptors in the place of ours. None of them is a standard one itself.
#[derive(Debug, Default)]
pub struct Streams {
    /// Its stdin.
    pub stdin: Option<OwnedFd>,
    /// Its stdout.
    pub stdout: Option<OwnedFd>,
    /// Its stderr.
    pub stderr: Option<OwnedFd>,
}

impl Streams {
    /// By their places.
    pub(super) fn numbers(&self) -> [Option<RawFd>; 3] {
        let Streams {
            stdin,
            stdout,
            stderr,
        } = self;
        [stdin, stdout, stderr].map(|stream| stream.as_ref().map(|stream| stream.as_raw_fd()))
    }
}
