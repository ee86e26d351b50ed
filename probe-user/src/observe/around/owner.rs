//! Whose a process is: its user, its container, its pid there.

use std::{collections::BTreeMap, fs, sync::Arc};

use nix::unistd::{Uid, User};
use rustc_hash::FxHashMap;

use crate::{metrics::top::around::Owner, world::process::ProcessId};

/// A process may become another user's: each is looked up again after so many ticks.
const TURNS: u32 = 8;

/// Owners of processes that were looked up.
#[derive(Default)]
pub struct Owners {
    /// By pid, with which process that was: a pid may be another's later.
    known: FxHashMap<u32, (ProcessId, Owner)>,
    users: FxHashMap<u32, Arc<str>>,
    turn: u32,
}

impl Owners {
    /// Of these processes; others are forgotten.
    pub fn of(&mut self, processes: &BTreeMap<u32, ProcessId>) -> FxHashMap<u32, Owner> {
        self.turn = self.turn.wrapping_add(1);
        self.known
            .retain(|pid, (process, _)| processes.get(pid) == Some(process));
        for (&pid, &process) in processes {
            let is_due = pid.wrapping_add(self.turn).is_multiple_of(TURNS);
            if (is_due || !self.known.contains_key(&pid))
                && let Some(owner) = self.look(pid)
            {
                self.known.insert(pid, (process, owner));
            }
        }
        let known = self.known.iter();
        known
            .map(|(pid, (_, owner))| (*pid, owner.clone()))
            .collect()
    }

    /// `None` if it has gone.
    fn look(&mut self, pid: u32) -> Option<Owner> {
        let status = fs::read(format!("/proc/{pid}/status")).ok()?;
        let status = String::from_utf8_lossy(&status);
        let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        let uid = line("Uid:").and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        let pids = line("NSpid:").map(|line| line.split_whitespace().collect::<Vec<_>>());
        let own = pids.filter(|pids| pids.len() > 1);
        let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        Some(Owner {
            user: uid.map(|uid| self.user(uid)),
            container: container(&cgroup).map(Arc::from),
            ns_pid: own.and_then(|pids| pids.last()?.parse().ok()),
        })
    }

    fn user(&mut self, uid: u32) -> Arc<str> {
        let name = || {
            let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
            user.map_or_else(|| uid.to_string(), |user| user.name)
                .into()
        };
        self.users.entry(uid).or_insert_with(name).clone()
    }
}

/// Characters of a container's id that people know it by.
const SHORT: usize = 12;

/// The container that a control group is of, as the makers of containers name them: by an id
/// of 64 hexadecimal digits (docker, podman, containerd, CRI-O), or below `lxc` or `machine`
/// by a name (LXC, systemd-nspawn, libvirt).
fn container(cgroups: &str) -> Option<String> {
    let paths = cgroups
        .lines()
        .filter_map(|line| line.splitn(3, ':').nth(2));
    let mut names = paths.flat_map(|path| path.split('/').rev());
    names.find_map(|name| {
        let name = name.strip_suffix(".scope").unwrap_or(name);
        let is_id = |part: &&str| part.len() == 64 && part.bytes().all(|b| b.is_ascii_hexdigit());
        if let Some(id) = name.split('-').find(is_id) {
            return id.get(..SHORT).map(str::to_owned);
        }
        let prefixes = ["lxc.payload.", "machine-"];
        let name = prefixes
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))?;
        Some(name.strip_suffix(".service").unwrap_or(name).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_known_by_their_control_groups() {
        let id = "0123456789abcdef".repeat(4);
        let check = |cgroups: String, expected: Option<&str>| {
            assert_eq!(container(&cgroups).as_deref(), expected, "{cgroups}");
        };
        check(
            format!("0::/system.slice/docker-{id}.scope\n"),
            Some("0123456789ab"),
        );
        check(format!("0::/docker/{id}\n"), Some("0123456789ab"));
        check(
            format!("1:name=systemd:/kubepods/pod8/cri-containerd-{id}.scope\n"),
            Some("0123456789ab"),
        );
        check(
            format!("0::/machine.slice/libpod-{id}.scope/container\n"),
            Some("0123456789ab"),
        );
        check("0::/lxc.payload.web/system.slice\n".to_owned(), Some("web"));
        check(
            "0::/machine.slice/machine-deb.scope/payload\n".to_owned(),
            Some("deb"),
        );
        check(
            "0::/user.slice/user-1000.slice/session-2.scope\n".to_owned(),
            None,
        );
        check("0::/\n".to_owned(), None);
        check(String::new(), None);
    }
}
