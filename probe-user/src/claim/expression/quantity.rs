//! Units of terms: which may be added and compared, and what comes out where they are
//! multiplied and divided.

use super::Arithmetic;
use crate::claim::unit::Unit;

/// What a term counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// A number as written, without a unit.
    Number,
    /// Something over something of the same kind: 0.5 is 50 %.
    Ratio,
    /// With a unit.
    Of(Unit),
}

/// What makes a time in seconds of one in ns, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rescale {
    /// Nothing.
    None,
    /// It is per ns, and is wanted per second; or in seconds, and is wanted in ns.
    Times,
    /// It is times a second by ns.
    Over,
}

/// ns in a second.
pub const NS: f64 = 1e9;

impl Quantity {
    /// In words, of several.
    pub fn words(self) -> &'static str {
        match self {
            Quantity::Number => "a plain number",
            Quantity::Ratio => "a ratio",
            Quantity::Of(Unit::Time) => "a time",
            Quantity::Of(Unit::Bytes) => "a size in bytes",
            Quantity::Of(Unit::Count) => "a count",
            Quantity::Of(Unit::Share) => "a share",
            Quantity::Of(Unit::PerSecond) => "a rate (times a second)",
        }
    }

    /// As values in JSON are marked.
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Number | Quantity::Of(Unit::Count) => "count",
            Quantity::Ratio => "ratio",
            Quantity::Of(Unit::Time) => "ns",
            Quantity::Of(Unit::Bytes) => "bytes",
            Quantity::Of(Unit::Share) => "share",
            Quantity::Of(Unit::PerSecond) => "per_s",
        }
    }

    /// By what [`Quantity::name`] says; a plain number by any other name.
    pub fn named(name: &str) -> Quantity {
        match name {
            "ratio" => Quantity::Ratio,
            "ns" => Quantity::Of(Unit::Time),
            "bytes" => Quantity::Of(Unit::Bytes),
            "share" => Quantity::Of(Unit::Share),
            "per_s" => Quantity::Of(Unit::PerSecond),
            _ => Quantity::Of(Unit::Count),
        }
    }

    /// A number of this kind, to show how one is written.
    pub fn example(self) -> &'static str {
        match self {
            Quantity::Number | Quantity::Of(Unit::Count) => "5",
            Quantity::Ratio => "0.5` or `50%",
            Quantity::Of(Unit::Time) => "5ms",
            Quantity::Of(Unit::Bytes) => "5MiB",
            Quantity::Of(Unit::Share) => "50%",
            Quantity::Of(Unit::PerSecond) => "5/s",
        }
    }

    /// What two may be added to, or compared as.
    pub fn common(self, other: Quantity) -> Option<Quantity> {
        use Quantity::{Number, Of, Ratio};
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Number, Of(Unit::Count)) | (Of(Unit::Count), Number) => Some(Of(Unit::Count)),
            (Ratio, Number | Of(Unit::Share | Unit::Count))
            | (Number | Of(Unit::Share | Unit::Count), Ratio) => Some(Ratio),
            _ => None,
        }
    }

    /// What comes out of two.
    pub fn combined(self, by: Arithmetic, other: Quantity) -> Option<(Quantity, Rescale)> {
        match by {
            Arithmetic::Add | Arithmetic::Subtract => {
                self.common(other).map(|common| (common, Rescale::None))
            }
            Arithmetic::Multiply => self.times(other),
            Arithmetic::Divide => self.over(other),
        }
    }

    /// Of numbers without a dimension, which of two their product is.
    fn rank(self) -> Option<u8> {
        match self {
            Quantity::Number => Some(0),
            Quantity::Ratio => Some(1),
            Quantity::Of(Unit::Share) => Some(2),
            Quantity::Of(Unit::Count) => Some(3),
            Quantity::Of(_) => None,
        }
    }

    fn times(self, other: Quantity) -> Option<(Quantity, Rescale)> {
        use Quantity::Of;
        let product = match (self.rank(), other.rank()) {
            (Some(a), Some(b)) if a >= b => self,
            (Some(_), _) => other,
            (None, Some(_)) => self,
            (None, None) => {
                let is_count = matches!(
                    (self, other),
                    (Of(Unit::PerSecond), Of(Unit::Time)) | (Of(Unit::Time), Of(Unit::PerSecond))
                );
                return is_count.then_some((Of(Unit::Count), Rescale::Over));
            }
        };
        Some((product, Rescale::None))
    }

    fn over(self, other: Quantity) -> Option<(Quantity, Rescale)> {
        use Quantity::{Number, Of, Ratio};
        let quotient = match (self, other) {
            (Number, Number) => Number,
            (a, b) if a == b => Ratio,
            (Number | Of(Unit::Count), Of(Unit::Time)) => {
                return Some((Of(Unit::PerSecond), Rescale::Times));
            }
            (Number | Of(Unit::Count), Of(Unit::PerSecond)) => {
                return Some((Of(Unit::Time), Rescale::Times));
            }
            (Number, b) => b.rank().map(|_| Ratio)?,
            (a, b) => b.rank().map(|_| a)?,
        };
        Some((quotient, Rescale::None))
    }
}
