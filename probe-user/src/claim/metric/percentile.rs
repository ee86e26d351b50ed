//! The 99th percentile of many lots together, of which only each lot's own is known.
//!
//! Of a lot of `n` values at most n/100 are above its percentile, and none above its
//! greatest. The percentile of all is the least value that at most N/100 of all exceed. A
//! value that is not known may be the greatest or the least of all.

use crate::{
    claim::{
        measured::{Doubt, Measured, down, up},
        unit::Unit,
    },
    histogram,
};

/// Values that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// How many.
    pub count: u64,
    /// What 99 % do not exceed; too great by 1/64 at most.
    pub p99: u64,
    /// The greatest.
    pub max: u64,
}

/// The percentile of all, with so many besides of which nothing is known. `None` of none.
pub fn p99(lots: &[Lot], unknown: u64, doubts: Vec<Doubt>) -> Option<Measured> {
    let lots: Vec<Lot> = lots.iter().copied().filter(|lot| lot.count > 0).collect();
    let count: u128 = lots.iter().map(|lot| u128::from(lot.count)).sum();
    if count == 0 {
        return None;
    }
    let all = count + u128::from(unknown);
    let most_above = all / 100;
    let hi = least(&lots, most_above.checked_sub(u128::from(unknown)));
    let lo = greatest(&lots, most_above + 1);
    let hi = hi.map_or(f64::INFINITY, |hi| up(hi.into()));
    let lo = down(lo.into());
    let doubts = if lo < hi { doubts } else { Vec::new() };
    Some(Measured::between(lo.min(hi), hi, doubts))
}

/// The least value that certainly no more than so many exceed.
fn least(lots: &[Lot], may_exceed: Option<u128>) -> Option<u64> {
    let may_exceed = may_exceed?;
    // What each lot has above its percentile, and above all.
    let mut steps: Vec<(u64, u128)> = Vec::with_capacity(2 * lots.len());
    for lot in lots {
        let above = u128::from(lot.count - histogram::rank(lot.count));
        steps.push((lot.p99, u128::from(lot.count) - above));
        steps.push((lot.max, above));
    }
    steps.sort_unstable();
    let mut exceed: u128 = lots.iter().map(|lot| u128::from(lot.count)).sum();
    for (value, falls) in steps {
        exceed -= falls;
        if exceed <= may_exceed {
            return Some(value);
        }
    }
    None
}

/// The greatest value that certainly so many reach or exceed; 0 if none.
fn greatest(lots: &[Lot], reach: u128) -> u64 {
    // From each lot's percentile on so many, and one its greatest.
    let mut steps: Vec<(u64, u128)> = Vec::with_capacity(2 * lots.len());
    for lot in lots {
        let from = u128::from(lot.count - histogram::rank(lot.count));
        steps.push((lot.max, 1));
        steps.push((lot.p99 - lot.p99.div_ceil(65).min(lot.p99), from));
    }
    steps.sort_unstable_by(|a, b| b.cmp(a));
    let mut so_far = 0;
    for (value, more) in steps {
        so_far += more;
        if so_far >= reach {
            return value;
        }
    }
    0
}

/// There is nothing to take a percentile of.
pub fn of_nothing(what: &'static str) -> Measured {
    Measured::unknown(Unit::Time, vec![Doubt::new(what, "")])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::histogram::Histogram;

    fn lot(values: &[u64]) -> Lot {
        let mut histogram = Histogram::default();
        values.iter().for_each(|&value| histogram.add(value));
        Lot {
            count: histogram.count,
            p99: histogram.p99().unwrap_or(0),
            max: histogram.max,
        }
    }

    fn exact(mut values: Vec<u64>) -> u64 {
        values.sort_unstable();
        let rank = histogram::rank(values.len() as u64) as usize;
        values[rank - 1]
    }

    #[test]
    fn percentile_of_one_lot_is_its_own() {
        let measured = p99(&[lot(&[5; 200])], 0, Vec::new()).unwrap();
        assert_eq!(measured.hi, 5.0);
        assert!(measured.lo >= 4.0, "{measured:?}");
        assert_eq!(p99(&[], 3, Vec::new()), None);
    }

    #[test]
    fn percentile_unknown_values_beyond_a_hundredth_have_no_upper_bound() {
        let lots = [lot(&[7; 99])];
        let two = p99(&lots, 2, Vec::new()).unwrap();
        assert_eq!(two.hi, f64::INFINITY);
        let one = p99(&lots, 1, Vec::new()).unwrap();
        assert_eq!(one.hi, 7.0);
    }

    proptest! {
        #[test]
        fn percentile_of_all_lies_inside(
            lots in proptest::collection::vec(
                proptest::collection::vec(0..100_000_u64, 0..300), 1..12),
            hidden in proptest::collection::vec(any::<u64>(), 0..6),
        ) {
            let known: Vec<Lot> = lots.iter().map(|values| lot(values)).collect();
            let all: Vec<u64> = lots.concat().into_iter().chain(hidden.iter().copied()).collect();
            prop_assume!(!lots.concat().is_empty());
            let measured = p99(&known, hidden.len() as u64, Vec::new()).unwrap();
            let truth = exact(all) as f64;
            prop_assert!(measured.lo <= truth && truth <= measured.hi, "{truth} {measured:?}");
        }
    }
}
