//! How a guest ended.

use std::fmt;

use waitscope_guest::{Ended, GuestLine};

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

impl Verdict {
    pub(crate) fn of(told: &[&GuestLine], timed_out: bool) -> Self {
        let (mut running, mut tainted) = (None, false);
        let (mut ended, mut failed, mut exit) = (0, Vec::new(), None);
        for told in told {
            match told {
                GuestLine::Up { .. } | GuestLine::Output(_) => {}
                GuestLine::Begin { name } => (running, tainted) = (Some(name.clone()), false),
                GuestLine::Tainted { .. } => tainted = true,
                GuestLine::End(Ended { name, status, .. }) => {
                    (running, ended) = (None, ended + 1);
                    if *status != 0 {
                        failed.push(format!("{name} ({status})"));
                    } else if tainted {
                        failed.push(format!("{name} (kernel warning)"));
                    }
                }
                GuestLine::Exit { status } => exit = Some(*status),
            }
        }
        match exit {
            Some(0) if failed.is_empty() && ended > 0 => Self::Passed(ended),
            Some(status) if failed.is_empty() => Self::Failed(vec![format!("guest ({status})")]),
            Some(_) => Self::Failed(failed),
            None if timed_out => Self::TimedOut(running),
            None => Self::NoResult,
        }
    }

    /// A guest that came to no result has failed already.
    pub(crate) fn fail(&mut self, what: String) {
        match self {
            Self::Passed(_) => *self = Self::Failed(vec![what]),
            Self::Failed(failed) => failed.push(what),
            Self::TimedOut(_) | Self::NoResult => {}
        }
    }

    /// Whether the guest itself came to a result.
    pub(crate) fn is_told(&self) -> bool {
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

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    pub(crate) fn begin(name: &str) -> GuestLine {
        GuestLine::Begin { name: name.into() }
    }

    pub(crate) fn end(name: &str, status: i32) -> GuestLine {
        GuestLine::End(Ended {
            name: name.into(),
            status,
            milliseconds: 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{begin, end};
    use super::*;

    fn check(told: &[GuestLine], timed_out: bool, expect: &str) {
        let told: Vec<&GuestLine> = told.iter().collect();
        assert_eq!(
            Verdict::of(&told, timed_out).to_string(),
            expect,
            "{told:?}"
        );
    }

    #[test]
    fn the_verdict_follows_from_what_was_told() {
        let exit = |status| GuestLine::Exit { status };
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
                GuestLine::Tainted { flags: 512 },
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
        // Switching off took too long, but the result had been reported.
        check(&both, true, "passed 2");
    }

    #[test]
    fn nothing_run_is_not_passed() {
        check(&[GuestLine::Exit { status: 0 }], false, "FAILED guest (0)");
    }
}
