//! Whom the command runs as: under sudo the user who called it, because the
//! command needs that user's files and must not gain root by being observed.

use std::ffi::{CString, OsStr, OsString};
use std::path::PathBuf;

use anyhow::{Context, bail};
use nix::unistd::{Gid, Uid, User, getgrouplist};

/// A user to become between fork and exec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// All groups, the primary one included.
    pub groups: Vec<u32>,
    /// Home directory.
    pub home: PathBuf,
    /// Login shell.
    pub shell: PathBuf,
}

impl Identity {
    /// The variables that differ from our own environment.
    pub fn environment(&self) -> [(&'static str, &OsStr); 4] {
        let name = OsStr::new(&self.name);
        [
            ("HOME", self.home.as_os_str()),
            ("USER", name),
            ("LOGNAME", name),
            ("SHELL", self.shell.as_os_str()),
        ]
    }
}

/// Who the command is to run as; `None` is the user that we are. `user` is `--user`,
/// `as_root` is `--as-root`, `env` looks up a variable of our environment.
pub fn resolve(
    as_root: bool,
    user: Option<&str>,
    env: impl Fn(&str) -> Option<OsString>,
) -> anyhow::Result<Option<Identity>> {
    resolve_for(Uid::effective().as_raw(), as_root, user, env)
}

pub(super) fn resolve_for(
    euid: u32,
    as_root: bool,
    user: Option<&str>,
    env: impl Fn(&str) -> Option<OsString>,
) -> anyhow::Result<Option<Identity>> {
    if let Some(name) = user {
        if as_root {
            bail!("--user and --as-root exclude each other");
        }
        let user = User::from_name(name)
            .with_context(|| format!("cannot look up user {name:?}"))?
            .with_context(|| format!("there is no user {name:?}"))?;
        // Becoming oneself needs no rights, setgroups does.
        if euid != 0 && user.uid.as_raw() == euid {
            return Ok(None);
        }
        let gid = user.gid;
        return identity(user, gid).map(Some);
    }
    if as_root || euid != 0 {
        return Ok(None);
    }
    match (env("SUDO_UID"), env("SUDO_GID")) {
        (Some(uid), Some(gid)) => sudo_caller(number("SUDO_UID", &uid)?, number("SUDO_GID", &gid)?),
        _ => Ok(None),
    }
}

fn sudo_caller(uid: u32, gid: u32) -> anyhow::Result<Option<Identity>> {
    if uid == 0 {
        return Ok(None);
    }
    let user = User::from_uid(Uid::from_raw(uid))
        .with_context(|| format!("cannot look up user id {uid}"))?
        .with_context(|| {
            format!(
                "sudo was called by user id {uid}, which has no passwd entry: \
                 choose who the command runs as with --user NAME or --as-root"
            )
        })?;
    identity(user, Gid::from_raw(gid)).map(Some)
}

fn number(variable: &str, value: &OsStr) -> anyhow::Result<u32> {
    value
        .to_str()
        .and_then(|value| value.parse().ok())
        .with_context(|| format!("{variable} is {value:?}, which is no id"))
}

fn identity(user: User, gid: Gid) -> anyhow::Result<Identity> {
    let name = CString::new(user.name.as_str()).context("a user name contains NUL")?;
    let groups = getgrouplist(&name, gid)
        .with_context(|| format!("cannot look up the groups of user {:?}", user.name))?;
    let no_shell = user.shell.as_os_str().is_empty();
    Ok(Identity {
        name: user.name,
        uid: user.uid.as_raw(),
        gid: gid.as_raw(),
        groups: groups.into_iter().map(Gid::as_raw).collect(),
        home: user.dir,
        // passwd(5): an empty field means this one.
        shell: if no_shell {
            "/bin/sh".into()
        } else {
            user.shell
        },
    })
}
