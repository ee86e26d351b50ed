//! Reads a report in JSON back. The file may come from anywhere: what cannot be
//! read is one sentence, and of what was read every index leads to its row, so
//! that views may follow them.
//!
//! Fields that this version does not know are kept out, missing ones are null or
//! empty; a word that it does not know is an error, because nothing could be
//! said of it. Times may be in any order: views do not rely on it.

use serde::Deserialize;
use serde_json::{Value, error::Category};

use super::{Document, SCHEMA};

/// Why a report cannot be read. One clear sentence each.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It ends too early.
    #[error("the report is cut short: {}", short(.0))]
    Cut(serde_json::Error),
    /// It is no JSON.
    #[error("this is not JSON: {}", short(.0))]
    NotJson(serde_json::Error),
    /// No schema is named.
    #[error("this is not a report of waitscope: it names no schema ({SCHEMA} is wanted)")]
    NoSchema,
    /// Another schema.
    #[error("this is not a report that this waitscope reads: its schema is {}, not {SCHEMA}", short(.0))]
    Schema(String),
    /// A field is not what it should be.
    #[error("this does not follow {SCHEMA}: {}", short(.0))]
    Shape(serde_json::Error),
    /// An index leads nowhere.
    #[error("{place} leads to {what} {index}, but there are {count}")]
    Index {
        /// What leads there.
        place: String,
        /// `thread` or `group`.
        what: &'static str,
        /// Where it leads.
        index: usize,
        /// How many there are.
        count: usize,
    },
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Unreadable {
        match error.classify() {
            Category::Eof => Unreadable::Cut(error),
            Category::Data => Unreadable::Shape(error),
            Category::Syntax | Category::Io => Unreadable::NotJson(error),
        }
    }
}

/// Characters of a foreign text, or of a message that may hold one, in a sentence.
const MOST_TEXT: usize = 200;

impl Document {
    /// The document that [`crate::view::json`] wrote as these bytes.
    pub fn from_json(bytes: &[u8]) -> Result<Document, Unreadable> {
        check_schema(bytes)?;
        let document: Document = serde_json::from_slice(bytes)?;
        document.check_indices()?;
        Ok(document)
    }

    fn check_indices(&self) -> Result<(), Unreadable> {
        let (threads, groups) = (self.threads.len(), self.groups.len());
        let to_thread = |index, place: &dyn Fn() -> String| check("thread", index, threads, place);
        for (at, thread) in self.threads.iter().enumerate() {
            let place = || format!("threads[{at}]");
            check("group", thread.group, groups, &place)?;
            if let Some(creator) = thread.creator {
                to_thread(creator, &place)?;
            }
        }
        let one = self.critical_path.iter().map(|path| (None, path));
        let each = self.critical_paths.iter().flatten().enumerate();
        for (number, path) in one.chain(each.map(|(at, path)| (Some(at), path))) {
            let name = || match number {
                None => "critical_path".to_owned(),
                Some(at) => format!("critical_paths[{at}]"),
            };
            to_thread(path.root, &|| format!("{}.root", name()))?;
            for (at, hop) in path.hops.iter().enumerate() {
                to_thread(hop.thread, &|| format!("{}.hops[{at}]", name()))?;
            }
        }
        for (at, table) in self.fd_tables.iter().flatten().enumerate() {
            for &group in &table.groups {
                check("group", group, groups, &|| format!("fd_tables[{at}]"))?;
            }
        }
        for (at, fate) in self.fates.iter().flatten().enumerate() {
            check("group", fate.group, groups, &|| format!("fates[{at}]"))?;
        }
        for (at, timeline) in self.explained.iter().flatten().enumerate() {
            to_thread(timeline.thread, &|| format!("explained[{at}]"))?;
        }
        Ok(())
    }
}

/// That it is JSON as a whole, and which.
fn check_schema(bytes: &[u8]) -> Result<(), Unreadable> {
    #[derive(Deserialize)]
    struct Head {
        schema: Option<Value>,
    }
    let head: Head = serde_json::from_slice(bytes)?;
    match head.schema {
        None => Err(Unreadable::NoSchema),
        Some(Value::String(schema)) if schema == SCHEMA => Ok(()),
        Some(other) => Err(Unreadable::Schema(other.to_string())),
    }
}

fn check(
    what: &'static str,
    index: usize,
    count: usize,
    place: &dyn Fn() -> String,
) -> Result<(), Unreadable> {
    if index < count {
        return Ok(());
    }
    Err(Unreadable::Index {
        place: place(),
        what,
        index,
        count,
    })
}

/// A message in one line of bounded length.
fn short(message: &impl ToString) -> String {
    let text = message.to_string();
    match text.char_indices().nth(MOST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
