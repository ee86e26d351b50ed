//! `run --watch` and `top -- CMD` on a real terminal: the screen beside a command, whose output
//! goes to a file, whose keys are the screen's, and whose end is waitscope's.

use std::fs;

use anyhow::{Result, ensure};
use tempfile::TempDir;
use waitscope_tests::{live, tmux::Tmux};

/// A shell in a folder of its own, in which waitscope has begun to show a command.
struct Watched {
    tmux: Tmux,
    folder: TempDir,
}

fn start(name: &str, options: &str, script: &str) -> Result<Watched> {
    let folder = tempfile::tempdir()?;
    let tmux = Tmux::shell(name, folder.path(), 100, 30)?;
    let binary = live::binary()?;
    tmux.command(&format!(
        "{} {options} -- sh -c '{script}'",
        binary.display()
    ))?;
    tmux.wait_for("run-queue p99")?;
    Ok(Watched { tmux, folder })
}

impl Watched {
    /// It ended with this code, and the terminal is the shell's.
    fn ends_with(&self, code: u8) -> Result<()> {
        let is_back = |screen: &str| screen.trim_end().ends_with("shell>");
        self.tmux.wait_until("the shell", is_back)?;
        self.tmux.command("echo code-$?")?;
        let code = format!("\ncode-{code}\n");
        self.tmux.wait_for(&code).map(|_| ())
    }

    fn file(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(self.folder.path().join(name))?)
    }

    /// What the command wrote, where no file was named for it.
    fn output(&self) -> Result<String> {
        let names = fs::read_dir(self.folder.path())?;
        let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut own = names.filter(|name| name.starts_with("waitscope-output-"));
        own.next()
            .map_or(Ok(String::new()), |name| self.file(&name))
    }
}

#[test]
fn top_watch_shows_a_run_and_the_report_comes_behind_it() -> Result<()> {
    let script = "echo out; echo err >&2; cat; sleep 3; exit 7";
    let run = start(
        "watch",
        "run --watch -o report.json --record it.wsc",
        script,
    )?;
    run.tmux.keys(&["i"])?;
    run.tmux.wait_for(" sleep ")?;
    run.ends_with(7)?;
    let screen = run.tmux.screen()?;
    ensure!(
        screen.contains("what the command wrote is in waitscope-output-"),
        "{screen}"
    );
    ensure!(!screen.contains("blocked for"), "{screen}");
    ensure!(run.output()? == "out\nerr\n", "{:?}", run.output()?);
    // Ticks between have changed nothing of the report.
    let replay = live::waitscope()?
        .args(["report", "it.wsc", "-o", "replay.json"])
        .current_dir(run.folder.path())
        .status()?;
    ensure!(replay.success());
    ensure!(run.file("report.json")? == run.file("replay.json")?);
    Ok(())
}

#[test]
fn top_watch_is_left_and_the_run_goes_on() -> Result<()> {
    let run = start("left", "run --watch", "sleep 3; exit 3")?;
    run.tmux.keys(&["q"])?;
    run.tmux
        .wait_for("the run goes on, and its report comes at the end")?;
    // Not the screen's any more.
    run.tmux.command("echo typed-$((1+1))")?;
    run.tmux.wait_for("\ntyped-2\n")?;
    let screen = run.tmux.screen()?;
    ensure!(
        screen.contains("Critical path") || screen.contains("critical path"),
        "{screen}"
    );
    ensure!(run.output()?.is_empty());
    Ok(())
}

#[test]
fn top_watch_ctrl_c_and_ctrl_z_are_the_commands() -> Result<()> {
    let script = "trap \"echo caught; exit 5\" INT; while :; do sleep 0.2; done";
    let run = start("keys", "run --watch -o report.txt", script)?;
    run.tmux.keys(&["C-z"])?;
    run.tmux.wait_for("Stopped")?;
    run.tmux
        .command("ps -o stat=,args= --ppid $(pgrep -n waitscope)")?;
    run.tmux.wait_until("a stopped command", |screen| {
        screen
            .lines()
            .any(|line| line.starts_with('T') && line.contains("sh -c trap"))
    })?;
    run.tmux.command("clear; fg")?;
    run.tmux.wait_for("run-queue p99")?;
    run.tmux.keys(&["C-c"])?;
    run.ends_with(5)?;
    ensure!(run.output()? == "caught\n", "{:?}", run.output()?);
    ensure!(run.file("report.txt")?.contains("sleep"));
    Ok(())
}

#[test]
fn top_watch_of_a_command_without_a_report_ends_as_it_did() -> Result<()> {
    let options = "top --command-output out.txt";
    let run = start("top", options, "echo out; sleep 3; exit 4")?;
    run.ends_with(4)?;
    ensure!(run.file("out.txt")? == "out\n");
    let run = start("quit", "top", "sleep 3; exit 4")?;
    run.tmux.keys(&["q"])?;
    run.tmux
        .wait_for("the command goes on, and is waited for")?;
    run.ends_with(0)
}

#[test]
fn top_batch_of_a_command_ends_as_it_did_unless_the_ticks_end_first() -> Result<()> {
    let top = |options: &[&str], script: &str| {
        let mut top = live::waitscope()?;
        top.args(["top", "--batch"]).args(options);
        live::finish(top.args(["--", "sh", "-c", script]))
    };
    top(&["-d", "200ms"], "sleep 1; exit 9")?.expect_code(9)?;
    top(&["-n", "1"], "sleep 1; exit 9")?.expect_code(0)?;
    let early = top(&[], "exit 3")?;
    early.expect_code(3)?;
    let sentence = "the command ended before the first tick";
    ensure!(early.stderr.contains(sentence), "{}", early.stderr);
    let replay = live::finish(live::waitscope()?.args(["top", "--replay", "/dev/null"]))?;
    replay.expect_code(1)?;
    ensure!(
        replay.stderr.contains("there is no tick in /dev/null"),
        "{}",
        replay.stderr
    );
    Ok(())
}
