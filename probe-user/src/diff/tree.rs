//! What one run had of everything that is compared: amounts with their parts. Parts add up
//! to their whole: what is missing is a part of its own, whatever a report claims.

use std::collections::BTreeMap;

/// What is missing to the whole.
pub const RESIDUAL: &str = "residual";

/// What a part is among its siblings; `None` where no more is known.
pub type Name = Option<String>;

/// An amount, and what it is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Time, ns.
    pub ns: i128,
    /// How often; `None` where nothing is counted.
    pub count: Option<u64>,
    /// What it is made of; nothing, or what adds up to `ns`.
    pub parts: BTreeMap<Name, Tree>,
}

impl Tree {
    /// Time without parts.
    pub fn of(ns: u64) -> Tree {
        Tree {
            ns: ns.into(),
            ..Tree::default()
        }
    }

    /// The part of that name.
    pub fn part(&mut self, name: &str) -> &mut Tree {
        self.parts.entry(Some(name.to_owned())).or_default()
    }

    /// Adds time without parts, by name, where there is any.
    pub fn add(&mut self, name: &str, ns: u64) {
        if ns > 0 {
            self.part(name).ns += i128::from(ns);
        }
    }

    /// Adds another one, part by part.
    pub fn merge(&mut self, other: Tree) {
        self.ns += other.ns;
        self.count = match (self.count, other.count) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
        for (name, part) in other.parts {
            self.parts.entry(name).or_default().merge(part);
        }
    }

    /// Makes parts add up, at every depth.
    #[must_use]
    pub fn closed(mut self) -> Tree {
        if self.parts.is_empty() {
            return self;
        }
        let parts: i128 = self.parts.values().map(|part| part.ns).sum();
        if parts != self.ns {
            self.part(RESIDUAL).ns += self.ns - parts;
        }
        let parts = self.parts.into_iter();
        self.parts = parts.map(|(name, part)| (name, part.closed())).collect();
        self
    }
}
