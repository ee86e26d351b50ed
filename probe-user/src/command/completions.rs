//! `waitscope completions`: a shell's script for completing our command line.

use anyhow::Result;
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Outcome, destination::print, ended};
use crate::cli::{self, Cli};

/// Runs the command.
pub fn completions(arguments: &cli::Completions) -> (Outcome, Result<()>) {
    ended(print("the script", &script(arguments.shell)))
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    let mut form = Cli::command();
    let name = form.get_name().to_owned();
    clap_complete::generate(shell, &mut form, name, &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn completions_know_every_command_and_option() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            for command in Cli::command().get_subcommands() {
                let name = command.get_name();
                assert!(script.contains(name), "{shell}: {name}");
                for option in command.get_arguments().filter_map(|arg| arg.get_long()) {
                    assert!(script.contains(option), "{shell}: {name} --{option}");
                }
            }
        }
    }
}
