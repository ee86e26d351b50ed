//! The `waitscope` binary: parses, runs one command, maps its end to an exit
//! code. Errors are one chain on one line.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;
use waitscope::{
    child,
    cli::{Cli, Command},
    command::{self, Outcome},
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => error.exit(),
        Err(asked_for) => return end(command::help(&asked_for)),
    };
    #[cfg(feature = "probe-log")]
    command::log::install();
    child::signals::outlive_file_limit();
    end(match &cli.command {
        Command::Run(arguments) => command::run::run(arguments),
        Command::Record(arguments) => command::record::record(arguments),
        Command::Report(arguments) => command::report::report(arguments),
        Command::Check(arguments) => command::check::check(arguments),
        Command::Diff(arguments) => command::diff::diff(arguments),
        Command::Top(arguments) => command::top::top(arguments),
        Command::Claims(arguments) => command::claims::claims(arguments),
        Command::Doctor(arguments) => command::doctor::doctor(arguments),
        Command::Completions(arguments) => command::completions::completions(arguments),
        Command::Man(arguments) => command::man::man(arguments),
    })
}

fn end((outcome, result): (Outcome, Result<()>)) -> ExitCode {
    if let Err(error) = result {
        command::warn(&format!("{error:#}"));
    }
    match outcome {
        Outcome::Code(code) => ExitCode::from(code),
        Outcome::Signal(signal) => ExitCode::from(child::reraise(signal)),
    }
}
