//! What is called a change.

use proptest::prelude::*;

use super::{diff_of, document, every};
use crate::diff::permutation::{LEVEL, can_find, test};
use crate::document::{Document, diff::Finding};

#[test]
fn permutation_five_runs_a_side_can_find_something_and_four_cannot() {
    let cases = [
        (1, 1, false),
        (1, 200, false),
        (4, 4, false),
        (3, 6, false),
        (3, 7, true),
        (4, 5, true),
        (5, 5, true),
        (3, 20, true),
        (200, 200, true),
    ];
    for (a, b, expect) in cases {
        assert_eq!(can_find(a, b), expect, "{a} and {b}");
        let rows = vec![vec![0.0; a + b]];
        assert_eq!(test(&rows, a, b, 1.0).is_some(), expect);
    }
}

#[test]
fn permutation_of_separate_sides_is_the_part_of_the_divisions_that_are_as_far_apart() {
    let apart: Vec<f64> = vec![1.0, 2.0, 3.0, 4.0, 5.0, 11.0, 12.0, 13.0, 14.0, 15.0];
    let mixed: Vec<f64> = vec![1.0, 12.0, 3.0, 14.0, 5.0, 11.0, 2.0, 13.0, 4.0, 15.0];
    let found = test(&[apart.clone(), mixed], 5, 5, 0.0).unwrap();
    // That division and the one the other way round, and those in which the other row is as
    // far apart as this one, of 252.
    assert_eq!((found.divisions, found.exact), (252, true));
    assert!((found.p[0] - 4.0 / 252.0).abs() < 1e-12, "{found:?}");
    assert!(found.p[1] > 0.1, "{found:?}");
    let found = test(&[apart], 5, 5, 0.0).unwrap();
    assert!((found.p[0] - 2.0 / 252.0).abs() < 1e-12, "{found:?}");
}

#[test]
fn permutation_of_many_runs_looks_at_some_divisions_and_always_at_the_same() {
    let rows: Vec<Vec<f64>> = vec![(0..40).map(f64::from).collect()];
    let found = test(&rows, 20, 20, 0.0).unwrap();
    assert_eq!((found.divisions, found.exact), (10_000, false));
    assert!(found.p[0] <= 1.0 / 10_001.0 + 1e-12, "{found:?}");
    assert_eq!(test(&rows, 20, 20, 0.0).unwrap(), found);
}

/// Numbers that hang together by no rule that the test knows: the shape of a run's times, most
/// near a value, some far above.
fn noise(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let base = state % 20_000_000;
        if state.is_multiple_of(11) {
            base * 8
        } else {
            base
        }
    }
}

fn runs(n: usize, slower_ns: u64, next: &mut impl FnMut() -> u64) -> Vec<Document> {
    let one = |_| {
        let mut about = |ns: u64| ns + next();
        let path = [
            ("network 1:9418", about(150_000_000) + slower_ns),
            ("run-queue", about(90_000_000)),
            ("computing git", about(60_000_000)),
            ("computing python3", about(70_000_000)),
            ("starting", about(6_000_000)),
        ];
        let waits = [
            ("child-exit", about(900_000_000) + slower_ns * 8),
            ("futex", about(200_000_000)),
            ("gil", about(30_000_000)),
        ];
        document(&path, &waits)
    };
    (0..n).map(one).collect()
}

fn changes(a: &[Document], b: &[Document]) -> Vec<String> {
    let diff = diff_of(a, b);
    let rows = every(&diff).into_iter();
    let changes = rows.filter(|row| row.finding == Finding::Change);
    changes
        .map(|row| row.name.clone().unwrap_or_default())
        .collect()
}

/// At most one comparison of equal runs in a hundred has any change: of 400 some four, and
/// more than 12 of 400 in one case of two thousand.
#[test]
fn permutation_equal_runs_have_no_change() {
    let mut with_change = 0;
    for seed in 1..=400 {
        let mut next = noise(seed);
        let (a, b) = (runs(5, 0, &mut next), runs(5, 0, &mut next));
        with_change += u32::from(!changes(&a, &b).is_empty());
    }
    assert!(
        with_change <= 12,
        "{with_change} of 400 at a level of {LEVEL}"
    );
}

#[test]
fn permutation_a_slower_peer_is_the_change_and_nothing_else_is() {
    let mut next = noise(7);
    let (a, b) = (runs(8, 0, &mut next), runs(8, 400_000_000, &mut next));
    let found = changes(&a, &b);
    assert_eq!(found, ["", "network", "1:9418", "", "child-exit"]);
}

#[test]
fn permutation_with_lost_records_nothing_is_certain() {
    let mut next = noise(7);
    let (a, mut b) = (runs(5, 0, &mut next), runs(5, 200_000_000, &mut next));
    b[3].coverage.lost.insert("switch".to_owned(), 1);
    let diff = diff_of(&a, &b);
    assert_eq!(
        (diff.a.certain, diff.b.certain, diff.test),
        (true, false, None)
    );
    assert!(
        every(&diff)
            .iter()
            .all(|row| row.finding == Finding::NotCertain)
    );
}

proptest! {
    #[test]
    fn permutation_any_numbers_have_a_probability(rows in prop::collection::vec(prop::collection::vec(-1e18..1e18_f64, 12), 0..6), floor in 0.0..1e9_f64) {
        let found = test(&rows, 5, 7, floor).unwrap();
        prop_assert_eq!(found.p.len(), rows.len());
        prop_assert!(found.p.iter().all(|&p| p > 0.0 && p <= 1.0), "{:?}", found);
    }
}
