//! What a test guest and the machine that boots it agree on: the plan that is
//! packed into the initramfs, and the lines that tell results on the console.

mod piece;
mod plan;
mod told;

pub use piece::Piece;
pub use plan::{PLAN_FILE, Plan, Program};
pub use told::{Ended, Told};
