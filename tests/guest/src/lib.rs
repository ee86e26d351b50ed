//! What a test guest and the machine that boots it agree on: the plan that is
//! packed into the initramfs, and the lines that tell results on the console.

mod line;
mod piece;
mod plan;

pub use line::{Ended, GuestLine};
pub use piece::Piece;
pub use plan::{PLAN_FILE, Plan, Program};
