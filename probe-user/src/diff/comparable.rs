//! What makes two sides less comparable, one sentence each: other commands, kernels, tiers,
//! parts of runs, filters; losses; too few runs.

use super::{
    permutation,
    run::{Run, Terms},
};
use crate::{
    claim::{expression::quantity::Quantity, interval::Interval, unit::Unit, words},
    document::{
        Exit,
        diff::{Length, Which},
    },
    vocabulary::signal_name,
};

/// What is to be said of them.
pub fn notes(a: &[Run], b: &[Run], length: Length) -> Vec<String> {
    let mut notes = Vec::new();
    terms(&mut notes, a, b);
    for (side, runs) in [(Which::A, a), (Which::B, b)] {
        notes.extend(runs.iter().flat_map(|run| losses(side, run)));
    }
    if length == Length::Wall {
        let mut runs = a.iter().chain(b);
        let without = runs.find(|run| run.path.is_none());
        let file = without.map_or("", |run| run.about.file.as_str());
        notes.push(format!(
            "{file} has no critical path: the length of the runs is their wall time, and what \
             that was made of is not known"
        ));
    }
    notes.push(spread(a.len(), b.len()));
    notes
}

/// In what the sides differ that are compared.
fn terms(notes: &mut Vec<String>, a: &[Run], b: &[Run]) {
    let mut compare = |what: &str, of: &dyn Fn(&Run) -> String| {
        let values = |runs: &[Run]| {
            let mut values: Vec<String> = runs.iter().map(of).collect();
            values.sort_unstable();
            values.dedup();
            values
        };
        let (of_a, of_b) = (values(a), values(b));
        if of_a != of_b {
            let (of_a, of_b) = (of_a.join(" and "), of_b.join(" and "));
            notes.push(format!("{what} differ: A {of_a}, B {of_b}"));
        } else if of_a.len() > 1 {
            let both = of_a.join(" and ");
            notes.push(format!("{what} differ within both sides: {both}"));
        }
    };
    compare("the commands", &|run| command(&run.about.command));
    compare("the ends of the commands", &|run| match run.about.exit {
        Some(Exit::Code(code)) => format!("exit {code}"),
        Some(Exit::Signal(signal)) => signal_name(signal),
        None => "not seen".to_owned(),
    });
    compare("the kernels", &|run| known(&run.about.host.kernel));
    compare("the machines", &|run| match run.about.host.cpus {
        0 => known(&run.about.host.arch),
        cpus => format!("{} with {cpus} CPUs", known(&run.about.host.arch)),
    });
    compare("the tiers", &|run| run.about.tier.as_str().to_owned());
    compare("the parts of the runs", &|run| match run.terms.window {
        Some((from, to)) => format!("{} to {}", time(from), time(to)),
        None => "all of it".to_owned(),
    });
    compare("the delays before the account", &|run| {
        time(run.terms.delay_ns.unwrap_or(0))
    });
    compare("the waits that are counted", &|run| {
        run.terms.filter.clone().unwrap_or_else(|| "all".to_owned())
    });
    compare("the threads that are listed", &|run| {
        let listed = if run.terms.selects_threads {
            "some"
        } else {
            "all"
        };
        listed.to_owned()
    });
}

fn known(name: &str) -> String {
    match name {
        "" => "unknown".to_owned(),
        name => name.to_owned(),
    }
}

fn time(ns: u64) -> String {
    words::interval(Interval::point(ns as f64), Quantity::Of(Unit::Time))
}

/// As it could be typed.
fn command(command: &[String]) -> String {
    match command.is_empty() {
        true => "running processes".to_owned(),
        false => format!("`{}`", command.join(" ")),
    }
}

/// Why nothing of a run is certain.
fn losses(side: Which, run: &Run) -> Vec<String> {
    let Terms {
        is_partial,
        lost,
        unknown_ns,
        ..
    } = run.terms;
    let (side, file) = (letter(side), &run.about.file);
    let mut losses = Vec::new();
    if lost > 0 {
        losses.push(format!(
            "{lost} records of {file} ({side}) are missing or broken: no row is certain"
        ));
    } else if unknown_ns > 0 {
        losses.push(format!(
            "{} of thread time of {file} ({side}) are lost: no row is certain",
            time(unknown_ns)
        ));
    }
    if is_partial {
        losses.push(format!(
            "{file} ({side}) ends before its run did: no row is certain"
        ));
    }
    losses
}

/// As sentences call a side.
pub fn letter(side: Which) -> &'static str {
    match side {
        Which::A => "A",
        Which::B => "B",
    }
}

/// Whether runs show how much equal ones differ.
fn spread(of_a: usize, of_b: usize) -> String {
    let percent = permutation::LEVEL * 100.0;
    match (of_a, of_b) {
        (1, 1) => {
            "one run each does not show how much equal runs differ: nothing here can be called a \
                   change, or noise; 5 runs a side can"
                .to_owned()
        }
        _ if !permutation::can_find(of_a, of_b) => format!(
            "{of_a} and {of_b} runs are too few to keep change and noise apart: 5 a side are enough"
        ),
        _ => format!(
            "a row is a change where a permutation test of all rows together says so: of comparisons of \
             equal runs at most {percent} % call any row one"
        ),
    }
}
