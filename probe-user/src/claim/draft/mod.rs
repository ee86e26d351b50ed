//! What runs show → a claim file that pins it: who waits for what, woken by whom, and what is
//! behind; how many there are; and that nothing goes wrong.
//!
//! Left to right: `runs` (what is measured of all of them) → `who` (the groups, as selections
//! that hold exactly their threads in every run) → `of_group`, `of_run` (what may be claimed,
//! with `bounds` that the runs' spread supports, in the `words` of a sentence) → `text`. What
//! is drafted has passed the evaluator: only claims that are CORRECT on every run are kept.

mod bounds;
mod of_group;
mod of_run;
mod runs;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod who;
mod words;

use std::cmp::Reverse;

use self::runs::Runs;
use super::{
    diagnostic::Diagnostic,
    file::{self, Given},
    verdict,
};
use crate::document::{Decision, Document};

/// Claims of a draft: more nobody reads.
const MOST: usize = 25;

/// A run that is drafted from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file that it was read from.
    pub name: &'a str,
    /// Its report.
    pub document: &'a Document,
}

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No threads.
    #[error("nothing was observed in {0}, so there is nothing to claim")]
    Empty(String),
    /// All is too uncertain.
    #[error("nothing is certain enough in these runs to be claimed")]
    Uncertain,
    /// That is an error of waitscope.
    #[error("the draft is no claim file: {0}")]
    Unreadable(String),
}

/// Something that may be claimed.
#[derive(Clone, Debug)]
struct Candidate {
    id: String,
    says: String,
    holds: String,
    /// What comes first in the file.
    weight: i32,
}

/// The text of a claim file.
pub fn draft(sources: &[Source<'_>]) -> Result<String, Refusal> {
    let empty = sources.iter().find(|it| it.document.threads.is_empty());
    if let Some(empty) = empty {
        return Err(Refusal::Empty(empty.name.to_owned()));
    }
    let runs = Runs::new(sources);
    let who = who::groups(&runs);
    let groups = who.iter().enumerate();
    let groups = groups.flat_map(|(rank, who)| of_group::candidates(&runs, who, rank));
    let mut candidates: Vec<Candidate> = groups.collect();
    candidates.extend(of_run::candidates(&runs));
    if candidates.is_empty() {
        return Err(Refusal::Uncertain);
    }
    candidates.sort_by_key(|candidate| Reverse(candidate.weight));
    let all = text::claims(&who, &candidates);
    let is_kept = are_correct(&all, sources)?;
    let kept = candidates.into_iter().zip(is_kept);
    let kept = kept.filter_map(|(candidate, is_kept)| is_kept.then_some(candidate));
    let kept: Vec<Candidate> = kept.take(MOST).collect();
    match kept.is_empty() {
        true => Err(Refusal::Uncertain),
        false => Ok(text::head(sources) + &text::claims(&who, &kept)),
    }
}

/// For each claim of a file, whether it is CORRECT on every run.
fn are_correct(text: &str, sources: &[Source<'_>]) -> Result<Vec<bool>, Refusal> {
    let said = |errors: Vec<Diagnostic>| {
        let first = errors.into_iter().next();
        Refusal::Unreadable(first.map_or_else(String::new, |error| error.message))
    };
    let file = file::read(text, Given::One).map_err(said)?;
    let mut are_correct = vec![true; file.claims.len()];
    for source in sources {
        let (verdicts, _) = verdict::check(&file, &[Some(source.document)]);
        for (is_correct, verdict) in are_correct.iter_mut().zip(verdicts) {
            *is_correct &= verdict.verdict == Decision::Correct;
        }
    }
    Ok(are_correct)
}
