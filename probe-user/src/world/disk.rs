//! Disks by their kernel device numbers.

use rustc_hash::FxHashMap;

use super::names::{NameId, Names};

/// Those that were told.
#[derive(Clone, Debug, Default)]
pub struct Disks(FxHashMap<u32, NameId>);

impl Disks {
    /// Learns a name.
    pub fn learn(&mut self, dev: u32, name: &str, names: &mut Names) {
        self.0.insert(dev, names.id(name));
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = NameId> {
        self.0.values().copied()
    }

    /// A disk's name; `MAJOR:MINOR` if it was not told.
    pub fn name(&self, dev: u32, names: &mut Names) -> NameId {
        let numbers = || names.id(&format!("{}:{}", dev >> 20, dev & 0xf_ffff));
        self.0.get(&dev).copied().unwrap_or_else(numbers)
    }
}
