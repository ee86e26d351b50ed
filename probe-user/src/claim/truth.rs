//! Three truth values: what is not known is neither true nor false (S. C. Kleene's strong
//! logic). Knowing less can turn a value only into `Unknown`.

use std::ops::Not;

/// A truth value. Their order makes `and` the lesser of two and `or` the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// Certainly not.
    False,
    /// It may be either.
    Unknown,
    /// Certainly.
    True,
}

impl Truth {
    /// Of what is certain one way or the other, or not at all.
    pub fn of(is_certain: bool, is_excluded: bool) -> Truth {
        match (is_certain, is_excluded) {
            (true, false) => Truth::True,
            (false, true) => Truth::False,
            _ => Truth::Unknown,
        }
    }

    /// True where all are.
    pub fn all(values: impl IntoIterator<Item = Truth>) -> Truth {
        values.into_iter().min().unwrap_or(Truth::True)
    }

    /// True where one is.
    pub fn any(values: impl IntoIterator<Item = Truth>) -> Truth {
        values.into_iter().max().unwrap_or(Truth::False)
    }
}

impl Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        }
    }
}
