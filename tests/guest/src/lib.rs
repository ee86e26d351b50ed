//! What a test guest and the machine that boots it agree on: the plan that is
//! packed into the initramfs, and the lines that report results.

mod line;
mod plan;

pub use line::{Ended, GuestLine, PORT};
pub use plan::{PLAN_FILE, Plan, Program};
