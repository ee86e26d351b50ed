//! What one can ask of the guests, and the guests that follow from it.

use std::fmt;

use clap::ValueEnum as _;

use crate::vm::kernel::Kernel;

/// The test program that a locked down kernel must pass: it meets every wait.
const LOCKED_DOWN: &str = "truth";
/// Test programs that no guest runs unless they are asked for: what waitscope does with
/// its command, its signals, its recordings, its report and claims about it is the same on
/// every kernel; `gil` and `gitsync` trace Pythons, `diff` runs gitsync, and `disk` reads
/// from a disk, which a guest has not. `concurrency`, `herds` and `idle` are what user space
/// makes of records that other programs check, `perfetto` and `parquet` ask programs that a
/// guest has not, `progress` reads a stored recording, and `load` says how fast it is, of
/// which an emulator says nothing. `top_watch` needs a terminal more than a kernel, and
/// `top_soak` minutes.
const LEFT_OUT: [&str; 24] = [
    "check",
    "draft",
    "child",
    "command_line",
    "diff",
    "exit_codes",
    "golden",
    "interim",
    "late_signals",
    "perfetto",
    "progress",
    "record",
    "parquet",
    "recording",
    "table",
    "top_soak",
    "top_watch",
    "gil",
    "gitsync",
    "disk",
    "concurrency",
    "herds",
    "idle",
    "load",
];

/// Test programs that only the oldest and the newest kernel run unless they are asked for:
/// what they check differs by tier, or by a member of a structure that one of the two has
/// not, and each takes a minute of CI in every further guest.
const AT_THE_ENDS: [&str; 3] = ["doctor", "raw", "top"];
/// And those that one of the two runs: what is as new as the kernel, and what has to do
/// without.
const OLDEST: [&str; 3] = ["attach", "namespaces", "rights"];
const NEWEST: [&str; 4] = ["identity", "run_queue", "targets", "top_screen"];

/// What `cargo xtask test` has in common with `cargo xtask vm`.
#[derive(Clone, clap::Args)]
pub(crate) struct Common {
    /// Only guests of these kernels
    #[arg(long, value_enum, value_name = "VERSION", value_delimiter = ',')]
    pub(crate) kernel: Vec<Kernel>,
    /// How long one guest may take
    #[arg(long, value_name = "SECONDS", default_value_t = 1200)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
    /// Write what doctor says on each kernel into tests/kernels.json and the
    /// pages made of it, instead of comparing
    #[arg(long)]
    pub(crate) update: bool,
    /// Arguments for the test programs: names to filter by, --nocapture, …
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Each kernel in these states of lockdown
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Lockdown::ALL)]
    lockdown: Vec<Lockdown>,
    /// Only these test programs (truth, attach, …); when not given those that
    /// depend on the kernel, or truth alone where it is locked down
    #[arg(long, value_name = "NAME")]
    test: Vec<String>,
    /// Only ask doctor
    #[arg(long, conflicts_with = "test")]
    no_tests: bool,
    /// Run ARGS as a program with arguments instead of doctor and the tests
    /// (waitscope, truth and actor are in PATH)
    #[arg(long, requires = "arguments", conflicts_with_all = ["test", "no_tests", "update"])]
    pub(crate) exec: bool,
    /// Have Debian's python3 there, too
    #[arg(long, requires = "exec")]
    pub(crate) python: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Lockdown {
    None,
    Integrity,
    Confidentiality,
}

/// One guest to boot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) kernel: Kernel,
    pub(crate) lockdown: Lockdown,
    /// Before the tests.
    pub(crate) asks_doctor: bool,
    pub(crate) tests: Selection,
    /// Whether these are all tests that such a guest is to pass.
    pub(crate) whole: bool,
}

/// Live test programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// What any kernel is to pass.
    All,
    /// What this one is.
    On(Kernel),
    Named(Vec<String>),
}

impl Options {
    /// Every guest.
    pub(crate) fn matrix(common: &Common) -> Self {
        Self {
            common: common.clone(),
            lockdown: Lockdown::ALL.to_vec(),
            test: Vec::new(),
            no_tests: false,
            exec: false,
            python: false,
        }
    }

    pub(crate) fn rounds(&self) -> Vec<Round> {
        let kernels = match self.common.kernel.as_slice() {
            [] => Kernel::value_variants(),
            named => named,
        };
        let round = |kernel: Kernel, lockdown: Lockdown| Round {
            kernel,
            lockdown,
            asks_doctor: !self.exec,
            tests: self.selection(kernel, lockdown),
            whole: self.is_whole(),
        };
        kernels
            .iter()
            .flat_map(|kernel| {
                self.lockdown
                    .iter()
                    .map(move |state| round(*kernel, *state))
            })
            .collect()
    }

    fn selection(&self, kernel: Kernel, lockdown: Lockdown) -> Selection {
        if self.no_tests || self.exec || !self.test.is_empty() {
            Selection::Named(self.test.clone())
        } else if lockdown != Lockdown::None {
            Selection::Named(vec![LOCKED_DOWN.to_owned()])
        } else {
            Selection::On(kernel)
        }
    }

    fn is_whole(&self) -> bool {
        let some = self.no_tests || self.exec || !self.test.is_empty();
        !some && self.common.arguments.is_empty()
    }
}

impl Selection {
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Self::All => !LEFT_OUT.contains(&name),
            Self::On(kernel) => {
                let left_out: &[&[&str]] = match kernel {
                    Kernel::V5_10 => &[&NEWEST],
                    Kernel::V6_1 | Kernel::V6_12 => &[&AT_THE_ENDS, &OLDEST, &NEWEST],
                    Kernel::V7_2 => &[&OLDEST],
                };
                Self::All.has(name) && !left_out.iter().any(|names| names.contains(&name))
            }
            Self::Named(names) => names.iter().any(|known| known == name),
        }
    }

    /// What any of the rounds runs.
    pub(crate) fn of(rounds: &[Round]) -> Self {
        let mut all = Vec::new();
        for round in rounds {
            match &round.tests {
                Self::All | Self::On(_) => return Self::All,
                Self::Named(names) => all.extend(names.iter().cloned()),
            }
        }
        all.sort();
        all.dedup();
        Self::Named(all)
    }
}

impl Lockdown {
    const ALL: [Self; 3] = [Self::None, Self::Integrity, Self::Confidentiality];
}

impl Round {
    pub(crate) fn label(&self) -> String {
        match self.lockdown {
            Lockdown::None => self.kernel.to_string(),
            locked => format!("{} {locked}", self.kernel),
        }
    }

    /// The kernel's command line.
    ///
    /// Emulated CPUs count one clock, which kernels do not know: without this
    /// setting some take it for unsynchronized, and then their schedulers' clocks
    /// go by ticks, 4 ms apart.
    ///
    /// Lockdown comes first among Debian's security modules, so naming it suffices.
    pub(crate) fn settings(&self) -> String {
        let mut settings = "console=ttyS0 quiet panic=-1 tsc=reliable".to_owned();
        if self.lockdown != Lockdown::None {
            settings += &format!(" lockdown={}", self.lockdown);
        }
        settings
    }
}

impl fmt::Display for Lockdown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::None => "none",
            Self::Integrity => "integrity",
            Self::Confidentiality => "confidentiality",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::{Args as _, Command, FromArgMatches as _};

    use super::*;

    fn options(line: &str) -> Options {
        let command = Options::augment_args(Command::new("vm"));
        let words = std::iter::once("vm").chain(line.split_whitespace());
        Options::from_arg_matches(&command.get_matches_from(words)).unwrap()
    }

    fn check(line: &str, expect: &[(&str, &str)]) {
        let rounds = options(line).rounds();
        let told: Vec<(String, String)> = rounds
            .iter()
            .map(|round| {
                let tests = match &round.tests {
                    Selection::All => "all".to_owned(),
                    Selection::On(kernel) => format!("of {kernel}"),
                    Selection::Named(names) => names.join(" "),
                };
                let part = if round.whole { "" } else { " in part" };
                (round.label(), tests + part)
            })
            .collect();
        let told: Vec<(&str, &str)> = told
            .iter()
            .map(|(label, tests)| (label.as_str(), tests.as_str()))
            .collect();
        assert_eq!(told, expect, "{line}");
    }

    #[test]
    fn a_locked_down_kernel_runs_the_truth_alone() {
        check(
            "--kernel 6.12,6.1",
            &[
                ("6.12", "of 6.12"),
                ("6.12 integrity", "truth"),
                ("6.12 confidentiality", "truth"),
                ("6.1", "of 6.1"),
                ("6.1 integrity", "truth"),
                ("6.1 confidentiality", "truth"),
            ],
        );
        assert_eq!(options("").rounds().len(), 12);
    }

    #[test]
    fn less_can_be_asked_for() {
        let named = [("7.2", "load truth in part")];
        check(
            "--kernel 7.2 --lockdown none --test load --test truth",
            &named,
        );
        let asked = [("5.10 integrity", " in part")];
        check("--kernel 5.10 --lockdown integrity --no-tests", &asked);
        let filtered = [("5.10", "of 5.10 in part")];
        check("--kernel 5.10 --lockdown none -- hot", &filtered);
    }

    #[test]
    fn only_what_a_round_runs_is_built() {
        let selection = |line: &str| Selection::of(&options(line).rounds());
        assert_eq!(selection(""), Selection::All);
        let truth = Selection::Named(vec![LOCKED_DOWN.to_owned()]);
        assert_eq!(selection("--lockdown integrity"), truth);
        assert!(truth.has("truth") && !truth.has("load"));
        assert!(Selection::All.has("truth"));
        assert!(!LEFT_OUT.iter().any(|name| Selection::All.has(name)));
    }

    #[test]
    fn each_program_runs_on_some_kernel() {
        use Kernel::{V5_10, V6_1, V6_12, V7_2};
        let on = |name: &str| [V5_10, V6_1, V6_12, V7_2].map(|it| Selection::On(it).has(name));
        assert_eq!(on("truth"), [true; 4]);
        for (names, expect) in [
            (&AT_THE_ENDS[..], [true, false, false, true]),
            (&OLDEST[..], [true, false, false, false]),
            (&NEWEST[..], [false, false, false, true]),
        ] {
            assert!(names.iter().all(|name| on(name) == expect), "{names:?}");
        }
        assert!(LEFT_OUT.iter().all(|name| on(name) == [false; 4]));
    }

    /// A guest gets the programs of the tests, not the folder that they were built in.
    #[test]
    fn what_reads_the_source_folder_is_left_out() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/tests");
        let programs = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        let mut readers = 0;
        for program in programs.filter(|it| it.extension().is_some_and(|it| it == "rs")) {
            if fs::read_to_string(&program)
                .unwrap()
                .contains("CARGO_MANIFEST_DIR")
            {
                let name = program.file_stem().unwrap().to_str().unwrap();
                assert!(LEFT_OUT.contains(&name), "{name}");
                readers += 1;
            }
        }
        assert!(readers > 0);
    }

    #[test]
    fn doctor_alone_needs_no_tests() {
        let selection = |line: &str| Selection::of(&options(line).rounds());
        assert_eq!(selection("--no-tests"), Selection::Named(Vec::new()));
    }

    #[test]
    fn lockdown_goes_onto_the_command_line() {
        let rounds = options("--kernel 5.10").rounds();
        assert_eq!(
            rounds[0].settings(),
            "console=ttyS0 quiet panic=-1 tsc=reliable"
        );
        let locked = "console=ttyS0 quiet panic=-1 tsc=reliable lockdown=integrity";
        assert_eq!(rounds[1].settings(), locked);
    }
}
