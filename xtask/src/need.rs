//! What is needed for what, and what to do about that which is missing.
//!
//! A pure decision: `Facts` in, `Action`s out.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::privilege::Privilege;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Build,
    Demo,
    /// What is measured, and whom it is compared with.
    Bench,
    /// All of it: tests also compare with `perf`, and trace the system's Python.
    Everything,
}

/// What the machine has.
pub(crate) struct Facts {
    pub(crate) apt: bool,
    pub(crate) privilege: Privilege,
    /// Debian packages that are installed.
    pub(crate) packages: BTreeSet<String>,
    /// Programs of [`NEEDS`] that were found.
    pub(crate) programs: BTreeSet<&'static str>,
    /// A compiler that can build `core` for the eBPF target.
    pub(crate) ebpf_compiler: bool,
    /// A bpf-linker that is new enough and runs.
    pub(crate) linker: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    InstallPackages(Vec<&'static str>),
    BuildLinker,
}

/// One thing that must be there.
struct Need {
    thing: Thing,
    /// Debian packages that bring it.
    packages: &'static [&'static str],
    /// What to install where there is no apt.
    remedy: &'static str,
}

enum Thing {
    EbpfCompiler,
    Linker,
    Program(&'static str),
}

const NEEDS: [Need; 10] = [
    Need {
        thing: Thing::EbpfCompiler,
        packages: &["rustc-web", "rust-web-src"],
        remedy: "a nightly Rust with its library source \
                 (`rustup toolchain install nightly --component rust-src`)",
    },
    Need {
        thing: Thing::Linker,
        packages: &[
            "llvm-22-dev",
            "libpolly-22-dev",
            "zlib1g-dev",
            "libzstd-dev",
            "libxml2-dev",
        ],
        remedy: "bpf-linker 0.13 or newer in PATH",
    },
    Need {
        thing: Thing::Program("cc"),
        packages: &["gcc", "libc6-dev"],
        remedy: "a C compiler named cc",
    },
    Need {
        thing: Thing::Program("git"),
        packages: &["git"],
        remedy: "git",
    },
    Need {
        thing: Thing::Program("python3"),
        packages: &["python3"],
        remedy: "python3",
    },
    Need {
        // Not only one of pyenv: the system's own is built in another way.
        thing: Thing::Program(SYSTEM_PYTHON),
        packages: &["python3-minimal"],
        remedy: "a python3 in /usr/bin",
    },
    Need {
        thing: Thing::Program("perf"),
        packages: &["linux-perf"],
        remedy: "perf",
    },
    Need {
        thing: Thing::Program("strace"),
        packages: &["strace"],
        remedy: "strace",
    },
    Need {
        thing: Thing::Program("bpftrace"),
        packages: &["bpftrace"],
        remedy: "bpftrace",
    },
    Need {
        // In sbin, which not every PATH has.
        thing: Thing::Program("/usr/sbin/offcputime"),
        packages: &["libbpf-tools"],
        remedy: "libbpf-tools",
    },
];

/// What the tests of waits for the GIL compare with the first python3 in PATH.
const SYSTEM_PYTHON: &str = "/usr/bin/python3";

/// The programs to look for, in PATH unless their path is given.
pub(crate) fn programs() -> impl Iterator<Item = &'static str> {
    NEEDS.iter().filter_map(|need| match need.thing {
        Thing::Program(name) => Some(name),
        Thing::EbpfCompiler | Thing::Linker => None,
    })
}

/// Every Debian package this might install.
pub(crate) fn packages() -> impl Iterator<Item = &'static str> {
    NEEDS.iter().flat_map(|need| need.packages.iter().copied())
}

/// What to do, in order; an error is one sentence that says what the user must do.
pub(crate) fn plan(facts: &Facts, purpose: Purpose) -> Result<Vec<Action>> {
    let unmet: Vec<&Need> = NEEDS
        .iter()
        .filter(|need| wanted(&need.thing, purpose) && !met(&need.thing, facts))
        .collect();
    if unmet.is_empty() {
        return Ok(Vec::new());
    }
    if !facts.apt {
        let remedies: Vec<&str> = unmet.iter().map(|need| need.remedy).collect();
        bail!(
            "this system has no apt: install {}, then run this again",
            remedies.join(", and ")
        );
    }
    let missing: Vec<&str> = unmet
        .iter()
        .flat_map(|need| need.packages.iter().copied())
        .filter(|package| !facts.packages.contains(*package))
        .collect();
    if !missing.is_empty() && facts.privilege == Privilege::None {
        bail!(
            "packages are missing and `sudo -n` is refused: run `apt-get install {}` as root, \
             then run this again",
            missing.join(" ")
        );
    }
    let mut actions = Vec::new();
    if !missing.is_empty() {
        actions.push(Action::InstallPackages(missing));
    }
    if !facts.linker {
        actions.push(Action::BuildLinker);
    }
    Ok(actions)
}

fn wanted(thing: &Thing, purpose: Purpose) -> bool {
    match thing {
        Thing::EbpfCompiler | Thing::Linker | Thing::Program("cc") => true,
        Thing::Program("perf") => matches!(purpose, Purpose::Everything | Purpose::Bench),
        Thing::Program(SYSTEM_PYTHON) => purpose == Purpose::Everything,
        Thing::Program("strace" | "bpftrace" | "/usr/sbin/offcputime") => purpose == Purpose::Bench,
        Thing::Program(_) => purpose != Purpose::Build,
    }
}

fn met(thing: &Thing, facts: &Facts) -> bool {
    match thing {
        Thing::EbpfCompiler => facts.ebpf_compiler,
        Thing::Linker => facts.linker,
        Thing::Program(name) => facts.programs.contains(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Debian machine as root with only cargo, and a C compiler for it.
    fn fresh() -> Facts {
        Facts {
            apt: true,
            privilege: Privilege::Root,
            packages: ["gcc", "libc6-dev"].map(str::to_owned).into(),
            programs: ["cc"].into(),
            ebpf_compiler: false,
            linker: false,
        }
    }

    fn complete() -> Facts {
        Facts {
            programs: ["cc", "git", "python3", SYSTEM_PYTHON, "perf"].into(),
            ebpf_compiler: true,
            linker: true,
            ..fresh()
        }
    }

    /// The plan as one line: packages, then `linker`; or the refusal.
    fn check(facts: &Facts, purpose: Purpose, expect: &str) {
        let told = match plan(facts, purpose) {
            Err(refusal) => refusal.to_string(),
            Ok(actions) => actions
                .iter()
                .map(|action| match action {
                    Action::InstallPackages(packages) => packages.join(" "),
                    Action::BuildLinker => "linker".to_owned(),
                })
                .collect::<Vec<_>>()
                .join("; "),
        };
        assert_eq!(told, expect, "{purpose:?}");
    }

    const FOR_BUILD: &str =
        "rustc-web rust-web-src llvm-22-dev libpolly-22-dev zlib1g-dev libzstd-dev libxml2-dev";

    #[test]
    fn a_fresh_machine_gets_what_its_purpose_needs() {
        check(&fresh(), Purpose::Build, &format!("{FOR_BUILD}; linker"));
        check(
            &fresh(),
            Purpose::Demo,
            &format!("{FOR_BUILD} git python3; linker"),
        );
        check(
            &fresh(),
            Purpose::Everything,
            &format!("{FOR_BUILD} git python3 python3-minimal linux-perf; linker"),
        );
        check(
            &fresh(),
            Purpose::Bench,
            &format!("{FOR_BUILD} git python3 linux-perf strace bpftrace libbpf-tools; linker"),
        );
    }

    #[test]
    fn a_complete_machine_gets_nothing_even_without_apt_or_root() {
        for (apt, privilege) in [(true, Privilege::Root), (false, Privilege::None)] {
            let facts = Facts {
                apt,
                privilege,
                ..complete()
            };
            check(&facts, Purpose::Everything, "");
        }
    }

    #[test]
    fn an_own_nightly_or_linker_spares_their_packages() {
        let nightly = Facts {
            ebpf_compiler: true,
            ..fresh()
        };
        check(
            &nightly,
            Purpose::Build,
            "llvm-22-dev libpolly-22-dev zlib1g-dev libzstd-dev libxml2-dev; linker",
        );
        let linker = Facts {
            linker: true,
            ..fresh()
        };
        check(&linker, Purpose::Build, "rustc-web rust-web-src");
    }

    #[test]
    fn a_linker_without_its_packages_missing_is_only_built() {
        let mut facts = complete();
        facts.linker = false;
        facts.packages.extend(packages().map(str::to_owned));
        facts.privilege = Privilege::None;
        check(&facts, Purpose::Build, "linker");
    }

    #[test]
    fn programs_count_wherever_they_come_from() {
        // git in /usr/local/bin: no package of that name is installed.
        let mut facts = complete();
        facts.programs.remove("perf");
        check(&facts, Purpose::Demo, "");
        check(&facts, Purpose::Everything, "linux-perf");
    }

    #[test]
    fn without_apt_one_sentence_says_what_to_install() {
        let facts = Facts {
            apt: false,
            ..fresh()
        };
        check(
            &facts,
            Purpose::Demo,
            "this system has no apt: install a nightly Rust with its library source \
             (`rustup toolchain install nightly --component rust-src`), and bpf-linker 0.13 or \
             newer in PATH, and git, and python3, then run this again",
        );
    }

    #[test]
    fn without_root_one_sentence_gives_the_command() {
        let mut facts = complete();
        facts.privilege = Privilege::None;
        facts.programs.remove("git");
        check(
            &facts,
            Purpose::Demo,
            "packages are missing and `sudo -n` is refused: run `apt-get install git` as root, \
             then run this again",
        );
        facts.privilege = Privilege::Sudo;
        check(&facts, Purpose::Demo, "git");
    }
}
