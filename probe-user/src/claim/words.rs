//! Intervals and comparisons as sentences have them: `pool.share(epoll) 3.2 % (wants >= 50 %)`.
//! With as many digits as it takes to see on which side of its bound a value is.

use super::{
    expression::{Comparison, Operator, Term, What, evaluate::Values, quantity::Quantity},
    interval::Interval,
    truth::Truth,
    unit::Unit,
};

/// Digits of a number that matter.
const DIGITS: usize = 3;
/// All that a number has.
const MOST_DIGITS: usize = 17;

/// A number in its unit, with so many digits: `3.2 %`, `12.5 ms`, `1,204`.
fn number(value: f64, quantity: Quantity, digits: usize) -> String {
    let (factor, unit) = match quantity {
        Quantity::Number | Quantity::Ratio | Quantity::Of(Unit::Count) => (1.0, ""),
        Quantity::Of(Unit::Share) => (100.0, " %"),
        Quantity::Of(Unit::PerSecond) => (1.0, "/s"),
        Quantity::Of(Unit::Time) => time(value.abs()),
        Quantity::Of(Unit::Bytes) => bytes(value.abs()),
    };
    format!("{}{unit}", decimal(value * factor, digits))
}

fn time(ns: f64) -> (f64, &'static str) {
    match ns {
        _ if ns < 999.5 => (1.0, " ns"),
        _ if ns < 999.5e3 => (1e-3, " µs"),
        _ if ns < 999.5e6 => (1e-6, " ms"),
        _ => (1e-9, " s"),
    }
}

fn bytes(n: f64) -> (f64, &'static str) {
    match n {
        _ if n < 1024.0 => (1.0, " B"),
        _ if n < 1024.0 * 1024.0 => (1.0 / 1024.0, " KiB"),
        _ if n < 1024.0 * 1024.0 * 1024.0 => (1.0 / 1_048_576.0, " MiB"),
        _ => (1.0 / 1_073_741_824.0, " GiB"),
    }
}

/// At least so many significant digits, and every one before the point.
fn decimal(value: f64, digits: usize) -> String {
    let before = match value.abs() {
        0.0 => 1,
        size => size.log10().floor() as i32 + 1,
    };
    let decimals = i32::try_from(digits).unwrap_or(i32::MAX) - before;
    let decimals = usize::try_from(decimals.clamp(0, 20)).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let whole = separated(whole);
    match fraction {
        "" if whole == "-0" => "0".to_owned(),
        "" => whole,
        _ => format!("{whole}.{fraction}"),
    }
}

/// With a comma every three digits.
fn separated(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits),
    };
    let mut text = sign.to_owned();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An interval: `3.2 %`, `3.2 % to 61 %`, `at least 4 ms`, `unknown`.
pub fn interval(value: Interval, quantity: Quantity) -> String {
    in_digits(value, quantity, DIGITS)
}

fn in_digits(value: Interval, quantity: Quantity, digits: usize) -> String {
    let text = |bound| number(bound, quantity, digits);
    match (value.lo().is_finite(), value.hi().is_finite()) {
        (true, true) => {
            let (lo, hi) = (text(value.lo()), text(value.hi()));
            match lo == hi {
                true => lo,
                false => format!("{lo} to {hi}"),
            }
        }
        (true, false) => format!("at least {}", text(value.lo())),
        (false, true) => format!("at most {}", text(value.hi())),
        (false, false) => "unknown".to_owned(),
    }
}

/// What a comparison came to, with its bound: `pool.threads 8 (wants >= 32)`.
pub fn comparison(comparison: &Comparison, values: Values<'_>) -> String {
    let (left, right, operator) = in_order(comparison);
    let share = Quantity::Of(Unit::Share);
    let quantity = match [left.quantity, right.quantity].contains(&share) {
        true => share,
        false => left.quantity,
    };
    let (a, b) = (left.value(values), right.value(values));
    let digits = (DIGITS..MOST_DIGITS).find(|&digits| is_apart(a, b, quantity, digits));
    let digits = digits.unwrap_or(MOST_DIGITS);
    let wants = match comparison.truth(values) {
        Truth::True => "",
        Truth::False | Truth::Unknown => "wants ",
    };
    let bound = in_digits(b, quantity, digits);
    let bound = match &right.what {
        What::Literal(_) => spaced(&right.text),
        _ if right.is_constant() => bound,
        _ => format!("{} {bound}", right.text),
    };
    let (text, value) = (&left.text, in_digits(a, quantity, digits));
    format!("{text} {value} ({wants}{} {bound})", operator.as_str())
}

/// A literal as written, and so exactly, with a space before its unit.
fn spaced(literal: &str) -> String {
    let number = literal.trim_end_matches(|c: char| c.is_alphabetic() || c == '%');
    match &literal[number.len()..] {
        "" => literal.to_owned(),
        _ if number.ends_with('/') => literal.to_owned(),
        unit => format!("{} {unit}", number.trim_end()),
    }
}

/// The side on which something is measured first.
fn in_order(comparison: &Comparison) -> (&Term, &Term, Operator) {
    let Comparison {
        operator,
        left,
        right,
    } = comparison;
    match left.is_constant() && !right.is_constant() {
        true => (right, left, operator.mirrored()),
        false => (left, right, *operator),
    }
}

/// Whether bounds that differ look different, too.
fn is_apart(a: Interval, b: Interval, quantity: Quantity, digits: usize) -> bool {
    let pairs = [
        (a.lo(), b.lo()),
        (a.lo(), b.hi()),
        (a.hi(), b.lo()),
        (a.hi(), b.hi()),
    ];
    pairs.iter().all(|&(a, b)| {
        let is_same = a == b || !a.is_finite() || !b.is_finite() || is_rounding(a, b);
        is_same || number(a, quantity, digits) != number(b, quantity, digits)
    })
}

/// They differ by no more than what arithmetic rounds.
fn is_rounding(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-14 * a.abs().max(b.abs())
}
