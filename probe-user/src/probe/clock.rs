//! The kernel's clocks. In a time namespace (time_namespaces(7)) a process reads others,
//! set off by what this takes off again; the probes always read the kernel's.

use std::{fs, path::Path, sync::OnceLock};

use anyhow::{Context as _, Result, bail};

/// What `/proc/PID/ns/time` leads to where there is no namespace but the first.
const FIRST_NAMESPACE: &str = "time:[4026531834]";

/// What is added to the kernel's `CLOCK_MONOTONIC` for us, ns.
static OFFSET_NS: OnceLock<i64> = OnceLock::new();

/// Finds out how our clock differs from the kernel's. Call it before the first look at
/// it: without it they are taken to be the same.
pub fn find_offset() -> Result<()> {
    let offset_ns = offset_of(Path::new("/proc/self"))?;
    OFFSET_NS.get_or_init(|| offset_ns);
    Ok(())
}

/// The kernel's `CLOCK_MONOTONIC`, ns: the probes' clock.
pub fn monotonic_ns() -> u64 {
    let offset_ns = OFFSET_NS.get().copied().unwrap_or(0);
    without(clock_ns(nix::libc::CLOCK_MONOTONIC), offset_ns)
}

/// What must be added to a [`monotonic_ns`] to get the `CLOCK_BOOTTIME` of /proc, which
/// is our namespace's: time spent suspended, and what the namespace adds. Too much where
/// we lose the CPU between the two looks, never too little: what was seen is not taken
/// for something later.
pub fn boottime_ahead_ns() -> i64 {
    let monotonic_ns = monotonic_ns().cast_signed();
    let boottime_ns = clock_ns(nix::libc::CLOCK_BOOTTIME).cast_signed();
    boottime_ns.saturating_sub(monotonic_ns)
}

/// `CLOCK_REALTIME`, ns. The same in every namespace.
pub fn realtime_ns() -> u64 {
    clock_ns(nix::libc::CLOCK_REALTIME)
}

fn without(ns: u64, offset_ns: i64) -> u64 {
    ns.checked_add_signed(offset_ns.saturating_neg())
        .unwrap_or(0)
}

fn clock_ns(clock: nix::libc::clockid_t) -> u64 {
    let mut now = nix::libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a valid place for a timespec; these clocks always exist.
    unsafe { nix::libc::clock_gettime(clock, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// That of the process behind this folder of /proc.
fn offset_of(process: &Path) -> Result<i64> {
    let namespace = |name: &str| fs::read_link(process.join("ns").join(name)).ok();
    let ours = namespace("time");
    // Behind an unshare(2), up to the next fork, and on older kernels behind an exec too.
    // The file has the children's offsets, and such a process can have no threads.
    if namespace("time_for_children") != ours {
        bail!(
            "the children of this process are in another time namespace than itself: start \
             waitscope as such a child (unshare --fork)"
        );
    }
    if ours.is_none_or(|ours| ours == Path::new(FIRST_NAMESPACE)) {
        return Ok(0);
    }
    let text = fs::read_to_string(process.join("timens_offsets"));
    let offset_ns = text.ok().and_then(|text| read(&text));
    offset_ns.context("cannot read the offsets of this time namespace (/proc/self/timens_offsets)")
}

/// The line `monotonic SECONDS NANOSECONDS`.
fn read(text: &str) -> Option<i64> {
    let mut lines = text.lines().map(str::split_ascii_whitespace);
    let mut words = lines.find_map(|mut words| (words.next()? == "monotonic").then_some(words))?;
    let seconds: i64 = words.next()?.parse().ok()?;
    let ns: i64 = words.next()?.parse().ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(ns)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const SHIFTED: &str = "monotonic     -1000 1\nboottime     100000 0\n";

    /// A process with these namespaces and offsets.
    fn check(ours: Option<&str>, childrens: &str, text: &str) -> Option<i64> {
        let process = tempfile::tempdir().unwrap();
        let namespaces = process.path().join("ns");
        fs::create_dir(&namespaces).unwrap();
        if let Some(ours) = ours {
            symlink(ours, namespaces.join("time")).unwrap();
            symlink(childrens, namespaces.join("time_for_children")).unwrap();
        }
        fs::write(process.path().join("timens_offsets"), text).unwrap();
        offset_of(process.path()).ok()
    }

    #[test]
    fn the_offset_is_that_of_our_own_namespace() {
        let (other, another) = ("time:[4026532200]", "time:[4026532201]");
        let shifted = Some(-999_999_999_999);
        assert_eq!(check(Some(other), other, SHIFTED), shifted);
        let first = FIRST_NAMESPACE;
        assert_eq!(check(Some(first), first, SHIFTED), Some(0));
        // Only our children would be in the other one.
        assert_eq!(check(Some(first), other, SHIFTED), None);
        assert_eq!(check(Some(another), other, SHIFTED), None);
        // A kernel without them.
        assert_eq!(check(None, "", SHIFTED), Some(0));
        for malformed in ["", "monotonic 1", "monotonic x 0", "boottime 1 0"] {
            assert_eq!(check(Some(other), other, malformed), None, "{malformed}");
        }
    }

    #[test]
    fn an_offset_is_taken_off_again() {
        assert_eq!(without(5_000, -1_000), 6_000);
        assert_eq!(without(5_000, 1_000), 4_000);
        assert_eq!(without(5_000, i64::MAX), 0);
    }
}
