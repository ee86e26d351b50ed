//! What waitscope can do on which kernel: taken from doctor's output, compared
//! with what is tracked, or written down anew.

pub(crate) mod abilities;
mod change;
mod compare;
pub(crate) mod doctor;
mod page;
mod readme;
mod tracked;

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use self::abilities::Abilities;
use self::change::Weight;
use self::compare::changes;
use self::doctor::Doctor;
use self::tracked::Tracked;
use crate::privilege::Privilege;
use crate::run::{output_of, say};
use crate::workspace::Workspace;

/// The label of the machine that boots the guests.
pub(crate) const HOST: &str = "host";
const UPDATE: &str = "cargo xtask vm --no-tests --update";

/// What was seen on one kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    pub(crate) label: String,
    pub(crate) abilities: Abilities,
}

/// Asks doctor on this machine; it attaches every probe for a moment. None
/// without a way to root.
pub(crate) fn host(waitscope: &Path) -> Result<Option<Observation>> {
    let privilege = Privilege::find();
    if privilege == Privilege::None {
        say(format_args!(
            "{HOST}: doctor needs root, so it is not asked"
        ));
        return Ok(None);
    }
    let mut command = privilege.command(waitscope, &[])?;
    let output = output_of(command.args(doctor::ARGUMENTS)).context("doctor on this machine")?;
    let doctor = Doctor::parse(output.as_bytes())?;
    Ok(Some(Observation {
        label: HOST.to_owned(),
        abilities: Abilities::of(&doctor)?,
    }))
}

/// Compares what was seen with what is tracked, or makes it what is tracked.
pub(crate) fn compare_or_update(
    workspace: &Workspace,
    observed: &[Observation],
    update: bool,
) -> Result<()> {
    if update {
        write_down(workspace, observed)
    } else {
        check(&tracked::read(workspace)?, observed)
    }
}

/// Says each difference that matters in a sentence; fails for some.
fn check(tracked: &Tracked, observed: &[Observation]) -> Result<()> {
    let mut failures = 0;
    for (weight, text) in observed.iter().flat_map(|seen| compare(tracked, seen)) {
        match weight {
            Weight::Failure => {
                failures += 1;
                say(format_args!(
                    "{text}; if that is meant, `{UPDATE}` writes it down"
                ));
            }
            Weight::Notable => say(text),
            Weight::Small => {}
        }
    }
    let file = tracked::FILE;
    ensure!(
        failures == 0,
        "{failures} differences from {file}, told above"
    );
    Ok(())
}

/// Says what is different from before.
fn write_down(workspace: &Workspace, observed: &[Observation]) -> Result<()> {
    let mut tracked = tracked::read(workspace)?;
    for observation in observed {
        let Observation { label, abilities } = observation;
        match tracked.get(label) {
            Some(was) => said(label, was, abilities)
                .iter()
                .for_each(|(_, text)| say(text)),
            None => say(format_args!("{label}: new")),
        }
        let entry = merged(tracked.get(label), abilities);
        tracked.insert(label.clone(), entry);
    }
    tracked::write(workspace, &tracked)?;
    page::write(workspace, &tracked)?;
    readme::write(workspace, &tracked)
}

fn said(label: &str, was: &Abilities, now: &Abilities) -> Vec<(Weight, String)> {
    changes(was, now)
        .iter()
        .map(|change| (change.weight(), format!("{label}: {change}")))
        .collect()
}

/// A host's kernel is whichever it happens to run, so only the same one compares.
fn compare(tracked: &Tracked, observation: &Observation) -> Vec<(Weight, String)> {
    let Observation { label, abilities } = observation;
    let release = &abilities.release;
    match tracked.get(label) {
        Some(was) if label == HOST && was.release != *release => {
            let was = &was.release;
            let text = format!("{label}: runs {release}, tracked is {was}: not compared");
            vec![(Weight::Notable, text)]
        }
        Some(was) => said(label, was, abilities),
        None if label == HOST => {
            let text = format!("{label}: runs {release}, which is not tracked: not compared");
            vec![(Weight::Notable, text)]
        }
        None => vec![(
            Weight::Failure,
            format!("{label}: nothing is tracked of it"),
        )],
    }
}

/// Seconds are kept where no whole round was run.
fn merged(was: Option<&Abilities>, now: &Abilities) -> Abilities {
    let mut entry = now.clone();
    entry.seconds = now.seconds.or(was.and_then(|was| was.seconds));
    entry
}

#[cfg(test)]
mod tests {
    use super::abilities::Seconds;
    use super::abilities::testing::abilities;
    use super::*;

    fn observation(label: &str) -> Observation {
        Observation {
            label: label.into(),
            abilities: abilities(),
        }
    }

    fn check_one(tracked: &Tracked, label: &str, expect: &[(Weight, &str)]) {
        let told = compare(tracked, &observation(label));
        let told: Vec<(Weight, &str)> = told.iter().map(|(w, text)| (*w, text.as_str())).collect();
        assert_eq!(told, expect);
    }

    #[test]
    fn a_guest_must_be_tracked_and_another_host_need_not_be() {
        let mut other = abilities();
        other.release = "6.18".into();
        other.tier = Some("full".into());
        let tracked = Tracked::from([("6.12".into(), other.clone()), ("host".into(), other)]);
        let tier = "6.12: tier full → tracepoint";
        let release = "6.12: release 6.18 → 6.12.9";
        let changes = [(Weight::Small, release), (Weight::Failure, tier)];
        check_one(&tracked, "6.12", &changes);
        let new = "6.1: nothing is tracked of it";
        check_one(&tracked, "6.1", &[(Weight::Failure, new)]);
        let differs = "host: runs 6.12.9, tracked is 6.18: not compared";
        check_one(&tracked, "host", &[(Weight::Notable, differs)]);
        let none = "host: runs 6.12.9, which is not tracked: not compared";
        check_one(&Tracked::new(), "host", &[(Weight::Notable, none)]);
    }

    #[test]
    fn the_same_host_is_compared() {
        let mut lower = abilities();
        lower.tier = None;
        let tracked = Tracked::from([("host".into(), lower)]);
        let tier = "host: tier none → tracepoint";
        check_one(&tracked, "host", &[(Weight::Notable, tier)]);
    }

    #[test]
    fn a_part_of_a_round_keeps_the_seconds() {
        let (mut was, mut now) = (abilities(), abilities());
        was.seconds = Some(Seconds { boot: 5, tests: 93 });
        assert_eq!(merged(Some(&was), &now).seconds, was.seconds);
        now.seconds = Some(Seconds { boot: 6, tests: 90 });
        assert_eq!(merged(Some(&was), &now).seconds, now.seconds);
        assert_eq!(merged(None, &abilities()).seconds, None);
    }
}
