//! A claim file (`waitscope.claims/1`): TOML → selections, runs and claims, every name and
//! unit checked. All errors of a file are found in one go.

mod fields;
mod names;
mod position;

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use self::{fields::Fields, position::Text};
use super::{
    diagnostic::Diagnostic,
    expression::{self, Formula, MetricUse, Names, Scope, Term},
    selection::Selection,
};

/// Name and version of the contract.
pub const SCHEMA: &str = "waitscope.claims/1";

/// Bytes of a claim file.
pub const LARGEST: usize = 1 << 20;

/// The file.
#[derive(Clone, Debug, Default)]
pub struct ClaimFile {
    /// The threads that claims are about: in the order of [`Names::selections`].
    pub selections: Vec<Selection>,
    /// A program that its runs can start as [`SCRIPT`].
    pub script: Option<String>,
    /// The runs that it declares.
    pub runs: Vec<DeclaredRun>,
    /// What its expressions may name.
    pub names: Names,
    /// Every metric that they use.
    pub metrics: Vec<MetricUse>,
    /// What is claimed, in the file's order.
    pub claims: Vec<Claim>,
}

/// `[run.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredRun {
    /// Its name.
    pub name: String,
    /// Program and arguments; empty where it has to be given.
    pub command: Vec<String>,
    /// Whether it looks at descriptor tables behind every call, as `--fds` does.
    pub fds: bool,
}

/// `[[claim]]`.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Of it alone, among all that is checked together.
    pub id: String,
    /// Where that stands.
    pub id_span: Range<usize>,
    /// The sentence.
    pub says: String,
    /// Who says so.
    pub source: Option<String>,
    /// Without this there is nothing to be said.
    pub seen: Option<Formula>,
    /// What makes it right.
    pub holds: Formula,
    /// Where that stands.
    pub holds_span: Range<usize>,
    /// What makes it wrong; `None`: that it does not hold.
    pub refuted: Option<Formula>,
    /// Measured and shown besides.
    pub show: Vec<Term>,
}

/// Which runs there are to check a file on.
#[derive(Clone, Copy, Debug)]
pub enum Given<'a> {
    /// One without a name.
    One,
    /// Those with these names.
    Named(&'a [String]),
    /// None: all that the file says how to make are made.
    None,
}

/// The name of a run that needs none.
pub const ONLY_RUN: &str = "run";

/// In a command: the path of a file with the claim file's script in it.
pub const SCRIPT: &str = "{script}";

/// Text out of the bytes of a file: without a byte order mark.
pub fn text(bytes: &[u8]) -> Result<&str, Box<(String, Diagnostic)>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.len() > LARGEST {
        let message = format!("the file is larger than {LARGEST} bytes");
        return Err(Box::new((String::new(), Diagnostic::new(message, 0..0))));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let end = (at + 1..bytes.len()).find(|&end| bytes[end] & 0xc0 != 0x80);
        let shown = String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned();
        let span = at..shown.len();
        Box::new((shown, Diagnostic::new("this is not UTF-8", span)))
    })
}

/// Reads a claim file.
pub fn read(text: &str, given: Given<'_>) -> Result<ClaimFile, Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let errors = errors.iter().map(|error| not_toml(error, text));
    // Others may follow from the first.
    if let Some(first) = errors.min_by_key(|error| error.span.start) {
        return Err(vec![first]);
    }
    let mut reader = Reader {
        text: Text::new(text),
        errors: Vec::new(),
        file: ClaimFile::default(),
    };
    reader.file(table.get_ref(), given);
    reader.errors.sort_by_key(|error| error.span.start);
    // A run that is missing is missing everywhere.
    let mut missing = BTreeSet::new();
    let is_run = |error: &Diagnostic| error.message.starts_with(expression::NO_RUN);
    reader
        .errors
        .retain(|error| !is_run(error) || missing.insert(error.message.clone()));
    match reader.errors.is_empty() {
        true => Ok(reader.file),
        false => Err(reader.errors),
    }
}

fn not_toml(error: &toml::de::Error, text: &str) -> Diagnostic {
    let span = error.span().unwrap_or(text.len()..text.len());
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    Diagnostic::new(format!("this is not TOML: {message}"), span)
}

struct Reader<'a> {
    text: Text<'a>,
    errors: Vec<Diagnostic>,
    file: ClaimFile,
}

impl Reader<'_> {
    fn file(&mut self, table: &DeTable<'_>, given: Given<'_>) {
        let whole = 0..0;
        if table.is_empty() {
            let error = Diagnostic::new("this file is empty", whole);
            let help = format!("a claim file begins with `schema = \"{SCHEMA}\"`");
            self.errors.push(error.help(help));
            return;
        }
        let mut fields = Fields::new("a claim file", table, whole.clone(), &mut self.errors);
        fields.know(&["schema", "script", "who", "run", "claim"]);
        let schema = fields.text("schema");
        self.file.script = fields
            .text("script")
            .map(|text| (*text.get_ref()).to_owned());
        let who = fields.tables("who");
        let run = fields.tables("run");
        let claims = fields.list("claim");
        match schema {
            Some(schema) if *schema.get_ref() != SCHEMA => {
                let error = Diagnostic::new(
                    format!(
                        "this waitscope does not know the schema {}",
                        schema.get_ref()
                    ),
                    schema.span(),
                );
                self.errors.push(error.help(format!("write \"{SCHEMA}\"")));
                return;
            }
            Some(_) => {}
            None => {
                if !table.contains_key("schema") {
                    let error = Diagnostic::new("a claim file names its schema", whole.clone());
                    let help = format!("begin it with `schema = \"{SCHEMA}\"`");
                    self.errors.push(error.help(help));
                }
            }
        }
        self.selections(&who);
        self.runs(&run);
        self.name_runs(given, &claims);
        if claims.is_empty() && !table.contains_key("claim") {
            let error = Diagnostic::new("there is no claim in this file", whole);
            self.errors.push(error.help("add one: [[claim]]"));
        }
        let mut ids = BTreeSet::new();
        for (table, span) in claims {
            if let Some(claim) = self.claim(table, span) {
                self.check_id(&claim, &mut ids);
                self.file.claims.push(claim);
            }
        }
    }

    fn check_id(&mut self, claim: &Claim, ids: &mut BTreeSet<String>) {
        if !ids.insert(claim.id.clone()) {
            let error = Diagnostic::new(
                format!("there is a claim {:?} already", claim.id),
                claim.id_span.clone(),
            );
            self.errors.push(error.help("give each an id of its own"));
        }
    }

    fn claim(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Option<Claim> {
        let mut fields = Fields::new("a claim", table, span, &mut self.errors);
        fields.know(&["id", "says", "source", "seen", "holds", "refuted", "show"]);
        let (id, says) = (fields.needed_text("id"), fields.needed_text("says"));
        let (source, seen) = (fields.text("source"), fields.text("seen"));
        let (holds, refuted) = (fields.needed_text("holds"), fields.text("refuted"));
        let show = fields.texts("show");
        let seen = seen.map(|text| self.formula(&text));
        let holds_span = holds.as_ref().map(Spanned::span);
        let holds = holds.map(|text| self.formula(&text));
        let refuted = refuted.map(|text| self.formula(&text));
        let show: Vec<Option<Term>> = show.iter().map(|text| self.term(text)).collect();
        let id = id?;
        Some(Claim {
            id_span: id.span(),
            id: self.id(&id)?,
            says: says?.into_inner().to_owned(),
            source: source.map(|text| text.into_inner().to_owned()),
            seen: all_or_none(seen)?,
            holds: holds??,
            holds_span: holds_span?,
            refuted: all_or_none(refuted)?,
            show: show.into_iter().collect::<Option<Vec<Term>>>()?,
        })
    }

    fn id(&mut self, id: &Spanned<&str>) -> Option<String> {
        /// Characters of an id.
        const LONGEST: usize = 64;
        let text = *id.get_ref();
        let is_fit = !text.is_empty()
            && text.chars().count() <= LONGEST
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || "-_.".contains(c));
        if !is_fit {
            let error = Diagnostic::new("this is no id", id.span());
            let help = format!("an id is 1 to {LONGEST} letters, digits, `-`, `_` and `.`");
            self.errors.push(error.help(help));
        }
        is_fit.then(|| text.to_owned())
    }

    fn formula(&mut self, text: &Spanned<&str>) -> Option<Formula> {
        self.expression(text, expression::formula)
    }

    fn term(&mut self, text: &Spanned<&str>) -> Option<Term> {
        self.expression(text, expression::term)
    }

    fn expression<T>(
        &mut self,
        text: &Spanned<&str>,
        read: fn(&str, &mut Scope<'_>) -> Result<T, Vec<Diagnostic>>,
    ) -> Option<T> {
        let mut scope = Scope {
            names: &self.file.names,
            metrics: &mut self.file.metrics,
        };
        let errors = match read(text.get_ref(), &mut scope) {
            Ok(expression) => return Some(expression),
            Err(errors) => errors,
        };
        self.errors
            .extend(errors.into_iter().map(|error| Diagnostic {
                span: self.text.within(text, &error.span),
                ..error
            }));
        None
    }
}

/// `None` if there is one that could not be read.
#[expect(
    clippy::option_option,
    reason = "whether it is there, and whether it is right"
)]
fn all_or_none<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        Some(None) => None,
        Some(there) => Some(there),
        None => Some(None),
    }
}

/// What a value is called in messages.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
