//! The draft as TOML. Names of other processes may be any text: everything but printable
//! ASCII is an escape here, so that the file is text on any terminal, too.

use std::fmt::Write as _;

use super::{Candidate, Source, who::Who};
use crate::claim::{
    file::SCHEMA,
    selection::{Process, Threads},
};

/// Runs that are named.
const RUNS: usize = 20;
/// Characters of a command.
const LONGEST: usize = 200;

/// What the reader has to know of the file.
pub(super) fn head(sources: &[Source<'_>]) -> String {
    let mut text = String::from(
        "# Drafted by `waitscope claims draft` of what these runs show: all is CORRECT on each of\n\
         # them. Strike what may change, keep what shall stay so, and check it:\n#\n",
    );
    let command = sources.first().map_or(&[][..], |it| &it.document.command);
    let command = match command {
        [] => "run.wsc".to_owned(),
        words => format!("-- {}", shown(words)),
    };
    let _infallible = writeln!(text, "#     waitscope check claims.toml {command}\n#");
    for source in sources.iter().take(RUNS) {
        let words = shown(&source.document.command);
        let _infallible = writeln!(text, "# {}: {words}", escaped(source.name));
    }
    if let Some(more @ 1..) = sources.len().checked_sub(RUNS) {
        let _infallible = writeln!(text, "# and {more} more");
    }
    text.push_str(match sources.len() {
        1 => ONE_RUN,
        _ => SEVERAL_RUNS,
    });
    text
}

const ONE_RUN: &str = "#
# One run does not say how much the next one differs. So parts of a whole may be 25 points
# off, but no less than a third of what they were, and of what is most of it only that is
# claimed; counts half or double, where they are more than 2; times and bytes three times as
# much. A draft of several runs of the command has closer bounds.
";

const SEVERAL_RUNS: &str = "#
# Bounds: parts of a whole may be off by one and a half times what these runs differ by, and
# at least by 10 points, but no less than a third of what they were; of what is most of it no
# more than 60 % is claimed. Counts are exact where the runs agree, and else off by as much as
# they differ; times and bytes may be twice as much.
";

/// The words of a command, as a comment has them.
fn shown(words: &[String]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=+,./:@%".contains(c);
    let words = words.iter().map(|word| match word {
        word if !word.is_empty() && word.chars().all(is_plain) => word.clone(),
        word => format!("'{}'", escaped(&word.replace('\'', "'\\''"))),
    });
    let text = words.collect::<Vec<String>>().join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None if text.is_empty() => "processes that ran already".to_owned(),
        None => text,
    }
}

/// Selections and claims.
pub(super) fn claims(who: &[Who], claims: &[Candidate]) -> String {
    let mut text = format!("schema = \"{SCHEMA}\"\n");
    let is_used = |who: &&Who| {
        let prefix = format!("{}.", who.name);
        claims.iter().any(|claim| claim.id.starts_with(&prefix))
    };
    for who in who.iter().filter(|who| !who.is_built_in()).filter(is_used) {
        text.push_str(&selection(who));
    }
    for claim in claims {
        let Candidate {
            id, says, holds, ..
        } = claim;
        let (says, holds) = (quoted(says), quoted(holds));
        let _infallible = write!(
            text,
            "\n[[claim]]\nid    = {}\nsays  = {says}\nholds = {holds}\n",
            quoted(id)
        );
    }
    text
}

fn selection(who: &Who) -> String {
    let mut text = format!("\n[who.{}]\n", who.name);
    let process = match &who.selection.process {
        Process::Any => None,
        Process::Root => Some("root"),
        Process::Children => Some("children"),
        Process::Glob(glob) => Some(glob.as_str()),
    };
    let threads = match who.selection.threads {
        Threads::All => None,
        Threads::Leader => Some("leader"),
        Threads::Others => Some("others"),
    };
    let fields = [
        ("process", process),
        ("threads", threads),
        ("name   ", who.selection.name.as_deref()),
    ];
    for (field, value) in fields {
        if let Some(value) = value {
            let _infallible = writeln!(text, "{field} = {}", quoted(value));
        }
    }
    text
}

/// A string of TOML, literal where that is the same.
fn quoted(text: &str) -> String {
    let is_literal = |c: char| matches!(c, ' '..='~') && c != '\'';
    match text.contains(['"', '\\']) && text.chars().all(is_literal) {
        true => format!("'{text}'"),
        false => format!(
            "\"{}\"",
            escaped(&text.replace('\\', "\\\\").replace('"', "\\\""))
        ),
    }
}

/// With everything but printable ASCII as TOML escapes it.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        let _infallible = match c {
            ' '..='~' => write!(escaped, "{c}"),
            _ => write!(escaped, "\\U{:08X}", u32::from(c)),
        };
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn text_of_other_processes_is_a_string_of_ascii() {
        for (text, expected) in [
            ("git pull", "\"git pull\""),
            ("say \"x\"", "'say \"x\"'"),
            ("\"'\"", "\"\\\"'\\\"\""),
            ("C:\\x", "'C:\\x'"),
            ("\u{1b}[2J", "\"\\U0000001B[2J\""),
            ("größe\\", "\"gr\\U000000F6\\U000000DFe\\\\\""),
            ("\u{fffd}\n", "\"\\U0000FFFD\\U0000000A\""),
        ] {
            assert_eq!(quoted(text), expected);
            let file = format!("x = {expected}");
            let read = toml::de::DeTable::parse(&file).unwrap();
            let value = read.get_ref().get("x").unwrap();
            assert_eq!(value.get_ref().as_str(), Some(text));
        }
    }

    #[test]
    fn the_head_is_a_comment_with_the_command() {
        let words = ["sh", "-c", "echo 'a\nb'", ""];
        let document = Document {
            command: words.map(str::to_owned).to_vec(),
            ..Document::default()
        };
        let source = |name| Source {
            name,
            document: &document,
        };
        let one = head(&[source("a\u{1b}.wsc")]);
        assert!(one.lines().all(|line| line.starts_with('#')), "{one}");
        let command = "check claims.toml -- sh -c 'echo '\\''a\\U0000000Ab'\\''' ''\n";
        assert!(one.contains(command), "{one}");
        assert!(one.contains("# a\\U0000001B.wsc: sh"), "{one}");
        assert!(one.ends_with(ONE_RUN));
        let many = head(&[source("a.wsc"); 25]);
        assert!(many.contains("# and 5 more\n"), "{many}");
        assert!(many.ends_with(SEVERAL_RUNS));
    }
}
