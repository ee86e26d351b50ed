//! What the report says about itself.

use std::sync::Arc;

use super::{run, tree::Tree};
use crate::{
    metrics::{RunInfo, document},
    syscall::Table,
    vocabulary::WaitKind,
    wire::session::{Batch, End, Fact, ScanResult},
    world::{
        World,
        account::{ObjectKey, WaitKey, WaitSum},
        names::NameId,
        program::Program,
        thread::Thread,
    },
};

#[test]
fn coverage_losses_are_told_by_class_and_the_last_count_stands() {
    let (tree, _) = Tree::root(&["make"]);
    let mut analysis = run::begun();
    let lost = |count| Fact::Lost {
        class: "switch".to_owned(),
        count,
    };
    for count in [3, 5] {
        analysis.batch(&Batch {
            facts: vec![lost(count)],
            ..Batch::default()
        });
    }
    analysis.batch(&run::batch(&tree.probes.records));
    analysis.end(End {
        lost: vec![("switch".to_owned(), 7), ("stack".to_owned(), 1)],
        ..run::end(2000)
    });
    let coverage = analysis.document().coverage;
    assert_eq!(coverage.lost["switch"], 7);
    assert_eq!(coverage.lost["stack"], 1);
    assert_eq!(
        coverage.lost["task"], 0,
        "a class without a loss is present"
    );
    assert_eq!(coverage.lost_total(), 8);
}

/// A quiet time is known up to the last watermark, and what lies behind that is not.
#[test]
fn coverage_a_cut_recording_says_up_to_when_it_is_known() {
    let (tree, _) = Tree::root(&["make"]);
    let until = |watermark_ns: u64| {
        let mut analysis = run::begun();
        analysis.batch(&run::batch(&tree.probes.records));
        analysis.batch(&Batch {
            watermark_ns,
            ..Batch::default()
        });
        analysis.document()
    };
    let last = until(0);
    assert!(last.cut);
    let origin_ns = last.started.unwrap().origin_ns.unwrap();
    let quiet = until(origin_ns + 9_876_543_210);
    assert_eq!(quiet.wall_ns, 9_876_543_210);
    let says = |text: &str| quiet.coverage.problems.iter().any(|it| it.contains(text));
    assert!(
        says("was cut 9.876 s after the start"),
        "{:?}",
        quiet.coverage
    );
    assert_eq!(quiet.coverage.residual_ns, 0);
    // A watermark before the last record takes nothing away.
    assert_eq!(until(origin_ns + 1).wall_ns, last.wall_ns);
}

#[test]
fn coverage_a_cut_recording_knows_no_costs() {
    let (tree, _) = Tree::root(&["make"]);
    let cut = run::cut(&tree.probes.records);
    assert_eq!(cut.overhead.probe_runs, None);
    assert_eq!(cut.overhead.tool_cpu_ns, None);
    assert_eq!(cut.exit, None);
    let whole = run::document(&tree.probes.records, 2000);
    assert_eq!(whole.overhead.probe_runs, Some(0));
}

#[test]
fn coverage_late_unknown_and_malformed_records_are_told() {
    let (tree, _) = Tree::root(&["make"]);
    let mut analysis = run::begun();
    analysis.batch(&Batch {
        watermark_ns: 1_000_000,
        ..Batch::default()
    });
    let mut unknown = tree.probes.records[0].clone();
    unknown[..2].copy_from_slice(&999_u16.to_ne_bytes());
    let mut odd = tree.probes.records[0].clone();
    odd[..2].copy_from_slice(&probe_common::families::kind::EXIT.to_ne_bytes());
    analysis.batch(&run::batch(&[unknown, odd, tree.probes.records[0].clone()]));
    analysis.problem("cut short".to_owned());
    let problems = analysis.document().coverage.problems;
    let starts = [
        "the recording was cut ",
        "1 records came too late",
        "1 records of a kind",
        "1 malformed",
        "cut short",
    ];
    assert_eq!(problems.len(), starts.len(), "{problems:?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{problem:?}");
    }
}

#[test]
fn coverage_only_switch_outs_count_as_switches() {
    let (mut tree, root) = Tree::root(&["make"]);
    let other = tree.thread(root, "other");
    tree.nap(root, super::tree::WAIT, 100, other);
    tree.exit(other, 0);
    assert_eq!(tree.document().overhead.switches, 2);
}

#[test]
fn coverage_a_table_that_this_version_does_not_have_is_refused() {
    let start = crate::wire::session::Start {
        syscall_table: "riscv64".to_owned(),
        ..Default::default()
    };
    let refused = crate::analysis::Analysis::new(start).err();
    let sentence = refused.expect("unknown").to_string();
    assert!(sentence.contains("\"riscv64\""), "{sentence}");
}

#[test]
fn coverage_skipped_runs_are_told_by_program() {
    let mut analysis = run::begun();
    analysis.end(End {
        skipped: vec![("sched_process_exit".to_owned(), 3)],
        ..run::end(2000)
    });
    let problems = analysis.document().coverage.problems;
    assert_eq!(problems.len(), 1);
    let expected = "the kernel skipped 3 runs of the probe sched_process_exit,";
    assert!(problems[0].starts_with(expected), "{problems:?}");
}

/// Python's processes that nobody could look at since this instant, with threads that
/// were last seen at these, ns.
fn unseen(from_ns: u64, seen_ns: &[u64]) -> usize {
    let mut world = World::new(Table::by_id("x86_64").expect("a known table"));
    let key = WaitKey {
        kind: WaitKind::Futex,
        nr: 202,
        compat: false,
        function: NameId::NONE,
        stack: NameId::NONE,
        object: ObjectKey::None,
    };
    for &since_ns in seen_ns {
        let mut thread = Thread {
            id: world.threads.next_id(),
            pid: Some(5),
            program: Arc::new(Program {
                argv: (*b"python3").into(),
                ..Program::default()
            }),
            since_ns,
            ..Thread::default()
        };
        thread.account.waits.insert(key, WaitSum::default());
        world.threads.push(thread);
    }
    let gils = &mut world.dictionaries.gils;
    gils.learn(5, from_ns, &ScanResult::Gone);
    let problems = document(&world, &RunInfo::default()).coverage.problems;
    let of_python = problems.iter().filter(|it| it.starts_with("1 Pythons"));
    of_python.count()
}

#[test]
fn coverage_a_python_counts_where_one_of_its_threads_was_seen_since() {
    assert_eq!(unseen(100, &[99]), 0);
    assert_eq!(unseen(100, &[100]), 1);
    assert_eq!(unseen(100, &[99, 100]), 1);
    assert_eq!(unseen(100, &[100, 99]), 1);
    assert_eq!(unseen(100, &[]), 0);
}
