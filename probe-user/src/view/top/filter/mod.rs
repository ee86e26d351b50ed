//! Which tasks are shown: `kind:futex age>5s user=www-data and not idle`.
//!
//! A word is looked for in every text of a task, whatever its case. A condition is a field, an
//! operator and a value ([`field`]). Conditions side by side must all hold; `or`, `not` and
//! parentheses are what they are elsewhere; what is in quotes is one word.

mod field;
mod parse;
mod pattern;
#[cfg(test)]
mod tests;

use std::ops::Range;

use self::{field::Condition, parse::Parser, pattern::Needle};
use crate::document::top::Task;

pub(super) use self::field::state_word;

/// A filter that reads well.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    root: Option<Node>,
    asks_idle: bool,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// Where, in bytes of the text.
    pub span: Range<usize>,
    /// What is wrong there.
    pub message: String,
}

#[derive(Clone, Debug)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Word(Needle),
    Field(Condition),
}

impl Filter {
    /// Reads a filter; of an empty text it is one that every task passes.
    pub fn parse(text: &str) -> Result<Filter, FilterError> {
        let mut parser = Parser::new(text);
        let root = parser.filter()?;
        Ok(Filter {
            root,
            asks_idle: parser.asks_idle,
        })
    }

    /// One for a text as it is, whatever is in it.
    pub fn word(text: &str) -> Filter {
        Filter {
            root: Some(Node::Word(Needle::new(text))),
            asks_idle: false,
        }
    }

    /// Whether a task passes.
    pub fn matches(&self, task: &Task) -> bool {
        self.root.as_ref().is_none_or(|root| root.matches(task))
    }

    /// Whether it passes every task.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Whether it says itself which idle tasks are wanted.
    pub fn asks_idle(&self) -> bool {
        self.asks_idle
    }
}

impl Node {
    fn matches(&self, task: &Task) -> bool {
        match self {
            Node::All(nodes) => nodes.iter().all(|node| node.matches(task)),
            Node::Any(nodes) => nodes.iter().any(|node| node.matches(task)),
            Node::Not(node) => !node.matches(task),
            Node::Word(needle) => field::has_word(task, needle),
            Node::Field(condition) => condition.matches(task),
        }
    }
}
