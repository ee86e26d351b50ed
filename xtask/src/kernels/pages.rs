//! The tables made of the tracked file: docs/kernels.md has a row per kernel,
//! README.md a row per feature.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};

use crate::kernels::abilities::{Abilities, Availability};
use crate::kernels::tracked::Tracked;
use crate::table::{Column, markdown};
use crate::vm::files;
use crate::workspace::Workspace;

const PAGE: &str = "docs/kernels.md";
const README: &str = "README.md";
/// Around the table in the README.
const BEGIN: &str = "<!-- kernels: written by `cargo xtask vm --update` -->\n";
const END: &str = "<!-- end of kernels -->\n";
const INTRODUCTION: &str = "\
# Kernels

What `waitscope doctor` said on each kernel, and how long the guest took to boot and to run its tests
under software emulation on two CPUs: all live tests, or `truth` alone where the kernel is locked down.
Written by `cargo xtask vm --update` from tests/kernels.json, which has every program by itself.

";

/// Which of the pages change.
pub(crate) fn write(workspace: &Workspace, tracked: &Tracked) -> Result<Vec<&'static str>> {
    let readme = read(workspace, README)?;
    let pages = [
        (PAGE, page(tracked)),
        (README, with_table(&readme, tracked)?),
    ];
    let mut changed = Vec::new();
    for (name, text) in pages {
        if fs::read_to_string(workspace.path(name)).ok().as_ref() != Some(&text) {
            files::place_bytes(&workspace.path(name), text.as_bytes())?;
            changed.push(name);
        }
    }
    Ok(changed)
}

fn read(workspace: &Workspace, name: &'static str) -> Result<String> {
    fs::read_to_string(workspace.path(name)).context(name)
}

fn page(tracked: &Tracked) -> String {
    let columns = [
        Column::left("kernel"),
        Column::left("uname -r"),
        Column::left("lockdown"),
        Column::left("tier"),
        Column::left("features off"),
        Column::right("probes"),
        Column::right("verified"),
        Column::right("translated"),
        Column::right("boot s"),
        Column::right("tests s"),
    ];
    let rows: Vec<Vec<String>> = tracked
        .iter()
        .map(|(label, abilities)| row(kernel_of(label), abilities))
        .collect();
    INTRODUCTION.to_owned() + &markdown(&columns, &rows)
}

fn row(kernel: &str, abilities: &Abilities) -> Vec<String> {
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let attached = abilities.attached().count();
    let seconds = abilities.seconds;
    vec![
        kernel.to_owned(),
        abilities.release.clone(),
        abilities.lockdown.clone(),
        tier(abilities).to_owned(),
        off(abilities),
        format!("{attached} of {}", abilities.programs.len()),
        number(abilities.sum(|loaded| loaded.verified)),
        number(abilities.sum(|loaded| loaded.translated)),
        number(seconds.map(|seconds| seconds.boot)),
        number(seconds.map(|seconds| seconds.tests)),
    ]
}

fn tier(abilities: &Abilities) -> &str {
    abilities.tier.as_deref().unwrap_or("none")
}

fn off(abilities: &Abilities) -> String {
    let off = abilities.features.iter();
    let off = off.filter(|(_, availability)| **availability != Availability::On);
    let names: Vec<&str> = off.map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(", ")
    }
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
    let mut kernels: Vec<&str> = tracked.keys().map(|label| kernel_of(label)).collect();
    kernels.dedup();
    let states = |kernel: &str| -> Vec<&Abilities> {
        let labels = tracked.iter();
        let mut states: Vec<&Abilities> = labels
            .filter(|(label, _)| kernel_of(label) == kernel)
            .map(|(_, abilities)| abilities)
            .collect();
        states.sort_by_key(|abilities| strictness(&abilities.lockdown));
        states
    };
    let names: BTreeSet<&String> = tracked
        .values()
        .flat_map(|abilities| abilities.features.keys())
        .collect();
    let line = |title: &str, cell: &dyn Fn(&[&Abilities]) -> String| -> Vec<String> {
        let cells = kernels.iter().map(|kernel| cell(&states(kernel)));
        std::iter::once(title.to_owned()).chain(cells).collect()
    };
    let titles = kernels.iter().map(|kernel| title(kernel, tracked));
    let columns: Vec<Column> = [Column::left("")]
        .into_iter()
        .chain(titles.map(Column::left))
        .collect();
    let mut rows = vec![line("tier", &tiers)];
    rows.extend(
        names
            .iter()
            .map(|name| line(name, &|states| works(name, states))),
    );
    markdown(&columns, &rows)
}

/// `host` says nothing to a reader.
fn title(kernel: &str, tracked: &Tracked) -> String {
    match tracked.get(kernel) {
        Some(host) if kernel == super::HOST => host.release.clone(),
        _ => kernel.to_owned(),
    }
}

fn kernel_of(label: &str) -> &str {
    label.split_once(' ').map_or(label, |(kernel, _)| kernel)
}

fn strictness(lockdown: &str) -> usize {
    let states = ["none", "integrity", "confidentiality"];
    let known = states.iter().position(|state| *state == lockdown);
    known.unwrap_or(states.len())
}

/// That of the first state; then others, where they differ.
fn tiers(states: &[&Abilities]) -> String {
    let mut tiers: Vec<(&str, Vec<&str>)> = Vec::new();
    for abilities in states {
        let (tier, lockdown) = (tier(abilities), abilities.lockdown.as_str());
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
    use crate::kernels::abilities::Seconds;
    use crate::kernels::abilities::testing::abilities;
    use crate::kernels::tracked;

    fn in_lockdown(lockdown: &str, change: impl Fn(&mut Abilities)) -> Abilities {
        let mut abilities = abilities();
        abilities.lockdown = lockdown.into();
        change(&mut abilities);
        abilities
    }

    fn sample() -> Tracked {
        let full = in_lockdown("none", |abilities| {
            abilities.tier = Some("full".into());
            abilities.seconds = Some(Seconds { boot: 5, tests: 93 });
        });
        let strict = in_lockdown("confidentiality", |abilities| {
            let off = Availability::Off("refused".into());
            abilities.features.insert("stacks".into(), off);
        });
        Tracked::from([
            ("6.12".into(), full),
            ("6.12 confidentiality".into(), strict),
            ("6.12 integrity".into(), in_lockdown("integrity", |_| ())),
            (
                "host".into(),
                in_lockdown("none", |abilities| abilities.release = "6.18".into()),
            ),
        ])
    }

    #[test]
    fn the_page_has_a_row_per_kernel_and_lockdown() {
        let expect = "\
            | kernel | uname -r | lockdown        | tier       | features off        | probes | verified | translated | boot s | tests s |\n\
            | ------ | -------- | --------------- | ---------- | ------------------- | -----: | -------: | ---------: | -----: | ------: |\n\
            | 6.12   | 6.12.9   | none            | full       | descriptors         | 2 of 3 |        - |        490 |      5 |      93 |\n\
            | 6.12   | 6.12.9   | confidentiality | tracepoint | descriptors, stacks | 2 of 3 |        - |        490 |      - |       - |\n\
            | 6.12   | 6.12.9   | integrity       | tracepoint | descriptors         | 2 of 3 |        - |        490 |      - |       - |\n\
            | host   | 6.18     | none            | tracepoint | descriptors         | 2 of 3 |        - |        490 |      - |       - |\n";
        assert_eq!(page(&sample()), format!("{INTRODUCTION}{expect}"));
    }

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
    fn the_pages_are_those_of_the_tracked_file() {
        let workspace = Workspace::find().unwrap();
        let tracked = tracked::read(&workspace).unwrap();
        assert_eq!(read(&workspace, PAGE).unwrap(), page(&tracked));
        let readme = read(&workspace, README).unwrap();
        assert_eq!(readme, with_table(&readme, &tracked).unwrap());
    }
}
