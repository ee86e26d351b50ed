//! Control groups of a test, in whichever hierarchy has the controller.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result};

/// A cgroup of this test's own, which goes with it.
pub struct Cgroup {
    folder: PathBuf,
    /// Of the hierarchy that all controllers share (version 2).
    pub is_unified: bool,
}

impl Cgroup {
    /// A new one below the root of the hierarchy that has the controller.
    pub fn new(controller: &str, name: &str) -> Result<Cgroup> {
        let (root, is_unified) = hierarchy(controller)?;
        if is_unified {
            let enabled = root.join("cgroup.subtree_control");
            fs::write(&enabled, format!("+{controller}")).context(controller.to_owned())?;
        }
        let folder = root.join(format!("{name}-{}", process::id()));
        fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        Ok(Cgroup { folder, is_unified })
    }

    /// What a process writes 0 to in order to come in.
    pub fn procs(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// Its name, without the way there.
    pub fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Writes one of its files.
    pub fn set(&self, file: &str, value: &str) -> Result<()> {
        let path = self.folder.join(file);
        fs::write(&path, value).with_context(|| path.display().to_string())
    }

    /// A number behind a key of one of its files.
    pub fn number(&self, file: &str, key: &str) -> Result<u64> {
        let text = fs::read_to_string(self.folder.join(file)).context(file.to_owned())?;
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        let found = lines.find(|(name, _)| *name == key);
        let (_, value) = found.with_context(|| format!("no {key} in {text}"))?;
        Ok(value.trim().parse()?)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Whatever is left in it, the test has its result.
        let _busy = fs::remove_dir(&self.folder);
    }
}

/// The root of the hierarchy that has a controller, and whether that is the unified one.
fn hierarchy(controller: &str) -> Result<(PathBuf, bool)> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mut found = mounts.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let [_, place, kind, options, ..] = fields[..] else {
            return None;
        };
        let has = |list: &str, separator| list.trim().split(separator).any(|it| it == controller);
        let controllers = || fs::read_to_string(Path::new(place).join("cgroup.controllers"));
        match kind {
            "cgroup" if has(options, ',') => Some((PathBuf::from(place), false)),
            "cgroup2" if controllers().is_ok_and(|list| has(&list, ' ')) => {
                Some((PathBuf::from(place), true))
            }
            _ => None,
        }
    });
    let found = found.next();
    found.with_context(|| format!("no cgroup hierarchy has {controller}"))
}
