//! `page-fault`: a thread that touches memory whose pages another thread
//! brings in later. No system call, no disk: the wait is exactly as long as
//! the other thread makes it.

use std::io;

use super::region::Region;
use crate::case::{Case, Job, Setting, pause_of};

pub const CASES: &[Case] = &[Case {
    name: "page-fault",
    kind: "page-fault",
    functions: &["handle_userfault"],
    sources: &["task"],
    has_waker: true,
    prepare,
}];

fn prepare(setting: &Setting) -> io::Result<Job> {
    let rounds = setting.rounds;
    let region = Region::new(rounds as usize)?;
    let pages = region.pages();
    Job::pair(
        move |meter| meter.repeat(|round| pages.touch(round as usize)),
        move |slot| {
            for round in 0..rounds {
                if slot.is_done() {
                    break;
                }
                let address = region.next_fault()?;
                std::thread::sleep(pause_of(round));
                slot.begin_waking();
                region.fill(address)?;
            }
            Ok(())
        },
    )
}
