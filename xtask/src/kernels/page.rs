//! docs/kernels.md: a row per kernel and lockdown.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::kernels::Tracked;
use crate::kernels::abilities::{Abilities, Availability, Loaded};
use crate::run::say;
use crate::table::{Column, markdown};
use crate::vm::files;
use crate::workspace::Workspace;

const PAGE: &str = "docs/kernels.md";
const INTRODUCTION: &str = "\
# Kernels

What `waitscope doctor` said on each kernel, and how long the guest took to boot and to run its tests
under software emulation on two CPUs: the live tests whose
result depends on the kernel, or `truth` alone where it is locked down.
Written by `cargo xtask vm --update` from tests/kernels.json, which has every program by itself.

";
/// From the least to the most.
const LOCKDOWNS: [&str; 3] = ["none", "integrity", "confidentiality"];

/// Says so if it changes.
pub(crate) fn write(workspace: &Workspace, tracked: &Tracked) -> Result<()> {
    if files::renew(&workspace.path(PAGE), &page(tracked))? {
        say(format_args!("{PAGE} is new"));
    }
    Ok(())
}

fn page(tracked: &Tracked) -> String {
    let left = ["kernel", "uname -r", "lockdown", "tier", "features off"].map(Column::left);
    let right = ["probes", "verified", "translated", "boot s", "tests s"].map(Column::right);
    let columns: Vec<Column> = left.into_iter().chain(right).collect();
    let strictness = |abilities: &Abilities| {
        let known = LOCKDOWNS.iter().position(|one| *one == abilities.lockdown);
        known.unwrap_or(LOCKDOWNS.len())
    };
    let sorted: BTreeMap<(&str, usize), &Abilities> = tracked
        .iter()
        .map(|(label, abilities)| {
            let kernel = label.split(' ').next().unwrap_or_default();
            ((kernel, strictness(abilities)), abilities)
        })
        .collect();
    let rows = sorted.iter().map(|((kernel, _), state)| row(kernel, state));
    INTRODUCTION.to_owned() + &markdown(&columns, &rows.collect::<Vec<_>>())
}

fn row(kernel: &str, abilities: &Abilities) -> Vec<String> {
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    // None if the kernel does not say it of one of them.
    let sum = |count: fn(&Loaded) -> Option<u64>| number(abilities.attached().map(count).sum());
    let seconds = abilities.seconds;
    vec![
        kernel.to_owned(),
        abilities.release.clone(),
        abilities.lockdown.clone(),
        abilities.tier().to_owned(),
        off(abilities),
        format!(
            "{} of {}",
            abilities.attached().count(),
            abilities.programs.len()
        ),
        sum(|loaded| loaded.verified),
        sum(|loaded| loaded.translated),
        number(seconds.map(|seconds| seconds.boot)),
        number(seconds.map(|seconds| seconds.tests)),
    ]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels;
    use crate::kernels::abilities::Seconds;
    use crate::kernels::abilities::testing::abilities;

    #[test]
    fn kernels_are_sorted_by_how_much_they_are_locked_down() {
        let state = |lockdown: &str, seconds| Abilities {
            lockdown: lockdown.into(),
            seconds,
            ..abilities()
        };
        let seconds = Some(Seconds { boot: 5, tests: 93 });
        let tracked = Tracked::from([
            ("6.12".into(), state("none", seconds)),
            (
                "6.12 confidentiality".into(),
                state("confidentiality", None),
            ),
            ("6.12 integrity".into(), state("integrity", None)),
        ]);
        let expect = "\
            | kernel | uname -r | lockdown        | tier       | features off | probes | verified | translated | boot s | tests s |\n\
            | ------ | -------- | --------------- | ---------- | ------------ | -----: | -------: | ---------: | -----: | ------: |\n\
            | 6.12   | 6.12.9   | none            | tracepoint | descriptors  | 2 of 3 |        - |        490 |      5 |      93 |\n\
            | 6.12   | 6.12.9   | integrity       | tracepoint | descriptors  | 2 of 3 |        - |        490 |      - |       - |\n\
            | 6.12   | 6.12.9   | confidentiality | tracepoint | descriptors  | 2 of 3 |        - |        490 |      - |       - |\n";
        assert_eq!(page(&tracked), format!("{INTRODUCTION}{expect}"));
    }

    #[test]
    fn the_page_is_that_of_the_tracked_file() {
        let workspace = Workspace::find().unwrap();
        let tracked = kernels::read(&workspace).unwrap();
        let text = files::read(&workspace.path(PAGE)).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), page(&tracked));
    }
}
