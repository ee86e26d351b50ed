//! Runs one program, reaps what it leaves, and ends what it leaves running.

use std::fs::{self, File};
use std::io;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::Pid;
use waitscope_guest::{Ended, Plan, Program};

const NOT_STARTED: i32 = 127;
/// Where caught output goes: a pipe would need a reader beside the waiting.
const CAUGHT: &str = "/tmp/caught-output";

pub(crate) fn run(plan: &Plan, program: &Program) -> Result<Ended> {
    let begin = Instant::now();
    let status = match start(plan, program) {
        Ok(pid) => status_of(pid)?,
        Err(error) => {
            crate::say(format_args!("cannot start {}: {error}", program.path));
            NOT_STARTED
        }
    };
    end_all()?;
    let elapsed = begin.elapsed().as_millis();
    Ok(Ended {
        name: program.name.clone(),
        status,
        milliseconds: u64::try_from(elapsed).unwrap_or(u64::MAX),
        tainted: false,
        output: caught_output()?,
    })
}

fn start(plan: &Plan, program: &Program) -> io::Result<Pid> {
    let variables = plan.environment.iter().map(|(name, value)| (name, value));
    let child = Command::new(&program.path)
        .args(&program.arguments)
        .env_clear()
        .envs(variables)
        .current_dir(&plan.directory)
        .stdin(Stdio::null())
        .stdout(output_for(program)?)
        .spawn()?;
    Ok(Pid::from_raw(child.id().cast_signed()))
}

fn output_for(program: &Program) -> io::Result<Stdio> {
    if program.caught {
        Ok(File::create(CAUGHT)?.into())
    } else {
        Ok(Stdio::inherit())
    }
}

/// None of a program whose output is not caught, or that did not start.
fn caught_output() -> Result<Option<String>> {
    match fs::read(CAUGHT) {
        Ok(output) => {
            fs::remove_file(CAUGHT).context(CAUGHT)?;
            Ok(Some(String::from_utf8_lossy(&output).into_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(CAUGHT),
    }
}

/// Waits for this child; orphans of others come to process 1 and are reaped too.
fn status_of(pid: Pid) -> Result<i32> {
    loop {
        match wait() {
            Ok(WaitStatus::Exited(ended, code)) if ended == pid => return Ok(code),
            Ok(WaitStatus::Signaled(ended, signal, _)) if ended == pid => {
                return Ok(128 + signal as i32);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("wait"),
        }
    }
}

/// The next program begins with no process but ours.
fn end_all() -> Result<()> {
    match kill(Pid::from_raw(-1), Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => return Err(error).context("kill what is left"),
    }
    loop {
        match wait() {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => return Ok(()),
            Err(error) => return Err(error).context("reap what is left"),
        }
    }
}
