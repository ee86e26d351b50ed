//! A wait's frames as flame graphs and profiles have them, outermost first: those of the program
//! where they were taken, then the kernel's.

use std::borrow::Cow;

use super::sanitize;
use crate::document::{Document, UserFrame, stacks::Spent};

/// Where no stack was taken, for the sleep was short: the call and the kind stand for it.
const NO_STACK: &str = "[no stack]";

/// Of what had not ended at the end.
const OPEN: &str = "[not ended]";

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame<'a> {
    /// What it is called; safe to show.
    pub name: Cow<'a, str>,
    /// What it is one of.
    pub origin: Origin,
}

/// What frames are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A word of ours.
    Word,
    /// A place in a program: index into [`Document::user_frames`].
    User(u32),
    /// A function of the kernel.
    Kernel,
}

/// Those of a wait.
pub fn of<'a>(document: &'a Document, spent: &'a Spent) -> Vec<Frame<'a>> {
    let word = |name| Frame {
        name: sanitize::text(name),
        origin: Origin::Word,
    };
    let site = &spent.site;
    let open = spent.wake.is_none().then(|| word(OPEN));
    let user = site.user_stack.iter().flat_map(|stack| stack.iter().rev());
    let user = user.map(|&place| Frame {
        name: user_name(document, place),
        origin: Origin::User(place),
    });
    let kernel = site.stack.iter().rev().map(|name| Frame {
        name: sanitize::text(name),
        origin: Origin::Kernel,
    });
    let short = site.stack.is_empty().then(|| {
        let call = site.syscall.as_deref().map(word);
        let kind = word(site.kind.as_str());
        [Some(word(NO_STACK)), call, Some(kind)]
    });
    let short = short.into_iter().flatten().flatten();
    let open = open.into_iter();
    open.chain(user).chain(kernel).chain(short).collect()
}

/// What a frame of [`Document::user_frames`] is called: its function, else the name of its file
/// and the place in that, `[libc.so.6+0x1234]`; of a file without a name, its build id; else the
/// address in the process. Safe to show.
pub fn user_name(document: &Document, place: u32) -> Cow<'_, str> {
    let Some(frame) = document.user_frames.get(place as usize) else {
        return "[unknown]".into();
    };
    let UserFrame {
        module,
        build_id,
        offset,
        function,
    } = frame;
    let module = module.as_deref().map(file_name);
    let name = match (function, module, build_id) {
        (Some(function), ..) => return sanitize::text(function),
        (None, Some(module), Some(_)) => format!("[{module}+{offset:#x}]"),
        (None, Some(module), None) => format!("[{module} at {offset:#x}]"),
        (None, None, Some(build_id)) => {
            let begin: String = build_id.chars().take(BUILD_ID).collect();
            format!("[build id {begin}+{offset:#x}]")
        }
        (None, None, None) => format!("[{offset:#x}]"),
    };
    sanitize::text(&name).into_owned().into()
}

/// What of a build id is shown, hex digits.
const BUILD_ID: usize = 8;

fn file_name(path: &str) -> &str {
    let name = path.rsplit('/').next().filter(|name| !name.is_empty());
    name.unwrap_or(path)
}

/// The name of a thread's group.
pub fn group(document: &Document, thread: usize) -> Cow<'_, str> {
    let row = document.threads.get(thread);
    let group = row.and_then(|row| document.groups.get(row.group));
    sanitize::text(group.map_or("[unknown]", |group| &group.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_frame_says_as_much_as_is_known_of_it() {
        let check = |module: Option<&str>, build_id: Option<&str>, function: Option<&str>| {
            let frame = UserFrame {
                module: module.map(Into::into),
                build_id: build_id.map(Into::into),
                offset: 0x1234,
                function: function.map(Into::into),
            };
            let document = Document {
                user_frames: vec![frame],
                ..Document::default()
            };
            user_name(&document, 0).into_owned()
        };
        let (libc, id) = (Some("/usr/lib/libc.so.6"), Some("0123456789abcdef"));
        assert_eq!(check(libc, id, Some("read")), "read");
        assert_eq!(check(libc, id, None), "[libc.so.6+0x1234]");
        assert_eq!(check(Some("[vdso]"), id, None), "[[vdso]+0x1234]");
        assert_eq!(check(Some("/"), id, None), "[/+0x1234]");
        assert_eq!(check(libc, None, None), "[libc.so.6 at 0x1234]");
        assert_eq!(check(None, id, None), "[build id 01234567+0x1234]");
        assert_eq!(check(None, Some("é1"), None), "[build id é1+0x1234]");
        assert_eq!(check(None, None, None), "[0x1234]");
        let evil = "a\u{1b}[31m\n";
        assert_eq!(check(Some(evil), id, None), "[a\\x1b[31m\\n+0x1234]");
        assert_eq!(check(None, id, Some(evil)), "a\\x1b[31m\\n");
        assert_eq!(user_name(&Document::default(), 0), "[unknown]");
    }
}
