//! Bounds that runs support, rounded outwards to numbers that people write.
//!
//! One run says nothing of the next, so what is claimed of it has a wide margin; of several
//! runs the margin is what they differ by, and half of that, on either side. Of what is nearly
//! all of a whole no more is claimed than that it is most: the rest is several times as much
//! on a machine that is busier (pools of Pythons on one with five times its load: 3 % to 29 %).
//! A count is claimed exactly where several runs agree on it, or where it is so small that
//! another one is another program.

use crate::claim::interval::Interval;

/// Points of a share in which the next run may differ from the only one.
const ONE_RUN: f64 = 0.25;
/// The same from several, at least.
const SEVERAL_RUNS: f64 = 0.1;
/// So many times what several differ by.
const SPREADS: f64 = 1.5;
/// No more is claimed of what is most of a whole in one run.
const MOST_OF_ONE: f64 = 0.5;
/// The same in several.
const MOST_OF_SEVERAL: f64 = 0.6;
/// So small a part of a share may be left of it.
const PART: f64 = 3.0;
/// Shares are claimed in steps of this, percent.
const STEP: f64 = 5.0;
/// Of a step: what arithmetic makes of a whole one.
const TINY: f64 = 1e-9;
/// Of what is most of the time only the least is claimed.
const MOSTLY: f64 = 0.5;
/// One is another program with none or two; from here on it may be chance.
const FEW: f64 = 2.0;

/// What holds what was measured in all runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hull {
    pub(super) lo: f64,
    pub(super) hi: f64,
    runs: usize,
}

/// Comparisons with a number, all of which hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bounds(Vec<(&'static str, String)>);

impl Hull {
    /// `None` of no run.
    pub(super) fn of(values: &[Interval]) -> Option<Hull> {
        let hulls = values.iter().map(|one| Hull {
            lo: one.lo(),
            hi: one.hi(),
            runs: 1,
        });
        hulls.reduce(|a, b| Hull {
            lo: a.lo.min(b.lo),
            hi: a.hi.max(b.hi),
            runs: a.runs + b.runs,
        })
    }

    /// One number in all runs.
    pub(super) fn is(self, number: f64) -> bool {
        self.lo == number && self.hi == number
    }

    /// It is most of the whole, and so claimed.
    pub(super) fn is_most(self) -> bool {
        self.least_share() >= MOSTLY
    }

    /// One number in all runs, and certain to be the next one's, too.
    pub(super) fn invariant(self) -> Option<u64> {
        let is_sure = self.lo == self.hi && (self.runs > 1 || self.lo <= FEW);
        is_sure.then_some(self.lo as u64)
    }

    /// By how much the next run may differ.
    fn margin(self) -> f64 {
        match self.runs {
            1 => ONE_RUN,
            _ => SEVERAL_RUNS.max((self.hi - self.lo) * SPREADS),
        }
    }

    fn least_share(self) -> f64 {
        let most = match self.runs {
            1 => MOST_OF_ONE,
            _ => MOST_OF_SEVERAL,
        };
        let least = (self.lo - self.margin()).max(self.lo / PART).min(most);
        (least * 100.0 / STEP + TINY).floor() * STEP / 100.0
    }

    /// Of a share: the least, and the most of what is not most of the whole.
    pub(super) fn share(self) -> Option<Bounds> {
        let percent = |share: f64| format!("{}%", (share * 100.0).round());
        let least = self.least_share();
        let most = ((self.hi + self.margin()) * 100.0 / STEP - TINY).ceil() * STEP / 100.0;
        let has_most = least < MOSTLY && most < 1.0;
        Bounds::between(
            (least > 0.0).then(|| percent(least)),
            has_most.then(|| percent(most)),
        )
    }

    /// Of a number of things.
    pub(super) fn count(self) -> Option<Bounds> {
        if let Some(number) = self.invariant() {
            return Some(Bounds(vec![("==", number.to_string())]));
        }
        let (least, most) = match self.runs {
            1 => (self.lo / 2.0, self.hi * 2.0),
            _ => (self.lo * 2.0 - self.hi, self.hi * 2.0 - self.lo),
        };
        // Where nothing bounds it from above, that is no reason to expect fewer.
        let least = if self.hi.is_finite() {
            least
        } else {
            self.lo / 2.0
        };
        let (least, most) = (rounded(least, f64::floor), rounded(most, f64::ceil));
        Bounds::between(
            (least >= 1.0).then(|| least.to_string()),
            most.is_finite().then(|| most.to_string()),
        )
    }

    /// The most, of a time or of bytes: three times that of one run, twice that of several.
    pub(super) fn at_most(self, units: &[(&str, f64)]) -> Option<Bounds> {
        let most = match self.runs {
            1 => self.hi * 3.0,
            _ => self.hi.max(self.hi * 2.0 - self.lo) * 2.0,
        };
        let fitting = units.iter().rev().find(|(_, size)| most >= *size);
        let (unit, size) = fitting.or(units.first())?;
        let number = rounded(most / size, f64::ceil);
        Bounds::between(None, number.is_finite().then(|| format!("{number}{unit}")))
    }
}

/// Times, ns.
pub(super) const TIMES: &[(&str, f64)] = &[("ms", 1e6), ("s", 1e9), ("min", 6e10)];
/// Bytes.
pub(super) const BYTES: &[(&str, f64)] = &[
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
];

/// To the next whole number below 10, half of a ten below 100, and so on: 7, 45, 250, 3000.
fn rounded(number: f64, to: fn(f64) -> f64) -> f64 {
    let size = 10_f64.powf(number.abs().max(1.0).log10().floor());
    let step = if size < 10.0 { 1.0 } else { size / 2.0 };
    match number.is_finite() {
        true => to(number / step) * step,
        false => number,
    }
}

impl Bounds {
    /// `None` without either.
    fn between(least: Option<String>, most: Option<String>) -> Option<Bounds> {
        let least = least.map(|number| (">=", number));
        let most = most.map(|number| ("<=", number));
        let list: Vec<(&'static str, String)> = least.into_iter().chain(most).collect();
        (!list.is_empty()).then_some(Bounds(list))
    }

    /// The last number: of [`Hull::at_most`] the only one.
    pub(super) fn number(&self) -> &str {
        self.0.last().map_or("", |(_, number)| number)
    }

    /// That an expression is within them.
    pub(super) fn of(&self, expression: &str) -> String {
        let list = self.0.iter();
        let list = list.map(|(operator, number)| format!("{expression} {operator} {number}"));
        list.collect::<Vec<String>>().join(" and ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hull(values: &[(f64, f64)]) -> Hull {
        let values = values.iter().map(|&(lo, hi)| Interval::new(lo, hi));
        Hull::of(&values.collect::<Vec<_>>()).unwrap()
    }

    fn points(values: &[f64]) -> Hull {
        let pairs: Vec<(f64, f64)> = values.iter().map(|&value| (value, value)).collect();
        hull(&pairs)
    }

    fn text(bounds: Option<Bounds>) -> String {
        bounds.map_or_else(String::new, |bounds| bounds.of("x"))
    }

    #[test]
    fn bounds_of_shares_are_as_wide_as_the_runs_differ() {
        for (values, expected) in [
            (&[0.957][..], "x >= 50%"),
            (&[0.6], "x >= 35% and x <= 85%"),
            (&[0.2], "x >= 5% and x <= 45%"),
            (&[0.9, 0.92, 0.91], "x >= 60%"),
            (&[0.7, 0.8, 0.75], "x >= 55%"),
            (&[0.6, 0.9], "x >= 20%"),
            (&[0.3, 0.31], "x >= 20% and x <= 45%"),
            (&[0.2, 0.2], "x >= 10% and x <= 30%"),
            (&[0.0], "x <= 25%"),
        ] {
            assert_eq!(text(points(values).share()), expected, "{values:?}");
        }
        assert_eq!(text(hull(&[(0.4, 1.0)]).share()), "x >= 15%");
        assert_eq!(text(hull(&[(0.0, 1.0)]).share()), "");
    }

    #[test]
    fn bounds_of_counts_are_exact_where_runs_agree() {
        for (values, expected) in [
            (&[1.0][..], "x == 1"),
            (&[8.0], "x >= 4 and x <= 20"),
            (&[97.0], "x >= 45 and x <= 200"),
            (&[1234.0], "x >= 600 and x <= 2500"),
            (&[97.0, 97.0], "x == 97"),
            (&[97.0, 99.0, 98.0], "x >= 95 and x <= 150"),
            (&[1.0, 4.0], "x <= 7"),
            (&[0.0, 0.0], "x == 0"),
        ] {
            assert_eq!(text(points(values).count()), expected, "{values:?}");
        }
        let unbounded = hull(&[(8.0, f64::INFINITY), (8.0, 8.0)]);
        assert_eq!(text(unbounded.count()), "x >= 4");
        assert_eq!(text(hull(&[(0.0, f64::INFINITY)]).count()), "");
    }

    #[test]
    fn bounds_of_times_and_bytes_are_a_multiple() {
        for (values, units, expected) in [
            (&[3e8][..], TIMES, "x <= 900ms"),
            (&[2.1e9], TIMES, "x <= 7s"),
            (&[2.1e9, 2.2e9], TIMES, "x <= 5s"),
            (&[2e9, 6e9], TIMES, "x <= 20s"),
            (&[1e3], TIMES, "x <= 1ms"),
            (&[5e11], TIMES, "x <= 25min"),
            (&[30e6], BYTES, "x <= 90MiB"),
            (&[f64::INFINITY], TIMES, ""),
        ] {
            let bounds = points(values).at_most(units);
            assert_eq!(text(bounds), expected, "{values:?}");
        }
    }
}
