//! Differences close to the nanosecond.

use proptest::prelude::*;

use super::{all, diff_of, document, every};
use crate::document::{
    Blame, CriticalPath, Document, Group, LeftOut, PathSum, Sums, Wait,
    diff::{Amount, Diff, Finding, Length, Row, Which},
};
use crate::vocabulary::{CauseKind, WaitKind};

/// `name a b difference` of each row below one.
fn parts(row: &Row) -> Vec<String> {
    let parts = row.parts.iter().map(|part| {
        let name = part.name.as_deref().unwrap_or("-");
        format!("{name} {} {} {}", part.a.ns, part.b.ns, part.difference_ns)
    });
    parts.collect()
}

#[test]
fn closing_a_difference_is_divided_over_causes_and_then_over_whose_they_were() {
    let a = document(
        &[
            ("computing cc", 300),
            ("computing ld", 50),
            ("network 1:9418", 150),
        ],
        &[],
    );
    let b = document(
        &[
            ("computing cc", 310),
            ("computing ld", 60),
            ("network 1:9419", 350),
            ("disk vda", 5),
        ],
        &[],
    );
    let diff = diff_of(&[a], &[b]);
    assert_eq!(
        (diff.path.a.ns, diff.path.b.ns, diff.path.difference_ns),
        (500, 725, 225)
    );
    assert_eq!(
        parts(&diff.path),
        ["network 150 350 200", "computing 350 370 20", "disk 0 5 5"]
    );
    assert_eq!(
        parts(&diff.path.parts[0]),
        ["1:9419 0 350 350", "1:9418 150 0 -150"]
    );
    assert_eq!(parts(&diff.path.parts[1]), ["cc 300 310 10", "ld 50 60 10"]);
}

#[test]
fn closing_of_a_run_that_does_not_say_what_it_was_made_of_nothing_is_accounted_for() {
    let a = document(&[("computing", 300)], &[]);
    let mut b = document(&[("computing", 320)], &[]);
    b.critical_path.as_mut().unwrap().sums.clear();
    let diff = diff_of(&[a], &[b]);
    assert_eq!(
        parts(&diff.path),
        ["residual 0 320 320", "computing 300 0 -300"]
    );
}

#[test]
fn closing_what_a_report_does_not_account_for_is_a_row_of_its_own() {
    let mut a = document(&[("computing", 300)], &[("futex", 70)]);
    a.critical_path.as_mut().unwrap().to_ns = 310;
    a.groups[0].sums.lifetime_ns = 60;
    let b = document(&[("computing", 300)], &[("futex", 70)]);
    let diff = diff_of(&[a], &[b]);
    assert_eq!(
        parts(&diff.path),
        ["residual 10 0 -10", "computing 300 300 0"]
    );
    let group = &diff.groups[0].lifetime;
    assert_eq!(parts(group), ["residual -10 0 10", "futex 70 70 0"]);
}

#[test]
fn closing_a_report_without_a_path_has_its_wall_time_of_which_nothing_is_known() {
    let a = document(&[("computing", 300)], &[]);
    let mut b = document(&[("computing", 400)], &[]);
    b.critical_path = None;
    let diff = diff_of(&[a], &[b]);
    assert_eq!(diff.length, Length::Wall);
    assert_eq!(parts(&diff.path), ["unknown 300 400 100"]);
    assert_eq!(diff.a.runs[0].length_ns, 300);
}

#[test]
fn closing_groups_are_matched_by_name_and_counted_on_both_sides() {
    let a = document(&[("timer", 10)], &[("futex", 5), ("futex", 7), ("poll", 1)]);
    let mut b = document(&[("timer", 10)], &[("futex", 30)]);
    b.groups.push(Group {
        name: "cc".to_owned(),
        threads: 3,
        sums: Sums {
            lifetime_ns: 4,
            on_cpu_ns: 4,
            ..Sums::default()
        },
        ..Group::default()
    });
    // A second group of that name is the same group.
    b.groups.push(b.groups[0].clone());
    let diff = diff_of(&[a], &[b]);
    let [make, cc] = diff.groups.as_slice() else {
        panic!("{:?}", diff.groups)
    };
    assert_eq!((make.only_in, make.a_threads, make.b_threads), (None, 1, 2));
    assert_eq!(parts(&make.lifetime), ["futex 12 60 48", "poll 1 0 -1"]);
    let futex = &make.lifetime.parts[0];
    assert_eq!((futex.a.count, futex.b.count), (Some(2), Some(2)));
    assert_eq!(
        (cc.only_in, cc.a_threads, cc.b_threads),
        (Some(Which::B), 0, 3)
    );
    assert_eq!(parts(&cc.lifetime), ["on-cpu 0 4 4"]);
}

#[test]
fn closing_means_of_several_runs_add_up_and_say_from_where_to_where() {
    let run = |timer, disk| document(&[("timer", timer), ("disk", disk)], &[]);
    let a = [run(1, 0), run(0, 0), run(0, 1)];
    let diff = diff_of(&a, &[run(5, 5)]);
    // Of 2/3 the nearest is 1, and of two thirds of it one ns goes to one of them.
    assert_eq!(
        diff.path.a,
        Amount {
            ns: 1,
            min_ns: 0,
            max_ns: 1,
            count: None
        }
    );
    let sums: i64 = diff.path.parts.iter().map(|part| part.a.ns).sum();
    assert_eq!(sums, 1);
    assert_eq!(diff.path.difference_ns, 9);
}

/// Sums of any size, and whether they close is their affair.
fn sums() -> impl Strategy<Value = Sums> {
    let kinds = prop::sample::select(vec![
        WaitKind::Futex,
        WaitKind::ChildExit,
        WaitKind::Unknown,
    ]);
    let causes = cause();
    let waits = prop::collection::vec((kinds.clone(), time(), any::<u64>()), 0..4);
    let blame = prop::collection::vec((kinds, causes, detail(), time()), 0..6);
    let states = (
        time(),
        time(),
        time(),
        time(),
        prop::option::of(time()),
        any::<bool>(),
    );
    (waits, blame, states).prop_map(|(waits, blame, states)| {
        let (on_cpu_ns, runqueue_ns, open_ns, unknown_ns, left_out, closes) = states;
        let waits: Vec<Wait> = waits
            .into_iter()
            .map(|(kind, total_ns, count)| Wait {
                kind,
                total_ns,
                count,
                ..Wait::default()
            })
            .collect();
        let blame = blame.into_iter().map(|(kind, cause, detail, ns)| Blame {
            kind,
            cause,
            detail,
            ns,
        });
        let all = waits.iter().map(|wait| wait.total_ns);
        let all = all.fold(on_cpu_ns.saturating_add(runqueue_ns), u64::saturating_add);
        Sums {
            lifetime_ns: if closes { all } else { on_cpu_ns },
            on_cpu_ns,
            runqueue_ns,
            open_ns,
            unknown_ns,
            left_out: left_out.map(|total_ns| LeftOut { count: 1, total_ns }),
            waits,
            blame: blame.collect(),
            ..Sums::default()
        }
    })
}

/// Mostly as there are; now and then years.
fn time() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..5_000_000_000_u64, 1 => Just(0), 1 => any::<u64>().prop_map(|ns| ns >> 8)]
}

fn cause() -> impl Strategy<Value = CauseKind> + Clone {
    prop::sample::select(CauseKind::ALL.to_vec())
}

fn detail() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(vec!["git", "1:9418", ""]).prop_map(str::to_owned))
}

fn any_document() -> impl Strategy<Value = Document> {
    let path = prop::collection::vec((cause(), detail(), time()), 0..6);
    let path = prop::option::weighted(0.9, (path, time(), time()));
    let names = prop::sample::select(vec!["make", "cc", "ld"]);
    let groups = prop::collection::vec((names, 0..40_usize, sums()), 0..4);
    (path, groups, time()).prop_map(|(path, groups, wall_ns)| Document {
        wall_ns,
        critical_path: path.map(|(sums, from_ns, to_ns)| CriticalPath {
            from_ns,
            to_ns,
            sums: sums
                .into_iter()
                .map(|(cause, detail, ns)| PathSum { cause, detail, ns })
                .collect(),
            ..CriticalPath::default()
        }),
        groups: groups
            .into_iter()
            .map(|(name, threads, sums)| Group {
                name: name.to_owned(),
                threads,
                sums,
                ..Group::default()
            })
            .collect(),
        ..Document::default()
    })
}

fn side() -> impl Strategy<Value = Vec<Document>> {
    prop::collection::vec(any_document(), 1..4)
}

/// Parts add up to their whole, on both sides and in the difference.
fn check_closes(row: &Row) {
    assert_eq!(row.difference_ns, row.b.ns - row.a.ns, "{row:?}");
    if row.parts.is_empty() {
        return;
    }
    let sum = |of: fn(&Row) -> i64| row.parts.iter().map(of).sum::<i64>();
    assert_eq!(sum(|part| part.a.ns), row.a.ns, "{row:?}");
    assert_eq!(sum(|part| part.b.ns), row.b.ns, "{row:?}");
    assert_eq!(sum(|part| part.difference_ns), row.difference_ns, "{row:?}");
    row.parts.iter().for_each(check_closes);
}

/// With the sides, and what they differ by, the other way round.
fn exchanged(row: &Row) -> Row {
    Row {
        name: row.name.clone(),
        a: row.b,
        b: row.a,
        difference_ns: -row.difference_ns,
        finding: row.finding,
        p: row.p,
        parts: row.parts.iter().map(exchanged).collect(),
    }
}

proptest! {
    #[test]
    fn closing_parts_add_up_to_the_nanosecond(a in side(), b in side()) {
        let diff = diff_of(&a, &b);
        check_closes(&diff.path);
        diff.groups.iter().for_each(|group| check_closes(&group.lifetime));
        let bounds = |amount: Amount| amount.min_ns <= amount.max_ns;
        prop_assert!(every(&diff).iter().all(|row| bounds(row.a) && bounds(row.b)));
    }

    #[test]
    fn closing_of_equal_sides_nothing_differs(a in side()) {
        let diff = diff_of(&a, &a);
        prop_assert!(every(&diff).iter().all(|row| row.difference_ns == 0 && row.a == row.b));
        prop_assert!(every(&diff).iter().all(|row| row.finding != Finding::Change));
        prop_assert_eq!(&diff, &diff_of(&a, &a));
    }

    #[test]
    fn closing_the_other_way_round_it_is_the_same(a in side(), b in side()) {
        let (there, back) = (diff_of(&a, &b), diff_of(&b, &a));
        prop_assert_eq!(exchanged(&there.path), back.path);
        prop_assert_eq!(there.groups.len(), back.groups.len());
        for (there, back) in there.groups.iter().zip(&back.groups) {
            prop_assert_eq!(&exchanged(&there.lifetime), &back.lifetime);
        }
    }

    #[test]
    fn closing_the_order_of_runs_does_not_matter(a in side(), b in side()) {
        let diff = diff_of(&a, &b);
        let (a, b): (Vec<_>, Vec<_>) = (a.into_iter().rev().collect(), b.into_iter().rev().collect());
        let other = diff_of(&a, &b);
        prop_assert_eq!(diff.path, other.path);
        prop_assert_eq!(diff.groups, other.groups);
    }

    #[test]
    fn closing_a_difference_is_read_back(a in side(), b in side()) {
        let diff = diff_of(&a, &b);
        let bytes = crate::view::json::diff(&diff);
        let back: Diff = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(&crate::view::json::diff(&back), &bytes);
        prop_assert_eq!(back, diff);
    }
}

/// In what no run can last sums end at the greatest number that there is.
#[test]
fn closing_no_number_is_too_great() {
    let mut most = document(&[("timer", 1), ("disk", 1)], &[("futex", 1), ("poll", 1)]);
    most.wall_ns = u64::MAX;
    let path = most.critical_path.as_mut().unwrap();
    path.to_ns = u64::MAX;
    path.sums.iter_mut().for_each(|sum| sum.ns = u64::MAX);
    let sums = &mut most.groups[0].sums;
    sums.lifetime_ns = u64::MAX;
    sums.waits
        .iter_mut()
        .for_each(|wait| wait.total_ns = u64::MAX);
    let none = Document::default();
    for (a, b) in [(&most, &none), (&none, &most), (&most, &most)] {
        let diff = diff_of(&[a.clone(), b.clone()], &vec![b.clone(); 6]);
        assert!(
            every(&diff)
                .iter()
                .all(|row| row.a.ns.checked_sub(row.b.ns).is_some())
        );
    }
}

#[test]
fn closing_a_row_that_says_no_more_than_its_whole_is_left_out() {
    let run = document(&[("timer", 5), ("computing cc", 5)], &[]);
    let diff = diff_of(std::slice::from_ref(&run), std::slice::from_ref(&run));
    assert_eq!(all(&diff.path).len(), 4, "{:?}", diff.path);
}
