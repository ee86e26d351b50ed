//! Which running processes are meant: by id, by name, by control group; and what they
//! have started.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs, io,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use nix::{libc::EOPNOTSUPP, unistd::User};
use proc_stat::Stat;

/// What to look for. A process is meant when one of them says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Processes by id.
    pub pids: Vec<u32>,
    /// Names as in /proc/PID/comm.
    pub comms: Vec<OsString>,
    /// Folders of control groups, or their names below where they are mounted.
    pub cgroups: Vec<PathBuf>,
    /// Also what these processes have started and what runs still.
    pub tree: bool,
}

/// Bytes that the kernel keeps of a name (`TASK_COMM_LEN` less the NUL).
const COMM_BYTES: usize = 15;

/// Where control groups are mounted: version 2, or the hierarchies of version 1; the
/// second where both are there.
const MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

impl Selection {
    /// Processes by name and control group, ascending. Each of the names and groups has
    /// one at least.
    pub fn found(&self) -> Result<BTreeSet<u32>> {
        let mut found = BTreeSet::new();
        if self.comms.is_empty() && self.cgroups.is_empty() {
            return Ok(found);
        }
        let running = running();
        for comm in &self.comms {
            found.extend(of_name(&running, comm.as_bytes())?);
        }
        for cgroup in &self.cgroups {
            found.extend(of_cgroup(&running, cgroup)?);
        }
        Ok(found)
    }
}

/// Every process, but for ourselves.
fn running() -> BTreeMap<u32, Stat> {
    let own = std::process::id();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| pid != own)
        .filter_map(|pid| Some((pid, Stat::of_process(pid).ok()?)))
        .collect()
}

/// Every process that runs a program, but for ourselves.
pub fn programs() -> Vec<u32> {
    let running = running().into_iter();
    let programs = running.filter(|(_, stat)| !stat.is_kernel);
    programs.map(|(pid, _)| pid).collect()
}

/// Processes of a user, by name or number.
pub fn of_user(name: &str) -> Result<Vec<u32>> {
    let user = User::from_name(name).ok().flatten();
    let uid = match user {
        Some(user) => user.uid.as_raw(),
        None => match name.parse() {
            Ok(uid) => uid,
            Err(_) => bail!("there is no user {name}"),
        },
    };
    let is_of = |pid: &u32| fs::metadata(format!("/proc/{pid}")).is_ok_and(|it| it.uid() == uid);
    let pids: Vec<u32> = programs().into_iter().filter(is_of).collect();
    if pids.is_empty() {
        bail!("there is no process of user {name}");
    }
    Ok(pids)
}

fn of_name(running: &BTreeMap<u32, Stat>, name: &[u8]) -> Result<Vec<u32>> {
    let name = &name[..name.len().min(COMM_BYTES)];
    let named = running.iter().filter(|(_, stat)| stat.comm == name);
    let (kernel, programs): (Vec<_>, Vec<_>) = named.partition(|(_, stat)| stat.is_kernel);
    let shown = name.escape_ascii();
    if !programs.is_empty() {
        return Ok(programs.into_iter().map(|(&pid, _)| pid).collect());
    }
    if !kernel.is_empty() {
        bail!("{shown} is the name of kernel threads, and waitscope follows programs");
    }
    if Stat::of_process(std::process::id()).is_ok_and(|own| own.comm == name) {
        bail!("waitscope cannot follow itself, and there is no other process named {shown}");
    }
    bail!("there is no process named {shown} (`ps -e -o pid,comm` lists the names)")
}

fn of_cgroup(running: &BTreeMap<u32, Stat>, path: &Path) -> Result<Vec<u32>> {
    let shown = path.display();
    let Some(folder) = folder_of(path) else {
        bail!(
            "there is no control group {shown}: a folder with a file cgroup.procs is wanted, by its \
             path or by its name below {}",
            MOUNTS[0]
        );
    };
    let mut pids = Vec::new();
    members(&folder, &mut pids).with_context(|| match is_threaded(&folder) {
        true => format!(
            "cannot follow the control group {shown}: it is one of threads, choose one above it"
        ),
        false => format!("cannot read the control group {shown}"),
    })?;
    // In version 2, of a process that another namespace hides.
    let hidden = pids.iter().filter(|&&pid| pid == 0).count();
    let is_program = |pid: &u32| running.get(pid).is_some_and(|stat| !stat.is_kernel);
    let seen: Vec<u32> = pids.iter().copied().filter(is_program).collect();
    match (seen.is_empty(), hidden, pids.contains(&std::process::id())) {
        (false, ..) => Ok(seen),
        (true, 1.., _) => bail!(
            "the processes of the control group {shown} are of another pid namespace: run waitscope \
             on the host"
        ),
        (true, _, true) => bail!(
            "waitscope cannot follow itself, and there is no other process in the control group \
             {shown}"
        ),
        (true, ..) => bail!("there is no process in the control group {shown}"),
    }
}

/// A control group's folder.
fn folder_of(path: &Path) -> Option<PathBuf> {
    let below = path.strip_prefix("/").unwrap_or(path);
    let mounted = MOUNTS.iter().map(|mount| Path::new(mount).join(below));
    let given = path.is_absolute().then(|| path.to_owned());
    let mut candidates = given.into_iter().chain(mounted);
    candidates.find(|folder| folder.join("cgroup.procs").exists())
}

/// Processes of a control group and of those below it.
fn members(folder: &Path, into: &mut Vec<u32>) -> io::Result<()> {
    let text = fs::read_to_string(folder.join("cgroup.procs"))?;
    into.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            match members(&entry.path(), into) {
                // Gone in the meantime; or of threads, whose processes belong to one above.
                Err(error) if error.kind() == io::ErrorKind::NotFound || is_of_threads(&error) => {}
                done => done?,
            }
        }
    }
    Ok(())
}

fn is_of_threads(error: &io::Error) -> bool {
    error.raw_os_error() == Some(EOPNOTSUPP)
}

fn is_threaded(folder: &Path) -> bool {
    fs::read(folder.join("cgroup.procs")).is_err_and(|error| is_of_threads(&error))
}

/// A process by its id, and when the probes were asked to follow it, on the clock of
/// [`Stat::started_ns`].
pub type Followed = BTreeMap<u32, u64>;

/// What runs and was started by those that are followed, or by what these have started;
/// less what the probes have seen begin, because its parent was followed then.
pub fn started_by(followed: &Followed) -> Vec<u32> {
    started(followed, &running())
}

fn started(followed: &Followed, running: &BTreeMap<u32, Stat>) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (&pid, stat) in running {
        children.entry(stat.ppid).or_default().push(pid);
    }
    let mut started = Vec::new();
    let mut parents: Vec<u32> = followed.keys().copied().collect();
    let mut known: BTreeSet<u32> = parents.iter().copied().collect();
    while let Some(parent) = parents.pop() {
        let since_ns = followed.get(&parent).copied().unwrap_or(u64::MAX);
        for &child in children.get(&parent).into_iter().flatten() {
            let is_seen = running
                .get(&child)
                .is_none_or(|stat| stat.is_kernel || stat.started_ns >= since_ns);
            if !is_seen && known.insert(child) {
                started.push(child);
                parents.push(child);
            }
        }
    }
    started
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PID<PPID@NS` of each.
    fn tree(text: &str) -> BTreeMap<u32, Stat> {
        let process = |word: &str| {
            let (pid, rest) = word.split_once('<').unwrap();
            let (ppid, started_ns) = rest.split_once('@').unwrap();
            let stat = Stat {
                comm: format!("p{pid}").into_bytes(),
                state: 'S',
                ppid: ppid.parse().unwrap(),
                is_kernel: ppid == "2",
                started_ns: started_ns.parse().unwrap(),
                cpu: None,
            };
            (pid.parse().unwrap(), stat)
        };
        text.split_whitespace().map(process).collect()
    }

    #[test]
    fn started_is_what_runs_below_and_was_not_seen_to_begin() {
        let running = tree("7<1@5 8<7@6 9<8@7 10<1@5 11<10@6 12<7@30 13<12@40 14<9@35 15<2@1");
        let check = |followed: &[(u32, u64)], expected: &[u32]| {
            let mut found = started(&followed.iter().copied().collect(), &running);
            found.sort_unstable();
            assert_eq!(found, expected, "{followed:?}");
        };
        // 12 began when 7 was followed; its child is of its own affair.
        check(&[(7, 20)], &[8, 9, 14]);
        check(&[(7, 20), (8, 25), (9, 25)], &[]);
        check(&[(7, 31)], &[8, 9, 12, 13, 14]);
        check(&[(10, 20), (11, 20)], &[]);
        check(&[(99, 20)], &[]);
        // Kernel threads are nobody's programs, and pids in a circle end.
        check(&[(2, 20)], &[]);
        let circle = tree("7<8@1 8<7@1");
        assert_eq!(started(&[(7, 9)].into(), &circle), [8]);
    }

    #[test]
    fn names_are_compared_in_full_up_to_what_the_kernel_keeps() {
        let mut running = tree("7<1@5 8<1@5 9<2@5");
        running.get_mut(&8).unwrap().comm = b"fifteen-bytes-x".to_vec();
        assert_eq!(of_name(&running, b"p7").unwrap(), [7]);
        assert_eq!(of_name(&running, b"fifteen-bytes-xyz").unwrap(), [8]);
        for (name, reason) in [
            (&b"p"[..], "there is no process named p "),
            (b"P7", "there is no process named P7"),
            (b"fifteen-bytes", "there is no process named"),
            (b"p9", "p9 is the name of kernel threads"),
            (b"\x1b[31m", "there is no process named \\x1b[31m"),
        ] {
            let error = of_name(&running, name).unwrap_err().to_string();
            assert!(error.starts_with(reason), "{error}");
        }
        let own = Stat::of_process(std::process::id()).unwrap().comm;
        let error = of_name(&running, &own).unwrap_err().to_string();
        assert!(
            error.starts_with("waitscope cannot follow itself"),
            "{error}"
        );
    }

    #[test]
    fn members_of_a_control_group_are_those_below_it_too() {
        let dir = tempfile::tempdir().unwrap();
        let group = |name: &str, procs: &str| {
            let folder = dir.path().join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("cgroup.procs"), procs).unwrap();
            folder
        };
        group("a/b", "8\n0\n");
        let a = group("a", "7\n9\n");
        let empty = group("empty", "");
        let hidden = group("hidden", "0\n");
        let own = group("own", &format!("{}\n", std::process::id()));
        let running = tree("7<1@5 8<1@5 9<2@5");
        assert_eq!(of_cgroup(&running, &a).unwrap(), [7, 8]);
        for (folder, reason) in [
            (empty, "there is no process in the control group"),
            (hidden, "are of another pid namespace"),
            (own, "waitscope cannot follow itself"),
            (dir.path().to_owned(), "there is no control group"),
            ("no/such".into(), "there is no control group no/such"),
        ] {
            let error = of_cgroup(&running, &folder).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
