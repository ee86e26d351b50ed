//! What claims may name: selections of threads, and runs.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::fields::{Fields, Named};
use super::{ClaimFile, DeclaredRun, Given, ONLY_RUN, Reader, SCRIPT};
use crate::claim::{
    diagnostic::{Diagnostic, instead},
    selection::{BUILT_IN, Process, Selection, Threads},
};

/// Words of the language, which no name may be.
const RESERVED: [&str; 3] = ["and", "or", "not"];

impl Reader<'_> {
    /// Those that every file has, and `[who.NAME]`.
    pub(super) fn selections(&mut self, who: &[Named<'_>]) {
        for name in BUILT_IN {
            self.file.names.selections.push(name.to_owned());
            self.file
                .selections
                .push(Selection::built_in(name).unwrap_or_default());
        }
        for Named { name, table } in who {
            if BUILT_IN.contains(name.get_ref()) {
                let message = format!("every file has `{}`", name.get_ref());
                let error = Diagnostic::new(message, name.span());
                self.errors
                    .push(error.help("give this selection another name"));
            }
            self.check_name(name);
            let selection = self.selection(table, name.span());
            self.file
                .names
                .selections
                .push((*name.get_ref()).to_owned());
            self.file.selections.push(selection);
        }
    }

    fn selection(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Selection {
        let mut fields = Fields::new("a selection", table, span, &mut self.errors);
        fields.know(&["process", "threads", "name"]);
        let process = fields.text("process");
        let process = process.and_then(|text| text.get_ref().parse::<Process>().ok());
        let threads = fields.text("threads");
        let name = fields.text("name").map(|text| (*text.get_ref()).to_owned());
        Selection {
            process: process.unwrap_or_default(),
            threads: threads.map_or_else(Threads::default, |text| self.threads(&text)),
            name,
        }
    }

    fn threads(&mut self, text: &Spanned<&str>) -> Threads {
        text.get_ref().parse().unwrap_or_else(|()| {
            let message = format!("`threads` is not {:?}", text.get_ref());
            let error = Diagnostic::new(message, text.span());
            let help = instead(text.get_ref(), ["leader", "others", "all"]);
            self.errors.push(error.maybe_help(help));
            Threads::default()
        })
    }

    /// `[run.NAME]`.
    pub(super) fn runs(&mut self, runs: &[Named<'_>]) {
        for Named { name, table } in runs {
            self.check_name(name);
            let mut fields = Fields::new("a run", table, name.span(), &mut self.errors);
            fields.know(&["command", "fds"]);
            let fds = fields.flag("fds");
            let words = fields.texts("command");
            let has_script = self.file.script.is_some();
            let no_script = words
                .iter()
                .find(|word| *word.get_ref() == SCRIPT && !has_script);
            if let Some(word) = no_script {
                let error = Diagnostic::new("this file has no script", word.span());
                let help = "write the program into the file: `script = '''…'''`, above all tables";
                self.errors.push(error.help(help));
            }
            let has_nul = words.iter().find(|word| word.get_ref().contains('\0'));
            if let Some(word) = has_nul {
                let message = "no argument of a command can have a NUL in it";
                self.errors.push(Diagnostic::new(message, word.span()));
            }
            if words.is_empty() && table.contains_key("command") {
                let error = Diagnostic::new("this command is empty", name.span());
                self.errors
                    .push(error.help("it is a list: `command = [\"make\", \"-j4\"]`"));
            }
            let command = words.iter().map(|word| (*word.get_ref()).to_owned());
            self.file.runs.push(DeclaredRun {
                name: (*name.get_ref()).to_owned(),
                command: command.collect(),
                fds,
            });
        }
    }

    fn check_name(&mut self, name: &Spanned<&str>) {
        let text = *name.get_ref();
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !begins || !text.chars().all(is_letter) || RESERVED.contains(&text) {
            let message = "no expression can name this";
            let error = Diagnostic::new(message, name.span());
            let help = "a name is letters, digits and `_`, and begins with none of the digits";
            self.errors.push(error.help(help));
        }
    }

    /// The runs that expressions may name: those that the file declares, and those that are
    /// given.
    pub(super) fn name_runs(&mut self, given: Given<'_>, claims: &[(&DeTable<'_>, Range<usize>)]) {
        let declared = self.file.runs.iter().map(|run| run.name.clone());
        let mut names: Vec<String> = declared.collect();
        let only = self.file.only_run().to_owned();
        let given = match given {
            Given::Named(names) => names,
            Given::One => std::slice::from_ref(&only),
            Given::None => &[],
        };
        for name in given {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        if names.is_empty() {
            let place = claims.first().map_or(0..0, |(_, span)| span.clone());
            let error = Diagnostic::new("these claims have no run to be checked on", place);
            self.errors.push(error.help(
                "give a recording, or `-- CMD`, or say how to make it: [run.NAME] with a `command`",
            ));
            names.push(ONLY_RUN.to_owned());
        }
        self.file.names.runs = names;
    }
}

impl ClaimFile {
    /// What a run is called that is given without a name.
    pub fn only_run(&self) -> &str {
        match self.runs.as_slice() {
            [one] => &one.name,
            _ => ONLY_RUN,
        }
    }
}
