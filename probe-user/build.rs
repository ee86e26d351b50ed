//! Builds the kernel probes and leaves them at `$OUT_DIR/waitscope-probes`.
//!
//! The eBPF target has no prebuilt `core`, so a compiler with the standard
//! library's source is needed. Routes, first match wins: a ready object named by
//! `WAITSCOPE_EBPF_OBJ`; a rustup nightly with `rust-src`; the distribution's
//! `/usr/bin/rustc` with its library source; the object in `probe-ebpf/prebuilt`, if it is of
//! these sources. `WAITSCOPE_EBPF=prebuilt` takes that at once, `WAITSCOPE_EBPF=fresh` never.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use aya_build::{Package, Toolchain, build_ebpf};
use object::LittleEndian;
use object::elf::{FileHeader64, SHT_NULL};
use object::pod::bytes_of;
use object::read::elf::{FileHeader as _, SectionHeader as _};
use sha2::{Digest as _, Sha256};

const OBJECT_ENV: &str = "WAITSCOPE_EBPF_OBJ";
const ROUTE_ENV: &str = "WAITSCOPE_EBPF";
const OBJECT: &str = "waitscope-probes";
/// Beside the object: what it is made of, and by which compiler.
const ORIGIN: &str = "waitscope-probes.origin";
/// The objects that need no compiler, one for each architecture.
const PREBUILT: &str = "probe-ebpf/prebuilt";
const SYSTEM_RUSTC: &str = "/usr/bin/rustc";
const SYSTEM_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library";
const NO_LINKER: &str = "bpf-linker is not installed: run `cargo xtask setup`";
/// The oldest Rust 1.x that builds the eBPF crates.
const OLDEST_MINOR: u32 = 87;
const LIBRARY_IN_SYSROOT: &str = "lib/rustlib/src/rust/library";

fn main() {
    if let Err(error) = build() {
        // One line: cargo reads directives line by line.
        let message = format!("{error:#}").replace('\n', " ");
        println!("cargo::error={message}");
    }
}

fn build() -> Result<()> {
    println!("cargo::rerun-if-env-changed={OBJECT_ENV}");
    println!("cargo::rerun-if-changed=build.rs");
    let root = workspace_root()?;
    let object = PathBuf::from(required_env("OUT_DIR")?).join(OBJECT);
    if let Some(ready) = env::var_os(OBJECT_ENV) {
        return copy_ready_object(&root.join(ready), &object);
    }
    // Beside probe-ebpf itself, which aya-build names. The workspace has the profile
    // and the versions that the probes are built with.
    for other in ["probe-common", "probe-ebpf", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(other).display());
    }
    let sources = format!("sources {}", sources(&root)?);
    println!("cargo::rerun-if-env-changed={ROUTE_ENV}");
    let route = env::var(ROUTE_ENV).unwrap_or_default();
    let compiler = match &*route {
        "prebuilt" => return unpack_prebuilt(&root, &sources, &object),
        "" | "fresh" => compile_fresh(&root),
        other => bail!("{ROUTE_ENV} is {other:?}: it is prebuilt, fresh or not set"),
    };
    let compiler = match compiler {
        Ok(compiler) => compiler?,
        Err(missing) => {
            ensure!(route.is_empty(), "{missing}");
            return unpack_prebuilt(&root, &sources, &object).context(missing);
        }
    };
    ensure!(
        object.exists(),
        "the build of probe-ebpf left no {} (is AYA_BUILD_SKIP set?)",
        object.display()
    );
    let linker = stdout_of("bpf-linker", &["--version"]).unwrap_or_default();
    let origin = format!("{sources}\ncompiler {compiler}\nlinker {}\n", linker.trim());
    fs::write(object.with_file_name(ORIGIN), origin)?;
    strip(&object)
}

/// Builds the object, and says by which compiler; or what is missing for that.
fn compile_fresh(root: &Path) -> Result<Result<String>, &'static str> {
    if !prefer_installed_linker(root).map_err(|_| NO_LINKER)? {
        return Err(NO_LINKER);
    }
    // aya-build shows the nested cargo's progress lines as warnings.
    set_env("CARGO_TERM_QUIET", "true");
    // The same object wherever the checkout lies.
    set_env("CARGO_UNSTABLE_TRIM_PATHS", "true");
    set_env("CARGO_PROFILE_RELEASE_TRIM_PATHS", "all");
    if nightly_has_library_source() {
        let version = stdout_of("rustup", &["run", "nightly", "rustc", "--version"]);
        Ok(compile(root, Toolchain::Nightly).map(|()| one_line(version)))
    } else if system_rustc_fits() {
        let version = stdout_of(SYSTEM_RUSTC, &["--version"]);
        Ok(compile_with_system_rustc(root).map(|()| one_line(version)))
    } else {
        Err(
            "no compiler with the standard library's source to build the probes with: run \
             `cargo xtask setup` (it installs Debian's rustc-web and rust-web-src), or \
             `rustup toolchain install nightly --component rust-src`",
        )
    }
}

fn one_line(text: Option<String>) -> String {
    text.unwrap_or_default().trim().to_owned()
}

/// What the probes are made of, in hexadecimal.
fn sources(root: &Path) -> Result<String> {
    let mut files = Vec::new();
    for folder in ["probe-common/src", "probe-ebpf/src"] {
        list(&root.join(folder), &mut files)?;
    }
    files.push(root.join("probe-ebpf/Cargo.toml"));
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let name = file.strip_prefix(root)?.as_os_str().as_encoded_bytes();
        let text = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        for part in [name, &text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    Ok(hex(&hash.finalize()))
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        match path.is_dir() {
            true => list(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The object that was built before, if it is of these sources.
fn unpack_prebuilt(root: &Path, sources: &str, object: &Path) -> Result<()> {
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let packed = root.join(PREBUILT).join(format!("{arch}.o.zst"));
    ensure!(packed.exists(), "there is no prebuilt object for {arch}");
    ensure!(!wants_log(), "the prebuilt object logs nothing");
    let origin = root.join(PREBUILT).join(format!("{arch}.origin"));
    let origin =
        fs::read_to_string(&origin).with_context(|| format!("read {}", origin.display()))?;
    ensure!(
        origin.lines().next() == Some(sources),
        "{} is not of these sources of the probes (`cargo xtask probes` makes it anew)",
        packed.display()
    );
    let file = fs::File::open(&packed).with_context(|| format!("read {}", packed.display()))?;
    let bytes = zstd::decode_all(file).with_context(|| format!("unpack {}", packed.display()))?;
    Ok(fs::write(object, bytes)?)
}

/// Empties the sections that only a debugger of the probes reads: five sixths of the object.
/// Every section keeps its number, so whatever refers to one is right.
fn strip(object: &Path) -> Result<()> {
    let bytes = fs::read(object)?;
    let bytes = &*bytes;
    let mut header = *FileHeader64::<LittleEndian>::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let mut stripped = bytes_of(&header).to_vec();
    let mut headers = Vec::new();
    for section in sections.iter() {
        let mut section = *section;
        let name = sections.section_name(endian, &section)?;
        let is_debug = name.starts_with(b".debug") || name.starts_with(b".rel.debug");
        let data: &[u8] = match is_debug {
            true => &[],
            false => section.data(endian, bytes)?,
        };
        let align = section.sh_addralign(endian).max(1);
        let offset = (stripped.len() as u64).next_multiple_of(align);
        stripped.resize(usize::try_from(offset)?, 0);
        stripped.extend_from_slice(data);
        if section.sh_type(endian) != SHT_NULL {
            section.sh_offset.set(endian, offset);
            section.sh_size.set(endian, data.len() as u64);
        }
        headers.extend_from_slice(bytes_of(&section));
    }
    stripped.resize(stripped.len().next_multiple_of(8), 0);
    header.e_shoff.set(endian, stripped.len() as u64);
    stripped.extend_from_slice(&headers);
    stripped[..size_of::<FileHeader64<LittleEndian>>()].copy_from_slice(bytes_of(&header));
    Ok(fs::write(object, stripped)?)
}

fn copy_ready_object(ready: &Path, object: &Path) -> Result<()> {
    println!("cargo::rerun-if-changed={}", ready.display());
    fs::copy(ready, object).with_context(|| format!("{OBJECT_ENV}: copy {}", ready.display()))?;
    Ok(())
}

fn compile(root: &Path, toolchain: Toolchain<'_>) -> Result<()> {
    let directory = root.join("probe-ebpf");
    let log: &[&str] = &["log"];
    let package = Package {
        name: "probe-ebpf",
        root_dir: directory
            .to_str()
            .context("the path of the checkout is not UTF-8")?,
        features: if wants_log() { log } else { &[] },
        ..Package::default()
    };
    build_ebpf([package], toolchain)
}

fn wants_log() -> bool {
    env::var_os("CARGO_FEATURE_PROBE_LOG").is_some()
}

/// The distribution's compiler under the active toolchain's cargo.
///
/// `RUSTC` (which cargo gives to build scripts) would override the choice made
/// here, and so would a wrapper; aya-build removes `RUSTC` and clippy's wrapper
/// from the nested cargo, the rest goes here.
fn compile_with_system_rustc(root: &Path) -> Result<()> {
    set_env("CARGO_BUILD_RUSTC", SYSTEM_RUSTC);
    set_env("RUSTC_BOOTSTRAP", "1");
    for wrapper in ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"] {
        remove_env(wrapper);
    }
    let toolchain = active_toolchain()?;
    compile(root, Toolchain::Custom(&toolchain))
}

/// The rustup toolchain this build runs under; without rustup the name is not
/// used, since aya-build then runs plain `cargo`.
fn active_toolchain() -> Result<String> {
    if let Ok(name) = env::var("RUSTUP_TOOLCHAIN") {
        return Ok(name);
    }
    let Some(shown) = stdout_of("rustup", &["show", "active-toolchain"]) else {
        return Ok(String::new());
    };
    let name = shown.split_whitespace().next();
    Ok(name
        .context("`rustup show active-toolchain` names none")?
        .to_owned())
}

fn nightly_has_library_source() -> bool {
    stdout_of("rustup", &["run", "nightly", "rustc", "--print", "sysroot"])
        .is_some_and(|sysroot| Path::new(sysroot.trim()).join(LIBRARY_IN_SYSROOT).is_dir())
}

/// A distribution may carry a compiler that is too old beside a newer toolchain.
fn system_rustc_fits() -> bool {
    let version = stdout_of(SYSTEM_RUSTC, &["--version"]);
    let minor = version.as_deref().and_then(|text| {
        let release = text.strip_prefix("rustc 1.")?;
        release.split('.').next()?.parse::<u32>().ok()
    });
    Path::new(SYSTEM_LIBRARY).is_dir() && minor >= Some(OLDEST_MINOR)
}

/// The output of a command that exists and succeeds.
fn stdout_of(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        // A look must not download a toolchain.
        .env("RUSTUP_AUTO_INSTALL", "0")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout));
    text?.ok()
}

/// Puts the linker that `cargo xtask setup` installs in front, so that plain
/// `cargo build` and `cargo clippy` work as well. Whether there is one.
fn prefer_installed_linker(root: &Path) -> Result<bool> {
    let path = env::var_os("PATH").unwrap_or_default();
    let tools = tools(root).join("bin");
    let mut directories: Vec<PathBuf> = env::split_paths(&path).collect();
    if tools.join("bpf-linker").exists() {
        directories.insert(0, tools);
    }
    let mut linkers = directories.iter().map(|folder| folder.join("bpf-linker"));
    let is_there = linkers.any(|linker| linker.exists());
    set_env("PATH", env::join_paths(directories)?);
    Ok(is_there)
}

/// As `Workspace::tools` in xtask has it.
fn tools(root: &Path) -> PathBuf {
    let set = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let set = set.filter(|folder| folder.is_absolute());
    let cache = set.or_else(|| Some(env::home_dir()?.join(".cache")));
    cache.map_or_else(
        || root.join("target/tools"),
        |it| it.join("waitscope/tools"),
    )
}

fn workspace_root() -> Result<PathBuf> {
    let manifest = PathBuf::from(required_env("CARGO_MANIFEST_DIR")?);
    let root = manifest.parent().context("probe-user has no parent")?;
    Ok(root.to_owned())
}

fn required_env(name: &str) -> Result<OsString> {
    env::var_os(name).with_context(|| format!("{name} is not set; run this through cargo"))
}

fn set_env(name: &str, value: impl AsRef<OsStr>) {
    // SAFETY: no thread exists yet; aya-build starts its own later.
    unsafe { env::set_var(name, value) }
}

fn remove_env(name: &str) {
    // SAFETY: no thread exists yet; aya-build starts its own later.
    unsafe { env::remove_var(name) }
}
