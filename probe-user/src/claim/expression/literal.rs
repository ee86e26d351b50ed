//! Numbers with a unit: in ns, bytes, and 1 for a whole. What is a whole number of these is
//! exact, however it was written (`0.1s`).

use super::quantity::Quantity;
use crate::claim::{interval::Interval, unit::Unit};

/// A unit as written.
struct Written {
    name: &'static str,
    quantity: Quantity,
    /// It is this many ns, bytes, … .
    times: u64,
    /// Of this many of them.
    over: u64,
}

const fn unit(name: &'static str, quantity: Quantity, times: u64, over: u64) -> Written {
    Written {
        name,
        quantity,
        times,
        over,
    }
}

const TIME: Quantity = Quantity::Of(Unit::Time);
const BYTES: Quantity = Quantity::Of(Unit::Bytes);

const UNITS: &[Written] = &[
    unit("", Quantity::Number, 1, 1),
    unit("ns", TIME, 1, 1),
    unit("us", TIME, 1_000, 1),
    unit("µs", TIME, 1_000, 1),
    unit("ms", TIME, 1_000_000, 1),
    unit("s", TIME, 1_000_000_000, 1),
    unit("min", TIME, 60_000_000_000, 1),
    unit("B", BYTES, 1, 1),
    unit("KiB", BYTES, 1 << 10, 1),
    unit("MiB", BYTES, 1 << 20, 1),
    unit("GiB", BYTES, 1 << 30, 1),
    unit("%", Quantity::Of(Unit::Share), 1, 100),
    unit("/s", Quantity::Of(Unit::PerSecond), 1, 1),
];

/// What people write for a unit.
const FOREIGN: &[(&str, &str)] = &[
    ("m", "min"),
    ("sec", "s"),
    ("h", "min"),
    ("K", "KiB"),
    ("KB", "KiB"),
    ("kB", "KiB"),
    ("k", "KiB"),
    ("M", "MiB"),
    ("MB", "MiB"),
    ("G", "GiB"),
    ("GB", "GiB"),
    ("b", "B"),
];

/// Digits that are looked at exactly.
const MOST_DIGITS: usize = 19;

/// Numbers are exact below 2^53.
const EXACT: u128 = 1 << 53;

/// Why it is no number.
pub(super) enum Wrong {
    /// There is no such unit; perhaps this was meant.
    Unit(Option<String>),
    /// Nothing is that large.
    Number,
}

/// The value of `number` (digits, `_`, a decimal point, an exponent) in `unit`.
pub(super) fn value(number: &str, unit: &str) -> Result<(Interval, Quantity), Wrong> {
    let Some(unit) = UNITS.iter().find(|known| known.name == unit) else {
        return Err(Wrong::Unit(instead(unit)));
    };
    let digits = number.replace('_', "");
    let interval = exactly(&digits, unit).or_else(|| nearly(&digits, unit));
    let interval = interval.ok_or(Wrong::Number)?;
    Ok((interval, unit.quantity))
}

fn instead(wrong: &str) -> Option<String> {
    let foreign = FOREIGN.iter().find(|(name, _)| *name == wrong);
    if let Some((_, right)) = foreign {
        return Some(format!("did you mean `{right}`?"));
    }
    let names = UNITS.iter().skip(1).map(|unit| unit.name);
    let same = names.clone().find(|name| name.eq_ignore_ascii_case(wrong));
    let names: Vec<&str> = names.filter(|name| name.is_ascii()).collect();
    Some(match same {
        Some(right) => format!("did you mean `{right}`?"),
        None => format!("units are `{}`", names.join("`, `")),
    })
}

/// As a whole number, if it is one.
fn exactly(digits: &str, unit: &Written) -> Option<Interval> {
    let (number, exponent) = split_exponent(digits)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all = format!("{whole}{fraction}");
    if all.trim_start_matches('0').len() > MOST_DIGITS {
        return None;
    }
    let number: u128 = all.parse().ok()?;
    let places = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let power = 10_u128.checked_pow(places.unsigned_abs())?;
    let number = number.checked_mul(u128::from(unit.times))?;
    let (number, over) = match places > 0 {
        true => (number, power.checked_mul(u128::from(unit.over))?),
        false => (number.checked_mul(power)?, u128::from(unit.over)),
    };
    if number % over == 0 && number / over < EXACT {
        return Some(Interval::point((number / over) as f64));
    }
    let is_exact = number < EXACT && over < EXACT;
    is_exact.then(|| Interval::point(number as f64) / Interval::point(over as f64))
}

fn split_exponent(digits: &str) -> Option<(&str, i32)> {
    match digits.split_once(['e', 'E']) {
        Some((number, exponent)) => Some((number, exponent.parse().ok()?)),
        None => Some((digits, 0)),
    }
}

/// Rounded outwards.
fn nearly(digits: &str, unit: &Written) -> Option<Interval> {
    let number: f64 = digits.parse().ok()?;
    let number = Interval::new(number.next_down(), number.next_up());
    let times = Interval::point(unit.times as f64);
    let value = number * times / Interval::point(unit.over as f64);
    value.hi().is_finite().then_some(value)
}
