//! The vocabulary of waits and wakes, under the world's own path.

pub use crate::vocabulary::{WaitKind, WakeSource};
