//! `--fail-on`: expressions in the language of claims over the sides, `a:` and `b:`.
//!
//! A metric of a side with several runs is the smallest interval that holds that of each
//! run. So `b:wall > a:wall` is true if every run of B took longer than every run of A, false
//! if none did, and else not certain.

use crate::{
    claim::{
        diagnostic::Diagnostic,
        expression::{self, Comparison, Formula, MetricUse, Names, Scope, quantity::Quantity},
        interval::Interval,
        measured::{Doubt, Measured},
        metric::{Prepared, Subject},
        selection::{BUILT_IN, Selection, select},
        truth::Truth,
        verdict::shown,
        words,
    },
    document::{
        Document,
        diff::{self, Which},
    },
};

/// Names of the sides.
const SIDES: [&str; 2] = ["a", "b"];

/// Reasons that are named of one expression.
const MOST_DOUBTS: usize = 3;

/// Expressions that were read, and what was measured for them so far.
#[derive(Debug, Default)]
pub struct FailOn {
    expressions: Vec<(String, Formula)>,
    metrics: Vec<MetricUse>,
    /// By metric, of the runs so far.
    measured: Vec<Option<Measured>>,
}

/// An expression that is wrong: which one, and why.
pub type Wrong = (usize, Vec<Diagnostic>);

impl FailOn {
    /// Reads expressions, or what is wrong with them.
    pub fn read(texts: &[String]) -> Result<FailOn, Vec<Wrong>> {
        let names = Names {
            runs: SIDES.map(str::to_owned).into(),
            selections: BUILT_IN.map(str::to_owned).into(),
            are_all: true,
        };
        let mut metrics = Vec::new();
        let mut expressions = Vec::new();
        let mut wrong = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            let mut scope = Scope {
                names: &names,
                metrics: &mut metrics,
            };
            match expression::formula(text, &mut scope) {
                Ok(formula) => expressions.push((text.clone(), formula)),
                Err(errors) => wrong.push((at, errors)),
            }
        }
        match wrong.is_empty() {
            true => Ok(FailOn {
                expressions,
                measured: vec![None; metrics.len()],
                metrics,
            }),
            false => Err(wrong),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.expressions.is_empty()
    }

    /// Measures what is asked of a side on one of its runs.
    pub fn measure(&mut self, side: Which, document: &Document) {
        let side = side as usize;
        if self.metrics.iter().all(|used| used.run != side) {
            return;
        }
        let prepared = Prepared::new(document);
        let names = BUILT_IN.map(|name| Selection::built_in(name).unwrap_or_default());
        let whole = Selection::default();
        for (used, hull) in self.metrics.iter().zip(&mut self.measured) {
            if used.run != side {
                continue;
            }
            let selection = used
                .selection
                .and_then(|at| names.get(at))
                .unwrap_or(&whole);
            let subject = Subject {
                document,
                threads: &select(document, &prepared, selection),
                selection,
                prepared: &prepared,
            };
            let measured = (used.metric.measure)(&subject, &used.arguments);
            *hull = Some(match hull.take() {
                Some(known) => both(known, measured),
                None => measured,
            });
        }
    }

    /// What they come to.
    pub fn decide(&self) -> Vec<diff::FailOn> {
        let values = self.measured.iter().map(Option::as_ref);
        let values = values.map(|it| it.map_or(Interval::EVERYTHING, Interval::from));
        let values: Vec<Interval> = values.collect();
        let expressions = self.expressions.iter();
        let decided = expressions.map(|(text, formula)| {
            let truth = formula.truth(&values);
            let decisive = formula.decisive(&values);
            let texts = decisive.iter().map(|one| words::comparison(one, &values));
            let texts: Vec<String> = texts.collect();
            let because = match truth {
                Truth::Unknown => texts.join(", ") + &self.why(&decisive, &values),
                Truth::True | Truth::False => texts.join(", "),
            };
            diff::FailOn {
                expression: text.clone(),
                holds: match truth {
                    Truth::True => Some(true),
                    Truth::False => Some(false),
                    Truth::Unknown => None,
                },
                because,
                values: self.values(formula, &values),
            }
        });
        decided.collect()
    }

    /// Every metric of an expression.
    fn values(&self, formula: &Formula, values: &[Interval]) -> Vec<crate::document::Value> {
        let mut comparisons = Vec::new();
        formula.comparisons(&mut |comparison| comparisons.push(comparison));
        let values = metrics(&comparisons).into_iter().filter_map(|index| {
            let (used, value) = (self.metrics.get(index)?, values.get(index)?);
            Some(shown(&used.text, *value, Quantity::Of(used.metric.unit)))
        });
        values.collect()
    }

    /// Why it is not certain.
    fn why(&self, comparisons: &[&Comparison], values: &[Interval]) -> String {
        let doubts = metrics(comparisons).into_iter();
        let doubts = doubts.filter_map(|index| self.measured.get(index)?.as_ref());
        let mut texts: Vec<String> = Vec::new();
        for doubt in doubts.flat_map(|measured| &measured.doubts) {
            let text = match doubt.remedy.is_empty() {
                true => doubt.what.to_string(),
                false => format!("{} ({})", doubt.what, doubt.remedy),
            };
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts.truncate(MOST_DOUBTS);
        if !texts.is_empty() {
            return format!("; {}", texts.join("; "));
        }
        let terms = comparisons.iter().flat_map(|one| [&one.left, &one.right]);
        match terms.filter_map(|term| term.zero_divisor(values)).next() {
            Some(zero) => format!(
                "; `{}` may be 0, by which nothing can be divided",
                zero.text
            ),
            None => "; it is so of some runs, and not of others".to_owned(),
        }
    }
}

/// The metrics of comparisons, each once.
fn metrics(comparisons: &[&Comparison]) -> Vec<usize> {
    let mut metrics = Vec::new();
    for comparison in comparisons {
        comparison.metrics(&mut |index| {
            if !metrics.contains(&index) {
                metrics.push(index);
            }
        });
    }
    metrics
}

/// The smallest interval that holds both.
fn both(one: Measured, other: Measured) -> Measured {
    let mut doubts: Vec<Doubt> = one.doubts;
    for doubt in other.doubts {
        if !doubts.contains(&doubt) {
            doubts.push(doubt);
        }
    }
    Measured::between(one.lo.min(other.lo), one.hi.max(other.hi), doubts)
}
