//! What waitscope was started with and the command has to get, looked at before
//! Rust's runtime changes it: a closed standard descriptor (the runtime opens
//! /dev/null in its place), an ignored SIGPIPE (it ignores it anyway), and the
//! environment, of which the dynamic loader hides a part from a program that has
//! gained rights (`LD_LIBRARY_PATH`, `TMPDIR`, …: ld.so(8), secure-execution mode).

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};

use nix::libc;

/// The standard descriptors that were closed, bit by number.
static CLOSED: AtomicU8 = AtomicU8::new(0);
static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);
/// The last word of the command line: behind it the kernel has put the environment.
static LAST_WORD: AtomicPtr<c_char> = AtomicPtr::new(ptr::null_mut());
static FIRST_WORD: AtomicPtr<c_char> = AtomicPtr::new(ptr::null_mut());

/// Run by the dynamic loader or libc's start-up code, before `main`.
#[used]
// SAFETY: an entry of `.init_array` is a pointer to a C function.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn(c_int, *const *mut c_char) = look;

extern "C" fn look(words: c_int, argv: *const *mut c_char) {
    for fd in 0..=2 {
        // SAFETY: no precondition; the call fails only for a closed descriptor.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            CLOSED.fetch_or(1 << fd, Ordering::Relaxed);
        }
    }
    SIGPIPE_IGNORED.store(super::mask::is_ignored(libc::SIGPIPE), Ordering::Relaxed);
    if let Some(last) = usize::try_from(words).ok().and_then(|n| n.checked_sub(1)) {
        // SAFETY: glibc passes argc and argv as main(3) gets them.
        let [first, last] = unsafe { [*argv, *argv.add(last)] };
        FIRST_WORD.store(first, Ordering::Relaxed);
        LAST_WORD.store(last, Ordering::Relaxed);
    }
}

/// Nothing was behind this standard descriptor.
pub fn was_closed(fd: c_int) -> bool {
    CLOSED.load(Ordering::Relaxed) & (1 << fd) != 0
}

/// Whether SIGPIPE was ignored.
pub(super) fn sigpipe_was_ignored() -> bool {
    SIGPIPE_IGNORED.load(Ordering::Relaxed)
}

/// The environment as the caller gave it: order, duplicates, and what is no `NAME=value`.
pub(super) fn environment() -> Vec<CString> {
    // SAFETY: no precondition.
    let is_secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    let from_kernel = is_secure.then(as_the_kernel_put_it).flatten();
    from_kernel.unwrap_or_else(as_libc_has_it)
}

fn as_libc_has_it() -> Vec<CString> {
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    let mut strings = Vec::new();
    // SAFETY: libc ends the array with a null pointer and each string with NUL; nothing
    // in this program changes either.
    unsafe {
        let mut at = environ;
        while !at.is_null() && !(*at).is_null() {
            strings.push(CStr::from_ptr(*at).to_owned());
            at = at.add(1);
        }
    }
    strings
}

/// The strings between the last word of the command line and the program's path
/// (execve(2) lays them out so). The loader drops variables from the array of
/// pointers, and leaves these bytes alone.
fn as_the_kernel_put_it() -> Option<Vec<CString>> {
    let last_word = LAST_WORD.load(Ordering::Relaxed);
    // SAFETY: no precondition.
    let program = unsafe { libc::getauxval(libc::AT_EXECFN) } as usize;
    if last_word.is_null() || program == 0 {
        return None;
    }
    // SAFETY: a word of the command line, which the kernel ends with NUL.
    let begin = last_word as usize + unsafe { CStr::from_ptr(last_word) }.count_bytes() + 1;
    let length = program.checked_sub(begin)?;
    let begin = last_word
        .wrapping_add(begin - last_word as usize)
        .cast::<u8>();
    // SAFETY: both ends are in the same part of the stack, written by the kernel at
    // exec and by nobody since.
    let block = unsafe { std::slice::from_raw_parts(begin, length) };
    Some(strings(block))
}

/// What is between the NULs.
fn strings(block: &[u8]) -> Vec<CString> {
    let strings = block.split_inclusive(|&byte| byte == 0);
    strings
        .filter_map(|bytes| CString::from_vec_with_nul(bytes.to_vec()).ok())
        .collect()
}

/// Empties what `ps` shows as this process's command line. In a fork: system calls only.
pub(super) fn forget_command_line() {
    let [first, last] = [&FIRST_WORD, &LAST_WORD].map(|word| word.load(Ordering::Relaxed));
    if first.is_null() || last.is_null() {
        return;
    }
    // SAFETY: the words of the command line, which the kernel has put one behind the other,
    // each ended with NUL; the stack may be written, and nobody reads them here any more.
    unsafe {
        let end = last as usize + CStr::from_ptr(last).count_bytes();
        let length = end.saturating_sub(first as usize);
        ptr::write_bytes(first, 0, length);
    }
}

/// Closes the standard descriptors that were closed. After a fork: system calls only.
pub(super) fn close_again() {
    for fd in (0..=2).filter(|&fd| was_closed(fd)) {
        // SAFETY: in a child that does nothing with it but exec.
        unsafe { libc::close(fd) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_block_is_what_libc_has_when_no_right_was_gained() {
        let from_kernel = as_the_kernel_put_it().unwrap();
        assert!(!from_kernel.is_empty());
        assert_eq!(from_kernel, as_libc_has_it());
    }

    #[test]
    fn empty_strings_are_strings() {
        let words = [c"A=1", c"", c"A=2", c"odd"].map(CStr::to_owned);
        assert_eq!(strings(b"A=1\0\0A=2\0odd\0"), words);
        assert!(strings(b"").is_empty());
    }
}
