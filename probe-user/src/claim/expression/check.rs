//! Tree → formula or term: every name is known, every unit fits.

use std::{fmt, ops::Range};

use super::{
    Arithmetic, Comparison, Formula, Operator, Term, What, literal,
    parse::{Node, Tree, Written},
    quantity::Quantity,
};
use crate::claim::{
    diagnostic::{Diagnostic, instead},
    metric::{self, Argument, METRICS, Metric, Whole},
    unit::Unit,
};

/// How what is said of a run that is missing begins.
pub const NO_RUN: &str = "there is no run";

/// Names that an expression may use.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Of runs. Where there is one it need not be named.
    pub runs: Vec<String>,
    /// Of selections of threads.
    pub selections: Vec<String>,
    /// There are no others: nothing can add any.
    pub are_all: bool,
}

/// A metric that a file uses: measured once, however often it is named.
#[derive(Clone)]
pub struct MetricUse {
    /// As it is written in full.
    pub text: String,
    /// Of which run: index into [`Names::runs`].
    pub run: usize,
    /// Of which selection: index into [`Names::selections`]; `None` for one of the run.
    pub selection: Option<usize>,
    /// Which.
    pub metric: &'static Metric,
    /// Of what.
    pub arguments: Vec<Argument>,
}

impl fmt::Debug for MetricUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What an expression is read against.
pub struct Scope<'a> {
    /// What it may name.
    pub names: &'a Names,
    /// The metrics so far; new ones are added.
    pub metrics: &'a mut Vec<MetricUse>,
}

type Errors = Vec<Diagnostic>;

/// What a part turns out to be.
enum Part {
    Truth(Formula),
    Number(Term),
}

pub(super) fn formula(text: &str, tree: &Tree, scope: &mut Scope<'_>) -> Result<Formula, Errors> {
    Checker { text, scope }.formula(tree)
}

pub(super) fn term(text: &str, tree: &Tree, scope: &mut Scope<'_>) -> Result<Term, Errors> {
    Checker { text, scope }.term(tree)
}

struct Checker<'a, 'b> {
    text: &'a str,
    scope: &'a mut Scope<'b>,
}

impl Checker<'_, '_> {
    fn formula(&mut self, tree: &Tree) -> Result<Formula, Errors> {
        match self.part(tree)? {
            Part::Truth(formula) => Ok(formula),
            Part::Number(term) => {
                let message = "this is a number, and a comparison is wanted";
                let error = Diagnostic::new(message, tree.span.clone());
                let (text, example) = (&term.text, term.quantity.example());
                let example = example.split('`').next().unwrap_or_default();
                Err(vec![
                    error.help(format!("compare it, as in `{text} > {example}`")),
                ])
            }
        }
    }

    fn term(&mut self, tree: &Tree) -> Result<Term, Errors> {
        match self.part(tree)? {
            Part::Number(term) => Ok(term),
            Part::Truth(_) => {
                let message = "this is true or false, and a number is wanted";
                Err(vec![Diagnostic::new(message, tree.span.clone())])
            }
        }
    }

    fn part(&mut self, tree: &Tree) -> Result<Part, Errors> {
        match &tree.node {
            Node::Number(number, unit) => self.literal(tree, number, unit).map(Part::Number),
            Node::Metric(written) => self.metric(tree, written).map(Part::Number),
            Node::Negate(inner) => self.negated(tree, inner).map(Part::Number),
            Node::Calculate(by, two) => self.combined(tree, *by, two).map(Part::Number),
            Node::Compare(operator, two) => self.comparison(*operator, two).map(Part::Truth),
            Node::Not(inner) => Ok(Part::Truth(self.formula(inner)?.negated())),
            Node::And(two) => self.joined(two, Formula::All).map(Part::Truth),
            Node::Or(two) => self.joined(two, Formula::Any).map(Part::Truth),
        }
    }

    fn negated(&mut self, tree: &Tree, inner: &Tree) -> Result<Term, Errors> {
        let inner = self.term(inner)?;
        let (quantity, what) = (inner.quantity, What::Negate(Box::new(inner)));
        Ok(self.number(tree, quantity, what))
    }

    fn combined(&mut self, tree: &Tree, by: Arithmetic, two: &[Tree; 2]) -> Result<Term, Errors> {
        let two = self.both(two, Self::term)?;
        match two[0].quantity.combined(by, two[1].quantity) {
            Some((quantity, rescale)) => {
                let what = What::Combine(by, Box::new(two), rescale);
                Ok(self.number(tree, quantity, what))
            }
            None => Err(vec![no_unit(tree, by, &two)]),
        }
    }

    fn comparison(&mut self, operator: Operator, two: &[Tree; 2]) -> Result<Formula, Errors> {
        let [left, right] = self.both(two, Self::term)?;
        if left.quantity.common(right.quantity).is_none() {
            return Err(vec![mismatch("compared with", &left, &right)]);
        }
        Ok(Formula::Compare(Box::new(Comparison {
            operator,
            left,
            right,
        })))
    }

    fn joined(
        &mut self,
        two: &[Tree; 2],
        join: fn(Box<[Formula; 2]>) -> Formula,
    ) -> Result<Formula, Errors> {
        Ok(join(Box::new(self.both(two, Self::formula)?)))
    }

    /// The errors of both, if there are any.
    fn both<T>(
        &mut self,
        [left, right]: &[Tree; 2],
        check: fn(&mut Self, &Tree) -> Result<T, Errors>,
    ) -> Result<[T; 2], Errors> {
        match (check(self, left), check(self, right)) {
            (Ok(left), Ok(right)) => Ok([left, right]),
            (left, right) => {
                let errors = [left.err(), right.err()];
                Err(errors.into_iter().flatten().flatten().collect())
            }
        }
    }

    fn number(&self, tree: &Tree, quantity: Quantity, what: What) -> Term {
        Term {
            text: self.text[tree.span.clone()].to_owned(),
            span: tree.span.clone(),
            quantity,
            what,
        }
    }

    fn literal(
        &mut self,
        tree: &Tree,
        number: &Range<usize>,
        unit: &Range<usize>,
    ) -> Result<Term, Errors> {
        let (digits, name) = (&self.text[number.clone()], &self.text[unit.clone()]);
        let error = match literal::value(digits, name) {
            Ok((value, quantity)) => {
                return Ok(self.number(tree, quantity, What::Literal(value)));
            }
            Err(literal::Wrong::Unit(help)) => {
                Diagnostic::new(format!("there is no unit `{name}`"), unit.clone()).maybe_help(help)
            }
            Err(literal::Wrong::Number) => {
                Diagnostic::new("this number is too large", number.clone())
            }
        };
        Err(vec![error])
    }

    fn metric(&mut self, tree: &Tree, written: &Written) -> Result<Term, Errors> {
        let one = |error| vec![error];
        let name = &self.text[written.name.clone()];
        let metric = metric::find(name).ok_or_else(|| one(self.no_metric(written)))?;
        let run = self.run(written).map_err(one)?;
        let selection = self.selection(written, metric).map_err(one)?;
        let arguments: Vec<Argument> = written.arguments.iter().map(|(a, _)| a.clone()).collect();
        if let Err(refusal) = metric.arguments.check(metric.name, &arguments) {
            let place = refusal.index.and_then(|index| written.arguments.get(index));
            let span = place.map_or(written.name.clone(), |(_, span)| span.clone());
            let help = refusal
                .suggestion
                .map(|near| format!("did you mean `{near}`?"));
            let help = help.or_else(|| words(metric));
            return Err(one(Diagnostic::new(refusal.message, span).maybe_help(help)));
        }
        let metric_use = MetricUse {
            text: self.canonical(written),
            run,
            selection,
            metric,
            arguments,
        };
        let index = self.scope.index(metric_use);
        let quantity = Quantity::Of(metric.unit);
        Ok(self.number(tree, quantity, What::Metric(index)))
    }

    /// Without the spaces between its parts.
    fn canonical(&self, written: &Written) -> String {
        let part = |span: &Option<Range<usize>>, behind: &str| match span {
            Some(span) => format!("{}{behind}", &self.text[span.clone()]),
            None => String::new(),
        };
        let spans = written.arguments.iter().map(|(_, span)| span.clone());
        let arguments: Vec<&str> = spans.map(|span| &self.text[span]).collect();
        let arguments = match arguments.is_empty() {
            true => String::new(),
            false => format!("({})", arguments.join(", ")),
        };
        let (run, who) = (part(&written.run, ":"), part(&written.who, "."));
        format!("{run}{who}{}{arguments}", &self.text[written.name.clone()])
    }

    fn no_metric(&self, written: &Written) -> Diagnostic {
        let name = &self.text[written.name.clone()];
        let error = Diagnostic::new(format!("there is no metric `{name}`"), written.name.clone());
        let known = METRICS.iter().map(|metric| metric.name);
        if written.who.is_none() && self.scope.names.selections.iter().any(|who| who == name) {
            return error.help(format!(
                "`{name}` is a selection: write what of it, as in `{name}.lifetime`"
            ));
        }
        let near = instead(name, known);
        let list = "`waitscope check --list-metrics` lists them";
        error.help(near.unwrap_or_else(|| list.to_owned()))
    }

    fn run(&self, written: &Written) -> Result<usize, Diagnostic> {
        let runs = &self.scope.names.runs;
        let names = || runs.iter().map(String::as_str);
        let Some(span) = &written.run else {
            return match runs.len() {
                0 | 1 => Ok(0),
                _ => Err(self.which_run(written)),
            };
        };
        let name = &self.text[span.clone()];
        let known = runs.iter().position(|run| run == name);
        known.ok_or_else(|| {
            let error = Diagnostic::new(format!("{NO_RUN} `{name}`"), span.clone());
            if self.scope.names.are_all {
                return error.maybe_help(instead(name, names()));
            }
            let ways = format!("give it as {name}=FILE, or say with [run.{name}] how it is made");
            match instead(name, names()).filter(|_| runs.len() > 1 || runs[0] != "run") {
                Some(instead) => error.help(format!("{instead} (or {ways})")),
                None => error.help(ways),
            }
        })
    }

    fn which_run(&self, written: &Written) -> Diagnostic {
        let whole = written.who.as_ref().unwrap_or(&written.name).start..written.name.end;
        let runs = &self.scope.names.runs;
        let text = &self.text[whole.clone()];
        let error = Diagnostic::new("there are several runs, and this names none", whole);
        error.help(format!("write `{}:{text}`", runs[0]))
    }

    fn selection(&self, written: &Written, metric: &Metric) -> Result<Option<usize>, Diagnostic> {
        let (name, known) = (metric.name, &self.scope.names.selections);
        match (&written.who, metric.of) {
            (None, Whole::Run) => Ok(None),
            (Some(span), Whole::Run) => {
                let error = Diagnostic::new(format!("`{name}` is of the whole run"), span.clone());
                Err(error.help(format!("write `{name}` alone")))
            }
            (None, Whole::Selection) => {
                let message = format!("`{name}` is of a selection of threads");
                let error = Diagnostic::new(message, written.name.clone());
                Err(error.help(format!("say of which, as in `tree.{name}`")))
            }
            (Some(span), Whole::Selection) => {
                let who = &self.text[span.clone()];
                let found = known.iter().position(|known| known == who);
                found.map(Some).ok_or_else(|| {
                    let message = format!("there is no selection `{who}`");
                    let error = Diagnostic::new(message, span.clone());
                    let near = instead(who, known.iter().map(String::as_str));
                    if self.scope.names.are_all {
                        return error.maybe_help(near);
                    }
                    error.help(near.unwrap_or_else(|| format!("define it: [who.{who}]")))
                })
            }
        }
    }
}

impl Scope<'_> {
    /// Where the metric is in the list.
    fn index(&mut self, new: MetricUse) -> usize {
        let known = self.metrics.iter().position(|known| {
            known.metric.name == new.metric.name
                && (known.run, known.selection) == (new.run, new.selection)
                && known.arguments == new.arguments
        });
        known.unwrap_or_else(|| {
            self.metrics.push(new);
            self.metrics.len() - 1
        })
    }
}

/// What the metric's word may be.
fn words(metric: &Metric) -> Option<String> {
    let words = metric.arguments.words()?;
    Some(format!("it is one of {}", words.join(", ")))
}

/// Of two that do not compare.
fn mismatch(how: &str, left: &Term, right: &Term) -> Diagnostic {
    let (a, b) = (left.quantity.words(), right.quantity.words());
    // The literal is what is wrong, if one is.
    let (wrong, other) = match left.is_constant() && !right.is_constant() {
        true => (left, right),
        false => (right, left),
    };
    let error = Diagnostic::new(format!("{a} is {how} {b}"), wrong.span.clone());
    let error = error.label(format!("`{}` is {}", other.text, other.quantity.words()));
    match (wrong.is_constant(), rewritten(wrong, other.quantity)) {
        (true, Some(right)) => error.help(format!("write `{right}`")),
        (true, None) => error.help(format!("write it as in `{}`", other.quantity.example())),
        (false, _) => error,
    }
}

/// A literal as it would be in another unit, where that is plain.
fn rewritten(wrong: &Term, wanted: Quantity) -> Option<String> {
    let What::Literal(value) = wrong.what else {
        return None;
    };
    let number = value.lo();
    match (wrong.quantity, wanted) {
        (Quantity::Number, _) if number == 0.0 => Some(match wanted {
            Quantity::Of(Unit::Share) => "0%".to_owned(),
            other => other.example().replace('5', "0"),
        }),
        (Quantity::Number, Quantity::Of(Unit::Share)) if number <= 1.0 => {
            Some(format!("{}%", number * 100.0))
        }
        (Quantity::Number, Quantity::Of(Unit::Share)) => Some(format!("{}%", wrong.text)),
        (Quantity::Number, Quantity::Of(Unit::PerSecond)) => Some(format!("{}/s", wrong.text)),
        _ => None,
    }
}

/// Of two for whose sum, product or quotient there is no unit.
fn no_unit(tree: &Tree, by: Arithmetic, [left, right]: &[Term; 2]) -> Diagnostic {
    match by {
        Arithmetic::Add => mismatch("added to", left, right),
        Arithmetic::Subtract => mismatch("reduced by", left, right),
        Arithmetic::Multiply | Arithmetic::Divide => {
            let (a, b) = (left.quantity.words(), right.quantity.words());
            let message = format!("there is no unit for {a} {} {b}", by.as_str());
            Diagnostic::new(message, tree.span.clone())
        }
    }
}
