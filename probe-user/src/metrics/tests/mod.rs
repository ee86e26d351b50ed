//! Tests of the report's rows, through the whole analysis: records in,
//! document out.

pub(crate) mod run;
pub(crate) mod tree;

mod coverage;
mod fates;
mod groups;
mod herds;
mod paths;
mod peers;
mod runtimes;
mod select;
mod sums;
mod throttled;
