//! `throttled`: a process that freezes its own cgroup and is thawed by its
//! parent. Works with the old freezer hierarchy and with cgroup2.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::case::{Case, Job, Setting, until_done};
use crate::run::{measure, reap_subject};
use crate::slot::Slot;
use crate::sys;

pub const CASES: &[Case] = &[Case {
    name: "freezer",
    kind: "throttled",
    functions: &[
        "__refrigerator",
        "do_freezer_trap",
        "cgroup_enter_frozen",
        "get_signal",
    ],
    sources: &["task"],
    has_waker: true,
    prepare,
}];

/// How a hierarchy freezes and thaws.
#[derive(Clone, Copy)]
struct Words {
    file: &'static str,
    freeze: &'static str,
    thaw: &'static str,
}

const VERSION_1: Words = Words {
    file: "freezer.state",
    freeze: "FROZEN",
    thaw: "THAWED",
};
const VERSION_2: Words = Words {
    file: "cgroup.freeze",
    freeze: "1",
    thaw: "0",
};

fn prepare(setting: &Setting) -> io::Result<Job> {
    let (root, words) = hierarchy()?;
    let group = root.join(format!("waitscope-truth-{}", std::process::id()));
    fs::create_dir(&group)?;
    // Two, because writers of one open file queue for its position.
    let open = || open_control(&group, words);
    let (freeze, thaw) = open()
        .and_then(|freeze| Ok((freeze, open()?)))
        .inspect_err(|_| {
            let _ = fs::remove_dir(&group);
        })?;
    let rounds = setting.rounds;
    Job::forked(move |slot: &Slot| {
        sys::set_name("k-freezer")?;
        let pid = sys::fork(|| child(&group, &freeze, words, rounds, slot))?;
        let outcome = until_done(slot, || put(&thaw, words.thaw));
        let outcome = outcome.and_then(|()| reap_subject(pid, slot));
        fs::remove_dir(&group)?;
        outcome
    })
}

fn child(group: &Path, control: &File, words: Words, rounds: u32, slot: &Slot) -> io::Result<()> {
    sys::set_name("t-freezer")?;
    fs::write(group.join("cgroup.procs"), std::process::id().to_string())?;
    measure(slot, rounds, |meter| {
        for _ in 0..meter.rounds() {
            meter.block(|| put(control, words.freeze))?;
            // The waker still has the lock of all cgroups.
            while slot.is_waking() {
                thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
    })
}

fn open_control(group: &Path, words: Words) -> io::Result<File> {
    OpenOptions::new().write(true).open(group.join(words.file))
}

fn put(mut control: &File, word: &str) -> io::Result<()> {
    control.write_all(word.as_bytes())
}

/// The first hierarchy that can freeze.
fn hierarchy() -> io::Result<(PathBuf, Words)> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mut second = None;
    for line in mounts.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let &[_, path, kind, options, ..] = fields.as_slice() else {
            continue;
        };
        if kind == "cgroup" && options.split(',').any(|option| option == "freezer") {
            return Ok((path.into(), VERSION_1));
        }
        if kind == "cgroup2" {
            second = Some(path);
        }
    }
    let second = second.ok_or_else(|| io::Error::other("no cgroup hierarchy can freeze"))?;
    Ok((second.into(), VERSION_2))
}
