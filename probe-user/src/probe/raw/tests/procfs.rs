//! /proc's words on threads, as records have them.

use probe_common::sched::state;

use crate::probe::raw::procfs::{Call, Stat, parse_call, recorded};

#[test]
fn stats_of_threads() {
    let check = |letter, name: &str, state, kept: &str| {
        let stat = proc_stat::Stat {
            comm: name.into(),
            state: letter,
            ppid: 7,
            is_kernel: false,
            started_ns: 0,
            cpu: None,
        };
        let mut comm = [0; 16];
        comm[..kept.len()].copy_from_slice(kept.as_bytes());
        let expected = Stat {
            state,
            ppid: 7,
            comm,
        };
        assert_eq!(recorded(&stat), Some(expected), "{letter} {name}");
    };
    check('R', "cat", state::RUNNING, "cat");
    check('S', "cat", state::INTERRUPTIBLE, "cat");
    check('D', "cat", state::UNINTERRUPTIBLE, "cat");
    check('I', "kworker", state::UNINTERRUPTIBLE, "kworker");
    check('T', "cat", state::STOPPED, "cat");
    check('t', "cat", state::TRACED, "cat");
    check('Z', "", state::DEAD, "");
    check('X', "", state::DEAD, "");
    let worker = "kworker/u8:4-events_unbound";
    check('S', worker, state::INTERRUPTIBLE, "kworker/u8:4-ev");
    let unknown = proc_stat::Stat {
        comm: Vec::new(),
        state: '?',
        ppid: 7,
        is_kernel: false,
        started_ns: 0,
        cpu: None,
    };
    assert_eq!(recorded(&unknown), None);
}

#[test]
fn system_calls_of_threads() {
    let text = "202 0x7f1c 0x80 0x0 0x0 0x0 0xffffffff 0x7ffe 0x7f1b\n";
    let (nr, arg0, arg1) = (202, 0x7f1c, 0x80);
    assert_eq!(parse_call(text), Some(Call { nr, arg0, arg1 }));
    for none in [
        "running\n",
        "-1 0x7ffe 0x7f1b\n",
        "",
        "202",
        "202 7f1c 0x80",
        "99999 0x0 0x0",
    ] {
        assert_eq!(parse_call(none), None, "{none}");
    }
}
