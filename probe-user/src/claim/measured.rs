//! What was measured: an interval that certainly holds the true value, and why it is wider
//! than a point.
//!
//! Numbers of ns and bytes are whole; where one has no `f64` of its own, or a quotient has
//! none, `lo` is rounded down and `hi` up, so that the true value stays inside.

use std::borrow::Cow;

use super::unit::Unit;

/// The true value is in `lo..=hi`. Never NaN; `lo <= hi`; either may be infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// At least this, in the unit's base (ns, bytes, 1, times a second).
    pub lo: f64,
    /// At most this.
    pub hi: f64,
    /// What made it wider than a point; empty for a point.
    pub doubts: Vec<Doubt>,
}

impl Measured {
    /// Nothing is in doubt.
    pub fn exact(whole: u64) -> Measured {
        Measured {
            lo: down(whole.into()),
            hi: up(whole.into()),
            doubts: Vec::new(),
        }
    }

    /// It is in between. What is no interval is everything.
    pub fn between(lo: f64, hi: f64, doubts: Vec<Doubt>) -> Measured {
        let (lo, hi) = match lo <= hi {
            true => (lo, hi),
            false => (f64::NEG_INFINITY, f64::INFINITY),
        };
        Measured { lo, hi, doubts }
    }

    /// Whatever such a thing can be.
    pub fn unknown(unit: Unit, doubts: Vec<Doubt>) -> Measured {
        let hi = match unit {
            Unit::Share => 1.0,
            Unit::Time | Unit::Bytes | Unit::Count | Unit::PerSecond => f64::INFINITY,
        };
        Measured {
            lo: 0.0,
            hi,
            doubts,
        }
    }

    /// It is one number (up to what rounding costs).
    pub fn is_point(&self) -> bool {
        self.hi - self.lo <= f64::EPSILON * self.hi.abs()
    }
}

/// A reason for an interval, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// `3 records of switches were lost`, `the tracepoint tier does not count calls`.
    pub what: Cow<'static, str>,
    /// `record with a larger --ring-size`; empty where nothing helps.
    pub remedy: Cow<'static, str>,
}

impl Doubt {
    /// A doubt in fixed words.
    pub const fn new(what: &'static str, remedy: &'static str) -> Doubt {
        Doubt {
            what: Cow::Borrowed(what),
            remedy: Cow::Borrowed(remedy),
        }
    }

    /// One with numbers in it.
    pub const fn said(what: String, remedy: &'static str) -> Doubt {
        Doubt {
            what: Cow::Owned(what),
            remedy: Cow::Borrowed(remedy),
        }
    }
}

/// The greatest `f64` that is not greater.
pub fn down(whole: u128) -> f64 {
    let nearest = whole as f64;
    // Of what comes from u64s, the way back is exact.
    match nearest as u128 > whole {
        true => nearest.next_down(),
        false => nearest,
    }
}

/// The least `f64` that is not less.
pub fn up(whole: u128) -> f64 {
    let nearest = whole as f64;
    match (nearest as u128) < whole {
        true => nearest.next_up(),
        false => nearest,
    }
}

/// The greatest `f64` that is no greater than the quotient; of nothing, 0.
pub fn quotient_down(part: u128, whole: u128) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    let (part, whole) = (down(part), up(whole));
    let quotient = part / whole;
    match quotient.mul_add(whole, -part) > 0.0 {
        true => quotient.next_down(),
        false => quotient,
    }
}

/// The least `f64` that is no less than the quotient; of nothing, 0.
pub fn quotient_up(part: u128, whole: u128) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    let (part, whole) = (up(part), down(whole));
    let quotient = part / whole;
    match quotient.mul_add(whole, -part) < 0.0 {
        true => quotient.next_up(),
        false => quotient,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn measured_quotients_of_small_numbers_are_points_where_they_can_be() {
        assert_eq!((quotient_down(1, 2), quotient_up(1, 2)), (0.5, 0.5));
        assert_eq!((quotient_down(0, 7), quotient_up(7, 7)), (0.0, 1.0));
        assert!(quotient_down(1, 3) < quotient_up(1, 3));
        assert_eq!((quotient_down(5, 0), quotient_up(5, 0)), (0.0, 0.0));
    }

    #[test]
    fn measured_great_numbers_are_rounded_outwards() {
        let odd = (1 << 53) + 1;
        assert_eq!(down(odd) as u128, odd - 1);
        assert_eq!(up(odd) as u128, odd + 1);
    }

    #[test]
    fn measured_what_is_no_interval_is_everything() {
        let all = Measured::between(f64::NAN, 1.0, Vec::new());
        assert_eq!((all.lo, all.hi), (f64::NEG_INFINITY, f64::INFINITY));
    }

    proptest! {
        #[test]
        fn measured_a_quotient_lies_between_its_bounds(part: u64, whole in 1u64..) {
            let (lo, hi) = (quotient_down(part.into(), whole.into()), quotient_up(part.into(), whole.into()));
            // Exactly, as fractions: lo = m·2^e.
            prop_assert!(lo <= hi);
            prop_assert!(hi - lo <= hi * 4.0 * f64::EPSILON);
            prop_assert!(lo.mul_add(whole as f64, -(part as f64)) <= 2.0 * f64::EPSILON * part as f64);
        }
    }
}
