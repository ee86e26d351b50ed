//! The standard descriptors of a command while waitscope has the terminal: what it writes there
//! goes to a file, and it reads no keys.

use std::{
    fs::{self, File},
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::{places::Place, warn};
use crate::child::streams::Streams;

/// The file with what a command writes.
#[derive(Debug)]
pub struct Captured {
    path: PathBuf,
    /// Its name was asked for.
    is_named: bool,
    file: File,
}

impl Captured {
    /// Makes the file, by a name of our own if there is none.
    pub fn new(name: Option<&Path>) -> Result<Captured> {
        let own = || PathBuf::from(format!("waitscope-output-{}.txt", std::process::id()));
        let path = name.map_or_else(own, Path::to_owned);
        let file = match name {
            Some(path) => File::create(path),
            None => File::create_new(&path),
        };
        let what = || format!("cannot write what the command writes to {}", path.display());
        let hint = || format!("{}: --command-output FILE names another file", what());
        Ok(Captured {
            file: match name {
                Some(_) => file.with_context(what),
                None => file.with_context(hint),
            }?,
            is_named: name.is_some(),
            path,
        })
    }

    /// What the command gets: the file for stdout, and for stderr where that is a terminal; and
    /// nothing to read where stdin is one.
    pub fn streams(&self) -> Result<Streams> {
        let file = || self.file.try_clone().map(Into::into);
        let nothing = || File::open("/dev/null").map(Into::into);
        let stdin = io::stdin().is_terminal().then(nothing);
        let stderr = io::stderr().is_terminal().then(file);
        Ok(Streams {
            stdin: stdin.transpose().context("cannot open /dev/null")?,
            stdout: Some(file()?),
            stderr: stderr.transpose()?,
        })
    }

    /// The command is over: says where to find what it wrote. A file that nobody asked for is
    /// not left behind empty.
    pub fn end(self) {
        let is_empty = self.file.metadata().is_ok_and(|file| file.len() == 0);
        match is_empty && !self.is_named {
            // It may be somewhere else by now.
            true => drop(fs::remove_file(&self.path)),
            false => warn(&format!(
                "what the command wrote is in {}",
                self.path.display()
            )),
        }
    }
}

/// The place of a file that was asked for, to be compared with others.
pub fn place(name: &Path) -> Place {
    Place::output("the command's output", name)
}
