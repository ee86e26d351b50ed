//! The probes' object that is kept in `probe-ebpf/prebuilt`, for machines without a compiler
//! for them: made anew, and compared with a fresh one.

use std::env::consts::ARCH;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::run::say;
use crate::workspace::Workspace;

const FOLDER: &str = "probe-ebpf/prebuilt";
/// Slow to pack, quick to unpack, and in every checkout.
const LEVEL: i32 = 19;

/// An object, and what it was made of, line by line: sources, compiler, linker.
struct Object {
    bytes: Vec<u8>,
    origin: String,
}

impl Object {
    /// One that this machine's compiler makes of the sources as they are.
    fn fresh(workspace: &Workspace) -> Result<Self> {
        let mut build = workspace.cargo()?;
        build.args(["build", "--release", "--package", "waitscope"]);
        build.args(["--message-format", "json-render-diagnostics"]);
        build
            .env("WAITSCOPE_EBPF", "fresh")
            .stderr(Stdio::inherit());
        let output = build.output().context("cargo build")?;
        ensure!(output.status.success(), "cargo build failed");
        let folder =
            out_dir(&output.stdout).context("cargo names no output of the build script")?;
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).with_context(|| format!("read {}", path.display()))
        };
        Ok(Object {
            bytes: read("waitscope-probes")?,
            origin: String::from_utf8(read("waitscope-probes.origin")?)?,
        })
    }

    /// The one that is kept.
    fn kept(workspace: &Workspace) -> Result<Self> {
        let [packed, origin] = places(workspace);
        let file = fs::File::open(&packed).with_context(|| format!("read {}", packed.display()))?;
        Ok(Object {
            bytes: zstd::decode_all(file)?,
            origin: fs::read_to_string(&origin)
                .with_context(|| format!("read {}", origin.display()))?,
        })
    }

    /// What stands behind a word of its origin.
    fn line(&self, word: &str) -> &str {
        let lines = self.origin.lines();
        let mut found = lines.filter_map(|line| line.strip_prefix(word));
        found.next().unwrap_or_default().trim()
    }
}

/// The object and its origin.
fn places(workspace: &Workspace) -> [PathBuf; 2] {
    ["o.zst", "origin"].map(|extension| workspace.path(&format!("{FOLDER}/{ARCH}.{extension}")))
}

/// Where the build script of waitscope has left its output.
fn out_dir(messages: &[u8]) -> Option<PathBuf> {
    let lines = messages.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let of_waitscope = |message: &Value| {
        let id = message["package_id"].as_str().unwrap_or_default();
        message["reason"] == "build-script-executed" && id.contains("probe-user")
    };
    let mut ours = messages.filter(of_waitscope);
    ours.next()?["out_dir"].as_str().map(PathBuf::from)
}

/// Makes the kept object anew.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    let fresh = Object::fresh(workspace)?;
    let [packed, origin] = places(workspace);
    fs::create_dir_all(workspace.path(FOLDER))?;
    fs::write(&packed, zstd::encode_all(&*fresh.bytes, LEVEL)?)?;
    fs::write(&origin, &fresh.origin)?;
    say(format_args!("wrote {}", packed.display()));
    Ok(())
}

/// Refuses a kept object that is not what the sources lead to. Another compiler makes another
/// object of the same sources: then only these are compared.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    say("== the probes' prebuilt object");
    let (fresh, kept) = (Object::fresh(workspace)?, Object::kept(workspace)?);
    let stale = "the object in probe-ebpf/prebuilt is not that of the probes as they are: run \
                 `cargo xtask probes` and commit it";
    ensure!(fresh.line("sources") == kept.line("sources"), "{stale}");
    let made_by = |object: &Object| [object.line("compiler"), object.line("linker")].join(", ");
    if made_by(&fresh) != made_by(&kept) {
        say(format_args!(
            "not compared: it was made by {}, and here is {}",
            made_by(&kept),
            made_by(&fresh)
        ));
        return Ok(());
    }
    ensure!(fresh.bytes == kept.bytes, "{stale}");
    Ok(())
}
