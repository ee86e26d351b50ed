//! Folded stacks: a line for each, `a;b;c 123`, outermost first, with its time in ns, as
//! flamegraph.pl, inferno, speedscope and others read it. The first frame is the group, and
//! under it the thread where each is wanted. Functions of the kernel end in `_[k]`, as
//! stackcollapse-perf.pl marks them; between those of a program and what it slept in is `-`, as
//! bcc's `offcputime -d` divides them.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

use super::{
    frames::{self, Frame, Origin},
    sanitize,
};
use crate::document::{
    Document,
    stacks::{Chain, Link, Spent},
};

/// Between the frames of a program and the kernel's.
const DELIMITER: &str = "-";

/// By the functions that waits were spent in.
pub fn by_stack(document: &Document, waits: &[Spent], per_thread: bool) -> Vec<u8> {
    let lines = waits.iter().map(|spent| {
        let names = names(frames::of(document, spent));
        (spent.thread, names, spent.ns)
    });
    render(document, lines, per_thread)
}

fn names(frames: Vec<Frame<'_>>) -> Vec<Cow<'_, str>> {
    let mut names = Vec::new();
    let mut is_in_program = false;
    for Frame { name, origin } in frames {
        let is_user = matches!(origin, Origin::User(_));
        if std::mem::replace(&mut is_in_program, is_user) && !is_user {
            names.push(DELIMITER.into());
        }
        names.push(match origin {
            Origin::Kernel => format!("{name}_[k]").into(),
            Origin::Word | Origin::User(_) => name,
        });
    }
    names
}

/// By what was behind them.
pub fn by_blame(document: &Document, chains: &[Chain], per_thread: bool) -> Vec<u8> {
    let lines = chains.iter().map(|chain| {
        let names = chain.links.iter().flat_map(words);
        (chain.thread, names.collect(), chain.ns)
    });
    render(document, lines, per_thread)
}

/// Threads, the frames under each, and their time, ns. Lines are sorted, so that two runs can
/// be compared.
fn render<'a>(
    document: &Document,
    stacks: impl Iterator<Item = (usize, Vec<Cow<'a, str>>, u64)>,
    per_thread: bool,
) -> Vec<u8> {
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for (thread, names, ns) in stacks {
        let mut line = frame(&frames::group(document, thread)).into_owned();
        if let Some(row) = document.threads.get(thread).filter(|_| per_thread) {
            let name = format!("{}-{}", sanitize::text(&row.comm), row.tid);
            line.extend([";", &*frame(&name)]);
        }
        for name in names {
            line.extend([";", &*frame(&name)]);
        }
        let sum = lines.entry(line).or_default();
        *sum = sum.saturating_add(ns);
    }
    let mut text = String::new();
    for (line, ns) in lines {
        _ = writeln!(text, "{line} {ns}");
    }
    text.into_bytes()
}

/// A link's frames.
fn words(link: &Link) -> Vec<Cow<'_, str>> {
    match link {
        Link::Wait { group, kind } => {
            let group = group.as_deref().map(sanitize::text);
            let kind = Cow::Borrowed(kind.as_str());
            group.into_iter().chain([kind]).collect()
        }
        Link::Cause(kind, None) => vec![kind.as_str().into()],
        Link::Cause(kind, Some(detail)) => {
            vec![format!("{} {}", kind.as_str(), sanitize::text(detail)).into()]
        }
    }
}

/// Safe between semicolons: a frame of its own begins at each.
fn frame(name: &str) -> Cow<'_, str> {
    match name.contains(';') {
        true => name.replace(';', "\\x3b").into(),
        false => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::view::testing::{filled, hostile_texts, stacks};

    /// By stack, and by blame.
    fn lines(texts: &[String], ns: u64, per_thread: bool) -> [String; 2] {
        let (document, stacks) = (filled(texts, ns), stacks(texts, ns));
        let both = [
            by_stack(&document, &stacks.waits, per_thread),
            by_blame(&document, &stacks.chains, per_thread),
        ];
        both.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn folded_a_line_is_a_stack_and_its_time() {
        let texts = ["x".to_owned()];
        assert_eq!(
            lines(&texts, 7, false)[0],
            "x;[no stack];x;futex 7\n\
             x;[not ended];x;[x+0x10];-;x_[k];x_[k] 7\n\
             x;x;[x+0x10];-;x_[k];x_[k] 7\n"
        );
        assert_eq!(
            lines(&texts, 7, true)[1],
            "x;x-0;futex;x;futex;network x 7\n"
        );
    }

    proptest! {
        #[test]
        fn folded_no_text_is_a_frame_or_a_line_of_its_own(
            texts in hostile_texts(),
            ns in 0..1_u64 << 40,
            per_thread: bool,
        ) {
            let plain = lines(&["x".to_owned()], ns, per_thread);
            let texts = lines(&texts, ns, per_thread);
            for ((text, plain), waits) in texts.iter().zip(&plain).zip([3, 1]) {
                let mut sum = 0;
                for line in text.lines() {
                    prop_assert!(!line.chars().any(sanitize::is_hostile), "{:?}", line);
                    let (frames, ns) = line.rsplit_once(' ').unwrap();
                    sum += ns.parse::<u64>().unwrap();
                    let depth = frames.matches(';').count();
                    prop_assert!(plain.lines().any(|line| line.matches(';').count() == depth));
                }
                prop_assert_eq!(sum, waits * ns);
            }
        }
    }
}
