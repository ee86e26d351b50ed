//! The README's table: a row per feature, a column per kernel.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};

use crate::kernels::HOST;
use crate::kernels::abilities::{Abilities, Availability};
use crate::kernels::tracked::{Tracked, by_kernel};
use crate::run::say;
use crate::table::{Column, markdown};
use crate::vm::files;
use crate::workspace::Workspace;

const README: &str = "README.md";
/// Around the table.
const BEGIN: &str = "<!-- kernels: written by `cargo xtask vm --update` -->\n";
const END: &str = "<!-- end of kernels -->\n";

/// Says so if it changes.
pub(crate) fn write(workspace: &Workspace, tracked: &Tracked) -> Result<()> {
    let path = workspace.path(README);
    let readme = fs::read_to_string(&path).context(README)?;
    if files::renew(&path, &with_table(&readme, tracked)?)? {
        say(format_args!("{README} has a new table"));
    }
    Ok(())
}

/// The README with its table made anew.
fn with_table(readme: &str, tracked: &Tracked) -> Result<String> {
    let marks = || format!("{README} has not the two marks around its table of kernels");
    let (before, rest) = readme.split_once(BEGIN).with_context(marks)?;
    let (_, after) = rest.split_once(END).with_context(marks)?;
    Ok(format!(
        "{before}{BEGIN}\n{}\n{END}{after}",
        features(tracked)
    ))
}

/// A column per kernel, each in all its states of lockdown.
fn features(tracked: &Tracked) -> String {
    let kernels = by_kernel(tracked);
    let titles = kernels.iter().map(|(kernel, states)| title(kernel, states));
    let columns: Vec<Column> = std::iter::once(String::new())
        .chain(titles)
        .map(Column::left)
        .collect();
    let row = |title: &str, cell: &dyn Fn(&[&Abilities]) -> String| -> Vec<String> {
        let cells = kernels.iter().map(|(_, states)| cell(states));
        std::iter::once(title.to_owned()).chain(cells).collect()
    };
    let all = tracked.values();
    let names: BTreeSet<&String> = all.flat_map(|kernel| kernel.features.keys()).collect();
    let works = names
        .iter()
        .map(|name| row(name, &|states| works(name, states)));
    let rows: Vec<Vec<String>> = std::iter::once(row("tier", &tiers)).chain(works).collect();
    markdown(&columns, &rows)
}

/// `host` says nothing to a reader.
fn title(kernel: &str, states: &[&Abilities]) -> String {
    match states {
        [host, ..] if kernel == HOST => host.release.clone(),
        _ => kernel.to_owned(),
    }
}

/// That of the first state; then others, where they differ.
fn tiers(states: &[&Abilities]) -> String {
    let mut tiers: Vec<(&str, Vec<&str>)> = Vec::new();
    for abilities in states {
        let (tier, lockdown) = (abilities.tier(), abilities.lockdown.as_str());
        match tiers.iter_mut().find(|(known, _)| *known == tier) {
            Some((_, lockdowns)) => lockdowns.push(lockdown),
            None => tiers.push((tier, vec![lockdown])),
        }
    }
    let told = tiers.iter().enumerate().map(|(index, (tier, lockdowns))| {
        if index == 0 {
            (*tier).to_owned()
        } else {
            format!("{tier} under {}", lockdowns.join(", "))
        }
    });
    told.collect::<Vec<_>>().join("; ")
}

fn works(feature: &str, states: &[&Abilities]) -> String {
    let on = |abilities: &&&Abilities| abilities.features.get(feature) == Some(&Availability::On);
    let off: Vec<&str> = states
        .iter()
        .filter(|abilities| !on(abilities))
        .map(|abilities| abilities.lockdown.as_str())
        .collect();
    if off.is_empty() {
        "yes".to_owned()
    } else if off.len() == states.len() {
        "no".to_owned()
    } else {
        format!("not under {}", off.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::tracked::{self, testing::sample};

    #[test]
    fn the_readme_says_under_which_lockdown_a_feature_is_off() {
        let expect = "\
            |             | 6.12                                              | 6.18       |\n\
            | ----------- | ------------------------------------------------- | ---------- |\n\
            | tier        | full; tracepoint under integrity, confidentiality | tracepoint |\n\
            | descriptors | no                                                | no         |\n\
            | stacks      | not under confidentiality                         | yes        |\n";
        let readme = format!("# a\n{BEGIN}old{END}\nrest\n");
        let made = with_table(&readme, &sample()).unwrap();
        assert_eq!(made, format!("# a\n{BEGIN}\n{expect}\n{END}\nrest\n"));
        assert!(with_table("# a\n", &sample()).is_err());
    }

    #[test]
    fn the_table_is_that_of_the_tracked_file() {
        let workspace = Workspace::find().unwrap();
        let tracked = tracked::read(&workspace).unwrap();
        let readme = fs::read_to_string(workspace.path(README)).unwrap();
        assert_eq!(with_table(&readme, &tracked).unwrap(), readme);
    }
}
