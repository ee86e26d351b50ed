//! Interval arithmetic (R. E. Moore, *Interval Analysis*, 1966): an operation's result holds
//! every value that it can have for numbers out of its operands. Bounds are rounded outwards
//! wherever the result of an operation is not exact; so whole numbers below 2^53 stay points.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{measured::Measured, truth::Truth};

/// Numbers from `lo` to `hi`. Never NaN, `lo <= hi`; either may be infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    lo: f64,
    hi: f64,
}

/// Below this what a product lacks may be too small for a number of its own.
const TINY: f64 = 1e-280;

impl Interval {
    /// Any number: nothing is known.
    pub const EVERYTHING: Interval = Interval {
        lo: f64::NEG_INFINITY,
        hi: f64::INFINITY,
    };

    /// From one to the other; everything if that is no interval.
    pub fn new(lo: f64, hi: f64) -> Interval {
        match lo <= hi {
            true => Interval { lo, hi },
            false => Interval::EVERYTHING,
        }
    }

    /// One number.
    pub fn point(number: f64) -> Interval {
        Interval::new(number, number)
    }

    /// At least this.
    pub fn lo(self) -> f64 {
        self.lo
    }

    /// At most this.
    pub fn hi(self) -> f64 {
        self.hi
    }

    /// Whether it is one number.
    pub fn is_point(self) -> bool {
        self.lo == self.hi
    }

    /// Whether nothing is known.
    pub fn is_everything(self) -> bool {
        self == Interval::EVERYTHING
    }

    /// Whether a number is in it.
    pub fn contains(self, number: f64) -> bool {
        self.lo <= number && number <= self.hi
    }

    /// How wide it is against the numbers in it; infinite where a bound is missing.
    pub fn relative_width(self) -> f64 {
        let greatest = self.lo.abs().max(self.hi.abs());
        match self.is_point() {
            true => 0.0,
            false if greatest.is_infinite() => f64::INFINITY,
            false => self.hi / greatest - self.lo / greatest,
        }
    }

    /// `self < other`.
    pub fn less(self, other: Interval) -> Truth {
        Truth::of(self.hi < other.lo, self.lo >= other.hi)
    }

    /// `self <= other`.
    pub fn at_most(self, other: Interval) -> Truth {
        !other.less(self)
    }

    /// `self == other`.
    pub fn equal(self, other: Interval) -> Truth {
        let is_apart = self.hi < other.lo || other.hi < self.lo;
        let is_same = self.is_point() && self == other && self.lo.is_finite();
        Truth::of(is_same, is_apart)
    }

    /// The interval of the results for all pairs of bounds.
    fn of_corners(self, other: Interval, operation: fn(f64, f64) -> Rounded) -> Interval {
        let corners = [
            operation(self.lo, other.lo),
            operation(self.lo, other.hi),
            operation(self.hi, other.lo),
            operation(self.hi, other.hi),
        ];
        if corners.iter().any(|corner| corner.down.is_nan()) {
            return Interval::EVERYTHING;
        }
        let lo = corners.iter().map(|corner| corner.down);
        let hi = corners.iter().map(|corner| corner.up);
        Interval::new(
            lo.fold(f64::INFINITY, f64::min),
            hi.fold(f64::NEG_INFINITY, f64::max),
        )
    }
}

impl From<&Measured> for Interval {
    fn from(measured: &Measured) -> Interval {
        Interval::new(measured.lo, measured.hi)
    }
}

impl Neg for Interval {
    type Output = Interval;

    fn neg(self) -> Interval {
        Interval::new(-self.hi, -self.lo)
    }
}

impl Add for Interval {
    type Output = Interval;

    fn add(self, other: Interval) -> Interval {
        let (lo, hi) = (sum(self.lo, other.lo), sum(self.hi, other.hi));
        Interval::new(lo.down, hi.up)
    }
}

impl Sub for Interval {
    type Output = Interval;

    fn sub(self, other: Interval) -> Interval {
        self + -other
    }
}

impl Mul for Interval {
    type Output = Interval;

    fn mul(self, other: Interval) -> Interval {
        self.of_corners(other, product)
    }
}

impl Div for Interval {
    type Output = Interval;

    /// By what may be 0 the result may be anything.
    fn div(self, other: Interval) -> Interval {
        match other.contains(0.0) {
            true => Interval::EVERYTHING,
            false => self.of_corners(other, quotient),
        }
    }
}

/// The numbers next to an exact result, or twice itself. NaN where there is none.
#[derive(Clone, Copy)]
struct Rounded {
    down: f64,
    up: f64,
}

impl Rounded {
    const fn exact(value: f64) -> Rounded {
        Rounded {
            down: value,
            up: value,
        }
    }

    /// Of a result to nearest, and the sign of what it lacks. Rounding so is monotonic: a
    /// larger result never has smaller bounds.
    fn of(value: f64, lacks: f64) -> Rounded {
        let (down, up) = match value {
            f64::INFINITY => (f64::MAX, value),
            f64::NEG_INFINITY => (value, f64::MIN),
            _ if lacks > 0.0 => (value, value.next_up()),
            _ if lacks < 0.0 => (value.next_down(), value),
            _ => (value, value),
        };
        Rounded { down, up }
    }

    /// Of one that is nearer to 0 than [`TINY`], but not 0.
    fn tiny(value: f64) -> Rounded {
        let (down, up) = match value.is_sign_negative() {
            true => (-TINY, 0.0),
            false => (0.0, TINY),
        };
        Rounded { down, up }
    }
}

fn is_any_infinite(a: f64, b: f64) -> bool {
    a.is_infinite() || b.is_infinite()
}

/// What it lacks is a number: D. E. Knuth, *The Art of Computer Programming* 2, 4.2.2.
fn sum(a: f64, b: f64) -> Rounded {
    let value = a + b;
    if is_any_infinite(a, b) {
        return Rounded::exact(value);
    }
    let of_b = value - a;
    Rounded::of(value, (a - (value - of_b)) + (b - of_b))
}

fn product(a: f64, b: f64) -> Rounded {
    let value = a * b;
    match value {
        _ if is_any_infinite(a, b) || a == 0.0 || b == 0.0 => Rounded::exact(value),
        _ if value.abs() < TINY => Rounded::tiny(value),
        _ => Rounded::of(value, a.mul_add(b, -value)),
    }
}

fn quotient(a: f64, b: f64) -> Rounded {
    /// 2^600: the rest of a division by it is a number, too.
    const LARGE: f64 = f64::from_bits((1023 + 600) << 52);
    let value = a / b;
    let (a, b) = match a.abs() < TINY {
        true => (a * LARGE, b * LARGE),
        false => (a, b),
    };
    match value {
        _ if is_any_infinite(a, b) || a == 0.0 => Rounded::exact(value),
        _ if value.abs() < TINY => Rounded::tiny(value),
        _ => Rounded::of(value, value.mul_add(-b, a) * b.signum()),
    }
}
