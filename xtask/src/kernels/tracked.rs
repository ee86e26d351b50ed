//! The tracked file: the abilities on every kernel, as JSON in which a changed
//! number is one changed line.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::kernels::abilities::Abilities;
use crate::vm::files;
use crate::workspace::Workspace;

pub(crate) const FILE: &str = "tests/kernels.json";
/// Objects down to here have a line per member: kernels, what is told of each,
/// features and programs.
const OPEN: usize = 3;

/// By label: a kernel's version and its lockdown, if any, or `host`.
pub(crate) type Tracked = BTreeMap<String, Abilities>;

/// Each kernel with its states, from the least locked down to the most.
pub(crate) fn by_kernel(tracked: &Tracked) -> Vec<(&str, Vec<&Abilities>)> {
    let mut kernels: BTreeMap<&str, Vec<&Abilities>> = BTreeMap::new();
    for (label, abilities) in tracked {
        let kernel = label.split(' ').next().unwrap_or_default();
        kernels.entry(kernel).or_default().push(abilities);
    }
    for states in kernels.values_mut() {
        states.sort_by_key(|abilities| strictness(&abilities.lockdown));
    }
    kernels.into_iter().collect()
}

fn strictness(lockdown: &str) -> usize {
    let states = ["none", "integrity", "confidentiality"];
    let known = states.iter().position(|state| *state == lockdown);
    known.unwrap_or(states.len())
}

/// Nothing is tracked before the first update.
pub(crate) fn read(workspace: &Workspace) -> Result<Tracked> {
    match fs::read(workspace.path(FILE)) {
        Ok(text) => serde_json::from_slice(&text).context(FILE),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Tracked::new()),
        Err(error) => Err(error).context(FILE),
    }
}

pub(crate) fn write(workspace: &Workspace, tracked: &Tracked) -> Result<()> {
    let text = lay_out(&serde_json::to_value(tracked)?, 0) + "\n";
    files::place_bytes(&workspace.path(FILE), text.as_bytes())
}

fn lay_out(value: &Value, depth: usize) -> String {
    match value {
        Value::Object(members) if depth < OPEN && !members.is_empty() => {
            let lines: Vec<String> = members
                .iter()
                .map(|(name, member)| {
                    let name = Value::from(name.as_str());
                    let indent = "  ".repeat(depth + 1);
                    format!("{indent}{name}: {}", lay_out(member, depth + 1))
                })
                .collect();
            format!("{{\n{}\n{}}}", lines.join(",\n"), "  ".repeat(depth))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::kernels::abilities::testing::abilities;
    use crate::kernels::abilities::{Availability, Seconds};

    fn in_lockdown(lockdown: &str, change: impl Fn(&mut Abilities)) -> Abilities {
        let mut abilities = abilities();
        abilities.lockdown = lockdown.into();
        change(&mut abilities);
        abilities
    }

    /// A 6.12 that loses more the more it is locked down, and a host.
    pub(crate) fn sample() -> Tracked {
        let full = in_lockdown("none", |abilities| {
            abilities.tier = Some("full".into());
            abilities.seconds = Some(Seconds { boot: 5, tests: 93 });
        });
        let strict = in_lockdown("confidentiality", |abilities| {
            let off = Availability::Off("refused".into());
            abilities.features.insert("stacks".into(), off);
        });
        Tracked::from([
            ("6.12".into(), full),
            ("6.12 confidentiality".into(), strict),
            ("6.12 integrity".into(), in_lockdown("integrity", |_| ())),
            (
                "host".into(),
                in_lockdown("none", |abilities| abilities.release = "6.18".into()),
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::abilities::testing::abilities;

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
