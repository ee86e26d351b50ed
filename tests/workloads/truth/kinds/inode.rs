//! `kernel-lock`: two writers of one file. The first holds the inode's lock
//! while its source page is missing, so the second sleeps on that lock for as
//! long as a third thread takes to bring the page in.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Barrier};
use std::thread;

use super::region::{Pages, Region};
use crate::case::{Case, Job, Setting, pause_of};
use crate::slot::Slot;
use crate::sys::check_long;

pub const CASES: &[Case] = &[Case {
    name: "inode-lock",
    kind: "kernel-lock",
    functions: &[
        "rwsem_down_write_slowpath",
        "ext4_buffered_write_iter",
        "ext4_file_write_iter",
        "generic_file_write_iter",
        "shmem_file_write_iter",
        "xfs_ilock",
        "btrfs_inode_lock",
    ],
    sources: &["task"],
    has_waker: true,
    prepare,
}];

/// One write of the holder never takes more than this from the page.
const HELD_BYTES: usize = 8;

fn prepare(setting: &Setting) -> io::Result<Job> {
    let path = setting
        .dir
        .join(format!("truth-{}.locked", std::process::id()));
    let held = File::create(&path)?;
    let mut wanted = File::create(&path)?;
    std::fs::remove_file(&path)?;
    let rounds = setting.rounds;
    let region = Region::new(rounds as usize)?;
    // The subject begins once the holder's write has faulted; the next round
    // begins once both writes are over.
    let faulted = Arc::new(Barrier::new(2));
    let over = Arc::new(Barrier::new(2));
    let (begin, end) = (faulted.clone(), over.clone());
    Job::pair(
        move |meter| {
            for _ in 0..rounds {
                begin.wait();
                let outcome = meter.block(|| wanted.write_all(b"x"));
                end.wait();
                outcome?;
            }
            Ok(())
        },
        // The thread called `k-inode-lock` is the holder, whose write ends
        // the wait; the one that fills the page has another name.
        move |slot| {
            thread::scope(|scope| {
                let filler = thread::Builder::new()
                    .name("filler".into())
                    .spawn_scoped(scope, || fill(&region, rounds, &faulted, slot))?;
                hold(&held, region.pages(), rounds, &over)?;
                let outcome = filler.join();
                outcome.unwrap_or_else(|_| Err(io::Error::other("the filler panicked")))
            })
        },
    )
}

fn hold(file: &File, pages: Pages, rounds: u32, over: &Barrier) -> io::Result<()> {
    for round in 0..rounds as usize {
        // SAFETY: the page is mapped for good; the fault it takes is served.
        let wrote = unsafe { libc::write(file.as_raw_fd(), pages.address(round), HELD_BYTES) };
        check_long(wrote.try_into().unwrap_or(-1))?;
        over.wait();
    }
    Ok(())
}

/// The fault is the proof that the holder has the lock.
fn fill(region: &Region, rounds: u32, faulted: &Barrier, slot: &Slot) -> io::Result<()> {
    for round in 0..rounds {
        let address = region.next_fault()?;
        faulted.wait();
        thread::sleep(pause_of(round));
        slot.begin_waking();
        region.fill(address)?;
    }
    Ok(())
}
