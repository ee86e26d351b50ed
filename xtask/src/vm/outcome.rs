//! What came of a guest, and the table of all.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use waitscope_guest::{Ended, GuestLine};

use crate::kernels::Observation;
use crate::kernels::abilities::{Abilities, Seconds};
use crate::table::{Column, markdown};
use crate::vm::console::Seen;
use crate::vm::options::Round;
use crate::vm::plan::DOCTOR;

/// One guest's result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The kernel as asked for, with the lockdown if any.
    pub(crate) label: String,
    /// The kernel's own name for itself.
    kernel: Option<String>,
    /// From the kernel's start until the guest was ready, by the guest's clock.
    boot: Option<Duration>,
    /// From QEMU's start to its end.
    total: Duration,
    pub(crate) verdict: Verdict,
    /// What the programs that failed said.
    pub(crate) failed: Vec<String>,
    /// What doctor said, if it was asked and its word came.
    pub(crate) observation: Option<Observation>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// So many programs ended with 0, and no other way.
    Passed(usize),
    /// These ended otherwise, or the kernel complained while they ran.
    Failed(Vec<String>),
    /// The limit came while this ran.
    TimedOut(Option<String>),
    /// The guest ended without a result: it crashed, or never came up.
    NoResult,
}

impl Outcome {
    pub(crate) fn of(round: &Round, seen: &Seen) -> Self {
        let up = seen.lines.iter().find_map(|line| match line {
            GuestLine::Up {
                kernel,
                milliseconds,
            } => Some((kernel.clone(), Duration::from_millis(*milliseconds))),
            _ => None,
        });
        let (kernel, boot) = up.unzip();
        let ended: Vec<&Ended> = ended(&seen.lines).collect();
        let mut verdict = Verdict::of(&seen.lines, seen.timed_out);
        let mut abilities = abilities(round, &ended).unwrap_or_else(|error| {
            verdict.fail(format!("{DOCTOR}: {error:#}"));
            None
        });
        if let (Some(abilities), Some(boot)) = (&mut abilities, boot)
            && round.whole
            && verdict.is_result()
        {
            abilities.seconds = Some(seconds(boot, &ended));
        }
        let label = round.label();
        Self {
            observation: abilities.map(|abilities| Observation {
                label: label.clone(),
                abilities,
            }),
            label,
            kernel,
            boot,
            total: seen.total,
            verdict,
            failed: seen.failed(),
        }
    }

    pub(crate) fn passed(&self) -> bool {
        matches!(self.verdict, Verdict::Passed(_))
    }
}

impl Verdict {
    fn of(lines: &[GuestLine], timed_out: bool) -> Self {
        let mut failed: Vec<String> = ended(lines).filter_map(complaint).collect();
        match lines.last() {
            Some(GuestLine::Exit { status: 0 }) if failed.is_empty() => {
                match ended(lines).count() {
                    0 => Self::Failed(vec!["guest (nothing was run)".to_owned()]),
                    count => Self::Passed(count),
                }
            }
            Some(GuestLine::Exit { status }) => {
                if failed.is_empty() {
                    failed.push(format!("guest ({status})"));
                }
                Self::Failed(failed)
            }
            Some(GuestLine::Begin { name }) if timed_out => Self::TimedOut(Some(name.clone())),
            _ if timed_out => Self::TimedOut(None),
            _ => Self::NoResult,
        }
    }

    /// A guest that came to no result has failed already.
    fn fail(&mut self, what: String) {
        match self {
            Self::Passed(_) => *self = Self::Failed(vec![what]),
            Self::Failed(failed) => failed.push(what),
            Self::TimedOut(_) | Self::NoResult => {}
        }
    }

    /// Whether the guest itself came to a result.
    pub(crate) fn is_result(&self) -> bool {
        matches!(self, Self::Passed(_) | Self::Failed(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(count) => write!(out, "passed {count}"),
            Self::Failed(names) => write!(out, "FAILED {}", names.join(", ")),
            Self::TimedOut(Some(name)) => write!(out, "TIMED OUT in {name}"),
            Self::TimedOut(None) => out.write_str("TIMED OUT"),
            Self::NoResult => out.write_str("NO RESULT: the guest crashed or never came up"),
        }
    }
}

fn ended(lines: &[GuestLine]) -> impl Iterator<Item = &Ended> {
    lines.iter().filter_map(|line| match line {
        GuestLine::End(ended) => Some(ended),
        _ => None,
    })
}

fn complaint(ended: &Ended) -> Option<String> {
    let name = &ended.name;
    match ended.status {
        0 => ended.tainted.then(|| format!("{name} (kernel warning)")),
        status => Some(format!("{name} ({status})")),
    }
}

/// None if doctor was not asked.
fn abilities(round: &Round, ended: &[&Ended]) -> Result<Option<Abilities>> {
    if !round.asks_doctor {
        return Ok(None);
    }
    let doctor = ended.iter().find(|ended| ended.name == DOCTOR);
    let output = doctor.and_then(|doctor| doctor.output.as_ref());
    let abilities = Abilities::parse(output.context("no output of it came")?.as_bytes())?;
    let (asked, got) = (round.lockdown.to_string(), &abilities.lockdown);
    ensure!(asked == *got, "lockdown is {got}, not {asked}");
    Ok(Some(abilities))
}

fn seconds(boot: Duration, ended: &[&Ended]) -> Seconds {
    let tests = ended.iter().filter(|ended| ended.name != DOCTOR);
    let tests = Duration::from_millis(tests.map(|ended| ended.milliseconds).sum());
    let rounded = |time: Duration| (time + Duration::from_millis(500)).as_secs();
    Seconds {
        boot: rounded(boot),
        tests: rounded(tests),
    }
}

/// One row per guest.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let columns = [
        Column::left("kernel"),
        Column::left("uname -rv"),
        Column::right("boot s"),
        Column::right("total s"),
        Column::left("result"),
    ];
    let rows: Vec<Vec<String>> = outcomes.iter().map(cells).collect();
    markdown(&columns, &rows)
}

fn cells(outcome: &Outcome) -> Vec<String> {
    let seconds = |time: Duration| format!("{:.1}", time.as_secs_f64());
    let Outcome {
        label,
        kernel,
        boot,
        total,
        verdict,
        failed: _,
        observation: _,
    } = outcome;
    vec![
        label.clone(),
        kernel.clone().unwrap_or_else(|| "-".to_owned()),
        boot.map_or_else(|| "-".to_owned(), seconds),
        seconds(*total),
        verdict.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::abilities::testing::OUTPUT;
    use crate::vm::kernel::Kernel;
    use crate::vm::options::{Lockdown, Selection};

    fn begin(name: &str) -> GuestLine {
        GuestLine::Begin { name: name.into() }
    }

    fn end(name: &str, status: i32) -> GuestLine {
        end_with(name, status, false, None)
    }

    fn end_with(name: &str, status: i32, tainted: bool, output: Option<&str>) -> GuestLine {
        GuestLine::End(Ended {
            name: name.into(),
            status,
            milliseconds: 1,
            tainted,
            output: output.map(str::to_owned),
        })
    }

    fn exit(status: i32) -> GuestLine {
        GuestLine::Exit { status }
    }

    fn check(lines: &[GuestLine], timed_out: bool, expect: &str) {
        let verdict = Verdict::of(lines, timed_out).to_string();
        assert_eq!(verdict, expect, "{lines:?}");
    }

    #[test]
    fn the_verdict_follows_from_what_was_reported() {
        let good = [begin("a"), end("a", 0), begin("b"), end("b", 0), exit(0)];
        check(&good, false, "passed 2");
        let bad = [begin("a"), end("a", 101), end("b", 0), exit(101)];
        check(&bad, false, "FAILED a (101)");
        let warned = [begin("a"), end_with("a", 0, true, None), exit(124)];
        check(&warned, false, "FAILED a (kernel warning)");
        check(&good[..3], true, "TIMED OUT in b");
        check(&[], true, "TIMED OUT");
        check(&[exit(125)], false, "FAILED guest (125)");
        let crashed = "NO RESULT: the guest crashed or never came up";
        check(&good[..3], false, crashed);
        check(&good[..4], false, crashed);
        check(&[], false, crashed);
        check(&[exit(0)], false, "FAILED guest (nothing was run)");
    }

    /// What came of a guest that was to be locked down and whose doctor said this.
    fn outcome(output: Option<&str>, whole: bool) -> Outcome {
        let round = Round {
            kernel: Kernel::V6_12,
            lockdown: Lockdown::Integrity,
            asks_doctor: true,
            tests: Selection::All,
            whole,
        };
        let up = GuestLine::Up {
            kernel: "6.12.9 #1".into(),
            milliseconds: 4_600,
        };
        let doctor = end_with(DOCTOR, 0, false, output);
        let lines = [up, begin(DOCTOR), doctor, begin("a"), end("a", 0), exit(0)];
        let seen = Seen {
            lines: lines.into(),
            console: Vec::new(),
            timed_out: false,
            total: Duration::from_millis(112_000),
        };
        Outcome::of(&round, &seen)
    }

    #[test]
    fn what_doctor_said_is_observed() {
        let outcome = outcome(Some(OUTPUT), true);
        assert_eq!(outcome.verdict, Verdict::Passed(2));
        let observation = outcome.observation.unwrap();
        assert_eq!(observation.label, "6.12 integrity");
        assert_eq!(observation.abilities.release, "6.12.9");
        let seconds = Seconds { boot: 5, tests: 0 };
        assert_eq!(observation.abilities.seconds, Some(seconds));
    }

    #[test]
    fn only_a_whole_round_gives_seconds() {
        let observation = outcome(Some(OUTPUT), false).observation.unwrap();
        assert_eq!(observation.abilities.seconds, None);
    }

    #[test]
    fn a_doctor_that_cannot_be_read_fails_the_guest() {
        let other = OUTPUT.replace("\"integrity\"", "\"none\"");
        for (output, expect) in [
            (None, "no output of it came"),
            (
                Some(""),
                "doctor's JSON: EOF while parsing a value at line 1 column 0",
            ),
            (Some(other.as_str()), "lockdown is none, not integrity"),
        ] {
            let outcome = outcome(output, true);
            let expect = format!("FAILED waitscope-doctor: {expect}");
            assert_eq!(outcome.verdict.to_string(), expect);
            assert_eq!(outcome.observation, None);
        }
    }

    #[test]
    fn a_row_says_what_is_known() {
        let hung = Outcome {
            label: "6.12 integrity".into(),
            kernel: None,
            boot: None,
            total: Duration::from_millis(112_000),
            verdict: Verdict::TimedOut(None),
            failed: Vec::new(),
            observation: None,
        };
        let row = table(&[hung]);
        let last = "| 6.12 integrity | -         |      - |   112.0 | TIMED OUT |\n";
        assert!(row.ends_with(last), "{row}");
        let passed = table(&[outcome(Some(OUTPUT), true)]);
        let last = "| 6.12 integrity | 6.12.9 #1 |    4.6 |   112.0 | passed 2 |\n";
        assert!(passed.ends_with(last), "{passed}");
    }
}
