//! User stacks: where a program was when it went to sleep (`--user-stacks`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A return address in a program, or the place where it entered the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct UserFrame {
    /// The file that it lies in, by its name where it ran; `None` where that was not seen.
    pub module: Option<Arc<str>>,
    /// That file's build id, in hex; `None` where the kernel knew none.
    pub build_id: Option<Arc<str>>,
    /// Where in the file, bytes from its beginning; without a build id the address in the
    /// process.
    pub offset: u64,
    /// The function, demangled; `None` where no file with this build id was found, or it names
    /// none there.
    pub function: Option<Arc<str>>,
}

/// A user stack, innermost first: indices into [`super::Document::user_frames`].
pub type UserStack = Arc<[u32]>;
