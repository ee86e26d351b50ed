//! What the guest is to run.

use serde::{Deserialize, Serialize};

/// Where the plan lies in the initramfs, as JSON.
pub const PLAN_FILE: &str = "/plan.json";

/// Programs that run one after the other, each as root with nothing on its
/// input and exactly this environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Names and values.
    pub environment: Vec<(String, String)>,
    /// The working directory; the initramfs has it.
    pub directory: String,
    /// In the order in which they run.
    pub programs: Vec<Program>,
}

/// One program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// What its result is called; one word.
    pub name: String,
    /// A path, or a name to look for in the environment's PATH.
    pub path: String,
    /// Without the program's own name.
    pub arguments: Vec<String>,
    /// Whether its standard output goes to the host in [`Ended`](crate::Ended)
    /// instead of onto the console.
    pub caught: bool,
}
