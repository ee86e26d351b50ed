//! The first process of a test guest: mounts, brings the loopback interface up,
//! runs the planned programs, tells how they ended, and switches the guest off.

mod kernel;
mod loopback;
mod mounts;
mod programs;

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::termios::tcdrain;
use nix::unistd::setsid;
use waitscope_guest::{GuestLine, PLAN_FILE, Plan};

/// The status when the guest itself, not a program, failed.
const NOT_RUN: i32 = 125;
/// The status when all programs succeeded and the kernel complained.
const TAINTED: i32 = 124;

fn main() -> ExitCode {
    if std::process::id() != 1 {
        say("this mounts over the system and switches it off: it is only for process 1 of a guest");
        return ExitCode::from(2);
    }
    let status = run().unwrap_or_else(|error| {
        say(format_args!("waitscope-guest failed: {error:#}"));
        NOT_RUN
    });
    tell(&GuestLine::Exit { status });
    // Fails when the console is no terminal, and then there is nothing to wait for.
    let _ = tcdrain(io::stdout());
    match reboot(RebootMode::RB_POWER_OFF) {
        // The kernel panics when its first process ends, and QEMU ends with it.
        Err(error) => say(format_args!("cannot switch off: {error}")),
        Ok(never) => match never {},
    }
    ExitCode::FAILURE
}

/// The status of the whole: the first that is not 0.
fn run() -> Result<i32> {
    // Programs get a session with a leader, as from any service manager.
    setsid().context("setsid")?;
    mounts::mount_all()?;
    loopback::bring_up().context("the loopback interface")?;
    let plan = read_plan()?;
    tell(&GuestLine::Up {
        kernel: kernel::version()?,
    });
    let mut status = 0;
    for program in &plan.programs {
        let before = kernel::taint()?;
        let name = program.name.clone();
        tell(&GuestLine::Begin { name });
        let ended = programs::run(&plan, program)?;
        let after = kernel::taint()?;
        if after != before {
            tell(&GuestLine::Tainted { flags: after });
            kernel::show_log()?;
        }
        let this = match ended.status {
            0 if after != before => TAINTED,
            own => own,
        };
        tell(&GuestLine::End(ended));
        if status == 0 {
            status = this;
        }
    }
    Ok(status)
}

fn read_plan() -> Result<Plan> {
    let text = fs::read(PLAN_FILE).context(PLAN_FILE)?;
    serde_json::from_slice(&text).context(PLAN_FILE)
}

fn tell(told: &GuestLine) {
    say(told);
}

/// One write, so that a kernel message comes before or after it.
fn say(line: impl std::fmt::Display) {
    let line = format!("{line}\n");
    // Without a console there is nobody to tell.
    let _ = io::stdout().lock().write_all(line.as_bytes());
}
