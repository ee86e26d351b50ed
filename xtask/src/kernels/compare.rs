//! Finds the differences that matter between what is tracked of a kernel and what
//! was seen: less than before fails the run, more is worth a line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::kernels::abilities::{Abilities, Availability, Loaded, Program};

/// More than this is a failure, until the tracked file has it.
const GROWTH_PERCENT: u64 = 20;
/// From best to worst.
const TIERS: [&str; 3] = ["full", "tracepoint", "raw"];

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) fails: bool,
    pub(crate) text: String,
}

pub(crate) fn differences(was: &Abilities, now: &Abilities) -> Vec<Difference> {
    let mut found = Vec::new();
    if was.tier != now.tier {
        let (old, new) = (was.tier(), now.tier());
        found.push(Difference {
            fails: rank(new) > rank(old),
            text: format!("tier {old} → {new}"),
        });
    }
    for name in names(&was.features, &now.features) {
        let (was, now) = (was.features.get(name), now.features.get(name));
        found.extend(feature(name, was, now));
    }
    for name in names(&was.programs, &now.programs) {
        let (was, now) = (was.programs.get(name), now.programs.get(name));
        found.extend(program(name, was, now));
    }
    found
}

/// Of both, each once.
fn names<'a, T>(
    was: &'a BTreeMap<String, T>,
    now: &'a BTreeMap<String, T>,
) -> BTreeSet<&'a String> {
    was.keys().chain(now.keys()).collect()
}

/// The lower the better.
fn rank(tier: &str) -> usize {
    let known = TIERS.iter().position(|known| *known == tier);
    known.unwrap_or(TIERS.len())
}

fn feature(
    name: &str,
    was: Option<&Availability>,
    now: Option<&Availability>,
) -> Option<Difference> {
    const ON: Option<&Availability> = Some(&Availability::On);
    let reason = match now {
        Some(Availability::On) if was == ON => return None,
        Some(Availability::On) => {
            let text = format!("\"{name}\" works now");
            return Some(Difference { fails: false, text });
        }
        _ if was != ON => return None,
        Some(Availability::Off(reason)) => reason,
        None => "doctor does not name it",
    };
    let text = format!("\"{name}\" worked and is off now: {reason}");
    Some(Difference { fails: true, text })
}

fn program(name: &str, was: Option<&Program>, now: Option<&Program>) -> Option<Difference> {
    let text = match (was.and_then(Program::loaded), now) {
        (Some(was), Some(Program::Attached(now))) if was.hook == now.hook => {
            return count(name, was, now);
        }
        (Some(was), Some(Program::Attached(now))) => format!(
            "{name} was {} with {was} and is {} with {now}",
            was.hook, now.hook
        ),
        (None, Some(Program::Attached(now))) => format!("{name} has {now} and is not tracked"),
        (Some(was), Some(Program::Refused(reason))) => {
            format!("{name} had {was} and is not attached now: {reason}")
        }
        (Some(was), None) => {
            format!("{name} had {was} and is not attached now: doctor does not name it")
        }
        (None, _) => return None,
    };
    Some(Difference { fails: true, text })
}

/// Translated instructions count where the kernel gives no verified ones.
fn count(name: &str, was: &Loaded, now: &Loaded) -> Option<Difference> {
    let verified = was.verified.zip(now.verified);
    let unit = unit(verified.is_some());
    let (was, now) = verified.or(was.translated.zip(now.translated))?;
    let fails = now * 100 > was * (100 + GROWTH_PERCENT);
    (fails || now < was).then(|| Difference {
        fails,
        text: format!("{name} {was} → {now} {unit} instructions"),
    })
}

fn unit(is_verified: bool) -> &'static str {
    if is_verified {
        "verified"
    } else {
        "translated"
    }
}

impl fmt::Display for Loaded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verified.or(self.translated) {
            Some(count) => write!(
                out,
                "{count} {} instructions",
                unit(self.verified.is_some())
            ),
            None => out.write_str("an unknown number of instructions"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::abilities::testing::abilities;

    /// What is said, and whether it fails the run, when the tracked ones and those
    /// seen now are changed like this.
    fn check(
        before: impl Fn(&mut Abilities),
        after: impl Fn(&mut Abilities),
        expect: &[(bool, &str)],
    ) {
        let (mut was, mut now) = (abilities(), abilities());
        before(&mut was);
        after(&mut now);
        let found = differences(&was, &now);
        let found = found.iter().map(|found| (found.fails, found.text.as_str()));
        assert_eq!(found.collect::<Vec<_>>(), expect);
    }

    fn attach(
        hook: &str,
        program: &str,
        verified: Option<u64>,
        translated: u64,
    ) -> impl Fn(&mut Abilities) {
        let loaded = Loaded {
            hook: hook.into(),
            verified,
            translated: Some(translated),
        };
        move |abilities| {
            let state = Program::Attached(loaded.clone());
            abilities.programs.insert(program.into(), state);
        }
    }

    fn tier(tier: Option<&str>) -> impl Fn(&mut Abilities) {
        move |abilities| abilities.tier = tier.map(str::to_owned)
    }

    fn same(_: &mut Abilities) {}

    const SWITCH: &str = "sched_switch";
    const WAIT: &str = "do_wait";

    #[test]
    fn nothing_changed_is_nothing_said() {
        check(same, same, &[]);
        let newer = |abilities: &mut Abilities| abilities.release = "6.12.10".into();
        check(same, newer, &[]);
    }

    #[test]
    fn only_growth_beyond_the_limit_fails() {
        let grow = |verified, expect: &[(bool, &str)]| {
            let now = attach("tp_btf", SWITCH, Some(verified), 400);
            check(same, now, expect);
        };
        grow(1440, &[]);
        let grown = "sched_switch 1200 → 1441 verified instructions";
        grow(1441, &[(true, grown)]);
        let shrunk = "sched_switch 1200 → 600 verified instructions";
        grow(600, &[(false, shrunk)]);
    }

    #[test]
    fn translated_instructions_count_where_the_kernel_gives_no_others() {
        let grown = "task 90 → 200 translated instructions";
        let now = attach("iter", "task", None, 200);
        check(same, now, &[(true, grown)]);
        check(same, attach("tp_btf", SWITCH, Some(1200), 800), &[]);
    }

    #[test]
    fn a_program_must_be_tracked_and_stay_attached() {
        let attach =
            |program, verified, translated| attach("kprobe", program, verified, translated);
        let new = "new has 7 verified instructions and is not tracked";
        check(same, attach("new", Some(7), 3), &[(true, new)]);
        let attaches = "do_wait has 9 translated instructions and is not tracked";
        check(same, attach(WAIT, None, 9), &[(true, attaches)]);
        let refused = "do_wait had 9 verified instructions and is not attached now: EPERM";
        check(attach(WAIT, Some(9), 3), same, &[(true, refused)]);
        let gone = "old had 9 translated instructions and is not attached now: \
            doctor does not name it";
        check(attach("old", None, 9), same, &[(true, gone)]);
    }

    #[test]
    fn another_hook_is_another_program() {
        let fell = "do_wait was fexit with 9 verified instructions and is kretprobe with \
            11 verified instructions";
        let was = attach("fexit", WAIT, Some(9), 3);
        let now = attach("kretprobe", WAIT, Some(11), 3);
        check(was, now, &[(true, fell)]);
    }

    #[test]
    fn a_feature_that_worked_must_work() {
        let lose = |abilities: &mut Abilities| {
            let off = Availability::Off("no stack".into());
            abilities.features.insert("stacks".into(), off);
        };
        let off = "\"stacks\" worked and is off now: no stack";
        check(same, lose, &[(true, off)]);
        check(lose, same, &[(false, "\"stacks\" works now")]);
        let forget = |abilities: &mut Abilities| abilities.features.clear();
        let unnamed = "\"stacks\" worked and is off now: doctor does not name it";
        check(same, forget, &[(true, unnamed)]);
    }

    #[test]
    fn a_lower_tier_fails_and_a_higher_one_does_not() {
        for (now, fails, text) in [
            (Some("raw"), true, "tier tracepoint → raw"),
            (None, true, "tier tracepoint → none"),
            (Some("full"), false, "tier tracepoint → full"),
        ] {
            check(same, tier(now), &[(fails, text)]);
        }
    }
}
