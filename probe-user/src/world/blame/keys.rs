//! Waits that are counted together, under small numbers: an interval of a log
//! says what it was in four bytes.

use rustc_hash::FxHashMap;

use crate::world::account::WaitKey;

/// A [`WaitKey`]'s number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId(u32);

/// Keys by number and back.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    list: Vec<WaitKey>,
    ids: FxHashMap<WaitKey, KeyId>,
}

impl Keys {
    pub(super) fn id(&mut self, key: WaitKey) -> KeyId {
        // More distinct keys than that do not fit in memory.
        let next = KeyId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        let id = *self.ids.entry(key).or_insert(next);
        if id == next {
            self.list.push(key);
        }
        id
    }

    pub(super) fn get(&self, id: KeyId) -> Option<&WaitKey> {
        self.list.get(id.0 as usize)
    }
}
