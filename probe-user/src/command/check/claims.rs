//! The claim files of one check, read.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::{super::Usage, Shown};
use crate::{
    claim::{
        diagnostic::Diagnostic,
        file::{self, ClaimFile, Given, LARGEST, ONLY_RUN},
        packs::Pack,
        verdict,
    },
    cli::Color,
    command::destination::Destination,
    document::{Document, Verdict},
    view::diagnostic::{self, Options},
};

/// Some files, and what they claim.
pub struct Claims {
    files: Vec<Source>,
}

/// A file, its text, and what is in it.
struct Source {
    name: String,
    text: String,
    file: ClaimFile,
    /// Claims that contradict themselves, as has been shown: a run may be asked about often.
    shown: RefCell<BTreeSet<usize>>,
}

impl Claims {
    /// Reads them. What is wrong with them is shown on stderr.
    pub fn read(paths: &[PathBuf], packs: &[&Pack], given: Given<'_>) -> Result<Claims> {
        let mut files = Vec::new();
        let mut is_right = true;
        for path in paths {
            match read(path, given)? {
                Some(source) => files.push(source),
                None => is_right = false,
            }
        }
        for pack in packs {
            match parse(pack.name.to_owned(), pack.text, given) {
                Some(source) => files.push(source),
                None => is_right = false,
            }
        }
        anyhow::ensure!(check_ids(&files) && is_right, Shown);
        Ok(Claims { files })
    }

    /// Names of the files.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.files.iter().map(|source| source.name.clone())
    }

    /// All ids, in the order of the files.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let claims = self.files.iter().flat_map(|source| &source.file.claims);
        claims.map(|claim| claim.id.as_str())
    }

    /// What is in the files.
    pub fn files(&self) -> impl Iterator<Item = &ClaimFile> {
        self.files.iter().map(|source| &source.file)
    }

    /// What the first of them calls a run without a name.
    pub fn only_run(&self) -> &str {
        self.files().next().map_or(ONLY_RUN, ClaimFile::only_run)
    }

    /// Verdicts on runs; and an error if a file contradicts itself, as is shown on stderr.
    pub fn verdicts(&self, runs: &[(&str, &Document)]) -> (Vec<Verdict>, Result<()>) {
        let mut verdicts = Vec::new();
        let mut result = Ok(());
        for source in &self.files {
            let (found, contradicted) = verdict::check(&source.file, &source.own(runs));
            verdicts.extend(found);
            if !contradicted.is_empty() {
                result = Err(Shown.into());
            }
            let new = contradicted
                .into_iter()
                .filter(|&at| source.shown.borrow_mut().insert(at));
            let errors: Vec<Diagnostic> = new.filter_map(|at| source.contradiction(at)).collect();
            if !errors.is_empty() {
                show(&source.name, &source.text, &errors);
            }
        }
        (verdicts, result)
    }
}

impl Source {
    /// The runs that the file may name, in its order. One alone is also the file's only one.
    fn own<'a>(&self, runs: &[(&str, &'a Document)]) -> Vec<Option<&'a Document>> {
        let names = self.file.names.runs.iter();
        let own = names.map(|name| match runs {
            [(_, document)] if name == self.file.only_run() => Some(*document),
            _ => {
                let found = runs.iter().find(|(other, _)| other == name);
                found.map(|(_, document)| *document)
            }
        });
        own.collect()
    }

    fn contradiction(&self, claim: usize) -> Option<Diagnostic> {
        let claim = self.file.claims.get(claim)?;
        let message = format!("claim {} contradicts itself on this run", claim.id);
        let error = Diagnostic::new(message, claim.holds_span.clone());
        let error = error.label("this is true, and so is `refuted`");
        Some(error.help("no run may make both true"))
    }
}

/// `None` if it is wrong, which is shown then.
fn read(path: &Path, given: Given<'_>) -> Result<Option<Source>> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let opened = File::open(path).and_then(|file| {
        // One more than may be read shows that there is more.
        let most = LARGEST as u64 + 4;
        file.take(most).read_to_end(&mut bytes)
    });
    opened.map_err(|error| Usage(format!("cannot read {name}: {error}")))?;
    let text = match file::text(&bytes) {
        Ok(text) => text,
        Err(error) => {
            show(&name, &error.0, &[error.1]);
            return Ok(None);
        }
    };
    Ok(parse(name, text, given))
}

fn parse(name: String, text: &str, given: Given<'_>) -> Option<Source> {
    match file::read(text, given) {
        Ok(file) => Some(Source {
            text: text.to_owned(),
            name,
            file,
            shown: RefCell::default(),
        }),
        Err(errors) => {
            show(&name, text, &errors);
            None
        }
    }
}

/// Each is of one claim alone, among all files.
fn check_ids(files: &[Source]) -> bool {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    let mut is_right = true;
    for source in files {
        let mut errors = Vec::new();
        for claim in &source.file.claims {
            if let Some(other) = first.insert(&claim.id, &source.name) {
                let message = format!("there is a claim {:?} in {other} already", claim.id);
                errors.push(Diagnostic::new(message, claim.id_span.clone()));
            }
        }
        if !errors.is_empty() {
            show(&source.name, &source.text, &errors);
            is_right = false;
        }
    }
    is_right
}

/// On stderr. Where that is closed nobody wants to know.
pub(in crate::command) fn show(name: &str, text: &str, errors: &[Diagnostic]) {
    let options = Options {
        width: Some(Destination::Stderr.width()),
        color: Destination::Stderr.is_colored(Color::Auto),
    };
    let shown = diagnostic::render(name, text, errors, options);
    let _closed = io::stderr().lock().write_all(shown.as_bytes());
}
