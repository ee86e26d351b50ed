//! Build, test and demo commands of waitscope: `cargo xtask COMMAND`.

mod bench;
mod build;
mod claims;
mod demo;
mod deny;
mod dist;

mod kernels;
mod metrics;
mod page;
#[cfg(test)]
mod pages;
mod perfetto;
mod picture;
mod privilege;
mod probes;
mod recordings;
mod run;
mod setup;
mod table;
mod test;
mod vm;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::setup::Purpose;
use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what building, testing and the demo need and is missing
    Setup,
    /// Build target/release/waitscope with the probes inside
    Build,
    /// Check format and lints, run all tests, the live ones as root
    ///
    /// With --guests also in the guests of `vm` with its defaults, which takes
    /// half an hour more: this is what CI runs.
    Test(test::Options),
    /// Check licences, origins and advisories of all dependencies with deny.toml
    ///
    /// `test` checks all but advisories: these need a database that changes
    /// every day, and is fetched from the network.
    Deny,
    /// Make static binaries, packages for Debian and their checksums: target/dist/out
    ///
    /// For musl where the toolchain has the library for that, else with GNU's C library in it.
    Dist,
    /// Watch gitsync pull from a local git server, in each of its modes
    Demo(demo::Options),
    /// Check every claim that comes with waitscope on runs of its own: writes docs/claims.md
    Claims(claims::Options),
    /// Measure what observing costs, beside other tools that see waits
    ///
    /// Peers that are missing are installed.
    Bench(bench::Options),
    /// Draw the README's pictures of a report: docs/report-light.svg, docs/report-dark.svg
    ///
    /// They show the stored report of a recording, tests/golden/recordings/gitsync-threads-color.txt,
    /// which `UPDATE_GOLDEN=1 cargo test -p waitscope-tests --test golden` writes anew.
    Picture,
    /// Bundle the modules of the HTML page into the files that waitscope carries
    ///
    /// They are committed, so that building waitscope needs no Node; `test` refuses those that
    /// are not made of the modules as they are.
    Page,
    /// Make the object in probe-ebpf/prebuilt anew, for machines without a compiler for the probes
    ///
    /// `test` refuses one that is not of the probes as they are.
    Probes,
    /// Write docs/metrics.md, the list of what a claim may measure, anew
    Metrics,
    /// Record Debian's nginx, postgres, redis, … under a small load, one by one
    ///
    /// Their packages are installed if they are missing. The recordings in
    /// tests/recordings that are not of gitsync were made so.
    Recordings(recordings::Options),
    /// Run the live tests in emulated guests, one per kernel and state of lockdown
    ///
    /// What doctor says in each guest and on this machine is compared with
    /// tests/kernels.json: programs that grew by more than 20 %, programs and
    /// features that no longer work fail the run; --update writes it down.
    ///
    /// Kernels and QEMU are fetched once, into target/vm; remove that folder to
    /// get newer ones. Each guest's console is kept there too, in console.
    Vm(vm::Options),
}

fn main() -> ExitCode {
    match execute(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            run::say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn execute(command: &Command) -> Result<()> {
    let workspace = Workspace::find()?;
    match command {
        Command::Setup => {
            let is_missing = setup::install_missing(&workspace, Purpose::Tests)?;
            if !(is_missing | perfetto::install(&workspace)?) {
                run::say("nothing is missing");
            }
            Ok(())
        }
        Command::Build => {
            setup::install_missing(&workspace, Purpose::Build)?;
            build::release(&workspace)
        }
        Command::Test(options) => {
            setup::install_missing(&workspace, Purpose::Tests)?;
            test::all(&workspace, options)
        }
        Command::Deny => {
            setup::install_missing(&workspace, Purpose::Tests)?;
            deny::everything(&workspace)
        }
        Command::Dist => {
            setup::install_missing(&workspace, Purpose::Dist)?;
            build::release(&workspace)?;
            dist::make(&workspace)
        }
        Command::Demo(options) => {
            setup::install_missing(&workspace, Purpose::Demo)?;
            demo::show(&workspace, options)
        }
        Command::Claims(options) => {
            setup::install_missing(&workspace, Purpose::Demo)?;
            claims::check(&workspace, options)
        }
        Command::Bench(options) => {
            setup::install_missing(&workspace, Purpose::Bench)?;
            bench::compare(&workspace, options)
        }
        Command::Picture => picture::draw(&workspace),
        Command::Page => {
            setup::install_missing(&workspace, Purpose::Page)?;
            page::write(&workspace)
        }
        Command::Probes => {
            setup::install_missing(&workspace, Purpose::Build)?;
            probes::write(&workspace)
        }
        Command::Metrics => metrics::write(&workspace),
        Command::Recordings(options) => {
            setup::install_missing(&workspace, Purpose::Recordings)?;
            recordings::make(&workspace, options)
        }
        Command::Vm(options) => {
            setup::install_missing(&workspace, Purpose::LiveTests)?;
            vm::run(&workspace, options)
        }
    }
}
