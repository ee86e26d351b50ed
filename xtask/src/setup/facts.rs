//! Looks at the machine for what `need` decides on; changes nothing.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::privilege::Privilege;
use crate::run::look;
use crate::setup::duckdb;
use crate::setup::need::{self, Facts, Tool};
use crate::workspace::{Workspace, find_program};

/// The oldest compiler that builds the eBPF crates.
const OLDEST_COMPILER: Version = (1, 87, 0);
const SYSTEM_RUSTC: &str = "/usr/bin/rustc";
const SYSTEM_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library";

type Version = (u64, u64, u64);

pub(crate) fn gather(workspace: &Workspace) -> Facts {
    Facts {
        apt: find_program("apt-get").is_some(),
        privilege: Privilege::find(),
        packages: installed_packages(),
        programs: need::programs()
            .filter(|name| find_program(name).is_some())
            .collect(),
        duckdb: duckdb::is_there(workspace),
        ebpf_compiler: nightly_has_library_source() || system_compiler_fits(),
        tools: [Tool::BpfLinker, Tool::CargoDeny]
            .into_iter()
            .filter(|tool| tool_fits(workspace, *tool))
            .collect(),
    }
}

fn installed_packages() -> BTreeSet<String> {
    // It fails when one of the packages is unknown, and still lists the others.
    let listed = Command::new("dpkg-query")
        .args(["-W", "-f", "${Package} ${db:Status-Status}\n"])
        .args(need::packages())
        .output();
    let Ok(listed) = listed else {
        return BTreeSet::new();
    };
    String::from_utf8_lossy(&listed.stdout)
        .lines()
        .filter_map(|line| line.strip_suffix(" installed"))
        .map(str::to_owned)
        .collect()
}

fn nightly_has_library_source() -> bool {
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "rustc", "--print", "sysroot"])
        // A look must not download a toolchain.
        .env("RUSTUP_AUTO_INSTALL", "0");
    look(&mut command).is_some_and(|sysroot| {
        Path::new(sysroot.trim())
            .join("lib/rustlib/src/rust/library")
            .is_dir()
    })
}

fn system_compiler_fits() -> bool {
    Path::new(SYSTEM_LIBRARY).is_dir() && version_of(SYSTEM_RUSTC) >= Some(OLDEST_COMPILER)
}

/// Ours if it is there, else the one in PATH; it must run, not only exist.
fn tool_fits(workspace: &Workspace, tool: Tool) -> bool {
    let oldest = parse_version(&format!("{} {}", tool.name(), tool.version()));
    version_of(workspace.tools().join("bin").join(tool.name())) >= oldest
        || version_of(tool.name()) >= oldest
}

fn version_of(program: impl AsRef<OsStr>) -> Option<Version> {
    parse_version(&look(Command::new(program).arg("--version"))?)
}

/// The second word of `NAME MAJOR.MINOR.PATCH[-SUFFIX] …`.
fn parse_version(text: &str) -> Option<Version> {
    let word = text.split_whitespace().nth(1)?;
    let release = word.split(['-', '+']).next()?;
    let mut numbers = release.split('.').map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    Some((next()?, next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_print() {
        for (text, expect) in [
            ("bpf-linker 0.13.0\n", Some((0, 13, 0))),
            ("rustc 1.96.0 (ac68faa20 2026-05-25)", Some((1, 96, 0))),
            ("rustc 1.97.0-nightly (e50aa6fba)", Some((1, 97, 0))),
            ("bpf-linker 0.9", None),
            ("bpf-linker", None),
            ("", None),
            ("error: no such command", None),
        ] {
            assert_eq!(parse_version(text), expect, "{text:?}");
        }
    }

    #[test]
    fn an_absent_program_is_never_new_enough() {
        assert!(version_of("/nonexistent/bpf-linker") < Some((0, 13, 0)));
        assert!(parse_version("bpf-linker 0.9.15") < Some((0, 13, 0)));
    }
}
