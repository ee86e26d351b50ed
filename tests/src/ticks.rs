//! Ticks of `waitscope top` of a program, which ends with the test.

use anyhow::Result;
use serde_json::Value;

use crate::live::{self, Running};

/// A program that ends with the test.
pub struct Killed(pub Running);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.0.signal(libc::SIGKILL);
    }
}

/// The ticks of a look at a process.
pub fn ticks(pid: i32, options: &[&str]) -> Result<Vec<Value>> {
    let mut top = live::waitscope()?;
    top.args(["top", "--format", "json", "--pid", &pid.to_string()]);
    let outcome = live::finish(top.args(options))?;
    outcome.expect_code(0)?;
    let text = String::from_utf8(outcome.stdout.clone())?;
    let ticks = text.lines().map(serde_json::from_str);
    Ok(ticks.collect::<Result<Vec<Value>, _>>()?)
}
