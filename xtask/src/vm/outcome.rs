//! What came of a guest, and the table of all.

use std::fmt;
use std::time::Duration;

use waitscope_guest::{Ended, Told};

use crate::vm::console::Seen;

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
    pub(crate) fn of(label: String, seen: &Seen) -> Self {
        let up = seen.told.iter().find_map(|(at, told)| match told {
            Told::Up { kernel } => Some((*at, kernel.clone())),
            _ => None,
        });
        let (boot, kernel) = up.unzip();
        let told: Vec<&Told> = seen.told.iter().map(|(_, told)| told).collect();
        Self {
            label,
            kernel,
            boot,
            total: seen.total,
            verdict: judge(&told, seen.timed_out),
        }
    }

    pub(crate) fn passed(&self) -> bool {
        matches!(self.verdict, Verdict::Passed(_))
    }
}

impl Verdict {
    /// Whether the guest itself came to a result.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self, Self::Passed(_) | Self::Failed(_))
    }
}

fn judge(told: &[&Told], timed_out: bool) -> Verdict {
    let (mut running, mut tainted) = (None, false);
    let (mut ended, mut failed, mut exit) = (0, Vec::new(), None);
    for told in told {
        match told {
            Told::Up { .. } => {}
            Told::Begin { name } => (running, tainted) = (Some(name.clone()), false),
            Told::Tainted { .. } => tainted = true,
            Told::End(Ended { name, status, .. }) => {
                (running, ended) = (None, ended + 1);
                if *status != 0 {
                    failed.push(format!("{name} ({status})"));
                } else if tainted {
                    failed.push(format!("{name} (kernel warning)"));
                }
            }
            Told::Exit { status } => exit = Some(*status),
        }
    }
    match exit {
        Some(0) if failed.is_empty() && ended > 0 => Verdict::Passed(ended),
        Some(status) if failed.is_empty() => Verdict::Failed(vec![format!("guest ({status})")]),
        Some(_) => Verdict::Failed(failed),
        None if timed_out => Verdict::TimedOut(running),
        None => Verdict::NoResult,
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

/// One row per guest under a head.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let head = ["kernel", "uname -rv", "boot s", "total s", "result"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(head)
        .chain(outcomes.iter().map(cells))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let [label, kernel, boot, total] = [0, 1, 2, 3].map(width);
    rows.iter()
        .map(|[a, b, c, d, e]| format!("{a:<label$}  {b:<kernel$}  {c:>boot$}  {d:>total$}  {e}\n"))
        .collect()
}

fn cells(outcome: &Outcome) -> [String; 5] {
    let seconds = |time: Duration| format!("{:.1}", time.as_secs_f64());
    let Outcome {
        label,
        kernel,
        boot,
        total,
        verdict,
    } = outcome;
    [
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

    fn begin(name: &str) -> Told {
        Told::Begin { name: name.into() }
    }

    fn end(name: &str, status: i32) -> Told {
        Told::End(Ended {
            name: name.into(),
            status,
            milliseconds: 1,
        })
    }

    fn check(told: &[Told], timed_out: bool, expect: &str) {
        let told: Vec<&Told> = told.iter().collect();
        assert_eq!(judge(&told, timed_out).to_string(), expect, "{told:?}");
    }

    #[test]
    fn the_verdict_follows_from_what_was_told() {
        let exit = |status| Told::Exit { status };
        let both = [begin("a"), end("a", 0), begin("b"), end("b", 0), exit(0)];
        check(&both, false, "passed 2");
        check(
            &[
                begin("a"),
                end("a", 101),
                begin("b"),
                end("b", 0),
                exit(101),
            ],
            false,
            "FAILED a (101)",
        );
        check(
            &[
                begin("a"),
                Told::Tainted { flags: 512 },
                end("a", 0),
                exit(124),
            ],
            false,
            "FAILED a (kernel warning)",
        );
        check(
            &[begin("a"), end("a", 0), begin("b")],
            true,
            "TIMED OUT in b",
        );
        check(&[], true, "TIMED OUT");
        check(
            &[begin("a")],
            false,
            "NO RESULT: the guest crashed or never came up",
        );
        check(&[exit(125)], false, "FAILED guest (125)");
        // Switching off took too long, but the result had been told.
        check(&both, true, "passed 2");
    }

    #[test]
    fn nothing_run_is_not_passed() {
        check(&[Told::Exit { status: 0 }], false, "FAILED guest (0)");
    }

    #[test]
    fn columns_line_up() {
        let outcome = |label: &str, kernel: Option<&str>, verdict| Outcome {
            label: label.into(),
            kernel: kernel.map(str::to_owned),
            boot: kernel.map(|_| Duration::from_millis(2_340)),
            total: Duration::from_millis(112_000),
            verdict,
        };
        let told = table(&[
            outcome("5.10", Some("5.10.0-46 #1"), Verdict::Passed(3)),
            outcome("6.12 integrity", None, Verdict::TimedOut(None)),
        ]);
        let expect = "\
            kernel          uname -rv     boot s  total s  result\n\
            5.10            5.10.0-46 #1     2.3    112.0  passed 3\n\
            6.12 integrity  -                  -    112.0  TIMED OUT\n";
        assert_eq!(told, expect);
    }
}
