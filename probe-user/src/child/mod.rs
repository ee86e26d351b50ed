//! The traced command: forked and held until every probe is attached, run as
//! the user who called sudo, left with the descriptors, signals and terminal
//! it would have had without us, and its end passed on as our own.
//!
//! In order: [`signals::Signals::new`] while there is one thread,
//! [`identity::resolve`], [`spawn::spawn_held`], [`spawn::Held::release`],
//! [`running::Running`] until it ends, signals passed on by [`relay`], [`reraise`].

pub mod descendants;
pub mod identity;
pub mod inherited;
pub mod mask;
pub mod relay;
pub mod running;
pub mod signals;
pub mod spawn;
pub mod streams;
pub mod witness;

mod forked;
mod image;
mod reraise;

#[cfg(test)]
mod tests;

pub use reraise::reraise;
