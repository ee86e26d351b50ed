//! The cgroup that all others are in, where a program sees the packets of every socket.

use std::{
    fs::{self, File},
    io,
    path::PathBuf,
};

/// Opens it, by any place where it is mounted. Nothing is mounted for that.
pub(super) fn root() -> io::Result<File> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let found = mounts.lines().filter_map(place);
    // Every other cgroup has this file; what is mounted may be one of a namespace.
    let mut roots = found.filter(|place| !place.join("cgroup.events").exists());
    let root = roots.next().ok_or_else(|| io::Error::other(NOT_MOUNTED))?;
    File::open(root)
}

const NOT_MOUNTED: &str = "the root of the cgroup2 hierarchy is mounted nowhere here";

/// Where a line of mountinfo (proc_pid_mountinfo(5)) has that hierarchy mounted.
fn place(line: &str) -> Option<PathBuf> {
    let (mount, file_system) = line.split_once(" - ")?;
    if file_system.split(' ').next() != Some("cgroup2") {
        return None;
    }
    let mut fields = mount.split(' ').skip(3);
    let (root, place) = (fields.next()?, fields.next()?);
    (root == "/").then(|| PathBuf::from(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroup_the_second_version_is_found_among_mounts() {
        let check = |line, found: Option<&str>| {
            assert_eq!(place(line), found.map(PathBuf::from), "{line}");
        };
        check(
            "30 23 0:26 / /sys/fs/cgroup/unified rw,relatime shared:4 - cgroup2 cgroup2 rw",
            Some("/sys/fs/cgroup/unified"),
        );
        check(
            "30 23 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu",
            None,
        );
        check("30 23 0:26 /a /sys/fs/cgroup rw - cgroup2 none rw", None);
        check("", None);
    }
}
