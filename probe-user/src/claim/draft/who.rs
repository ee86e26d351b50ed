//! The groups of threads that are worth a claim, each as a selection that holds exactly its
//! threads in every run.

use std::collections::BTreeSet;

use super::runs::{Run, Runs};
use crate::{
    claim::selection::{BUILT_IN, Process, Selection, Threads},
    document::{Document, Group},
};

/// Groups that are looked at.
const MOST: usize = 5;
/// Of the tree's busy time, or of the run's length, that a group takes at least.
const LEAST: f64 = 0.05;
/// Bytes of a group's name.
const LONGEST: usize = 256;
/// Characters of a selection's name.
const LONGEST_WORD: usize = 32;

/// Some threads of every run.
#[derive(Clone, Debug)]
pub(super) struct Who {
    /// As expressions call them.
    pub(super) name: String,
    /// As sentences do.
    pub(super) subject: Subject,
    pub(super) selection: Selection,
    /// By run: indices into its threads.
    pub(super) threads: Vec<Vec<usize>>,
}

/// Who it is, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// `git fetch`, `threads of python3 pool.py`, `git pull processes`.
    pub(super) text: String,
    pub(super) is_one: bool,
}

impl Who {
    /// All threads.
    pub(super) fn tree(list: &[Run<'_>]) -> Who {
        let selection = Selection::default();
        Who {
            name: "tree".to_owned(),
            subject: Subject {
                text: "the run".to_owned(),
                is_one: true,
            },
            threads: Runs::select(list, &selection),
            selection,
        }
    }

    /// Whether the file has to say who it is.
    pub(super) fn is_built_in(&self) -> bool {
        BUILT_IN.contains(&self.name.as_str())
    }
}

/// Those that matter, those that matter most first.
pub(super) fn groups(runs: &Runs<'_>) -> Vec<Who> {
    let mut taken: BTreeSet<String> = BUILT_IN.map(str::to_owned).into();
    // Ids of claims about the whole run begin so.
    taken.insert("run".to_owned());
    let first = runs.list.first().map(|run| run.document);
    let names = first.into_iter().flat_map(|document| &document.groups);
    let mut known = BTreeSet::new();
    // Two of one name are one.
    let names = names.filter(|group| known.insert(&group.name));
    let weighed = names.filter_map(|group| Some((weight(runs, &group.name)?, group)));
    let mut weighed: Vec<(f64, &Group)> = weighed.filter(|(it, _)| *it >= LEAST).collect();
    weighed.sort_by(|a, b| b.0.total_cmp(&a.0));
    let groups = weighed.into_iter().take(MOST);
    groups
        .filter_map(|(_, group)| of_group(runs, group, &mut taken))
        .collect()
}

/// What a group takes of the time, in the run where that is least; `None` where it is not in
/// every run, or works for a runtime.
fn weight(runs: &Runs<'_>, name: &str) -> Option<f64> {
    if name.len() > LONGEST {
        return None;
    }
    let weights = runs.list.iter().map(|run| {
        let document = run.document;
        let group = document.groups.iter().find(|group| group.name == name)?;
        (!group.helper).then(|| weight_in(document, group))
    });
    let weights: Option<Vec<f64>> = weights.collect();
    weights?.into_iter().reduce(f64::min)
}

fn weight_in(document: &Document, group: &Group) -> f64 {
    let busy_ns = |group: &Group| {
        let quiet_ns = group.sums.idle_ns.saturating_add(group.sums.open_ns);
        group.sums.lifetime_ns.saturating_sub(quiet_ns) as f64
    };
    let all: f64 = document.groups.iter().map(busy_ns).sum();
    let path = group.critical_path_ns.unwrap_or(0) as f64 / (document.wall_ns.max(1) as f64);
    busy_ns(group) / all.max(1.0) + path
}

fn of_group(runs: &Runs<'_>, group: &Group, taken: &mut BTreeSet<String>) -> Option<Who> {
    let wanted: Vec<Vec<usize>> = runs
        .list
        .iter()
        .map(|run| members(run.document, &group.name))
        .collect();
    let run = runs.list.first()?;
    let one = *wanted.first()?.first()?;
    let all = ways(run, one).into_iter();
    let selection = all
        .into_iter()
        .find(|way| Runs::select(&runs.list, way) == wanted)?;
    let name = match Selection::built_in("root").as_ref() == Some(&selection) {
        true => "root".to_owned(),
        false => name(&group.name, taken),
    };
    Some(Who {
        name,
        subject: subject(group, &wanted),
        selection,
        threads: wanted,
    })
}

fn members(document: &Document, name: &str) -> Vec<usize> {
    let is_of = |group: usize| document.groups.get(group).is_some_and(|it| it.name == name);
    let threads = document.threads.iter().enumerate();
    let members = threads.filter(|(_, thread)| is_of(thread.group));
    members.map(|(index, _)| index).collect()
}

/// Selections that a thread is in, those that say most about it first.
fn ways(run: &Run<'_>, thread: usize) -> Vec<Selection> {
    let document = run.document;
    let leader = run.prepared.leader(run.prepared.process_of(thread));
    let program = document.threads.get(leader);
    let program = program.and_then(|thread| document.groups.get(thread.group));
    let program = program.map(|group| Process::Glob(glob(&group.name)));
    let role = document.threads.get(thread).map(|thread| {
        match thread
            .role
            .strip_suffix('*')
            .filter(|_| thread.role != thread.comm)
        {
            Some(stem) => format!("{}*", glob(stem)),
            None => glob(&thread.comm),
        }
    });
    let mut ways = Vec::new();
    for name in [None, role] {
        let processes = [Some(Process::Root), program.clone()];
        let processes = processes.into_iter().flatten();
        for process in processes.chain([Process::Children, Process::Any]) {
            for threads in [Threads::All, Threads::Leader, Threads::Others] {
                ways.push(Selection {
                    process: process.clone(),
                    threads,
                    name: name.clone(),
                });
            }
        }
    }
    ways
}

/// A pattern for a text: what means something else in patterns is any character.
pub(super) fn glob(text: &str) -> String {
    let glob = text.replace('*', "?");
    match glob.parse() {
        Ok(Process::Glob(glob)) => glob,
        // A program called `root`.
        _ => format!("?{}", glob.chars().skip(1).collect::<String>()),
    }
}

/// Letters, digits and `_`, of this group alone.
fn name(group: &str, taken: &mut BTreeSet<String>) -> String {
    let words = group.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let text = words.join("_").to_ascii_lowercase();
    let text: String = text.chars().take(LONGEST_WORD).collect();
    let is_fit = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let text = match is_fit && !matches!(text.as_str(), "and" | "or" | "not") {
        true => text,
        false => format!("of_{text}"),
    };
    let numbered = (2..).map(|n| format!("{text}_{n}"));
    let mut all = std::iter::once(text.clone()).chain(numbered);
    let name = all.find(|name| !taken.contains(name)).unwrap_or(text);
    taken.insert(name.clone());
    name
}

fn subject(group: &Group, threads: &[Vec<usize>]) -> Subject {
    let name = &group.name;
    let is_one = threads.iter().all(|threads| threads.len() == 1);
    let text = match name.strip_suffix(" (threads)") {
        Some(program) if is_one => format!("other thread of {program}"),
        Some(program) => format!("threads of {program}"),
        None if is_one => name.clone(),
        None if group.threads == group.pids.len() => format!("{name} processes"),
        None => format!("threads of {name}"),
    };
    Subject { text, is_one }
}
