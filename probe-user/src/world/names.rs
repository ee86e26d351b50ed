//! Interned text: waits and wakes are counted under small numbers.

use rustc_hash::{FxHashMap, FxHashSet};

/// A text's number; 0 is "none".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(u32);

impl NameId {
    /// No text.
    pub const NONE: NameId = NameId(0);
}

/// Texts by number and back.
#[derive(Clone, Debug, Default)]
pub struct Names {
    texts: Vec<Box<str>>,
    ids: FxHashMap<Box<str>, NameId>,
    /// Numbers of texts that were forgotten.
    free: Vec<NameId>,
}

impl Names {
    /// The number of a text, new or old.
    pub fn id(&mut self, text: &str) -> NameId {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        let id = match self.free.pop() {
            Some(id) => {
                self.texts[id.0 as usize - 1] = text.into();
                id
            }
            None => {
                self.texts.push(text.into());
                // 2^32 distinct texts do not fit in memory; beyond, "none" is honest.
                NameId(u32::try_from(self.texts.len()).unwrap_or(0))
            }
        };
        self.ids.insert(text.into(), id);
        id
    }

    /// Forgets the texts that are not used, and gives their numbers back.
    pub fn retain(&mut self, used: &FxHashSet<NameId>) {
        let Names { texts, ids, free } = self;
        ids.retain(|_, id| {
            let is_used = used.contains(id);
            if !is_used {
                texts[id.0 as usize - 1] = Box::default();
                free.push(*id);
            }
            is_used
        });
    }

    /// The number of a text; where it `is_full`, only one that it has already.
    pub fn id_unless(&mut self, is_full: bool, text: &str) -> Option<NameId> {
        if is_full {
            self.ids.get(text).copied()
        } else {
            Some(self.id(text))
        }
    }

    /// The number that a text has.
    pub fn find(&self, text: &str) -> Option<NameId> {
        self.ids.get(text).copied()
    }

    /// The text of a number; `None` for [`NameId::NONE`].
    pub fn text(&self, id: NameId) -> Option<&str> {
        let index = (id.0 as usize).checked_sub(1)?;
        self.texts.get(index).map(|text| &**text)
    }
}
