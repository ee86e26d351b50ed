//! Wire tests, and what the tests further down the line make records with.

pub(crate) mod bytes;
pub(crate) mod frames;
pub(crate) mod probes;

mod malformed;
mod order;
mod round_trip;
mod samples;
mod uapi;

use super::{
    decode::{Problems, decode},
    event::Event,
};

/// Everything that decodes, and what did not.
pub(crate) fn decoded(bytes: &[u8]) -> (Vec<Event>, Problems) {
    let (mut events, mut problems) = (Vec::new(), Problems::default());
    decode(bytes, &mut problems, |event| events.push(event));
    (events, problems)
}
