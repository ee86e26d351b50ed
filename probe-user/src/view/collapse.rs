//! A sequence of steps as lines: what took long stands alone; short steps in a
//! row become one line that says what there was, how often and how long.

use std::cmp::Reverse;

use super::units;

/// A step that takes at least one such part of the whole stands alone.
const PARTS: u64 = 100;
/// Kinds of steps that such a line names.
const NAMED: usize = 4;

/// A step in words. Not sanitised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// Its beginning, ns.
    pub from_ns: u64,
    /// Its end, ns.
    pub to_ns: u64,
    /// What it was, without how long and by whom: steps with the same words
    /// are counted together.
    pub short: String,
    /// All that there is to say.
    pub full: String,
    /// Where in the program that was, outermost first.
    pub frames: Vec<String>,
}

impl Phrase {
    fn ns(&self) -> u64 {
        self.to_ns.saturating_sub(self.from_ns)
    }
}

/// A line that begins at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The instant, ns.
    pub at_ns: u64,
    /// What began then. Not sanitised.
    pub text: String,
    /// As [`Phrase::frames`].
    pub frames: Vec<String>,
}

/// The steps of something that took `whole_ns`; with `all`, each has its line.
pub fn lines(steps: &[Phrase], whole_ns: u64, all: bool) -> Vec<Line> {
    let is_short = |step: &Phrase| units::is_below(step.ns(), whole_ns, PARTS);
    let mut lines = Vec::new();
    for alike in steps.chunk_by(|a, b| is_short(a) && is_short(b)) {
        if all || alike.len() == 1 {
            lines.extend(alike.iter().map(|step| Line {
                at_ns: step.from_ns,
                text: step.full.clone(),
                frames: step.frames.clone(),
            }));
        } else {
            lines.push(collapsed(alike));
        }
    }
    lines
}

/// `212 short steps in 3.20 ms: runs 2.10 ms (104 times), …`.
fn collapsed(steps: &[Phrase]) -> Line {
    let mut tallies: Vec<(&str, u64, u64)> = Vec::new();
    for step in steps {
        let ns = step.ns();
        match tallies.iter_mut().find(|(short, ..)| *short == step.short) {
            Some((_, count, sum)) => (*count, *sum) = (*count + 1, sum.saturating_add(ns)),
            None => tallies.push((&step.short, 1, ns)),
        }
    }
    tallies.sort_by_key(|&(short, _, ns)| (Reverse(ns), short));
    let named = tallies.iter().take(NAMED).map(|&(short, count, ns)| {
        let times = match count {
            1 => String::new(),
            n => format!(" ({} times)", units::count(n)),
        };
        format!("{short} {}{times}", units::time(ns))
    });
    let mut named: Vec<String> = named.collect();
    let rest = tallies.iter().skip(NAMED);
    let rest = rest.fold(0, |sum: u64, &(.., ns)| sum.saturating_add(ns));
    if tallies.len() > NAMED {
        named.push(format!("other {}", units::time(rest)));
    }
    let (from_ns, to_ns) = (steps[0].from_ns, steps[steps.len() - 1].to_ns);
    Line {
        at_ns: from_ns,
        text: format!(
            "{} short steps in {}: {}",
            units::count(steps.len() as u64),
            units::time(to_ns.saturating_sub(from_ns)),
            named.join(", ")
        ),
        frames: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `short length` of steps end to end.
    fn check(steps: &[(&str, u64)], all: bool, expect: &[(u64, &str)]) {
        let mut at_ns = 0;
        let phrases: Vec<Phrase> = steps
            .iter()
            .map(|&(short, ns)| {
                let from_ns = at_ns;
                at_ns += ns;
                Phrase {
                    from_ns,
                    to_ns: at_ns,
                    short: short.to_owned(),
                    full: format!("{short}!"),
                    frames: Vec::new(),
                }
            })
            .collect();
        let lines = lines(&phrases, at_ns, all);
        let shown: Vec<(u64, &str)> = lines.iter().map(|l| (l.at_ns, l.text.as_str())).collect();
        assert_eq!(shown, expect);
    }

    #[test]
    fn short_steps_in_a_row_are_one_line() {
        let steps = [
            ("runs", 900),
            ("sleeps", 1),
            ("runs", 3),
            ("sleeps", 2),
            ("reads", 50),
            ("sleeps", 2),
            ("runs", 2),
        ];
        check(
            &steps,
            false,
            &[
                (0, "runs!"),
                (
                    900,
                    "3 short steps in 6 ns: runs 3 ns, sleeps 3 ns (2 times)",
                ),
                (906, "reads!"),
                (956, "2 short steps in 4 ns: runs 2 ns, sleeps 2 ns"),
            ],
        );
        check(
            &steps[..3],
            true,
            &[(0, "runs!"), (900, "sleeps!"), (901, "runs!")],
        );
    }

    #[test]
    fn many_kinds_of_short_steps_are_not_all_named() {
        let mut steps: Vec<(&str, u64)> = "a b c d e f".split(' ').zip(1..).collect();
        steps.push(("long", 10_000));
        check(
            &steps,
            false,
            &[
                (
                    0,
                    "6 short steps in 21 ns: f 6 ns, e 5 ns, d 4 ns, c 3 ns, other 3 ns",
                ),
                (21, "long!"),
            ],
        );
    }
}
