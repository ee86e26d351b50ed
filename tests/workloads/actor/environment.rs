//! A program started with an environment that no shell would make.

use std::ffi::CString;
use std::io;
use std::ptr;

use libc::c_char;

/// Becomes the program, with these strings and no others: not sorted, twice there, no
/// `NAME=value`, empty, and what the dynamic loader takes from programs with rights.
pub fn odd(command: &[&str]) -> io::Result<u8> {
    const STRINGS: &[&str] = &[
        "Z=1",
        "A=first",
        "A=second",
        "NOEQUALS",
        "=weird",
        "",
        "B=2",
        "PATH=/usr/bin:/bin",
        "LD_LIBRARY_PATH=/opt/lib",
        "TMPDIR=/x",
        "LD_PRELOAD=",
        "GLIBC_TUNABLES=glibc.malloc.check=0",
        "LD_LIBRARY_PATH=/opt/lib2",
        "LOCALDOMAIN=x",
        "PATH=/nowhere",
    ];
    let c_strings = |strings: &[&str]| -> io::Result<Vec<CString>> {
        let strings = strings.iter().map(|string| CString::new(*string));
        strings
            .map(|string| string.map_err(io::Error::other))
            .collect()
    };
    let pointers = |strings: &[CString]| -> Vec<*const c_char> {
        let pointers = strings.iter().map(|string| string.as_ptr());
        pointers.chain([ptr::null()]).collect()
    };
    let (words, environment) = (c_strings(command)?, c_strings(STRINGS)?);
    let (argv, envp) = (pointers(&words), pointers(&environment));
    // SAFETY: both arrays end with a null pointer, and argv has a program before it.
    unsafe { libc::execve(argv[0], argv.as_ptr(), envp.as_ptr()) };
    Err(io::Error::last_os_error())
}
