//! Facts that later parts of a recording need, too.

use std::collections::BTreeMap;

use crate::wire::session::Fact;

/// What user space has found out, and finds out once only.
#[derive(Default)]
pub struct Known {
    /// Symbols, disks and user stacks.
    names: Vec<Fact>,
    /// Arguments by process.
    argv: BTreeMap<u32, Fact>,
    /// Interpreters, by process: that of its latest exec.
    pythons: BTreeMap<u32, Fact>,
    watching: Option<Fact>,
}

impl Known {
    /// Keeps those that hold for longer than an instant.
    pub fn learn(&mut self, facts: &[Fact]) {
        for fact in facts {
            match fact {
                Fact::Symbol { .. }
                | Fact::Disk { .. }
                | Fact::Module { .. }
                | Fact::UserFrames(_) => self.names.push(fact.clone()),
                Fact::Argv { pid, .. } => _ = self.argv.insert(*pid, fact.clone()),
                Fact::Python { pid, .. } => _ = self.pythons.insert(*pid, fact.clone()),
                Fact::Watching { .. } => self.watching = Some(fact.clone()),
                // Of an instant.
                Fact::Begin { .. }
                | Fact::Lost { .. }
                | Fact::Memory { .. }
                | Fact::CpuTimes(_)
                | Fact::Netstat(_) => {}
            }
        }
    }

    /// All of them.
    pub fn facts(&self) -> Vec<Fact> {
        let processes = self.argv.values().chain(self.pythons.values());
        let all = self.names.iter().chain(processes).chain(&self.watching);
        all.cloned().collect()
    }
}
