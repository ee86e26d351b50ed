//! `--expect FILE`: the verdicts that are expected, a line each: `A1 = WRONG`. `#` begins a
//! comment.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Result;

use super::{
    super::{Usage, warn},
    REFUTED, Shown,
    claims::{Claims, show},
};
use crate::{
    claim::diagnostic::{Diagnostic, instead},
    document::{Check, Decision},
};

/// Verdicts by id.
pub struct Expected(BTreeMap<String, Decision>);

impl Expected {
    /// Reads them. Every claim has one, and nothing else.
    pub fn read(path: &Path, claims: &Claims) -> Result<Expected> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| Usage(format!("cannot read {name}: {error}")))?;
        let (expected, errors) = parsed(&text, claims);
        if !errors.is_empty() {
            show(&name, &text, &errors);
            return Err(Shown.into());
        }
        Ok(expected)
    }

    /// The exit code; says on stderr what is not as expected.
    pub fn compare(&self, check: &Check) -> u8 {
        let mut code = 0;
        for claim in &check.claims {
            let expected = self.0.get(&claim.id);
            if expected != Some(&claim.verdict) {
                let expected = expected.map_or("nothing", |expected| expected.as_str());
                let (id, found) = (&claim.id, claim.verdict.as_str());
                warn(&format!("{id} is {found}, and {expected} was expected"));
                code = REFUTED;
            }
        }
        code
    }
}

fn parsed(text: &str, claims: &Claims) -> (Expected, Vec<Diagnostic>) {
    let ids: Vec<&str> = claims.ids().collect();
    let mut expected = BTreeMap::new();
    let mut errors = Vec::new();
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        let span = begin..begin + line.trim_end().len();
        begin += line.len();
        match of_line(line, &ids) {
            Ok(None) => {}
            Ok(Some((id, decision))) => {
                if expected.insert(id.to_owned(), decision).is_some() {
                    let message = format!("{id} stands here twice");
                    errors.push(Diagnostic::new(message, span));
                }
            }
            Err((message, help)) => errors.push(Diagnostic::new(message, span).maybe_help(help)),
        }
    }
    let missing = ids
        .iter()
        .filter(|id| errors.is_empty() && !expected.contains_key(**id));
    let missing: Vec<&str> = missing.copied().collect();
    if !missing.is_empty() {
        let message = format!("nothing is expected of {}", missing.join(", "));
        errors.push(Diagnostic::new(message, text.len()..text.len()));
    }
    (Expected(expected), errors)
}

type Wrong = (String, Option<String>);

fn of_line<'a>(line: &'a str, ids: &[&str]) -> Result<Option<(&'a str, Decision)>, Wrong> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let line = line.trim_start_matches('\u{feff}');
    if line.is_empty() {
        return Ok(None);
    }
    let Some((id, verdict)) = line.split_once('=') else {
        let help = "a line is `ID = VERDICT`";
        return Err(("this expects nothing".to_owned(), Some(help.to_owned())));
    };
    let (id, verdict) = (id.trim(), verdict.trim().trim_matches('"'));
    if !ids.contains(&id) {
        let help = instead(id, ids.iter().copied());
        return Err((format!("there is no claim {id:?}"), help));
    }
    let names = Decision::ALL.map(Decision::as_str);
    let decision = Decision::named(verdict);
    let wrong = || {
        (
            format!("{verdict:?} is no verdict"),
            instead(verdict, names),
        )
    };
    decision
        .map(|decision| Some((id, decision)))
        .ok_or_else(wrong)
}
