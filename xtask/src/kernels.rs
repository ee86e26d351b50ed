//! What waitscope can do on which kernel: taken from doctor's output, compared
//! with tests/kernels.json, or written there and into docs/kernels.md.

pub(crate) mod abilities;
mod compare;
mod page;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use self::abilities::Abilities;
use self::compare::{Difference, differences};
use crate::privilege::Privilege;
use crate::run::{output_of, say};
use crate::vm::files;
use crate::workspace::Workspace;

/// What doctor is called with.
pub(crate) const DOCTOR: [&str; 3] = ["doctor", "--format", "json"];
/// The label of the machine that boots the guests.
const HOST: &str = "host";
const FILE: &str = "tests/kernels.json";
const UPDATE: &str = "cargo xtask vm --no-tests --update";
/// Objects down to here have a line per member, so that a changed number is one
/// changed line: kernels, their members, features and programs.
const OPEN: usize = 3;

/// By label: a kernel's version and its lockdown, if any, or `host`.
type Tracked = BTreeMap<String, Abilities>;

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
    let output = output_of(command.args(DOCTOR)).context("doctor on this machine")?;
    Ok(Some(Observation {
        label: HOST.to_owned(),
        abilities: Abilities::parse(output.as_bytes())?,
    }))
}

/// Compares what was seen with what is tracked, or makes it what is tracked.
pub(crate) fn compare_or_update(
    workspace: &Workspace,
    observed: &[Observation],
    update: bool,
) -> Result<()> {
    let mut tracked = read(workspace)?;
    if update {
        for observation in observed {
            track(&mut tracked, observation);
        }
        let text = lay_out(&serde_json::to_value(&tracked)?, 0) + "\n";
        files::place_bytes(&workspace.path(FILE), text.as_bytes())?;
        return page::write(workspace, &tracked);
    }
    let found = observed.iter().flat_map(|seen| compare(&tracked, seen));
    let mut failures = 0;
    for Difference { fails, text } in found {
        failures += usize::from(fails);
        say(text);
    }
    ensure!(
        failures == 0,
        "{failures} differences from {FILE}; if they are meant, `{UPDATE}` writes them down"
    );
    Ok(())
}

fn read(workspace: &Workspace) -> Result<Tracked> {
    let text = fs::read(workspace.path(FILE)).context(FILE)?;
    serde_json::from_slice(&text).context(FILE)
}

/// Seconds are kept where no whole round was run.
fn track(tracked: &mut Tracked, observation: &Observation) {
    let Observation { label, abilities } = observation;
    let mut entry = abilities.clone();
    let was = tracked.get(label);
    entry.seconds = entry.seconds.or(was.and_then(|was| was.seconds));
    tracked.insert(label.clone(), entry);
}

/// A host's kernel is the one it happens to run, so only the same one compares.
fn compare(tracked: &Tracked, observation: &Observation) -> Vec<Difference> {
    let Observation { label, abilities } = observation;
    let one = |fails, text| vec![Difference { fails, text }];
    match tracked.get(label) {
        Some(was) if label != HOST || was.release == abilities.release => {
            let mut found = differences(was, abilities);
            for Difference { text, .. } in &mut found {
                *text = format!("{label}: {text}");
            }
            found
        }
        _ if label == HOST => {
            let release = &abilities.release;
            let text = format!("{label}: runs {release}, which is not tracked: not compared");
            one(false, text)
        }
        _ => one(true, format!("{label}: nothing is tracked of it")),
    }
}

fn lay_out(value: &Value, depth: usize) -> String {
    match value {
        Value::Object(members) if depth < OPEN && !members.is_empty() => {
            let indent = "  ".repeat(depth + 1);
            let lines = members.iter().map(|(name, member)| {
                let name = Value::from(name.as_str());
                format!("{indent}{name}: {}", lay_out(member, depth + 1))
            });
            let lines = lines.collect::<Vec<_>>().join(",\n");
            format!("{{\n{lines}\n{}}}", "  ".repeat(depth))
        }
        other => other.to_string(),
    }
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

    fn check(tracked: &Tracked, label: &str, expect: &[(bool, &str)]) {
        let found = compare(tracked, &observation(label));
        let found = found.iter().map(|found| (found.fails, found.text.as_str()));
        assert_eq!(found.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn a_guest_must_be_tracked_and_another_host_need_not_be() {
        let mut other = abilities();
        other.release = "6.18".into();
        other.tier = Some("full".into());
        let tracked = Tracked::from([("6.12".into(), other.clone()), ("host".into(), other)]);
        check(&tracked, "6.12", &[(true, "6.12: tier full → tracepoint")]);
        check(&tracked, "6.1", &[(true, "6.1: nothing is tracked of it")]);
        let differs = "host: runs 6.12.9, which is not tracked: not compared";
        check(&tracked, "host", &[(false, differs)]);
        check(&Tracked::new(), "host", &[(false, differs)]);
    }

    #[test]
    fn the_same_host_is_compared() {
        let mut lower = abilities();
        lower.tier = None;
        let tracked = Tracked::from([("host".into(), lower)]);
        let tier = "host: tier none → tracepoint";
        check(&tracked, "host", &[(false, tier)]);
    }

    #[test]
    fn a_part_of_a_round_keeps_the_seconds() {
        let mut tracked = Tracked::new();
        let mut seen = observation("6.12");
        for (now, expect) in [(None, None), (Some(93), Some(93)), (None, Some(93))] {
            seen.abilities.seconds = now.map(|tests| Seconds { boot: 5, tests });
            track(&mut tracked, &seen);
            let kept = tracked["6.12"].seconds;
            assert_eq!(kept.map(|seconds| seconds.tests), expect);
        }
    }

    #[test]
    fn a_number_has_a_line() {
        let tracked = Tracked::from([("6.12 integrity".into(), abilities())]);
        let text = lay_out(&serde_json::to_value(&tracked).unwrap(), 0);
        let expect = r#"{
  "6.12 integrity": {
    "features": {
      "descriptors": {"off":"no task_struct.files"},
      "stacks": "on"
    },
    "lockdown": "integrity",
    "programs": {
      "do_wait": {"refused":"EPERM"},
      "sched_switch": {"attached":{"hook":"tp_btf","translated":400,"verified":1200}},
      "task": {"attached":{"hook":"iter","translated":90,"verified":null}}
    },
    "release": "6.12.9",
    "seconds": null,
    "tier": "tracepoint"
  }
}"#;
        assert_eq!(text, expect);
        assert_eq!(serde_json::from_str::<Tracked>(&text).unwrap(), tracked);
    }
}
