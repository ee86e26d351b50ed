//! The file systems that every running Linux has.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use anyhow::{Context as _, Result};
use nix::mount::{MsFlags, mount};

/// Type, place, options; in the order in which they are mounted.
const MOUNTS: [(&str, &str, &str); 8] = [
    ("proc", "/proc", ""),
    ("sysfs", "/sys", ""),
    ("devtmpfs", "/dev", ""),
    ("devpts", "/dev/pts", "mode=620,ptmxmode=666"),
    ("tmpfs", "/dev/shm", "mode=1777"),
    ("securityfs", "/sys/kernel/security", ""),
    ("bpf", "/sys/fs/bpf", "mode=700"),
    ("cgroup2", "/sys/fs/cgroup", ""),
];

/// A kernel that is locked down for confidentiality may refuse it.
const TRACEFS: (&str, &str, &str) = ("tracefs", "/sys/kernel/tracing", "");

/// Kept in the initramfs, which is in memory as well: the checkout whose programs
/// it has may lie there.
const SCRATCH: &str = "/tmp";
const FOR_EVERYBODY: u32 = 0o1777;

/// What udev adds to what the kernel puts into /dev.
const LINKS: [(&str, &str); 4] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
];

pub(crate) fn mount_all() -> Result<()> {
    for (kind, place, options) in MOUNTS {
        mount_one(kind, place, options).with_context(|| format!("mount {kind} on {place}"))?;
    }
    let (kind, place, options) = TRACEFS;
    if let Err(error) = mount_one(kind, place, options) {
        crate::say(format_args!("{kind} is not mounted: {error:#}"));
    }
    fs::create_dir_all(SCRATCH)?;
    fs::set_permissions(SCRATCH, Permissions::from_mode(FOR_EVERYBODY)).context(SCRATCH)?;
    for (link, target) in LINKS {
        symlink(target, link).with_context(|| format!("link {link} to {target}"))?;
    }
    Ok(())
}

fn mount_one(kind: &str, place: &str, options: &str) -> Result<()> {
    // In sysfs the places are there, and none could be made.
    fs::create_dir_all(place)?;
    let flags = MsFlags::MS_NOSUID;
    Ok(mount(Some(kind), place, Some(kind), flags, Some(options))?)
}
