//! A batch's records as events, sorted: the part of a replay that needs nothing of what came
//! before, and is done ahead of the rest.

use super::{
    decode::{Problems, decode},
    event::Event,
    order,
    session::{Batch, Fact},
};

/// A [`Batch`] whose records are decoded.
#[derive(Debug)]
pub struct Sorted {
    /// Its events, in the order of [`order::sort`].
    pub events: Vec<Event>,
    /// Records that could not be used.
    pub problems: Problems,
    /// As in the batch.
    pub facts: Vec<Fact>,
    /// As in the batch, ns.
    pub watermark_ns: u64,
}

impl From<&Batch> for Sorted {
    fn from(batch: &Batch) -> Sorted {
        let (mut events, mut problems) = (Vec::new(), Problems::default());
        decode(&batch.records, &mut problems, |event| events.push(event));
        order::sort(&mut events);
        Sorted {
            events,
            problems,
            facts: batch.facts.clone(),
            watermark_ns: batch.watermark_ns,
        }
    }
}
