//! The difference of two sides, each of one or several runs: the contract
//! `waitscope.diff/1`. Times are ns. Of several runs an amount is their mean, rounded so that
//! the parts of a row add up to the row, on each side, to the nanosecond.

use serde::{Deserialize, Serialize};

use super::{Exit, Host, HostShape, Tier, Value};

/// The whole difference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "waitscope.diff/1", default)]
pub struct Diff {
    /// What is compared.
    pub a: Side,
    /// With what.
    pub b: Side,
    /// What the length of a run is.
    pub length: Length,
    /// How rows were tested; `None` where there are too few runs for that.
    pub test: Option<Test>,
    /// What makes the sides less comparable, one sentence each.
    pub notes: Vec<String>,
    /// The length of the runs; its parts are the causes on the critical path, theirs whose.
    pub path: Row,
    /// Groups of threads by name, largest difference of a part first.
    pub groups: Vec<GroupDiff>,
    /// What `--fail-on` came to. Written only where it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fail_on: Vec<FailOn>,
}

/// What the length of a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Length {
    /// The life of its first process, which the critical path explains.
    #[default]
    CriticalPath,
    /// From the first observed instant to the last: a run has no critical path.
    Wall,
}

/// One side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Side {
    /// In the order given.
    pub runs: Vec<ComparedRun>,
    /// No record of any of them is missing, and none was cut.
    pub certain: bool,
}

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComparedRun {
    /// The recording, or report in JSON.
    pub file: String,
    /// Its command; empty when processes were attached to.
    pub command: Vec<String>,
    /// How the command ended; `None` when that was not seen.
    pub exit: Option<Exit>,
    /// Where it ran.
    #[serde(with = "HostShape")]
    pub host: Host,
    /// What the probes could see.
    pub tier: Tier,
    /// From the first observed instant to the last.
    pub wall_ns: u64,
    /// Its length, by [`Diff::length`].
    pub length_ns: i64,
    /// Records that were lost.
    pub lost_total: u64,
}

/// How rows were tested: by a permutation test of all rows together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Test {
    /// Of comparisons of equal runs, the part in which any row at all is a change, at most.
    pub level: f64,
    /// Ways to divide the runs into two sides that were looked at.
    pub divisions: u64,
    /// These are all that there are.
    pub exact: bool,
}

/// What is compared, and its parts: they add up to it, on both sides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Row {
    /// What it is among its siblings; `None` where no more is known.
    pub name: Option<String>,
    /// What A had of it.
    pub a: Amount,
    /// What B had of it.
    pub b: Amount,
    /// What B had more.
    pub difference_ns: i64,
    /// What that is.
    pub finding: Finding,
    /// The probability, of all rows together, of such a difference among equal runs; `None`
    /// where it was not tested.
    pub p: Option<f64>,
    /// Largest difference first. Written only where there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Row>,
}

/// What one side had of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Amount {
    /// The mean of the runs.
    pub ns: i64,
    /// The run with least.
    pub min_ns: i64,
    /// The run with most.
    pub max_ns: i64,
    /// How often, on average; `None` where nothing is counted.
    pub count: Option<u64>,
}

/// What a difference is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// Equal runs do not differ so.
    Change,
    /// Equal runs differ so, too.
    Noise,
    /// There are too few runs to know.
    #[default]
    Untested,
    /// Records are missing.
    NotCertain,
}

/// Threads of one role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupDiff {
    /// As [`super::Group::name`].
    pub name: String,
    /// The only side that has it; `None` where both do.
    pub only_in: Option<Which>,
    /// Threads of A's runs, on average.
    pub a_threads: u64,
    /// Threads of B's runs, on average.
    pub b_threads: u64,
    /// The threads' lifetimes; parts are states and kinds of waits, theirs causes.
    pub lifetime: Row,
}

/// One of the sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// The first.
    A,
    /// The second.
    B,
}

/// An expression of `--fail-on`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailOn {
    /// As it was given.
    pub expression: String,
    /// Whether it is true; `None` where that is not certain.
    pub holds: Option<bool>,
    /// The comparisons that decided it, with value and bound.
    pub because: String,
    /// Every metric in it.
    pub values: Vec<Value>,
}
