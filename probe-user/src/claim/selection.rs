//! Which threads a claim is about.
//!
//! A process is chosen by its place in the tree, or by a glob on its program's words: the
//! name of its first thread's group (`git index-pack`), and the arguments of its last exec,
//! the first without its folder, with a blank between them. `*` stands for any text, `?`
//! for one character.

use std::str::FromStr;

use wildmatch::WildMatch;

use super::metric::{Maker, Prepared};
use crate::document::Document;

/// Which threads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Of which processes.
    pub process: Process,
    /// Which of their threads.
    pub threads: Threads,
    /// A glob on the thread's own name, `comm`.
    pub name: Option<String>,
}

/// Which processes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Process {
    /// The first: the command, or the process attached to.
    Root,
    /// Those that the tree made.
    Children,
    /// All.
    #[default]
    Any,
    /// Those whose program's words match this glob.
    Glob(String),
}

/// Which threads of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Threads {
    /// The first one.
    Leader,
    /// All but the first one.
    Others,
    /// All.
    #[default]
    All,
}

impl FromStr for Process {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Process, Self::Err> {
        Ok(match text {
            "root" => Process::Root,
            "children" => Process::Children,
            "any" => Process::Any,
            glob => Process::Glob(glob.to_owned()),
        })
    }
}

impl FromStr for Threads {
    type Err = ();

    fn from_str(text: &str) -> Result<Threads, ()> {
        match text {
            "leader" => Ok(Threads::Leader),
            "others" => Ok(Threads::Others),
            "all" => Ok(Threads::All),
            _ => Err(()),
        }
    }
}

/// The selections that every claim file has.
pub const BUILT_IN: [&str; 3] = ["tree", "root", "children"];

impl Selection {
    /// One of [`BUILT_IN`].
    pub fn built_in(name: &str) -> Option<Selection> {
        let process = match name {
            "tree" => Process::Any,
            "root" => Process::Root,
            "children" => Process::Children,
            _ => return None,
        };
        Some(Selection {
            process,
            ..Selection::default()
        })
    }

    /// Every thread.
    pub fn is_tree(&self) -> bool {
        *self == Selection::default()
    }
}

/// The selected threads: indices into [`Document::threads`], ascending.
pub fn select(document: &Document, prepared: &Prepared, selection: &Selection) -> Vec<usize> {
    let processes = chosen(document, prepared, &selection.process);
    let name = selection.name.as_deref().map(WildMatch::new);
    let threads = document.threads.iter().enumerate();
    threads
        .filter(|&(index, thread)| {
            let process = prepared.process_of(index);
            let is_leader = prepared.leader(process) == index;
            let wanted = match selection.threads {
                Threads::Leader => is_leader,
                Threads::Others => !is_leader,
                Threads::All => true,
            };
            let has_name = name.as_ref().is_none_or(|glob| glob.matches(&thread.comm));
            // Whether one of an unknown process is the first thread there is not known.
            let is_known = thread.pid.is_some() || selection.is_tree();
            wanted && processes[process] && has_name && is_known
        })
        .map(|(index, _)| index)
        .collect()
}

/// For each process, whether it is selected.
fn chosen(document: &Document, prepared: &Prepared, which: &Process) -> Vec<bool> {
    let glob = match which {
        Process::Glob(glob) => Some(WildMatch::new(glob)),
        Process::Root | Process::Children | Process::Any => None,
    };
    let processes = 0..prepared.processes();
    processes
        .map(|process| match (which, &glob) {
            (Process::Any, _) => true,
            (Process::Root, _) => prepared.root() == Some(process),
            (Process::Children, _) => prepared.maker(process) != Maker::Nobody,
            (Process::Glob(_), Some(glob)) => runs(document, prepared.leader(process), glob),
            (Process::Glob(_), None) => false,
        })
        .collect()
}

/// Whether the program of a process has such words.
fn runs(document: &Document, leader: usize, glob: &WildMatch) -> bool {
    let thread = &document.threads[leader];
    let group = document.groups.get(thread.group);
    group.is_some_and(|group| glob.matches(&group.name)) || glob.matches(&words(&thread.argv))
}

/// Arguments as one text, the first without its folder.
fn words(argv: &[String]) -> String {
    let Some((program, arguments)) = argv.split_first() else {
        return String::new();
    };
    let name = program.rsplit('/').next().unwrap_or(program);
    let mut text = name.to_owned();
    for argument in arguments {
        text.push(' ');
        text.push_str(argument);
    }
    text
}
