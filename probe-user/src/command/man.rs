//! `waitscope man`: the manual, made of what `--help` says.

use std::{fs, iter, path::Path};

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_mangen::Man;

use super::{Outcome, destination::print, ended, replace::replace};
use crate::cli::{self, Cli};

/// One page, and the name of its file.
struct Page {
    file: String,
    text: Vec<u8>,
}

/// Runs the command.
pub fn man(arguments: &cli::Man) -> (Outcome, Result<()>) {
    ended(match &arguments.folder {
        Some(folder) => write_all(folder),
        None => page(&form()).and_then(|page| print("the page", &page.text)),
    })
}

fn write_all(folder: &Path) -> Result<()> {
    let cannot = || format!("cannot write the pages to {}", folder.display());
    fs::create_dir_all(folder).with_context(cannot)?;
    for page in pages()? {
        replace(&folder.join(page.file), &page.text).with_context(cannot)?;
    }
    Ok(())
}

/// The command line, names of commands in full.
fn form() -> clap::Command {
    let mut form = Cli::command().disable_help_subcommand(true);
    form.build();
    form
}

/// Of waitscope, and of each of its commands.
fn pages() -> Result<Vec<Page>> {
    let form = form();
    let commands = form.get_subcommands();
    iter::once(&form).chain(commands).map(page).collect()
}

fn page(form: &clap::Command) -> Result<Page> {
    let man = Man::new(form.clone())
        // An empty one is left out, and what follows would take its place.
        .date(" ")
        .source(concat!("waitscope ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut text = Vec::new();
    man.render(&mut text)?;
    let file = man.get_filename();
    Ok(Page { file, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without what escapes a hyphen and changes the font.
    fn plain(page: &Page) -> String {
        let text = String::from_utf8(page.text.clone()).unwrap();
        let fonts = [r"\fB", r"\fI", r"\fR"];
        let text = fonts.iter().fold(text, |text, font| text.replace(font, ""));
        text.replace(r"\-", "-")
    }

    #[test]
    fn man_has_a_page_for_each_command() {
        let files: Vec<String> = pages().unwrap().into_iter().map(|p| p.file).collect();
        let commands = Cli::command();
        let commands = commands.get_subcommands().map(|c| c.get_name());
        let expected = commands.map(|name| format!("waitscope-{name}.1"));
        let expected: Vec<String> = ["waitscope.1".to_owned()]
            .into_iter()
            .chain(expected)
            .collect();
        assert_eq!(files, expected);
    }

    #[test]
    fn man_pages_say_in_a_line_what_the_command_is_for() {
        for page in pages().unwrap() {
            let text = plain(&page);
            let name = page.file.strip_suffix(".1").unwrap();
            let source = concat!("\"waitscope ", env!("CARGO_PKG_VERSION"), "\"");
            let title = format!(".TH {name} 1 \" \" {source} \"User Commands\"");
            assert!(text.lines().any(|line| line == title), "{text}");
            let mut lines = text.lines().skip_while(|line| *line != ".SH NAME");
            let line = lines.nth(1).unwrap();
            let purpose = line.strip_prefix(&format!("{name} - ")).unwrap();
            assert!(purpose.contains(' '), "{line}");
        }
    }

    #[test]
    fn man_pages_show_every_option() {
        let form = Cli::command();
        for (command, page) in form.get_subcommands().zip(&pages().unwrap()[1..]) {
            let text = plain(page);
            for option in command.get_arguments().filter_map(|arg| arg.get_long()) {
                assert!(text.contains(&format!("--{option}")), "{text}");
            }
        }
    }

    #[test]
    fn man_pages_are_written_into_a_new_folder_and_anew() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("share/man1");
        for _ in 0..2 {
            write_all(&folder).unwrap();
            let run = fs::read(folder.join("waitscope-run.1")).unwrap();
            assert!(!run.is_empty());
            assert_eq!(
                fs::read_dir(&folder).unwrap().count(),
                pages().unwrap().len()
            );
        }
        let file = folder.join("waitscope.1");
        let error = format!("{:#}", write_all(&file).unwrap_err());
        let expected = format!("cannot write the pages to {}: ", file.display());
        assert!(error.starts_with(&expected), "{error}");
    }
}
