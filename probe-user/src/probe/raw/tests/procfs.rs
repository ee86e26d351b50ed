//! /proc's words on threads, hostile names included.

use probe_common::sched::state;

use crate::probe::raw::procfs::{Call, Stat, parse_call, parse_stat};

fn comm(text: &[u8]) -> [u8; 16] {
    let mut comm = [0; 16];
    comm[..text.len()].copy_from_slice(text);
    comm
}

#[test]
fn stats_of_threads() {
    let check = |text: &[u8], name: &[u8], state, ppid| {
        let comm = comm(name);
        let expected = Stat { state, ppid, comm };
        assert_eq!(parse_stat(text), Some(expected), "{}", text.escape_ascii());
    };
    check(b"12 (cat) R 7 12 7 0 -1", b"cat", state::RUNNING, 7);
    check(b"12 (cat) S 7 12", b"cat", state::INTERRUPTIBLE, 7);
    check(b"12 (cat) D 7", b"cat", state::UNINTERRUPTIBLE, 7);
    check(b"12 (kworker) I 2", b"kworker", state::UNINTERRUPTIBLE, 2);
    check(b"12 (cat) T 7", b"cat", state::STOPPED, 7);
    check(b"12 (cat) t 7", b"cat", state::TRACED, 7);
    check(b"12 (cat) Z 7", b"cat", state::DEAD, 7);
    check(b"12 (a) S 1) S 7 3", b"a) S 1", state::INTERRUPTIBLE, 7);
    check(b"12 (\xff\n) S 7 3", b"\xff\n", state::INTERRUPTIBLE, 7);
    check(b"12 () S 0", b"", state::INTERRUPTIBLE, 0);
    let worker = b"9 (kworker/u8:4-events_unbound) S 2";
    check(worker, b"kworker/u8:4-ev", state::INTERRUPTIBLE, 2);
}

#[test]
fn broken_stats_are_none() {
    let whole = b"12 (cat) S 7";
    for cut in 0..whole.len() {
        assert_eq!(parse_stat(&whole[..cut]), None, "{cut}");
    }
    for text in [
        "12 )cat( S 7",
        "12 (cat) ? 7",
        "12 (cat) S x",
        "12 (cat) SS 7",
    ] {
        assert_eq!(parse_stat(text.as_bytes()), None, "{text}");
    }
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
