//! A wait's frames as flame graphs and profiles have them, outermost first.

use std::borrow::Cow;

use super::sanitize;
use crate::document::{Document, stacks::Spent};

/// Where no stack was taken, for the sleep was short: the call and the kind stand for it.
const NO_STACK: &str = "[no stack]";

/// Of what had not ended at the end.
const OPEN: &str = "[not ended]";

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame<'a> {
    /// What it is called; safe to show.
    pub name: Cow<'a, str>,
    /// Whether it is a function of the kernel, and not a word of ours.
    pub is_kernel: bool,
}

/// Those of a wait.
pub fn of(spent: &Spent) -> Vec<Frame<'_>> {
    let word = |name| Frame {
        name: sanitize::text(name),
        is_kernel: false,
    };
    let site = &spent.site;
    let open = spent.wake.is_none().then(|| word(OPEN));
    let kernel = site.stack.iter().rev().map(|name| Frame {
        name: sanitize::text(name),
        is_kernel: true,
    });
    let short = site.stack.is_empty().then(|| {
        let call = site.syscall.as_deref().map(word);
        let kind = word(site.kind.as_str());
        [Some(word(NO_STACK)), call, Some(kind)]
    });
    let short = short.into_iter().flatten().flatten();
    open.into_iter().chain(kernel).chain(short).collect()
}

/// The name of a thread's group.
pub fn group(document: &Document, thread: usize) -> Cow<'_, str> {
    let row = document.threads.get(thread);
    let group = row.and_then(|row| document.groups.get(row.group));
    sanitize::text(group.map_or("[unknown]", |group| &group.name))
}
