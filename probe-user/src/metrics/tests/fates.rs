//! What did not end cleanly, and what by.

use probe_common::{signal::Sent, uapi::*};

use super::tree::*;
use crate::document::{Document, Fate};

/// `exit_code` of a process that a signal ends, without and with a core.
const KILLED: i32 = 9;
const ABORTED: i32 = 6 | 0x80;

fn sent(signal: u32, code: i32, sender_tgid: u32) -> Sent {
    Sent {
        signal,
        code,
        sender_tgid,
        comm: *b"sh\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ..Sent::default()
    }
}

/// `TID+SIBLINGS CAUSE by SENDER`.
fn reported(document: &Document) -> Vec<String> {
    let fates = document.fates.as_ref().expect("observed");
    let one = |fate: &Fate| {
        let by = fate.sender.as_ref();
        let by = by.map_or_else(String::new, |by| format!(" by {} {}", by.comm, by.pid));
        format!("{}+{} {}{by}", fate.tid, fate.siblings, fate.cause)
    };
    fates.iter().map(one).collect()
}

#[test]
fn fates_are_one_for_a_process_whatever_its_threads() {
    let (mut tree, root) = Tree::root(&["server"]);
    let failing = tree.fork(root, "failing");
    let threads = [tree.thread(failing, "a"), tree.thread(failing, "b")];
    let fine = tree.fork(root, "fine");
    for task in threads {
        tree.exit(task, 3 << 8);
    }
    tree.exit(failing, 3 << 8);
    tree.exit(fine, 0);
    assert_eq!(reported(&tree.document()), ["101+2 exit"]);
}

#[test]
fn fates_are_no_statuses_that_only_a_thread_ended_with() {
    // Of the thread, and of the first thread behind it, if it ends.
    let check = |status: i32, last: Option<i32>, expect: &[&str]| {
        let (mut tree, root) = Tree::root(&["server"]);
        let child = tree.fork(root, "child");
        let thread = tree.thread(child, "odd");
        tree.exit(thread, status << 8);
        if let Some(last) = last {
            tree.exit(child, last << 8);
        }
        assert_eq!(reported(&tree.document()), expect);
    };
    check(4, Some(0), &[]);
    check(4, None, &[]);
    check(4, Some(5), &["101+0 exit"]);
    check(4, Some(4), &["101+1 exit"]);
}

#[test]
fn fates_by_a_signal_take_threads_with_them_whose_end_is_not_seen() {
    let (mut tree, root) = Tree::root(&["server"]);
    let child = tree.fork(root, "child");
    let threads = [tree.thread(child, "a"), tree.thread(child, "b")];
    tree.exit(threads[0], 0);
    tree.exit(threads[1], KILLED);
    let document = tree.document();
    assert_eq!(reported(&document), ["101+1 signal"]);
    assert_eq!(document.fates.unwrap()[0].comm, "child");
}

#[test]
fn fates_what_a_process_did_wrong_stands_before_what_was_done_to_it() {
    let (mut tree, root) = Tree::root(&["server"]);
    let mut end = |signal: u32, code, status| {
        let child = tree.fork(root, "child");
        if signal > 0 {
            tree.send(child, sent(signal, code, 70 * u32::from(code <= 0)));
        }
        tree.exit(child, status);
    };
    end(0, 0, 1 << 8);
    end(13, SI_USER, 13);
    end(15, SI_USER, 15);
    end(SIGBUS, SI_USER, 7);
    end(SIGFPE, 1, 8);
    end(SIGSEGV, SI_KERNEL, 11);
    end(2, SI_KERNEL, 2);
    let fates = tree.document().fates.expect("observed");
    let order: Vec<_> = fates
        .iter()
        .map(|fate| (fate.tid, fate.by_kernel))
        .collect();
    let expect = [
        (106, true),
        (105, true),
        (103, false),
        (104, false),
        (107, true),
        (102, false),
        (101, false),
    ];
    assert_eq!(order, expect);
}

#[test]
fn fates_by_a_signal_have_the_sender_of_the_latest_one_of_that_number() {
    let (mut tree, root) = Tree::root(&["server"]);
    let child = tree.fork(root, "child");
    tree.send(child, sent(15, SI_USER, 70));
    tree.send(child, sent(9, SI_USER, 71));
    tree.send(child, sent(9, SI_USER, 72));
    tree.send(child, sent(15, SI_USER, 73));
    tree.exit(child, KILLED);
    let other = tree.fork(root, "other");
    tree.exit(other, ABORTED);
    assert_eq!(
        reported(&tree.document()),
        ["102+0 core", "101+0 signal by sh 72"]
    );
}

#[test]
fn fates_by_a_fault_are_the_threads_at_fault() {
    let (mut tree, root) = Tree::root(&["server"]);
    let wild = tree.fork(root, "wild");
    let thread = tree.thread(wild, "at-fault");
    let fault = |addr, sp| Sent {
        addr,
        sp,
        ..sent(SIGSEGV, SEGV_MAPERR, 0)
    };
    tree.send(thread, fault(8, 1 << 30));
    tree.exit(wild, 11);
    tree.exit(thread, 11);
    let deep = tree.fork(root, "deep");
    tree.send(deep, fault((1 << 30) - 8, 1 << 30));
    tree.exit(deep, 11);
    // One that a task has sent is no fault.
    let sent_to = tree.fork(root, "sent");
    tree.send(sent_to, sent(SIGSEGV, SI_USER, 70));
    tree.exit(sent_to, 11);
    assert_eq!(
        reported(&tree.document()),
        [
            "103+0 stack-overflow",
            "102+1 segv",
            "104+0 signal by sh 70"
        ]
    );
}

#[test]
fn fates_by_the_oom_killer_say_whose_memory_was_short() {
    let (mut tree, root) = Tree::root(&["server"]);
    for stack in [
        "oom_kill_process mem_cgroup_out_of_memory",
        "oom_kill_process",
    ] {
        let child = tree.fork(root, "child");
        tree.send(child, sent(9, SI_KERNEL, 0));
        tree.choose(tree.tid(child), stack);
        tree.exit(child, KILLED);
    }
    // Chosen when another's signal had ended it.
    let ended = tree.fork(root, "ended");
    tree.send(ended, sent(9, SI_USER, 70));
    tree.choose(tree.tid(ended), "oom_kill_process");
    tree.exit(ended, KILLED);
    // A task outside the tree.
    tree.choose(4000, "oom_kill_process");
    let document = tree.document();
    assert_eq!(
        reported(&document),
        ["102+0 oom", "101+0 oom-memcg", "103+0 signal by sh 70"]
    );
    assert_eq!(document.threads.len(), 4);
}
