//! Builds what runs in a guest: the release that is tested on this machine, too, and the tests.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::run::output_of;
use crate::vm::options::Selection;
use crate::workspace::Workspace;

/// Where the built programs are. Tests know their workloads by these paths, so
/// a guest has them at the same ones.
pub(crate) struct Programs {
    pub(crate) waitscope: PathBuf,
    pub(crate) init: PathBuf,
    pub(crate) tests: Vec<TestProgram>,
    pub(crate) workloads: Vec<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestProgram {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// An executable that cargo has built.
#[derive(Debug, PartialEq, Eq)]
struct Built {
    name: String,
    kind: Kind,
    path: PathBuf,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Binary,
    Test,
    /// Unit tests, examples, …
    Other,
}

impl Programs {
    pub(crate) fn build(workspace: &Workspace, selection: &Selection) -> Result<Self> {
        let (mut tests, mut workloads) = (Vec::new(), Vec::new());
        for built in Self::build_tests(workspace, selection)? {
            let Built { name, kind, path } = built;
            match kind {
                Kind::Test => tests.push(TestProgram { name, path }),
                Kind::Binary => workloads.push(path),
                Kind::Other => {}
            }
        }
        tests.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self {
            waitscope: binary(workspace, "waitscope", "waitscope")?,
            init: binary(workspace, "waitscope-guest", "waitscope-guest-init")?,
            tests,
            workloads,
        })
    }

    /// The test programs, and the workloads along with them.
    fn build_tests(workspace: &Workspace, selection: &Selection) -> Result<Vec<Built>> {
        let (verb, names): (&[&str], &[String]) = match selection {
            Selection::All | Selection::On(_) => (&["test", "--no-run", "--test", "*"], &[]),
            Selection::Named(none) if none.is_empty() => (&["build"], &[]),
            Selection::Named(names) => (&["test", "--no-run"], names),
        };
        let mut command = cargo(workspace, verb)?;
        command.args(["--package", "waitscope-tests"]);
        for name in names {
            command.args(["--test", name]);
        }
        executables(&output_of(&mut command)?)
    }

    /// Those with fewer tests.
    pub(crate) fn only(&self, selection: &Selection) -> Self {
        let tests = self.tests.iter().filter(|test| selection.has(&test.name));
        Self {
            waitscope: self.waitscope.clone(),
            init: self.init.clone(),
            tests: tests.cloned().collect(),
            workloads: self.workloads.clone(),
        }
    }
}

/// Built by itself: beside others a package gets features that they ask for.
fn binary(workspace: &Workspace, package: &str, name: &str) -> Result<PathBuf> {
    let mut command = cargo(workspace, &["build"])?;
    let built = executables(&output_of(command.args(["--package", package]))?)?;
    let found = built.into_iter().find(|built| built.name == name);
    let found = found.with_context(|| format!("cargo has built no {name}"))?;
    Ok(found.path)
}

fn cargo(workspace: &Workspace, verb: &[&str]) -> Result<Command> {
    let mut command = workspace.cargo()?;
    command
        .args(verb)
        .args(["--release", "--message-format=json-render-diagnostics"]);
    Ok(command)
}

/// From cargo's messages, one JSON object a line.
fn executables(messages: &str) -> Result<Vec<Built>> {
    let mut found = Vec::new();
    for line in messages.lines() {
        let message: Value =
            serde_json::from_str(line).with_context(|| format!("not from cargo: {line}"))?;
        let Some(path) = message["executable"].as_str() else {
            continue;
        };
        let target = &message["target"];
        let for_test = message["profile"]["test"] == true;
        let kind = match target["kind"][0].as_str() {
            Some("bin") if !for_test => Kind::Binary,
            Some("test") => Kind::Test,
            _ => Kind::Other,
        };
        found.push(Built {
            name: target["name"].as_str().unwrap_or_default().to_owned(),
            kind,
            path: path.into(),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_told_apart() {
        let message = |kind: &str, name: &str, test: bool, path: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"kind":["{kind}"],"name":"{name}"}},"profile":{{"test":{test}}},"executable":{path}}}"#
            )
        };
        let messages = [
            message("lib", "anyhow", false, "null"),
            message("bin", "truth", false, r#""/t/truth""#),
            message("bin", "truth", true, r#""/t/deps/truth-1""#),
            message("test", "truth", true, r#""/t/deps/truth-2""#),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let expect = [
            ("truth", Kind::Binary, "/t/truth"),
            ("truth", Kind::Other, "/t/deps/truth-1"),
            ("truth", Kind::Test, "/t/deps/truth-2"),
        ]
        .map(|(name, kind, path)| Built {
            name: name.into(),
            kind,
            path: path.into(),
        });
        assert_eq!(executables(&messages.join("\n")).unwrap(), expect);
    }

    #[test]
    fn what_cargo_did_not_write_is_an_error() {
        assert!(executables("   Compiling anyhow").is_err());
    }
}
