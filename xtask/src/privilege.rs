//! How this process can become root, and commands that run as root.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use anyhow::{Result, bail};

use crate::run::look;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privilege {
    Root,
    /// `sudo` works without asking for a password.
    Sudo,
    None,
}

impl Privilege {
    pub(crate) fn find() -> Self {
        if is_root() {
            Self::Root
        } else if look(Command::new("sudo").args(["-n", "true"])).is_some() {
            Self::Sudo
        } else {
            Self::None
        }
    }

    /// A command that runs `program` as root, with these variables set in it
    /// (sudo drops those that the command itself merely inherits).
    pub(crate) fn command(
        self,
        program: impl AsRef<OsStr>,
        variables: &[(&str, &OsStr)],
    ) -> Result<Command> {
        match self {
            Self::Root => {
                let mut command = Command::new(program);
                command.envs(variables.iter().copied());
                Ok(command)
            }
            Self::Sudo => {
                let mut command = Command::new("sudo");
                command.args(["-n", "env"]);
                for (name, value) in variables {
                    let mut assignment = OsStr::new(name).to_owned();
                    assignment.push("=");
                    assignment.push(value);
                    command.arg(assignment);
                }
                command.arg(program);
                Ok(command)
            }
            Self::None => bail!("this needs root, and `sudo -n` is refused"),
        }
    }
}

/// The owner of /proc/self is the effective user.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Shown;

    fn shown(privilege: Privilege) -> String {
        let variables = [("A", OsStr::new("1 2"))];
        let mut command = privilege.command("apt-get", &variables).unwrap();
        Shown(command.arg("update")).to_string()
    }

    #[test]
    fn variables_survive_sudo() {
        assert_eq!(shown(Privilege::Root), "apt-get update");
        assert_eq!(shown(Privilege::Sudo), "sudo -n env 'A=1 2' apt-get update");
    }

    #[test]
    fn without_a_way_to_root_there_is_no_command() {
        let error = Privilege::None.command("true", &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this needs root, and `sudo -n` is refused"
        );
    }
}
