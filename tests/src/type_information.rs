//! A kernel with other type information than this one's: a file that lies over
//! `/sys/kernel/btf/vmlinux` for one program and what it starts.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::ptr;

use anyhow::{Context, Result, ensure};

const PLACE: &str = "/sys/kernel/btf/vmlinux";

/// This kernel's own.
pub fn read() -> Result<Vec<u8>> {
    fs::read(PLACE).context(PLACE)
}

/// Gives a name in the strings of type information another of the same length,
/// wherever it stands alone.
pub fn rename(data: &mut [u8], name: &str, new: &str) -> Result<()> {
    ensure!(name.len() == new.len(), "{name} and {new} differ in length");
    let whole = |text: &str| [b"\0", text.as_bytes(), b"\0"].concat();
    let (old, new) = (whole(name), whole(new));
    let mut found = 0;
    let mut at = 0;
    while let Some(next) = data[at..].windows(old.len()).position(|w| w == old) {
        at += next;
        data[at..at + new.len()].copy_from_slice(&new);
        at += new.len() - 1;
        found += 1;
    }
    ensure!(found > 0, "no {name} in the type information");
    Ok(())
}

/// Has `command` see `file` in the place of the kernel's type information.
pub fn replace(command: &mut Command, file: &Path) -> Result<()> {
    let file = CString::new(file.as_os_str().as_bytes())?;
    let place = CString::new(PLACE)?;
    // SAFETY: only system calls, on memory that was allocated before the fork.
    unsafe {
        command.pre_exec(move || {
            check(libc::unshare(libc::CLONE_NEWNS))?;
            let private = libc::MS_REC | libc::MS_PRIVATE;
            check(mount(ptr::null(), c"/".as_ptr(), private))?;
            check(mount(file.as_ptr(), place.as_ptr(), libc::MS_BIND))
        });
    }
    Ok(())
}

/// SAFETY: as of mount(2) for its two strings.
unsafe fn mount(
    source: *const libc::c_char,
    target: *const libc::c_char,
    flags: libc::c_ulong,
) -> libc::c_int {
    // SAFETY: the caller's promise; these flags want neither type nor data.
    unsafe { libc::mount(source, target, ptr::null(), flags, ptr::null()) }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}
