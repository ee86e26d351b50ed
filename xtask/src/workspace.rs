//! Where things are in the checkout, and how cargo is called in it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

pub(crate) use gitsync_stage::program::{find_program, search_path_with};

/// Where Debian's LLVM lives that bpf-linker is built against.
pub(crate) const LLVM_PREFIX: &str = "/usr/lib/llvm-22";

/// The checkout this xtask was built from.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().context("xtask has no parent folder")?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// What `cargo install --root` is given; programs land in its `bin`. In the user's cache,
    /// for all checkouts, if there is one; `probe-user/build.rs` looks there, too.
    pub(crate) fn tools(&self) -> PathBuf {
        let set = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let set = set.filter(|folder| folder.is_absolute());
        let cache = set.or_else(|| Some(env::home_dir()?.join(".cache")));
        cache.map_or_else(
            || self.path("target/tools"),
            |it| it.join("waitscope/tools"),
        )
    }

    /// The release binary that `build` leaves.
    pub(crate) fn waitscope(&self) -> PathBuf {
        self.path("target/release/waitscope")
    }

    /// The cargo that runs this xtask, with bpf-linker and LLVM in its PATH.
    pub(crate) fn cargo(&self) -> Result<Command> {
        let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let tools = [self.tools().join("bin"), Path::new(LLVM_PREFIX).join("bin")];
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env("PATH", search_path_with(&tools)?)
            // Everything here names paths under the checkout's own target.
            .env("CARGO_TARGET_DIR", self.path("target"));
        Ok(command)
    }
}
