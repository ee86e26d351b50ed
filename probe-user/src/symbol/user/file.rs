//! The functions at places of a file. Only regular files are opened (a device may do something
//! when it is, a pipe waits for a writer), and each is looked at through the descriptor that was
//! checked: what its name leads to may change meanwhile.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::{fd::AsRawFd as _, unix::fs::OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use blazesym::symbolize::{
    Input, Symbolized, Symbolizer,
    source::{Elf, Source},
};
use nix::{
    libc::{O_NOCTTY, O_NONBLOCK},
    sys::memfd::{MFdFlags, memfd_create},
};

use super::demangle::demangled;
use crate::symbol::elf::{self, Code};

/// A build id as the kernel has it: shorter ones are filled up with zeros, bytes.
const BUILD_ID: usize = 20;

/// Largest file whose symbols are read, bytes: as a copy it is in memory.
const MOST_BYTES: u64 = 1 << 30;

/// What a symbol says of an address.
struct Function {
    name: String,
    /// It is the function's first byte.
    is_first: bool,
}

/// Of each offset in a file the function that it is in. `None` where that is not the file with
/// this build id.
pub(super) fn functions(
    path: &Path,
    build_id: &str,
    offsets: &[u64],
    debug_folder: &Path,
) -> Option<Vec<Option<String>>> {
    let file = open(path)?;
    let own = build_id_of(&file).filter(|own| is_same(own, build_id))?;
    // Of each offset its last byte before, and itself.
    let pairs = offsets.iter().flat_map(|&at| [at.saturating_sub(1), at]);
    let pairs: Vec<u64> = pairs.collect();
    let mut found = look_up(&file, Input::FileOffset(&pairs));
    if let Some(debug) = stripped_of(&own, debug_folder) {
        // What it has in segments lies elsewhere in it.
        let code = Code::of(&file).unwrap_or_default();
        let addresses = pairs.iter().map(|&at| code.address(at).unwrap_or(u64::MAX));
        let addresses: Vec<u64> = addresses.collect();
        let more = look_up(&debug, Input::VirtOffset(&addresses));
        // The file itself has names as others call them: `read`, not `__GI___libc_read`.
        let both = found.into_iter().zip(more);
        found = both.map(|(found, more)| found.or(more)).collect();
    }
    let mut found = found.into_iter();
    let next = |_: &u64| function(found.next()?, found.next()?);
    Some(offsets.iter().map(next).collect())
}

/// The function of a frame: what lies before it is the call, or the entry into the kernel, and
/// still is where a call that does not return is the last of its function.
///
/// A page fault has nothing before it: where it was of a function's first byte, that cannot be
/// seen from such a call, unless no function ends there.
fn function(before: Option<Function>, at: Option<Function>) -> Option<String> {
    match (before, at) {
        (None, Some(at)) if at.is_first => Some(at.name),
        (Some(_), Some(at)) if at.is_first => None,
        (before, _) => before.map(|before| before.name),
    }
}

/// What the file's symbols say.
fn look_up(file: &File, places: Input<&[u64]>) -> Vec<Option<Function>> {
    let wanted = places.as_inner_ref().len();
    let Some(file) = copied(file) else {
        return (0..wanted).map(|_| None).collect();
    };
    let symbolizer = Symbolizer::builder()
        .enable_auto_reload(false)
        .enable_code_info(false)
        .enable_inlined_fns(false)
        .enable_demangling(false)
        .build();
    let mut elf = Elf::new(name_of(&file));
    elf.debug_syms = false;
    let found = symbolizer.symbolize(&Source::Elf(elf), places);
    let mut found: Vec<_> = found.unwrap_or_default().iter().map(as_function).collect();
    found.resize_with(wanted, || None);
    found
}

fn as_function(symbolized: &Symbolized) -> Option<Function> {
    let symbol = symbolized.as_sym()?;
    let is_first = symbol.offset == 0;
    // A symbol without a size says only where something begins.
    let is_in = is_first || symbol.size.is_some_and(|size| symbol.offset < size);
    let name = demangled(&symbol.name);
    (is_in && !name.is_empty()).then_some(Function { name, is_first })
}

/// What was stripped from the file with this build id.
fn stripped_of(build_id: &str, debug_folder: &Path) -> Option<File> {
    let (folder, rest) = build_id.split_at_checked(2)?;
    let name = format!(".build-id/{folder}/{rest}.debug");
    let file = open(&debug_folder.join(name))?;
    (build_id_of(&file)? == build_id).then_some(file)
}

fn open(path: &Path) -> Option<File> {
    if !path.is_absolute() || !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(O_NONBLOCK | O_NOCTTY);
    let file = options.open(path).ok()?;
    file.metadata().ok()?.is_file().then_some(file)
}

/// Leads to the file itself.
fn name_of(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// That of a file by its name.
pub(super) fn build_id(path: &Path) -> Option<Vec<u8>> {
    elf::build_id(&open(path)?)
}

fn build_id_of(file: &File) -> Option<String> {
    let id = elf::build_id(file)?;
    Some(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A copy in memory: the symbolizer maps files, and a mapped file that is cut by somebody
/// (who builds it anew) ends its reader with a signal.
fn copied(mut file: &File) -> Option<File> {
    let copy = memfd_create(c"waitscope", MFdFlags::MFD_CLOEXEC).ok()?;
    let mut copy = File::from(copy);
    file.seek(SeekFrom::Start(0)).ok()?;
    let copied = io::copy(&mut file.take(MOST_BYTES), &mut copy).ok()?;
    (copied < MOST_BYTES).then_some(copy)
}

/// Whether the kernel calls a file's build id so.
fn is_same(own: &str, seen: &str) -> bool {
    let is_filled_up =
        seen.len() == 2 * BUILD_ID && seen.bytes().skip(own.len()).all(|b| b == b'0');
    !own.is_empty() && (own == seen || is_filled_up && seen.starts_with(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_build_id_is_filled_up_with_zeros() {
        let filled = format!("{:0<40}", "a1b2");
        let cases = [
            ("a1b2", "a1b2", true),
            ("a1b2", &filled, true),
            ("a1", &filled, false),
            ("a1b2", "a1b20000", false),
            ("a1b2", "a1", false),
            ("", &filled, false),
            ("", "", false),
        ];
        for (own, seen, expect) in cases {
            assert_eq!(is_same(own, seen), expect, "{own} {seen}");
        }
    }

    #[test]
    fn a_frame_is_behind_its_call() {
        let some = |name: &str, is_first| {
            let name = name.to_owned();
            Some(Function { name, is_first })
        };
        let check = |before, at, expect: Option<&str>| {
            assert_eq!(function(before, at).as_deref(), expect);
        };
        check(some("f", false), some("f", false), Some("f"));
        check(some("f", true), some("f", false), Some("f"));
        // A call that does not return ends `f`; what follows has no name.
        check(some("f", false), None, Some("f"));
        // A call that does not return, or a page fault of `g`.
        check(some("f", false), some("g", true), None);
        check(None, some("g", true), Some("g"));
        check(None, some("g", false), None);
        check(None, None, None);
    }
}
