//! docs/kernels.md: a row per kernel and lockdown.

use anyhow::Result;

use crate::kernels::abilities::{Abilities, Availability};
use crate::kernels::tracked::{Tracked, by_kernel};
use crate::run::say;
use crate::table::{Column, markdown};
use crate::vm::files;
use crate::workspace::Workspace;

const PAGE: &str = "docs/kernels.md";
const INTRODUCTION: &str = "\
# Kernels

What `waitscope doctor` said on each kernel, and how long the guest took to boot and to run its tests
under software emulation on two CPUs: all live tests, or `truth` alone where the kernel is locked down.
Written by `cargo xtask vm --update` from tests/kernels.json, which has every program by itself.

";

/// Says so if it changes.
pub(crate) fn write(workspace: &Workspace, tracked: &Tracked) -> Result<()> {
    if files::renew(&workspace.path(PAGE), &page(tracked))? {
        say(format_args!("{PAGE} is new"));
    }
    Ok(())
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
    let kernels = by_kernel(tracked).into_iter();
    let rows: Vec<Vec<String>> = kernels
        .flat_map(|(kernel, states)| states.into_iter().map(move |state| row(kernel, state)))
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
        abilities.tier().to_owned(),
        off(abilities),
        format!("{attached} of {}", abilities.programs.len()),
        number(abilities.sum(|loaded| loaded.verified)),
        number(abilities.sum(|loaded| loaded.translated)),
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
    use crate::kernels::tracked::{self, testing::sample};

    #[test]
    fn the_page_has_a_row_per_kernel_and_lockdown() {
        let expect = "\
            | kernel | uname -r | lockdown        | tier       | features off        | probes | verified | translated | boot s | tests s |\n\
            | ------ | -------- | --------------- | ---------- | ------------------- | -----: | -------: | ---------: | -----: | ------: |\n\
            | 6.12   | 6.12.9   | none            | full       | descriptors         | 2 of 3 |        - |        490 |      5 |      93 |\n\
            | 6.12   | 6.12.9   | integrity       | tracepoint | descriptors         | 2 of 3 |        - |        490 |      - |       - |\n\
            | 6.12   | 6.12.9   | confidentiality | tracepoint | descriptors, stacks | 2 of 3 |        - |        490 |      - |       - |\n\
            | host   | 6.18     | none            | tracepoint | descriptors         | 2 of 3 |        - |        490 |      - |       - |\n";
        assert_eq!(page(&sample()), format!("{INTRODUCTION}{expect}"));
    }

    #[test]
    fn the_page_is_that_of_the_tracked_file() {
        let workspace = Workspace::find().unwrap();
        let tracked = tracked::read(&workspace).unwrap();
        let text = files::read(&workspace.path(PAGE)).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), page(&tracked));
    }
}
