//! Claims and what was measured → verdicts.
//!
//! A claim that a run decides which is not there: NOT SEEN; what is only shown of one is not
//! measured. In this order: `seen` certainly false, NOT SEEN; not certainly true, CANNOT TELL. Then
//! `holds` certainly true, CORRECT; `refuted` certainly true, WRONG; both certainly false,
//! PARTIAL; anything else, CANNOT TELL. A wider interval can make a truth value only unknown,
//! so of a file that does not contradict itself it can make any verdict only CANNOT TELL.
//! `holds` and `refuted` both certainly true is a contradiction, an error of the file.

use std::cell::OnceCell;

use rustc_hash::FxHashMap;

use super::{
    expression::{Comparison, Formula, MetricUse, Term, evaluate::Values, quantity::Quantity},
    file::{Claim, ClaimFile},
    interval::Interval,
    measured::Measured,
    metric::{self, Prepared, Subject},
    selection::{Process, Selection, Threads, select},
    truth::Truth,
    words,
};
use crate::document::{Decision, Document, Evidence, Value, Verdict};

/// Threads named of one claim.
const MOST_EVIDENCE: usize = 5;

/// Verdicts on a file's claims, and those that contradict themselves: indices into its
/// claims. `runs` are those that the file may name, in its order; `None` is not there.
pub fn check(file: &ClaimFile, runs: &[Option<&Document>]) -> (Vec<Verdict>, Vec<usize>) {
    let facts = Facts::new(file, runs);
    let judged = file.claims.iter().map(|claim| facts.judge(claim));
    let judged: Vec<(Verdict, bool)> = judged.collect();
    let contradicted = (0..judged.len()).filter(|&at| judged[at].1).collect();
    let verdicts = judged.into_iter().map(|(verdict, _)| verdict);
    (verdicts.collect(), contradicted)
}

/// What is measured of all runs for all claims of a file.
struct Facts<'a> {
    file: &'a ClaimFile,
    /// By the file's index of runs; `None` is not there.
    runs: Vec<Option<(&'a Document, Prepared)>>,
    /// Threads by run and selection.
    selected: FxHashMap<(usize, Option<usize>), Vec<usize>>,
    /// By the file's index of metrics.
    measured: Vec<Option<Measured>>,
    values: Vec<Interval>,
    /// The same, found once it is shown.
    evidence: Vec<OnceCell<Vec<Evidence>>>,
}

/// What is of the whole run selects all.
static TREE: Selection = Selection {
    process: Process::Any,
    threads: Threads::All,
    name: None,
};

/// Truth values of a claim.
#[derive(Clone, Copy, Debug)]
pub(super) struct Findings {
    pub(super) seen: Truth,
    pub(super) holds: Truth,
    pub(super) refuted: Truth,
}

/// What follows from them; `None` for a contradiction.
pub(super) fn decide(findings: Findings) -> Option<Decision> {
    use Truth::{False, True, Unknown};
    let Findings {
        seen,
        holds,
        refuted,
    } = findings;
    Some(match (seen, holds, refuted) {
        (False, _, _) => Decision::NotSeen,
        (Unknown, _, _) => Decision::CannotTell,
        (True, True, True) => return None,
        (True, True, _) => Decision::Correct,
        (True, _, True) => Decision::Wrong,
        (True, False, False) => Decision::Partial,
        (True, _, _) => Decision::CannotTell,
    })
}

impl Claim {
    /// What is true of it where the metrics have these values.
    pub(super) fn findings(&self, values: Values<'_>) -> Findings {
        let truth = |formula: &Formula| formula.truth(values);
        let holds = truth(&self.holds);
        Findings {
            seen: self.seen.as_ref().map_or(Truth::True, truth),
            holds,
            refuted: self.refuted.as_ref().map_or(!holds, truth),
        }
    }

    /// The metrics that decide, each once, in the order of the claim.
    fn deciding(&self) -> Vec<usize> {
        let mut metrics = Vec::new();
        let formulas = self.seen.iter().chain([&self.holds]).chain(&self.refuted);
        for formula in formulas {
            formula.comparisons(&mut |comparison| {
                comparison.metrics(&mut |index| add(&mut metrics, index));
            });
        }
        metrics
    }

    /// These, and then those that are shown besides.
    fn metrics(&self) -> Vec<usize> {
        let mut metrics = self.deciding();
        for term in &self.show {
            term.metrics(&mut |index| add(&mut metrics, index));
        }
        metrics
    }
}

/// Adds what is not there already.
fn add(metrics: &mut Vec<usize>, index: usize) {
    if !metrics.contains(&index) {
        metrics.push(index);
    }
}

impl<'a> Facts<'a> {
    fn new(file: &'a ClaimFile, runs: &[Option<&'a Document>]) -> Facts<'a> {
        let prepare = |document: &'a Document| (document, Prepared::new(document));
        let mut facts = Facts {
            file,
            runs: runs.iter().map(|run| run.map(prepare)).collect(),
            selected: FxHashMap::default(),
            measured: Vec::new(),
            values: Vec::new(),
            evidence: vec![OnceCell::new(); file.metrics.len()],
        };
        for used in &file.metrics {
            facts.select(used);
        }
        let measure = |used: &MetricUse| {
            let subject = facts.subject(used)?;
            Some((used.metric.measure)(&subject, &used.arguments))
        };
        let measured: Vec<Option<Measured>> = file.metrics.iter().map(measure).collect();
        let values = measured.iter().map(Option::as_ref);
        let values = values.map(|it| it.map_or(Interval::EVERYTHING, Interval::from));
        facts.values = values.collect();
        facts.measured = measured;
        facts
    }

    fn selection(&self, used: &MetricUse) -> &'a Selection {
        let selection = used.selection.and_then(|at| self.file.selections.get(at));
        selection.unwrap_or(&TREE)
    }

    fn select(&mut self, used: &MetricUse) {
        let selection = self.selection(used);
        if let Some(Some((document, prepared))) = self.runs.get(used.run) {
            let threads = self.selected.entry((used.run, used.selection));
            threads.or_insert_with(|| select(document, prepared, selection));
        }
    }

    /// What a metric is measured of; `None` where its run is not there.
    fn subject(&self, used: &MetricUse) -> Option<Subject<'_>> {
        let (document, prepared) = self.runs.get(used.run)?.as_ref()?;
        Some(Subject {
            document,
            threads: self.selected.get(&(used.run, used.selection))?,
            selection: self.selection(used),
            prepared,
        })
    }

    /// The verdict, and whether the claim contradicts itself.
    fn judge(&self, claim: &Claim) -> (Verdict, bool) {
        let findings = claim.findings(&self.values);
        let absent = self.absent(&claim.deciding());
        let decision = absent
            .as_ref()
            .map_or_else(|| decide(findings), |_| Some(Decision::NotSeen));
        let (comparisons, because) = match (absent, decision) {
            (Some(run), _) => (Vec::new(), format!("no run `{run}` was given")),
            (None, Some(decision)) => self.reason(claim, findings, decision),
            (None, None) => self.contradiction(claim),
        };
        let verdict = Verdict {
            id: claim.id.clone(),
            says: claim.says.clone(),
            source: claim.source.clone(),
            verdict: decision.unwrap_or(Decision::CannotTell),
            because: because + &self.unmeasured(claim),
            values: self.shown(claim),
            evidence: self.evidence(&comparisons),
        };
        (verdict, decision.is_none())
    }

    /// A run of these metrics that is not there.
    fn absent(&self, metrics: &[usize]) -> Option<&str> {
        let used = metrics.iter();
        let mut runs = used.filter_map(|&index| Some(self.file.metrics.get(index)?.run));
        let absent = runs.find(|&run| !matches!(self.runs.get(run), Some(Some(_))))?;
        self.file.names.runs.get(absent).map(String::as_str)
    }

    /// What is shown of runs that are not there, where all that decides is there.
    fn unmeasured(&self, claim: &Claim) -> String {
        let deciding = claim.deciding();
        if self.absent(&deciding).is_some() {
            return String::new();
        }
        let shown = claim.metrics().into_iter().skip(deciding.len());
        let said = shown.filter_map(|index| {
            let run = self.absent(&[index])?;
            let text = &self.file.metrics.get(index)?.text;
            Some(format!(
                "; {text} is not measured, no run `{run}` was given"
            ))
        });
        said.collect()
    }

    /// The comparisons that decided, and they in words.
    fn reason<'c>(
        &self,
        claim: &'c Claim,
        findings: Findings,
        decision: Decision,
    ) -> (Vec<&'c Comparison>, String) {
        let deciding = |formula: &'c Formula| formula.decisive(&self.values);
        let holds = || deciding(&claim.holds);
        match decision {
            Decision::Correct => self.in_words(holds(), ""),
            Decision::Wrong => match &claim.refuted {
                Some(refuted) if findings.holds != Truth::False => {
                    self.in_words(deciding(refuted), "refuted: ")
                }
                _ => self.in_words(holds(), ""),
            },
            Decision::Partial => {
                let (mut comparisons, because) = self.in_words(holds(), "");
                let refuted = claim.refuted.as_ref().map(deciding).unwrap_or_default();
                let (more, also) = self.in_words(refuted, "not refuted: ");
                comparisons.extend(more);
                (comparisons, format!("{because}; {also}"))
            }
            Decision::NotSeen => {
                let seen = claim.seen.as_ref().map(deciding).unwrap_or_default();
                self.in_words(seen, "not seen: ")
            }
            Decision::CannotTell => self.undecided(claim, findings),
        }
    }

    fn in_words<'c>(
        &self,
        comparisons: Vec<&'c Comparison>,
        lead: &str,
    ) -> (Vec<&'c Comparison>, String) {
        let texts = comparisons
            .iter()
            .map(|one| words::comparison(one, &self.values));
        let texts: Vec<String> = texts.collect();
        let because = format!("{lead}{}", texts.join(", "));
        (comparisons, because)
    }

    fn contradiction<'c>(&self, claim: &'c Claim) -> (Vec<&'c Comparison>, String) {
        let mut both = claim.holds.decisive(&self.values);
        both.extend(
            claim
                .refuted
                .iter()
                .flat_map(|formula| formula.decisive(&self.values)),
        );
        self.in_words(
            both,
            "the claim contradicts itself, holds and refuted are both true: ",
        )
    }

    /// What is not known, why, and what to do about it.
    fn undecided<'c>(&self, claim: &'c Claim, findings: Findings) -> (Vec<&'c Comparison>, String) {
        let formulas = [
            (claim.seen.as_ref(), findings.seen),
            (Some(&claim.holds), findings.holds),
            (claim.refuted.as_ref(), findings.refuted),
        ];
        let unknown = formulas
            .into_iter()
            .find_map(|(formula, truth)| formula.filter(|_| truth == Truth::Unknown));
        let comparisons = unknown.map(|formula| formula.decisive(&self.values));
        let (comparisons, text) = self.in_words(comparisons.unwrap_or_default(), "");
        let why = self.why(&comparisons);
        let because = match why.is_empty() {
            true => text,
            false => format!("{text}: {why}"),
        };
        (comparisons, because)
    }

    /// What makes the widest metric of some comparisons wide.
    fn why(&self, comparisons: &[&Comparison]) -> String {
        let mut metrics = Vec::new();
        for comparison in comparisons {
            comparison.metrics(&mut |index| metrics.push(index));
        }
        let width = |index: &usize| self.values.get(*index).map(|value| value.relative_width());
        let widest = metrics
            .into_iter()
            .filter(|index| width(index) > Some(0.0))
            .max_by(|a, b| {
                width(a)
                    .partial_cmp(&width(b))
                    .unwrap_or(std::cmp::Ordering::Equal)
            });
        let wide = widest.and_then(|index| Some((index, self.measured.get(index)?.as_ref()?)));
        match wide {
            Some((index, measured)) if !measured.doubts.is_empty() => self.doubts(index, measured),
            _ => self.divided(comparisons),
        }
    }

    fn doubts(&self, index: usize, measured: &Measured) -> String {
        /// More are no help.
        const MOST: usize = 3;
        let texts = measured
            .doubts
            .iter()
            .take(MOST)
            .map(|doubt| match doubt.remedy.is_empty() {
                true => doubt.what.to_string(),
                false => format!("{} ({})", doubt.what, doubt.remedy),
            });
        let texts: Vec<String> = texts.collect();
        let name = self
            .file
            .metrics
            .get(index)
            .map_or("", |metric| &metric.text);
        format!("{name} is uncertain, {}", texts.join("; "))
    }

    fn divided(&self, comparisons: &[&Comparison]) -> String {
        let terms = comparisons.iter().flat_map(|one| [&one.left, &one.right]);
        let zero = terms
            .filter_map(|term| term.zero_divisor(&self.values))
            .next();
        zero.map_or_else(String::new, |term| {
            format!(
                "`{}` may be 0, by which nothing can be divided (say with `seen` when it is not)",
                term.text
            )
        })
    }

    /// Every metric of the claim, and what else it wants shown.
    fn shown(&self, claim: &Claim) -> Vec<Value> {
        let metrics = claim.metrics().into_iter().filter_map(|index| {
            let used = self.file.metrics.get(index)?;
            let value = self.values.get(index)?;
            Some(shown(&used.text, *value, Quantity::Of(used.metric.unit)))
        });
        let is_more = |term: &&Term| !matches!(term.what, super::expression::What::Metric(_));
        let terms = claim.show.iter().filter(is_more);
        let terms = terms.map(|term| shown(&term.text, term.value(&self.values), term.quantity));
        metrics.chain(terms).collect()
    }

    /// Of the metrics that decided, each once.
    fn evidence(&self, comparisons: &[&Comparison]) -> Vec<Evidence> {
        let mut metrics = Vec::new();
        for comparison in comparisons {
            comparison.metrics(&mut |index| {
                if !metrics.contains(&index) {
                    metrics.push(index);
                }
            });
        }
        let mut evidence: Vec<Evidence> = Vec::new();
        let found = metrics.into_iter().filter_map(|index| {
            let known = self.evidence.get(index)?;
            Some(known.get_or_init(|| self.evidence_of(index)))
        });
        for row in found.flatten() {
            if !evidence.contains(row) {
                evidence.push(row.clone());
            }
        }
        evidence.truncate(MOST_EVIDENCE);
        evidence
    }

    /// Of one metric.
    fn evidence_of(&self, index: usize) -> Vec<Evidence> {
        let used = self.file.metrics.get(index);
        let subject = used.and_then(|used| Some((used, self.subject(used)?)));
        let Some((used, subject)) = subject else {
            return Vec::new();
        };
        let name = self.file.names.runs.get(used.run);
        let rows = metric::evidence(&subject, used.metric, &used.arguments);
        located(name.map_or("", String::as_str), rows)
    }
}

/// A value as verdicts have it.
pub fn shown(expr: &str, value: Interval, quantity: Quantity) -> Value {
    let bound = |bound: f64| bound.is_finite().then_some(bound);
    Value {
        expr: expr.to_owned(),
        lo: bound(value.lo()),
        hi: bound(value.hi()),
        unit: quantity.name().to_owned(),
    }
}

/// The same, with the run's name.
fn located(run: &str, rows: Vec<metric::Evidence>) -> Vec<Evidence> {
    let located = rows.into_iter().map(|row| Evidence {
        run: run.to_owned(),
        pid: row.pid,
        tid: row.tid,
        comm: row.comm,
        kind: row.kind.map(str::to_owned),
        function: row.function,
        stack: row.stack,
        count: row.count,
        ns: row.ns,
    });
    located.collect()
}
