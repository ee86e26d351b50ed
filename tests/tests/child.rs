//! What the traced command inherits, and as whom it runs.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
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

/// Also the signals that Rust's runtime and libc have to do with.
#[test]
fn what_the_caller_ignores_and_blocks_it_ignores_and_blocks() -> Result<()> {
    let dir = live::shared_dir()?;
    let [alone, traced] = ["alone", "traced"].map(|name| dir.path().join(name));
    let script = "trap '' PIPE HUP XFSZ 33 RTMIN SEGV; \"$1\" identity \"$2\"; \
                  \"$0\" run -- \"$1\" identity \"$3\"";
    let mut shell = Command::new("bash");
    shell.args(["-c", script]).arg(live::binary()?).arg(ACTOR);
    live::finish(shell.args([&alone, &traced]))?.expect_code(0)?;
    assert_eq!(read(&traced)?, read(&alone)?);
    Ok(())
}

/// The environment of `cat`, started by a program with an odd one.
fn environment_through(between: &[&str]) -> Result<Vec<u8>> {
    let mut odd = Command::new(ACTOR);
    odd.arg("odd-environment").args(between);
    live::lock_any_memory(&mut odd);
    let outcome = live::finish(odd.args(["/bin/cat", "/proc/self/environ"]))?;
    outcome.expect_code(0)?;
    Ok(outcome.stdout)
}

#[test]
fn its_environment_is_the_callers_byte_for_byte() -> Result<()> {
    let binary = live::binary()?;
    let binary = binary.to_str().context("a path")?;
    let alone = environment_through(&[])?;
    assert!(alone.starts_with(b"Z=1\0A=first\0A=second\0NOEQUALS\0=weird\0\0B=2\0"));
    let traced = environment_through(&[binary, "run", "--"])?;
    assert_eq!(text(&traced), text(&alone));
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "\n")
}

/// As `setcap cap_bpf,cap_perfmon=ep` (`struct vfs_cap_data`, `linux/capability.h`).
fn give_rights(program: &Path) -> Result<()> {
    const VERSION_2_EFFECTIVE: u32 = 0x0200_0001;
    let high = 1 << (CAP_BPF - 32) | 1 << (CAP_PERFMON - 32);
    let data = [VERSION_2_EFFECTIVE, 0, 0, high, 0].map(u32::to_le_bytes);
    let path = CString::new(program.as_os_str().as_bytes())?;
    // SAFETY: both strings end, and the size is that of the bytes.
    let result = unsafe {
        libc::setxattr(
            path.as_ptr(),
            c"security.capability".as_ptr(),
            data.as_ptr().cast(),
            size_of_val(&data),
            0,
        )
    };
    ensure!(result == 0, std::io::Error::last_os_error());
    Ok(())
}

/// Numbers of `linux/capability.h`.
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// The dynamic loader takes variables away from a program that gains rights.
#[test]
fn its_environment_is_the_callers_too_where_waitscope_has_gained_rights() -> Result<()> {
    let dir = live::shared_dir()?;
    let copy = dir.path().join("waitscope");
    fs::copy(live::binary()?, &copy)?;
    give_rights(&copy)?;
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let setpriv = live::finish(Command::new("sh").args(["-c", "command -v setpriv"]))?.stdout;
    let setpriv = String::from_utf8(setpriv)?;
    let mut through = vec![setpriv.trim()];
    through.extend(&nobody[1..]);
    let alone = environment_through(&through)?;
    through.extend([copy.to_str().context("a path")?, "run", "--"]);
    assert_eq!(text(&environment_through(&through)?), text(&alone));
    Ok(())
}

#[test]
fn a_standard_descriptor_that_is_closed_is_closed_for_it_too() -> Result<()> {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let dir = live::shared_dir()?;
        let [alone, traced] = ["alone", "traced"].map(|name| dir.path().join(name));
        let script = format!(
            "\"$1\" descriptors \"$2\" {closed}; \"$0\" run -o \"$3\" -- \"$1\" descriptors \"$3\" {closed}"
        );
        let script = script.replace("-o \"$3\"", "-o \"$4\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).arg(live::binary()?).arg(ACTOR);
        shell
            .args([&alone, &traced])
            .arg(dir.path().join("out.json"));
        live::finish(&mut shell)?.expect_code(0)?;
        let numbers =
            |file: &Path| -> Result<Vec<String>> { Ok(read(file)?.into_keys().collect()) };
        assert_eq!(numbers(&traced)?, numbers(&alone)?, "{closed}");
    }
    Ok(())
}

#[test]
fn an_echo_to_a_closed_stdout_fails() -> Result<()> {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "\"$0\" run -- /bin/echo hi >&-"])
        .arg(live::binary()?);
    live::finish(&mut shell)?.expect_code(1)
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
