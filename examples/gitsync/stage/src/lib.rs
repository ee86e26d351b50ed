//! What gitsync is run on: repositories with an invented history, a git server
//! on the loopback interface, and clones of them.

pub mod daemon;
pub mod delay;
pub mod git;
mod history;
pub mod program;
pub mod stage;
