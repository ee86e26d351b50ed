//! Names of disks, as sysfs has them under their numbers.

use std::fs;

/// A disk's name by its kernel device number (major << 20 | minor); `None` when
/// it is gone, or sysfs is not mounted.
///
/// `/sys/dev/block/254:0` is a link to `…/block/vda`.
pub fn name(dev: u32) -> Option<String> {
    let (major, minor) = (dev >> 20, dev & 0xf_ffff);
    let device = fs::read_link(format!("/sys/dev/block/{major}:{minor}")).ok()?;
    let name = device.file_name()?.to_string_lossy();
    // A slash cannot stand in a file name: sysfs has `!` in its place.
    Some(name.replace('!', "/"))
}
