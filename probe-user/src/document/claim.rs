//! Verdicts on claims, and the contract `waitscope.check/1` of `waitscope check`.

use serde::{Deserialize, Serialize, Serializer};

use super::{Coverage, Exit};

/// What was found of one claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Verdict {
    /// The claim's.
    pub id: String,
    /// The sentence.
    pub says: String,
    /// Who says so.
    pub source: Option<String>,
    /// What is proved of it.
    pub verdict: Decision,
    /// The comparisons that decided it, with value and bound.
    pub because: String,
    /// Every metric of the claim, and what it wanted shown.
    pub values: Vec<Value>,
    /// The threads that decided it, those with most time first.
    pub evidence: Vec<Evidence>,
}

/// What is proved of a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Decision {
    /// It holds.
    #[serde(rename = "CORRECT")]
    Correct,
    /// It neither holds nor is it refuted.
    #[serde(rename = "PARTIAL")]
    Partial,
    /// It is refuted.
    #[serde(rename = "WRONG")]
    Wrong,
    /// What it is about did not happen.
    #[serde(rename = "NOT SEEN")]
    NotSeen,
    /// What was measured is true for some of the values that it may have.
    #[default]
    #[serde(rename = "CANNOT TELL")]
    CannotTell,
}

impl Decision {
    /// All, best first.
    pub const ALL: [Decision; 5] = [
        Decision::Correct,
        Decision::Partial,
        Decision::Wrong,
        Decision::NotSeen,
        Decision::CannotTell,
    ];

    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Correct => "CORRECT",
            Decision::Partial => "PARTIAL",
            Decision::Wrong => "WRONG",
            Decision::NotSeen => "NOT SEEN",
            Decision::CannotTell => "CANNOT TELL",
        }
    }

    /// Of a word as it is printed.
    pub fn named(word: &str) -> Option<Decision> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }
}

/// A measured value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Value {
    /// As the claim has it: `pool.share(epoll)`.
    pub expr: String,
    /// At least this; `None` where there is no bound.
    #[serde(serialize_with = "whole_or_not")]
    pub lo: Option<f64>,
    /// At most this; `None` where there is no bound.
    #[serde(serialize_with = "whole_or_not")]
    pub hi: Option<f64>,
    /// `ns`, `bytes`, `count`, `share` (1 is all), `ratio`, `per_s`.
    pub unit: String,
}

/// A whole number without a decimal point.
fn whole_or_not<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    /// Every whole number below is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match *number {
        Some(number) if number.fract() == 0.0 && number.abs() < EXACT => {
            serializer.serialize_i64(number as i64)
        }
        Some(number) => serializer.serialize_f64(number),
        None => serializer.serialize_none(),
    }
}

/// A thread, and where it spent what decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// In which run.
    pub run: String,
    /// Process; `None` when its birth was not seen.
    pub pid: Option<u32>,
    /// Thread.
    pub tid: u32,
    /// Its name.
    pub comm: String,
    /// Kind of wait, or `on-cpu`, `runqueue`; `None` where it is about something else.
    pub kind: Option<String>,
    /// Kernel function slept in; `None` when no stack was taken.
    pub function: Option<String>,
    /// The stack, innermost first.
    pub stack: Vec<String>,
    /// How often.
    pub count: u64,
    /// Time, ns.
    pub ns: u64,
}

/// The outcome of `waitscope check`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "waitscope.check/1", default)]
pub struct Check {
    /// The claim file; of several the first.
    pub file: String,
    /// All of them. Written only where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// What they were checked on.
    pub runs: Vec<CheckedRun>,
    /// What was found, in the order of the files.
    pub claims: Vec<Verdict>,
}

/// A run that claims were checked on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckedRun {
    /// As expressions call it.
    pub name: String,
    /// Its command; empty when processes were attached to.
    pub command: Vec<String>,
    /// The recording, or report in JSON, that it was read from or is kept in; `None` where it
    /// was not kept.
    pub recording: Option<String>,
    /// How the command ended; `None` when that was not seen.
    pub exit: Option<Exit>,
    /// From the first observed instant to the last, ns.
    pub wall_ns: u64,
    /// How far the numbers can be trusted.
    pub coverage: Coverage,
}
