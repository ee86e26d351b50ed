//! Finds the differences between what is tracked of a kernel and what was seen.

use crate::kernels::abilities::{Abilities, Availability, Loaded, Program};
use crate::kernels::change::{Change, Unit};

/// In the order of the enum's variants; by name within each.
pub(crate) fn changes(was: &Abilities, now: &Abilities) -> Vec<Change> {
    let mut found = Vec::new();
    if was.release != now.release {
        let (old, new) = (was.release.clone(), now.release.clone());
        found.push(Change::Release { old, new });
    }
    if was.tier != now.tier {
        let (old, new) = (was.tier.clone(), now.tier.clone());
        found.push(Change::Tier { old, new });
    }
    features(was, now, &mut found);
    programs(was, now, &mut found);
    found
}

fn features(was: &Abilities, now: &Abilities, found: &mut Vec<Change>) {
    for (name, availability) in &was.features {
        if *availability != Availability::On {
            continue;
        }
        let reason = match now.features.get(name) {
            Some(Availability::On) => continue,
            Some(Availability::Off(reason)) => reason.clone(),
            None => "doctor does not name it".to_owned(),
        };
        let name = name.clone();
        found.push(Change::FeatureOff { name, reason });
    }
    let on = now.features.iter().filter(|(name, availability)| {
        **availability == Availability::On && was.features.get(*name) != Some(&Availability::On)
    });
    found.extend(on.map(|(name, _)| Change::FeatureOn { name: name.clone() }));
}

fn programs(was: &Abilities, now: &Abilities, found: &mut Vec<Change>) {
    for (program, state) in &now.programs {
        let Some(now) = state.loaded() else { continue };
        match was.programs.get(program).and_then(Program::loaded) {
            Some(was) if was.hook == now.hook => counts(program, was, now, found),
            Some(was) => found.push(Change::Hook {
                program: program.clone(),
                was: was.clone(),
                now: now.clone(),
            }),
            None => found.push(Change::Untracked {
                program: program.clone(),
                now: now.clone(),
            }),
        }
    }
    for (program, state) in &was.programs {
        let Some(was) = state.loaded().cloned() else {
            continue;
        };
        let reason = match now.programs.get(program) {
            Some(Program::Attached(_)) => continue,
            Some(Program::Refused(reason)) => reason.clone(),
            None => "doctor does not name it".to_owned(),
        };
        let program = program.clone();
        found.push(Change::Lost {
            program,
            was,
            reason,
        });
    }
}

fn counts(program: &str, was: &Loaded, now: &Loaded, found: &mut Vec<Change>) {
    let verified = was.verified.zip(now.verified);
    let translated = was.translated.zip(now.translated);
    let unit = match verified {
        Some(_) => Unit::TranslatedToo,
        None => Unit::Translated,
    };
    for (unit, both) in [(Unit::Verified, verified), (unit, translated)] {
        if let Some((was, now)) = both.filter(|(was, now)| was != now) {
            let program = program.to_owned();
            found.push(Change::Count {
                program,
                unit,
                was,
                now,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::abilities::testing::abilities;
    use crate::kernels::change::Weight::{self, Failure, Notable, Small};

    /// What is said, and how heavily, when the tracked ones and those seen now
    /// are changed like this.
    fn check(
        before: impl Fn(&mut Abilities),
        after: impl Fn(&mut Abilities),
        expect: &[(Weight, &str)],
    ) {
        let (mut was, mut now) = (abilities(), abilities());
        before(&mut was);
        after(&mut now);
        let told: Vec<(Weight, String)> = changes(&was, &now)
            .iter()
            .map(|change| (change.weight(), change.to_string()))
            .collect();
        let told: Vec<(Weight, &str)> = told.iter().map(|(w, text)| (*w, text.as_str())).collect();
        assert_eq!(told, expect);
    }

    fn attach(program: &str, verified: Option<u64>, translated: u64) -> impl Fn(&mut Abilities) {
        attach_by("tp_btf", program, verified, translated)
    }

    fn attach_by(
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
    const TASK: &str = "task";
    const WAIT: &str = "do_wait";

    #[test]
    fn nothing_changed_is_nothing_said() {
        check(same, same, &[]);
    }

    #[test]
    fn only_growth_beyond_the_limit_fails() {
        let told = |now, expect: &[(Weight, &str)]| {
            check(same, attach(SWITCH, Some(now), 400), expect);
        };
        let fine = "sched_switch 1200 → 1440 verified instructions (+20 %)";
        told(1440, &[(Small, fine)]);
        let grown = "sched_switch 1200 → 1441 verified instructions (+20 %)";
        told(1441, &[(Failure, grown)]);
        let shrunk = "sched_switch 1200 → 600 verified instructions (-50 %)";
        told(600, &[(Notable, shrunk)]);
    }

    #[test]
    fn translated_instructions_count_where_the_kernel_tells_no_others() {
        let grown = "task 90 → 200 translated instructions (+122 %)";
        check(
            same,
            attach_by("iter", TASK, None, 200),
            &[(Failure, grown)],
        );
        let beside = "sched_switch 400 → 800 translated instructions (+100 %)";
        check(same, attach(SWITCH, Some(1200), 800), &[(Small, beside)]);
    }

    #[test]
    fn a_program_must_be_tracked_and_stay_attached() {
        let new = "new has 7 verified instructions and is not tracked";
        check(same, attach("new", Some(7), 3), &[(Failure, new)]);
        let attaches = "do_wait has 9 translated instructions and is not tracked";
        check(same, attach(WAIT, None, 9), &[(Failure, attaches)]);
        let refused = "do_wait had 9 verified instructions and is not attached now: EPERM";
        check(attach(WAIT, Some(9), 3), same, &[(Failure, refused)]);
        let gone = "old had 9 translated instructions and is not attached now: \
            doctor does not name it";
        check(attach("old", None, 9), same, &[(Failure, gone)]);
    }

    #[test]
    fn another_hook_is_another_program() {
        let fell = "do_wait was fexit with 9 verified instructions and is kretprobe with \
            11 verified instructions";
        let was = attach_by("fexit", WAIT, Some(9), 3);
        let now = attach_by("kretprobe", WAIT, Some(11), 3);
        check(was, now, &[(Failure, fell)]);
    }

    #[test]
    fn a_feature_that_worked_must_work() {
        let lose = |abilities: &mut Abilities| {
            let off = Availability::Off("no stack".into());
            abilities.features.insert("stacks".into(), off);
        };
        let off = "\"stacks\" worked and is off now: no stack";
        check(same, lose, &[(Failure, off)]);
        check(lose, same, &[(Notable, "\"stacks\" works now")]);
        let forget = |abilities: &mut Abilities| abilities.features.clear();
        let unnamed = "\"stacks\" worked and is off now: doctor does not name it";
        check(same, forget, &[(Failure, unnamed)]);
    }

    #[test]
    fn a_lower_tier_fails_and_a_higher_one_does_not() {
        check(
            same,
            tier(Some("raw")),
            &[(Failure, "tier tracepoint → raw")],
        );
        check(same, tier(None), &[(Failure, "tier tracepoint → none")]);
        check(
            same,
            tier(Some("full")),
            &[(Notable, "tier tracepoint → full")],
        );
    }

    #[test]
    fn another_release_alone_is_no_failure() {
        let newer = |abilities: &mut Abilities| abilities.release = "6.12.10".into();
        check(same, newer, &[(Small, "release 6.12.9 → 6.12.10")]);
    }
}
