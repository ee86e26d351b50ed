//! Decides what a guest runs, and in which environment.

use std::env;
use std::path::Path;

use anyhow::{Context as _, Result};
use waitscope_guest::{Plan, Program};

use crate::kernels;
use crate::vm::Options;
use crate::vm::programs::Programs;
use crate::workspace::Workspace;

/// Settings of the tests that the caller may make; other variables stay outside.
const PASSED_ON: &str = "WAITSCOPE_";
/// Where the live tests find the binary they test.
const BINARY: &str = "WAITSCOPE_BIN";
const SYSTEM_PATH: &str = "/usr/bin:/usr/sbin:/bin:/sbin";
/// Two emulated CPUs are slow; tests beside each other would disturb timing.
const TEST_THREADS: &str = "1";

/// Processes of the storm: ten thousand take emulated CPUs four minutes.
const STORM: (&str, &str) = ("WAITSCOPE_STORM", "1000");

/// Rounds of messages: a hundred take those of 6.1 two minutes.
const ROUNDS: (&str, &str) = ("WAITSCOPE_ROUNDS", "15");

/// Processes on one socket: five hundred take emulated CPUs minutes.
const HERD: (&str, &str) = ("WAITSCOPE_HERD", "64");

/// The name of doctor's result; a test program is called doctor.
pub(crate) const DOCTOR: &str = "waitscope-doctor";

/// Doctor first: it must see the kernel as it came up.
pub(crate) fn of(workspace: &Workspace, programs: &Programs, options: &Options) -> Result<Plan> {
    let arguments = &options.common.arguments;
    let planned = match arguments.split_first() {
        Some((program, arguments)) if options.exec => vec![Program {
            name: "exec".to_owned(),
            path: program.clone(),
            arguments: arguments.to_vec(),
            caught: false,
        }],
        _ => doctor_and_tests(programs, arguments)?,
    };
    let outside = env::vars().filter(|(name, _)| name.starts_with(PASSED_ON));
    Ok(Plan {
        environment: environment(&programs.waitscope, outside)?,
        directory: text(&workspace.path("tests"))?,
        programs: planned,
    })
}

fn doctor_and_tests(programs: &Programs, arguments: &[String]) -> Result<Vec<Program>> {
    let doctor = Program {
        name: DOCTOR.to_owned(),
        path: text(&programs.waitscope)?,
        arguments: kernels::DOCTOR.map(str::to_owned).to_vec(),
        caught: true,
    };
    let program = |name: &str, path: &Path| -> Result<Program> {
        Ok(Program {
            name: name.to_owned(),
            path: text(path)?,
            arguments: arguments.to_vec(),
            caught: false,
        })
    };
    let tests = programs.tests.iter();
    std::iter::once(Ok(doctor))
        .chain(tests.map(|test| program(&test.name, &test.path)))
        .collect()
}

/// root's, as after a login.
fn environment(
    waitscope: &Path,
    outside: impl Iterator<Item = (String, String)>,
) -> Result<Vec<(String, String)>> {
    let folder = waitscope.parent().context("the binary has no folder")?;
    let path = format!("{}:{SYSTEM_PATH}", text(folder)?);
    let binary = text(waitscope)?;
    let own = [
        (BINARY, binary.as_str()),
        ("PATH", &path),
        ("HOME", "/root"),
        ("USER", "root"),
        ("LOGNAME", "root"),
        ("SHELL", "/bin/sh"),
        ("LANG", "C.UTF-8"),
        ("RUST_TEST_THREADS", TEST_THREADS),
        STORM,
        ROUNDS,
        HERD,
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let outside = outside.filter(|(name, _)| name != BINARY);
    Ok(own.into_iter().chain(outside).collect())
}

fn text(path: &Path) -> Result<String> {
    let text = path.to_str();
    let text = text.with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guests_binary_is_the_one_under_test() {
        let outside = [(BINARY, "/elsewhere"), ("WAITSCOPE_REPEAT", "3")];
        let outside = outside.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let all = environment(Path::new("/t/waitscope"), outside.into_iter()).unwrap();
        let told = |wanted: &str| -> Vec<&str> {
            all.iter()
                .filter(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
                .collect()
        };
        assert_eq!(told(BINARY), ["/t/waitscope"]);
        assert_eq!(told("WAITSCOPE_REPEAT"), ["3"]);
        assert_eq!(told("PATH"), ["/t:/usr/bin:/usr/sbin:/bin:/sbin"]);
    }

    #[test]
    fn doctor_comes_first_and_every_test_program_gets_the_arguments() {
        let programs = Programs {
            waitscope: "/t/waitscope".into(),
            init: "/t/init".into(),
            tests: vec![crate::vm::programs::TestProgram {
                name: "truth".into(),
                path: "/t/deps/truth-1".into(),
            }],
            workloads: Vec::new(),
        };
        let planned = doctor_and_tests(&programs, &["--nocapture".to_owned()]).unwrap();
        let doctor = Program {
            name: DOCTOR.into(),
            path: "/t/waitscope".into(),
            arguments: ["doctor", "--format", "json"].map(str::to_owned).into(),
            caught: true,
        };
        let truth = Program {
            name: "truth".into(),
            path: "/t/deps/truth-1".into(),
            arguments: vec!["--nocapture".into()],
            caught: false,
        };
        assert_eq!(planned, [doctor, truth]);
    }
}
