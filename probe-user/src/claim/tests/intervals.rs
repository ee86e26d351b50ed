//! An operation's result holds every result of its operands' numbers.

use proptest::prelude::*;

use crate::claim::{interval::Interval, truth::Truth};

fn interval(lo: f64, hi: f64) -> Interval {
    Interval::new(lo, hi)
}

const INF: f64 = f64::INFINITY;

#[test]
fn whole_numbers_stay_points() {
    let point = Interval::point;
    assert_eq!(point(3.0) + point(4.0), point(7.0));
    assert_eq!(point(3.0) - point(4.0), point(-1.0));
    assert_eq!(point(3e9) * point(4.0), point(12e9));
    assert_eq!(point(50.0) / point(100.0), point(0.5));
    assert_eq!(-interval(1.0, 2.0), interval(-2.0, -1.0));
    let third = point(1.0) / point(3.0);
    assert!(third.lo() < third.hi() && third.hi().next_down() == third.lo());
}

#[test]
fn what_is_no_number_is_everything() {
    let everything = Interval::EVERYTHING;
    let all = interval(0.0, INF);
    let cases = [
        interval(f64::NAN, 1.0),
        interval(2.0, 1.0),
        interval(INF, INF) - interval(INF, INF),
        Interval::point(0.0) * all,
        Interval::point(1.0) / interval(-1.0, 1.0),
        Interval::point(1.0) / interval(0.0, 1.0),
        all / interval(1.0, INF) * Interval::point(0.0),
    ];
    for (at, case) in cases.into_iter().enumerate() {
        assert_eq!(case, everything, "{at}");
    }
    assert_eq!(
        interval(1.0, INF) + Interval::point(1.0),
        interval(2.0, INF)
    );
    assert_eq!(
        interval(1.0, INF) * Interval::point(2.0),
        interval(2.0, INF)
    );
    assert_eq!(
        Interval::point(1.0) / interval(1.0, INF),
        interval(0.0, 1.0)
    );
    let large = Interval::point(f64::MAX) * Interval::point(2.0);
    assert_eq!(large, interval(f64::MAX, INF));
}

#[test]
fn comparisons_have_three_values() {
    use Truth::{False, True, Unknown};
    let (low, high, both) = (interval(1.0, 2.0), interval(3.0, 4.0), interval(2.0, 3.0));
    for (a, b, less, at_most, equal) in [
        (low, high, True, True, False),
        (high, low, False, False, False),
        (low, both, Unknown, True, Unknown),
        (both, low, False, Unknown, Unknown),
        (low, low, Unknown, Unknown, Unknown),
        (
            Interval::point(2.0),
            Interval::point(2.0),
            False,
            True,
            True,
        ),
        (Interval::EVERYTHING, low, Unknown, Unknown, Unknown),
    ] {
        assert_eq!(a.less(b), less, "{a:?} < {b:?}");
        assert_eq!(a.at_most(b), at_most, "{a:?} <= {b:?}");
        assert_eq!(a.equal(b), equal, "{a:?} == {b:?}");
    }
}

/// An interval, a part of it, and a number in that.
fn nested() -> impl Strategy<Value = (Interval, Interval, f64)> {
    let number = prop_oneof![
        Just(0.0),
        -1e3..1e3,
        any::<f64>().prop_filter("a number", |n| n.is_finite()),
        (-100_i32..100).prop_map(f64::from),
    ];
    let infinite = prop_oneof![4 => Just(false), 1 => Just(true)];
    let numbers = prop::collection::vec(number, 5);
    (numbers, infinite.clone(), infinite).prop_map(|(mut n, below, above)| {
        n.sort_by(f64::total_cmp);
        let lo = if below { -INF } else { n[0] };
        let hi = if above { INF } else { n[4] };
        (interval(lo, hi), interval(n[1], n[3]), n[2])
    })
}

fn is_within(inner: Interval, outer: Interval) -> bool {
    outer.lo() <= inner.lo() && inner.hi() <= outer.hi()
}

/// Whether knowing less did not turn it.
fn is_only_less(wide: Truth, narrow: Truth) -> bool {
    wide == Truth::Unknown || wide == narrow
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn results_are_held_and_grow_with_the_operands((wide, narrow, x) in nested(), (other, part, y) in nested()) {
        type Operation = (fn(Interval, Interval) -> Interval, fn(f64, f64) -> f64);
        let operations: [Operation; 4] = [
            (|a, b| a + b, |a, b| a + b),
            (|a, b| a - b, |a, b| a - b),
            (|a, b| a * b, |a, b| a * b),
            (|a, b| a / b, |a, b| a / b),
        ];
        for (on_intervals, on_numbers) in operations {
            let (outer, inner) = (on_intervals(wide, other), on_intervals(narrow, part));
            prop_assert!(!outer.lo().is_nan() && outer.lo() <= outer.hi());
            prop_assert!(is_within(inner, outer), "{:?} in {:?}", inner, outer);
            let number = on_numbers(x, y);
            // Rounded to nearest it may lie on the bound, never beyond.
            prop_assert!(number.is_nan() || number.is_infinite() || inner.contains(number));
        }
    }

    #[test]
    fn comparisons_of_wider_intervals_only_know_less((wide, narrow, x) in nested(), (other, part, y) in nested()) {
        for (outer, inner, exact) in [
            (wide.less(other), narrow.less(part), x < y),
            (wide.at_most(other), narrow.at_most(part), x <= y),
            (wide.equal(other), narrow.equal(part), x == y),
        ] {
            prop_assert!(is_only_less(outer, inner));
            let exact = Truth::of(exact, !exact);
            prop_assert!(is_only_less(inner, exact));
        }
    }
}
