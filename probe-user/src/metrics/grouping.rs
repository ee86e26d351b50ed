//! Which threads are one group, and what it is called.
//!
//! A group is a program, the role in it, and the group that made it. Where a process
//! runs what one of its ancestors runs, it is one of the *forked* (it has run no exec),
//! or of the *nested* ones (it has): however deep a program calls itself, these are one
//! group. A forked process that gave itself a name goes by that, unless some of its kind
//! give themselves one after the other: a title that changes says what a process does at
//! a moment, not what it is. Groups that would have one name are told apart by what made
//! them, and are one group if that has one name, too.

use std::{iter::successors, sync::Arc};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    label,
    process::{self, Process, Processes},
    runtime::{Runtime, Runtimes},
};
use crate::{
    document::Group,
    world::{World, by_thread::ByThread, thread::Thread},
};

/// Threads of one role: same program, same role in it, same parentage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    parent: Option<usize>,
    label: String,
    /// `None` for the first thread of a process that runs another program than its
    /// ancestors.
    role: Option<String>,
    runtime: Option<Runtime>,
}

/// Every thread's group.
pub struct Grouping {
    /// Without their sums.
    pub groups: Vec<Group>,
    /// For each thread its group's place there.
    pub of_thread: ByThread<usize>,
}

impl Grouping {
    /// Groups the threads of a world.
    pub fn new(world: &World, processes: &Processes) -> Grouping {
        let mut keys = Keys::new(&processes.list);
        let runtimes = Runtimes::new(world, processes);
        // A parent is older than its children.
        let mut of_process: Vec<usize> = Vec::new();
        for process in &processes.list {
            let parent = process
                .parent
                .and_then(|parent| of_process.get(parent).copied());
            of_process.push(keys.of_process(process, parent));
        }
        let mut of_thread = ByThread::default();
        for thread in world.threads.iter() {
            let place = processes.of_thread[thread.id];
            let process = &processes.list[place];
            *of_thread.entry(thread.id) = if process.main == thread.id {
                of_process[place]
            } else if is_of_former_program(world, process, thread) {
                keys.of_former(of_process[place], thread)
            } else {
                let runtime = runtimes.of(thread);
                keys.of_role(of_process[place], role(thread, process, runtime), runtime)
            };
        }
        let (groups, place_of) = keys.named();
        for group in of_thread.iter_mut() {
            *group = place_of[*group];
        }
        Grouping { groups, of_thread }
    }
}

/// An exec by another thread has ended it.
fn is_of_former_program(world: &World, process: &Process, thread: &Thread) -> bool {
    let has_execed = world
        .get(process.main)
        .is_some_and(|leader| leader.execs > 0);
    has_execed && thread.is_dead() && !Arc::ptr_eq(&thread.program, &process.program)
}

/// A thread that has no name of its own is just one of the threads.
fn role(thread: &Thread, process: &Process, runtime: Option<Runtime>) -> String {
    let comm = &*thread.comm;
    let inherited = [&*process.comm, &*process.program.comm, &*process.label];
    match runtime {
        Some(runtime) if runtime.helper || process.is_go => runtime.name.to_owned(),
        _ if inherited.contains(&comm) => "threads".to_owned(),
        _ => label::role(comm),
    }
}

/// Groups by number.
struct Keys<'a> {
    list: Vec<Key>,
    ids: FxHashMap<Key, usize>,
    /// Programs whose forked processes rename themselves again and again.
    changing: FxHashSet<&'a str>,
}

impl<'a> Keys<'a> {
    fn new(processes: &'a [Process]) -> Keys<'a> {
        let forked = processes.iter().filter(|process| process.is_forked);
        let changing = forked.filter(|process| process.own_names > 1);
        Keys {
            list: Vec::new(),
            ids: FxHashMap::default(),
            changing: changing.map(|process| &*process.label).collect(),
        }
    }

    fn number(&mut self, key: Key) -> usize {
        let next = self.list.len();
        let id = *self.ids.entry(key.clone()).or_insert(next);
        if id == next {
            self.list.push(key);
        }
        id
    }

    /// The group of a process's leader.
    fn of_process(&mut self, process: &Process, parent: Option<usize>) -> usize {
        let has_name = process.own_names > 0 && process.comm != process.program.comm;
        let role = if !process.is_forked {
            "nested".to_owned()
        } else if has_name && !self.changing.contains(&*process.label) {
            label::role(&process.comm)
        } else {
            "forked".to_owned()
        };
        self.below(parent, &process.label, role)
    }

    /// The group of what runs a program; `role` is that below the same program.
    fn below(&mut self, parent: Option<usize>, label: &str, role: String) -> usize {
        let mut ancestors = successors(parent, |&key| self.list[key].parent);
        let same = ancestors.find(|&key| self.list[key].label == label);
        let first = same.map(|key| match &self.list[key] {
            Key {
                role: Some(_),
                parent: Some(first),
                ..
            } => *first,
            _ => key,
        });
        self.number(Key {
            parent: first.or(parent),
            label: label.to_owned(),
            role: first.map(|_| role),
            runtime: None,
        })
    }

    /// The group of other threads of a process than its leader.
    fn of_role(&mut self, process: usize, role: String, runtime: Option<Runtime>) -> usize {
        let role = Some(role);
        self.number(Key {
            role,
            runtime,
            ..self.list[process].clone()
        })
    }

    /// The group of a thread that ran what its process ran before an exec.
    fn of_former(&mut self, process: usize, thread: &Thread) -> usize {
        let label = process::label_of(thread);
        let former = self.below(self.list[process].parent, &label, "nested".to_owned());
        if thread.is_leader() {
            return former;
        }
        let role = match thread.comm == thread.program.comm {
            true => "threads".to_owned(),
            false => label::role(&thread.comm),
        };
        self.of_role(former, role, None)
    }

    /// The groups, and for each key its group.
    fn named(&self) -> (Vec<Group>, Vec<usize>) {
        let mut groups: Vec<Group> = Vec::new();
        let mut by_name: FxHashMap<String, usize> = FxHashMap::default();
        let place_of = self.names().into_iter().zip(&self.list);
        let place_of = place_of.map(|(name, key)| {
            *by_name.entry(name.clone()).or_insert_with(|| {
                groups.push(Group {
                    name,
                    runtime: key.runtime.map(|runtime| runtime.name.to_owned()),
                    helper: key.runtime.is_some_and(|runtime| runtime.helper),
                    ..Group::default()
                });
                groups.len() - 1
            })
        });
        let place_of = place_of.collect();
        (groups, place_of)
    }

    /// Names, with the parent added where two groups would have the same.
    fn names(&self) -> Vec<String> {
        let short = |key: &Key| match &key.role {
            Some(role) => format!("{} ({role})", key.label),
            None => key.label.clone(),
        };
        let shorts: Vec<String> = self.list.iter().map(short).collect();
        let mut uses: FxHashMap<&str, usize> = FxHashMap::default();
        for name in &shorts {
            *uses.entry(name).or_default() += 1;
        }
        let keys = self.list.iter().zip(&shorts);
        keys.map(
            |(key, name)| match key.parent.map(|parent| &shorts[parent]) {
                Some(parent) if uses[name.as_str()] > 1 => format!("{name} of {parent}"),
                _ => name.clone(),
            },
        )
        .collect()
    }
}
