//! The first process of a test guest: mounts, brings the loopback interface up,
//! runs the planned programs, reports how they ended, and switches the guest off.

mod kernel;
mod loopback;
mod mounts;
mod port;
mod programs;

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use nix::sys::reboot::{RebootMode, reboot};
use nix::unistd::setsid;
use waitscope_guest::{GuestLine, PLAN_FILE, Plan};

use self::port::Port;

/// The status when the guest itself, not a program, failed.
const NOT_RUN: i32 = 125;
/// The status when all programs succeeded and the kernel complained.
const TAINTED: i32 = 124;

fn main() -> ExitCode {
    if std::process::id() != 1 {
        say("this mounts over the system and switches it off: it is only for process 1 of a guest");
        return ExitCode::from(2);
    }
    // The host sees a guest that ended without a result.
    if let Err(error) = run_and_report() {
        say(format_args!("waitscope-guest failed: {error:#}"));
    }
    match reboot(RebootMode::RB_POWER_OFF) {
        // The kernel panics when its first process ends, and QEMU ends with it.
        Err(error) => say(format_args!("cannot switch off: {error}")),
        Ok(never) => match never {},
    }
    ExitCode::FAILURE
}

fn run_and_report() -> Result<()> {
    // Programs get a session with a leader, as from any service manager.
    setsid().context("setsid")?;
    mounts::mount_all()?;
    let mut port = Port::open()?;
    let status = run(&mut port).unwrap_or_else(|error| {
        say(format_args!("waitscope-guest failed: {error:#}"));
        NOT_RUN
    });
    port.report(&GuestLine::Exit { status })
}

/// The status of the whole: the first that is not 0.
fn run(port: &mut Port) -> Result<i32> {
    loopback::bring_up().context("the loopback interface")?;
    let plan = read_plan()?;
    port.report(&GuestLine::Up {
        kernel: kernel::version()?,
        milliseconds: kernel::uptime()?,
    })?;
    let mut status = 0;
    for program in &plan.programs {
        let before = kernel::taint()?;
        let name = program.name.clone();
        port.report(&GuestLine::Begin { name })?;
        let mut ended = programs::run(&plan, program)?;
        ended.tainted = kernel::taint()? != before;
        if ended.tainted {
            kernel::show_log()?;
        }
        let this = match ended.status {
            0 if ended.tainted => TAINTED,
            own => own,
        };
        port.report(&GuestLine::End(ended))?;
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

/// One write, so that a kernel message comes before or after it.
fn say(line: impl std::fmt::Display) {
    let line = format!("{line}\n");
    // Without a console there is no reader.
    let _ = io::stdout().lock().write_all(line.as_bytes());
}
