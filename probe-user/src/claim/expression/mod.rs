//! The language of claims: small and total. Text becomes tokens (`token`), a tree
//! (`parse`) and, with names and units checked (`check`), a formula or a term that `evaluate`
//! gives a value for. Nothing in it repeats, so nothing can loop; how long a text and how
//! deep a tree may be is limited.

mod check;
pub mod evaluate;
mod literal;
mod parse;
pub mod quantity;
mod token;

use std::ops::Range;

pub use check::{MetricUse, NO_RUN, Names, Scope};
use parse::parse;

use self::quantity::{Quantity, Rescale};
use super::{diagnostic::Diagnostic, interval::Interval};

/// Bytes of an expression.
pub const LONGEST: usize = 4096;

/// Words, numbers and signs of an expression: a long sum is a deep tree.
pub const MOST_TOKENS: usize = 400;

/// Parentheses, `not` and signs inside one another.
pub const DEEPEST: usize = 64;

/// What is true, false or unknown. `not` is where it counts: in the comparisons.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// Two numbers.
    Compare(Box<Comparison>),
    /// `and`.
    All(Box<[Formula; 2]>),
    /// `or`.
    Any(Box<[Formula; 2]>),
}

/// Two numbers of units that compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// How.
    pub operator: Operator,
    /// On the left.
    pub left: Term,
    /// On the right.
    pub right: Term,
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
}

/// A number.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// As written.
    pub text: String,
    /// Where: bytes of the expression.
    pub span: Range<usize>,
    /// What it counts.
    pub quantity: Quantity,
    /// How it comes about.
    pub what: What,
}

/// How a number comes about.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Written as it is.
    Literal(Interval),
    /// Measured: index into the file's metrics.
    Metric(usize),
    /// `-x`.
    Negate(Box<Term>),
    /// Two numbers, and a factor where seconds become ns.
    Combine(Arithmetic, Box<[Term; 2]>, Rescale),
}

/// What two numbers are combined by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

/// Reads what is true or false. Spans of errors are bytes of `text`.
pub fn formula(text: &str, scope: &mut Scope<'_>) -> Result<Formula, Vec<Diagnostic>> {
    let tree = parse(text).map_err(|error| vec![error])?;
    check::formula(text, &tree, scope)
}

/// Reads a number.
pub fn term(text: &str, scope: &mut Scope<'_>) -> Result<Term, Vec<Diagnostic>> {
    let tree = parse(text).map_err(|error| vec![error])?;
    check::term(text, &tree, scope)
}

impl Formula {
    /// What is true where this is false.
    #[must_use]
    pub fn negated(&self) -> Formula {
        let both = |two: &[Formula; 2]| Box::new([two[0].negated(), two[1].negated()]);
        match self {
            Formula::Compare(comparison) => Formula::Compare(Box::new(Comparison {
                operator: comparison.operator.negated(),
                ..comparison.as_ref().clone()
            })),
            Formula::All(two) => Formula::Any(both(two)),
            Formula::Any(two) => Formula::All(both(two)),
        }
    }

    /// Calls `visit` for each comparison, from left to right.
    pub fn comparisons<'a>(&'a self, visit: &mut impl FnMut(&'a Comparison)) {
        match self {
            Formula::Compare(comparison) => visit(comparison),
            Formula::All(two) | Formula::Any(two) => {
                two.iter().for_each(|formula| formula.comparisons(visit));
            }
        }
    }
}

impl Comparison {
    /// Calls `visit` for each metric, from left to right.
    pub fn metrics(&self, visit: &mut impl FnMut(usize)) {
        self.left.metrics(visit);
        self.right.metrics(visit);
    }
}

impl Term {
    /// Calls `visit` for each metric, from left to right.
    pub fn metrics(&self, visit: &mut impl FnMut(usize)) {
        match &self.what {
            What::Literal(_) => {}
            What::Metric(metric) => visit(*metric),
            What::Negate(term) => term.metrics(visit),
            What::Combine(_, two, _) => two.iter().for_each(|term| term.metrics(visit)),
        }
    }

    /// Whether nothing in it is measured.
    pub fn is_constant(&self) -> bool {
        let mut is_constant = true;
        self.metrics(&mut |_| is_constant = false);
        is_constant
    }
}

impl Operator {
    /// What is true where this is false.
    #[must_use]
    pub fn negated(self) -> Operator {
        match self {
            Operator::Less => Operator::AtLeast,
            Operator::AtMost => Operator::More,
            Operator::More => Operator::AtMost,
            Operator::AtLeast => Operator::Less,
            Operator::Equal => Operator::Unequal,
            Operator::Unequal => Operator::Equal,
        }
    }

    /// The same with left and right exchanged.
    #[must_use]
    pub fn mirrored(self) -> Operator {
        match self {
            Operator::Less => Operator::More,
            Operator::AtMost => Operator::AtLeast,
            Operator::More => Operator::Less,
            Operator::AtLeast => Operator::AtMost,
            same => same,
        }
    }

    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Operator::Less => "<",
            Operator::AtMost => "<=",
            Operator::More => ">",
            Operator::AtLeast => ">=",
            Operator::Equal => "==",
            Operator::Unequal => "!=",
        }
    }
}

impl Arithmetic {
    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Arithmetic::Add => "+",
            Arithmetic::Subtract => "-",
            Arithmetic::Multiply => "*",
            Arithmetic::Divide => "/",
        }
    }
}
