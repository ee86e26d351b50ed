//! What came of a guest, and the table of all.

use std::time::Duration;

use anyhow::{Result, ensure};
use waitscope_guest::{GuestLine, Piece};

use crate::kernels::Observation;
use crate::kernels::abilities::{Abilities, Seconds};
use crate::table::{Column, markdown};
use crate::vm::console::Seen;
use crate::vm::options::Round;
use crate::vm::plan::DOCTOR;
use crate::vm::verdict::Verdict;

/// One guest's result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The kernel as asked for, with the lockdown if any.
    pub(crate) label: String,
    /// The kernel's own name for itself.
    pub(crate) kernel: Option<String>,
    /// From QEMU's start until the guest was ready.
    pub(crate) boot: Option<Duration>,
    /// From QEMU's start to its end.
    pub(crate) total: Duration,
    pub(crate) verdict: Verdict,
    /// What the programs that failed said.
    pub(crate) failed: Vec<String>,
    /// What doctor said, if it was asked and its word came.
    pub(crate) observation: Option<Observation>,
}

impl Outcome {
    pub(crate) fn of(round: &Round, seen: &Seen) -> Self {
        let up = seen.told.iter().find_map(|(at, told)| match told {
            GuestLine::Up { kernel } => Some((*at, kernel.clone())),
            _ => None,
        });
        let (boot, kernel) = up.unzip();
        let told: Vec<&GuestLine> = seen.told.iter().map(|(_, told)| told).collect();
        let mut verdict = Verdict::of(&told, seen.timed_out);
        let mut abilities = abilities(round, &told).unwrap_or_else(|error| {
            verdict.fail(format!("{DOCTOR}: {error:#}"));
            None
        });
        if let (Some(abilities), Some(boot)) = (&mut abilities, boot)
            && round.whole
            && verdict.is_told()
        {
            abilities.seconds = Some(seconds(boot, &told));
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
            failed: seen.failed.clone(),
        }
    }

    pub(crate) fn passed(&self) -> bool {
        matches!(self.verdict, Verdict::Passed(_))
    }
}

/// None if doctor was not asked.
fn abilities(round: &Round, told: &[&GuestLine]) -> Result<Option<Abilities>> {
    if !round.asks_doctor {
        return Ok(None);
    }
    let pieces = told.iter().filter_map(|told| match told {
        GuestLine::Output(piece) if piece.name == DOCTOR => Some(piece),
        _ => None,
    });
    let abilities = Abilities::parse(&Piece::join(pieces)?)?;
    let (asked, got) = (round.lockdown.to_string(), &abilities.lockdown);
    ensure!(asked == *got, "lockdown is {got}, not {asked}");
    Ok(Some(abilities))
}

fn seconds(boot: Duration, told: &[&GuestLine]) -> Seconds {
    let milliseconds = told.iter().filter_map(|told| match told {
        GuestLine::End(ended) if ended.name != DOCTOR => Some(ended.milliseconds),
        _ => None,
    });
    let tests = Duration::from_millis(milliseconds.sum());
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
    use std::collections::VecDeque;

    use super::*;
    use crate::kernels::abilities::testing::OUTPUT;
    use crate::vm::kernel::Kernel;
    use crate::vm::options::{Lockdown, Selection};
    use crate::vm::verdict::testing::{begin, end};

    /// What came of a guest that was to be locked down and whose doctor said this.
    fn outcome(output: &[u8], whole: bool) -> Outcome {
        let round = Round {
            kernel: Kernel::V6_12,
            lockdown: Lockdown::Integrity,
            asks_doctor: true,
            tests: Selection::All,
            whole,
        };
        let up = GuestLine::Up {
            kernel: "6.12.9 #1".into(),
        };
        let pieces = Piece::split(DOCTOR, output).map(GuestLine::Output);
        let after = [end(DOCTOR, 0), begin("truth"), end("truth", 0)];
        let told = [up, begin(DOCTOR)].into_iter().chain(pieces).chain(after);
        let told = told.chain([GuestLine::Exit { status: 0 }]);
        let seen = Seen {
            told: told
                .map(|told| (Duration::from_millis(4_600), told))
                .collect(),
            tail: VecDeque::new(),
            failed: Vec::new(),
            timed_out: false,
            total: Duration::from_millis(112_000),
        };
        Outcome::of(&round, &seen)
    }

    #[test]
    fn what_doctor_said_is_observed() {
        let outcome = outcome(OUTPUT.as_bytes(), true);
        assert_eq!(outcome.verdict, Verdict::Passed(2));
        let observation = outcome.observation.unwrap();
        assert_eq!(observation.label, "6.12 integrity");
        assert_eq!(observation.abilities.release, "6.12.9");
        let seconds = Seconds { boot: 5, tests: 0 };
        assert_eq!(observation.abilities.seconds, Some(seconds));
    }

    #[test]
    fn only_a_whole_round_tells_seconds() {
        let observation = outcome(OUTPUT.as_bytes(), false).observation.unwrap();
        assert_eq!(observation.abilities.seconds, None);
    }

    #[test]
    fn a_doctor_that_cannot_be_read_fails_the_guest() {
        let other = OUTPUT.replace("\"integrity\"", "\"none\"");
        for (output, expect) in [
            ("", "FAILED waitscope-doctor: none of its output came"),
            (
                &other,
                "FAILED waitscope-doctor: lockdown is none, not integrity",
            ),
        ] {
            let outcome = outcome(output.as_bytes(), true);
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
        let passed = table(&[outcome(OUTPUT.as_bytes(), true)]);
        let last = "| 6.12 integrity | 6.12.9 #1 |    4.6 |   112.0 | passed 2 |\n";
        assert!(passed.ends_with(last), "{passed}");
    }
}
