//! From ring bytes to ordered events. Nothing here fails on bad input: what
//! does not decode is counted and skipped.

pub mod decode;
pub mod event;
pub mod order;
pub mod session;
pub mod sorted;

#[cfg(test)]
pub(crate) mod tests;
