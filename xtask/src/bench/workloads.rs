//! What is observed.

use std::ffi::OsString;
use std::path::Path;

use gitsync_stage::stage::{Stage, gitsync};

use super::programs::PIPE;

/// Repositories that gitsync keeps up to date; nothing is new in them.
pub(super) const REPOSITORIES: u64 = 8;

/// A command, and what it shows.
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) command: Vec<OsString>,
    pub(super) variables: Vec<(&'static str, OsString)>,
    /// How many times as often as asked it is run: what is over in a moment can be
    /// run until the noise of a shared machine no longer decides.
    pub(super) times: u32,
}

pub(super) fn all(stage: &Stage, clones: &Path) -> Vec<Workload> {
    let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
    let plain = |name, about, line| Workload {
        name,
        about,
        command: words(line),
        variables: Vec::new(),
        times: 4,
    };
    let mut storm = words("sh -c");
    storm.push("i=0; while [ $i -lt 10000 ]; do /bin/true; i=$((i+1)); done".into());
    let mut pulls = vec![gitsync().into_os_string()];
    pulls.extend(words("--mode threads --jobs 4"));
    pulls.push(clones.into());
    let variables = stage.around().variables();
    vec![
        plain(
            "pipe",
            "two processes on one CPU that answer each other, 200,000 switches",
            PIPE,
        ),
        plain(
            "messaging",
            "400 processes that send each other messages",
            "perf bench -f simple sched messaging",
        ),
        Workload {
            name: "storm",
            about: "10,000 processes, one after the other",
            command: storm,
            variables: Vec::new(),
            times: 1,
        },
        plain(
            "dd",
            "1,000,000 system calls that never sleep, on one CPU",
            "taskset -c 1 dd if=/dev/zero of=/dev/null bs=1 count=500000 status=none",
        ),
        Workload {
            name: "gitsync",
            about: "eight pulls of nothing new, four at a time",
            command: pulls,
            variables: variables
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            times: 4,
        },
    ]
}
