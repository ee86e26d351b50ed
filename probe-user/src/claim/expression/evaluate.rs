//! What formulas and terms come to when the metrics are measured, and which comparisons
//! decide it.

use super::{
    Arithmetic, Comparison, Formula, Operator, Term, What,
    quantity::{NS, Rescale},
};
use crate::claim::{interval::Interval, truth::Truth};

/// Measured values, by the file's index of metrics.
pub type Values<'a> = &'a [Interval];

impl Formula {
    /// Whether it is true.
    pub fn truth(&self, values: Values<'_>) -> Truth {
        let each = |two: &[Formula; 2]| [two[0].truth(values), two[1].truth(values)];
        match self {
            Formula::Compare(comparison) => comparison.truth(values),
            Formula::All(two) => Truth::all(each(two)),
            Formula::Any(two) => Truth::any(each(two)),
        }
    }

    /// The comparisons because of which it has its value: those that have it too.
    pub fn decisive<'a>(&'a self, values: Values<'_>) -> Vec<&'a Comparison> {
        let mut decisive = Vec::new();
        self.add_decisive(self.truth(values), values, &mut decisive);
        decisive
    }

    fn add_decisive<'a>(
        &'a self,
        truth: Truth,
        values: Values<'_>,
        decisive: &mut Vec<&'a Comparison>,
    ) {
        if self.truth(values) != truth {
            return;
        }
        match self {
            Formula::Compare(comparison) => decisive.push(comparison),
            Formula::All(two) | Formula::Any(two) => {
                for formula in two.iter() {
                    formula.add_decisive(truth, values, decisive);
                }
            }
        }
    }
}

impl Comparison {
    /// Whether it is true.
    pub fn truth(&self, values: Values<'_>) -> Truth {
        let (left, right) = (self.left.value(values), self.right.value(values));
        match self.operator {
            Operator::Less => left.less(right),
            Operator::AtMost => left.at_most(right),
            Operator::More => right.less(left),
            Operator::AtLeast => right.at_most(left),
            Operator::Equal => left.equal(right),
            Operator::Unequal => !left.equal(right),
        }
    }
}

impl Term {
    /// What it may be.
    pub fn value(&self, values: Values<'_>) -> Interval {
        match &self.what {
            What::Literal(value) => *value,
            What::Metric(index) => values.get(*index).copied().unwrap_or(Interval::EVERYTHING),
            What::Negate(term) => -term.value(values),
            What::Combine(by, two, rescale) => {
                let [left, right] = [two[0].value(values), two[1].value(values)];
                let left = match rescale {
                    Rescale::Times => left * Interval::point(NS),
                    Rescale::None | Rescale::Over => left,
                };
                let value = match by {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                    Arithmetic::Divide => left / right,
                };
                match rescale {
                    Rescale::Over => value / Interval::point(NS),
                    Rescale::None | Rescale::Times => value,
                }
            }
        }
    }

    /// A part that something is divided by, and that may be 0.
    pub fn zero_divisor<'a>(&'a self, values: Values<'_>) -> Option<&'a Term> {
        match &self.what {
            What::Literal(_) | What::Metric(_) => None,
            What::Negate(term) => term.zero_divisor(values),
            What::Combine(by, two, _) => {
                let is_zero = *by == Arithmetic::Divide && two[1].value(values).contains(0.0);
                let inside = || two.iter().find_map(|term| term.zero_divisor(values));
                is_zero.then(|| &two[1]).or_else(inside)
            }
        }
    }
}
