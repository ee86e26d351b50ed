//! Lists in memory and in a file.

use super::*;

/// Two chunks and a half of words.
const ITEMS: u64 = 1280;

fn budgets() -> [SpillBudget; 4] {
    let folder = std::env::temp_dir();
    [
        SpillBudget::default(),
        SpillBudget::limited(0, &folder),
        SpillBudget::limited(CHUNK_BYTES, &folder),
        SpillBudget::limited(0, Path::new("/nonexistent")),
    ]
}

fn filled(budget: &mut SpillBudget) -> SpillVec<u64> {
    let mut list = SpillVec::default();
    (0..ITEMS).for_each(|item| list.push(item, budget));
    list
}

#[test]
fn a_spill_vec_is_a_list_wherever_it_is_kept() {
    for mut budget in budgets() {
        let list = filled(&mut budget);
        assert_eq!(list.len(), ITEMS as usize);
        assert_eq!(list.last(), Some(&(ITEMS - 1)));
        for from in [0, 1, 511, 512, 1023, 1024, 1279, 1280, 5000] {
            let items: Vec<u64> = list.from(from).copied().collect();
            assert_eq!(items, (from as u64..ITEMS).collect::<Vec<_>>(), "{from}");
            let item = (from < ITEMS as usize).then_some(from as u64);
            assert_eq!(list.get(from).copied(), item);
        }
    }
}

#[test]
fn what_is_behind_a_place_changes() {
    for mut budget in budgets() {
        for from in [0, 1, 511, 512, 1024, 1279, 1280, 5000] {
            let mut list = filled(&mut budget);
            list.change(from, |item| *item += 10_000);
            for (at, item) in list.from(0).enumerate() {
                let added = if at < from { 0 } else { 10_000 };
                assert_eq!(*item, at as u64 + added, "from {from}");
            }
        }
    }
}

#[test]
fn what_was_cut_grows_again() {
    for mut budget in budgets() {
        for len in [0, 1, 511, 512, 513, 1024, 1025, 1280, 5000] {
            let mut list = filled(&mut budget);
            list.truncate(len);
            let left = len.min(ITEMS as usize);
            assert_eq!(list.len(), left, "{len}");
            (0..600).for_each(|item| list.push(item, &mut budget));
            let expected: Vec<u64> = (0..left as u64).chain(0..600).collect();
            assert_eq!(list.from(0).copied().collect::<Vec<_>>(), expected);
        }
    }
}

#[test]
fn what_was_cut_off_leaves_the_others_where_they_are() {
    for mut budget in budgets() {
        for before in [0, 1, 511, 512, 513, 1024, 1279, 5000] {
            let mut list = filled(&mut budget);
            list.cut(before, &mut budget);
            let first = (before / 512).min(2) * 512;
            assert_eq!((list.first(), list.len()), (first, ITEMS as usize));
            let items: Vec<u64> = list.from(0).copied().collect();
            assert_eq!(items, (first as u64..ITEMS).collect::<Vec<_>>());
            assert_eq!(list.get(first), Some(&(first as u64)));
            assert_eq!(first.checked_sub(1).and_then(|at| list.get(at)), None);
            for limit in [0, 512, 600, 1100, 1280] {
                let found = list.partition_point_back(usize::MAX, |&item| item < limit);
                assert_eq!(found, first.max(limit as usize));
            }
            list.change(700, |item| *item += 1);
            assert_eq!(list.get(1279), Some(&1280));
            list.release(&mut budget);
        }
    }
}

#[test]
fn what_is_given_back_is_used_again() {
    for mut budget in budgets() {
        let sizes = |budget: &SpillBudget| (budget.kept_bytes(), budget.spilled_bytes());
        let list = filled(&mut budget);
        let full = sizes(&budget);
        list.release(&mut budget);
        assert_eq!(budget.kept_bytes(), 0);
        let again = filled(&mut budget);
        assert_eq!(sizes(&budget), full);
        assert!(again.from(0).copied().eq(0..ITEMS));
    }
}

#[test]
fn the_search_from_the_end_finds_what_any_search_finds() {
    let list = filled(&mut SpillBudget::default());
    for of in [0, 1, 2, 3, 10, 511, 512, 1000, 1280, 2000] {
        for limit in [0, 1, 2, 5, 511, 512, 513, 999, 1000, 1279, 1280] {
            let found = list.partition_point_back(of, |&item| item < limit);
            assert_eq!(found, limit.min(of as u64).min(ITEMS) as usize);
        }
    }
}

#[test]
fn only_what_does_not_fit_goes_to_the_file() {
    let bytes = |budget: &mut SpillBudget| {
        let _kept = filled(budget);
        (budget.spilled_bytes(), budget.problem().is_some())
    };
    let [mut free, mut none, mut one, mut nowhere] = budgets();
    assert_eq!(bytes(&mut free), (0, false));
    assert_eq!(bytes(&mut none), (2 * CHUNK_BYTES as u64, false));
    assert_eq!(bytes(&mut one), (CHUNK_BYTES as u64, false));
    assert_eq!(bytes(&mut nowhere), (0, true));
    assert!(
        nowhere
            .problem()
            .is_some_and(|p| p.contains("/nonexistent"))
    );
}
