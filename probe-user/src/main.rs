//! The `waitscope` binary: parses, runs one command, maps its end to an exit
//! code. Errors are one chain on one line.

use std::process::ExitCode;

use clap::Parser as _;
use waitscope::{
    child,
    cli::{Cli, Command},
    command::{self, Outcome},
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    #[cfg(feature = "probe-log")]
    command::log::install();
    child::signals::outlive_file_limit();
    let (outcome, result) = match &cli.command {
        Command::Run(arguments) => command::run::run(arguments),
        Command::Report(arguments) => command::report::report(arguments),
        Command::Doctor(arguments) => command::doctor::doctor(arguments),
        Command::Completions(arguments) => command::completions::completions(arguments),
        Command::Man(arguments) => command::man::man(arguments),
    };
    if let Err(error) = result {
        command::warn(&format!("{error:#}"));
    }
    match outcome {
        Outcome::Code(code) => ExitCode::from(code),
        Outcome::Signal(signal) => ExitCode::from(child::reraise(signal)),
    }
}
