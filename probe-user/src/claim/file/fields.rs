//! The fields of a table: those that are known, of the kind that they should be.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::kind;
use crate::claim::diagnostic::{Diagnostic, instead};

/// A table that is being read.
pub(super) struct Fields<'a, 'e> {
    /// `a claim`.
    what: &'static str,
    table: &'a DeTable<'a>,
    /// Where it begins.
    span: Range<usize>,
    errors: &'e mut Vec<Diagnostic>,
}

/// A table by its name.
pub(super) struct Named<'a> {
    pub(super) name: Spanned<&'a str>,
    pub(super) table: &'a DeTable<'a>,
}

impl<'a, 'e> Fields<'a, 'e> {
    pub(super) fn new(
        what: &'static str,
        table: &'a DeTable<'a>,
        span: Range<usize>,
        errors: &'e mut Vec<Diagnostic>,
    ) -> Fields<'a, 'e> {
        Fields {
            what,
            table,
            span,
            errors,
        }
    }

    /// Refuses all others.
    pub(super) fn know(&mut self, known: &[&str]) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let message = format!("{} has no `{}`", self.what, name.escape_debug());
                let error = Diagnostic::new(message, key.span());
                let help = instead(name, known.iter().copied());
                self.errors.push(error.maybe_help(help));
            }
        }
    }

    fn wrong(&mut self, key: &str, wanted: &str, found: &Spanned<DeValue<'_>>) {
        let message = format!(
            "`{key}` is {}, and {wanted} is wanted",
            kind(found.get_ref())
        );
        self.errors.push(Diagnostic::new(message, found.span()));
    }

    /// A text, if it is there.
    pub(super) fn text(&mut self, key: &str) -> Option<Spanned<&'a str>> {
        let found = self.table.get(key)?;
        match found.get_ref() {
            DeValue::String(text) => Some(Spanned::new(found.span(), text.as_ref())),
            _ => {
                self.wrong(key, "a text", found);
                None
            }
        }
    }

    /// A text that has to be there.
    pub(super) fn needed_text(&mut self, key: &str) -> Option<Spanned<&'a str>> {
        self.need(key);
        self.text(key)
    }

    /// Says that it has to be there.
    pub(super) fn need(&mut self, key: &str) {
        if !self.table.contains_key(key) {
            let message = format!("{} needs `{key}`", self.what);
            self.errors
                .push(Diagnostic::new(message, self.span.clone()));
        }
    }

    /// `true` or `false`, which it is if it is not there.
    pub(super) fn flag(&mut self, key: &str) -> bool {
        let found = self.table.get(key);
        found.is_some_and(|found| {
            found.get_ref().as_bool().unwrap_or_else(|| {
                self.wrong(key, "true or false", found);
                false
            })
        })
    }

    /// A list of texts; empty if it is not there.
    pub(super) fn texts(&mut self, key: &str) -> Vec<Spanned<&'a str>> {
        let mut texts = Vec::new();
        let Some(found) = self.table.get(key) else {
            return texts;
        };
        let Some(list) = found.get_ref().as_array() else {
            self.wrong(key, "a list of texts", found);
            return texts;
        };
        for item in list.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push(Spanned::new(item.span(), text.as_ref())),
                _ => self.wrong(key, "a list of texts", item),
            }
        }
        texts
    }

    /// `[who.pool]`, `[who.main]`: tables by name, in the order of the file.
    pub(super) fn tables(&mut self, key: &str) -> Vec<Named<'a>> {
        let Some(found) = self.table.get(key) else {
            return Vec::new();
        };
        let Some(tables) = found.get_ref().as_table() else {
            self.wrong(key, "tables by name", found);
            return Vec::new();
        };
        let mut named = Vec::new();
        for (name, value) in tables {
            match value.get_ref() {
                DeValue::Table(table) => named.push(Named {
                    name: Spanned::new(name.span(), name.get_ref().as_ref()),
                    table,
                }),
                _ => self.wrong(name.get_ref(), "a table", value),
            }
        }
        named.sort_by_key(|named| named.name.span().start);
        named
    }

    /// `[[claim]]`, and where each begins.
    pub(super) fn list(&mut self, key: &str) -> Vec<(&'a DeTable<'a>, Range<usize>)> {
        let Some(found) = self.table.get(key) else {
            return Vec::new();
        };
        let Some(list) = found.get_ref().as_array() else {
            self.wrong(key, "a list of tables ([[claim]])", found);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in list.iter() {
            match item.get_ref() {
                DeValue::Table(table) => tables.push((table, item.span())),
                _ => self.wrong(key, "a list of tables ([[claim]])", item),
            }
        }
        tables
    }
}
