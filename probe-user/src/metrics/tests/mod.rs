//! Tests of the report's rows, through the whole analysis: records in,
//! document out.

pub(crate) mod run;
mod tree;

mod coverage;
mod groups;
mod paths;
mod sums;
