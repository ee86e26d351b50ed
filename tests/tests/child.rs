//! What the traced command inherits, and as whom it runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;
use waitscope_tests::live;
use waitscope_tests::passwd::{self, User};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

/// Runs an act under `waitscope run`; returns what it wrote.
fn act(command: &mut Command, options: &[&str], act: &str) -> Result<BTreeMap<String, Value>> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("act.json");
    command.arg("run").args(options).args(["--", ACTOR, act]);
    live::finish(command.arg(&out))?.expect_code(0)?;
    read(&out)
}

/// Runs an act directly.
fn plain(act: &str) -> Result<BTreeMap<String, Value>> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("act.json");
    live::finish(Command::new(ACTOR).arg(act).arg(&out))?.expect_code(0)?;
    read(&out)
}

fn read(path: &Path) -> Result<BTreeMap<String, Value>> {
    serde_json::from_slice(&fs::read(path)?).context("the act's output")
}

#[test]
fn it_inherits_three_descriptors() -> Result<()> {
    let open = act(&mut live::waitscope()?, &[], "descriptors")?;
    let numbers: Vec<&str> = open.keys().map(String::as_str).collect();
    assert_eq!(numbers, ["0", "1", "2"], "{open:?}");
    Ok(())
}

/// The job server of `make` is such a descriptor.
#[test]
fn it_inherits_what_the_caller_passes_on() -> Result<()> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("act.json");
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "exec \"$0\" run -- \"$1\" descriptors \"$2\" 7</dev/zero",
    ]);
    shell.arg(live::binary()?).arg(ACTOR);
    live::finish(shell.arg(&out))?.expect_code(0)?;
    let open = read(&out)?;
    let numbers: Vec<&str> = open.keys().map(String::as_str).collect();
    assert_eq!(numbers, ["0", "1", "2", "7"], "{open:?}");
    Ok(())
}

#[test]
fn it_has_the_signals_and_rights_it_would_have_alone() -> Result<()> {
    let alone = plain("identity")?;
    let traced = act(&mut live::waitscope()?, &[], "identity")?;
    assert_eq!(traced, alone);
    Ok(())
}

fn assert_is(traced: &BTreeMap<String, Value>, user: &User) {
    let four = |id: &str| format!("{id} {id} {id} {id}");
    let expected = [
        ("uid", four(&user.uid)),
        ("gid", four(&user.gid)),
        ("groups", user.gid.clone()),
        ("cap_effective", "0000000000000000".into()),
        ("cap_ambient", "0000000000000000".into()),
        ("home", user.home.clone()),
        ("user", user.name.clone()),
        ("logname", user.name.clone()),
        ("shell", user.shell.clone()),
    ];
    for (key, value) in expected {
        assert_eq!(traced[key], Value::from(value), "{key} of {traced:?}");
    }
}

fn under_sudo_by(user: &User) -> Result<Command> {
    let mut command = live::waitscope()?;
    command
        .env("SUDO_UID", &user.uid)
        .env("SUDO_GID", &user.gid);
    command.env("SUDO_USER", &user.name).env("HOME", "/root");
    Ok(command)
}

#[test]
fn under_sudo_it_is_the_invoking_user() -> Result<()> {
    let user = passwd::user("nobody")?;
    assert_is(&act(&mut under_sudo_by(&user)?, &[], "identity")?, &user);
    Ok(())
}

#[test]
fn as_root_keeps_root_under_sudo() -> Result<()> {
    let nobody = passwd::user("nobody")?;
    let traced = act(&mut under_sudo_by(&nobody)?, &["--as-root"], "identity")?;
    assert_eq!(traced["uid"], Value::from("0 0 0 0"));
    Ok(())
}

#[test]
fn a_user_can_be_chosen_by_name() -> Result<()> {
    let (nobody, daemon) = (passwd::user("nobody")?, passwd::user("daemon")?);
    let traced = act(
        &mut under_sudo_by(&nobody)?,
        &["--user", "daemon"],
        "identity",
    )?;
    assert_is(&traced, &daemon);
    Ok(())
}

#[test]
fn an_unknown_user_is_named_and_nothing_runs() -> Result<()> {
    let dir = live::shared_dir()?;
    let work = dir.path().join("work");
    let mut command = live::waitscope()?;
    command.args(["run", "--user", "no-such-user", "--", "touch"]);
    let outcome = live::finish(command.arg(&work))?;
    assert!(
        matches!(outcome.status.code(), Some(2 | 125)),
        "{outcome:?}"
    );
    assert!(outcome.stderr.contains("no-such-user"), "{outcome:?}");
    assert!(!work.exists());
    Ok(())
}
