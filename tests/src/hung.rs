//! Where the threads of a process and of all below it are, for a test that waits
//! for them in vain.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proc_stat::Stat;

/// A block for each thread of `root` and its descendants: who, its state, and
/// what /proc knows of its system call and its kernel stack (proc(5)).
pub fn tree(root: u32) -> String {
    let mut text = String::new();
    for pid in descendants(root, &parents()) {
        for tid in numbers(format!("/proc/{pid}/task")) {
            describe(&mut text, pid, tid);
        }
    }
    text
}

fn describe(text: &mut String, pid: u32, tid: u32) {
    let read = |name: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/{name}"));
        text.unwrap_or_else(|error| error.to_string())
            .trim()
            .to_owned()
    };
    let state = Stat::of_thread(pid, tid).map_or('?', |stat| stat.state);
    // A string takes whatever is written.
    let _ = writeln!(
        text,
        "{pid}/{tid} {:?} {state}: {}\n{}",
        read("comm"),
        read("syscall"),
        read("stack")
    );
}

/// `root` and what lives below it.
fn descendants(root: u32, parents: &BTreeMap<u32, u32>) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let children = parents.iter().filter(|(_, of)| **of == parent);
        found.extend(children.map(|(child, _)| *child));
        next += 1;
    }
    found
}

/// The parent of every process.
fn parents() -> BTreeMap<u32, u32> {
    let all = numbers("/proc").into_iter();
    all.filter_map(|pid| Some((pid, Stat::of_process(pid).ok()?.ppid)))
        .collect()
}

/// Names in a directory that are numbers.
fn numbers(directory: impl AsRef<Path>) -> Vec<u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_below_are_found_once() {
        let parents = [(2, 1), (3, 2), (5, 3), (4, 2), (9, 8)].into();
        assert_eq!(descendants(2, &parents), [2, 3, 4, 5]);
        assert_eq!(descendants(7, &parents), [7]);
    }

    #[test]
    fn a_thread_is_described() {
        let pid = std::process::id();
        let text = tree(pid);
        assert!(text.contains(&format!("{pid}/{pid} ")), "{text}");
    }
}
