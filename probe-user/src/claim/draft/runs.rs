//! The runs, and what is measured of all of them.

use super::{Source, bounds::Hull, who::Who};
use crate::{
    claim::{
        interval::Interval,
        metric::{self, Argument, Prepared, Subject},
        selection::{Selection, select},
    },
    document::Document,
};

/// All runs.
pub(super) struct Runs<'a> {
    /// In the order given.
    pub(super) list: Vec<Run<'a>>,
    /// All threads.
    pub(super) tree: Who,
}

/// One of them.
pub(super) struct Run<'a> {
    pub(super) document: &'a Document,
    pub(super) prepared: Prepared,
}

/// A number, as written in a claim, and what it came to.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) text: String,
    /// By run.
    values: Vec<Interval>,
    pub(super) hull: Hull,
}

impl Asked {
    /// `None` of no run.
    fn new(text: String, values: Vec<Interval>) -> Option<Asked> {
        let hull = Hull::of(&values)?;
        Some(Asked { text, values, hull })
    }

    fn with(
        &self,
        other: &Asked,
        text: String,
        by: fn(Interval, Interval) -> Interval,
    ) -> Option<Asked> {
        let pairs = self.values.iter().zip(&other.values);
        Asked::new(text, pairs.map(|(&a, &b)| by(a, b)).collect())
    }

    /// The part of a whole.
    pub(super) fn over(&self, whole: &Asked) -> Option<Asked> {
        let text = format!("{} / {}", self.text, whole.text);
        self.with(whole, text, |a, b| a / b)
    }

    /// Both together.
    pub(super) fn plus(&self, other: &Asked) -> Option<Asked> {
        let text = format!("({} + {})", self.text, other.text);
        self.with(other, text, |a, b| a + b)
    }

    /// What a share leaves of the whole.
    pub(super) fn rest(&self) -> Option<Asked> {
        let text = format!("(100% - {})", self.text);
        self.with(self, text, |a, _| Interval::point(1.0) - a)
    }
}

impl<'a> Runs<'a> {
    pub(super) fn new(sources: &[Source<'a>]) -> Runs<'a> {
        let runs = sources.iter().map(|source| Run {
            document: source.document,
            prepared: Prepared::new(source.document),
        });
        let list: Vec<Run<'a>> = runs.collect();
        let tree = Who::tree(&list);
        Runs { list, tree }
    }

    /// The threads of a selection, by run.
    pub(super) fn select(list: &[Run<'_>], selection: &Selection) -> Vec<Vec<usize>> {
        let selected = list.iter();
        let selected = selected.map(|run| select(run.document, &run.prepared, selection));
        selected.collect()
    }

    /// Measures a metric of some threads in every run; `None` if there is no such metric.
    pub(super) fn ask(&self, who: &Who, name: &str, arguments: &[Argument]) -> Option<Asked> {
        let metric = metric::find(name)?;
        let measured = self.list.iter().zip(&who.threads).map(|(run, threads)| {
            let subject = Subject {
                document: run.document,
                threads,
                selection: &who.selection,
                prepared: &run.prepared,
            };
            Interval::from(&(metric.measure)(&subject, arguments))
        });
        Asked::new(written(who, metric, arguments), measured.collect())
    }

    /// The same with one word in the parentheses.
    pub(super) fn ask_word(&self, who: &Who, name: &str, word: &str) -> Option<Asked> {
        self.ask(who, name, &[Argument::Word(word.to_owned())])
    }

    /// Whether something is so in every run.
    pub(super) fn all(&self, is_so: impl Fn(&Document) -> bool) -> bool {
        self.list.iter().all(|run| is_so(run.document))
    }
}

fn written(who: &Who, metric: &metric::Metric, arguments: &[Argument]) -> String {
    let list = arguments.iter().map(|argument| match argument {
        Argument::Word(word) => word.clone(),
        Argument::Glob(glob) => format!("\"{glob}\""),
    });
    let list: Vec<String> = list.collect();
    let metric_name = match metric.of {
        metric::Whole::Run => metric.name.to_owned(),
        metric::Whole::Selection => format!("{}.{}", who.name, metric.name),
    };
    match list.is_empty() {
        true => metric_name,
        false => format!("{metric_name}({})", list.join(", ")),
    }
}
