//! How much goes on at once on drawn timelines: 10 ns a column, the first row
//! makes and wakes all others.

use super::timeline::{SLEEP, block, document};
use crate::{
    document::{Document, Latency, Level},
    metrics::tests::run,
    wire::tests::probes::{By, Out, Probes, Who},
};

fn render(document: &Document) -> String {
    let concurrency = document.concurrency.as_ref().expect("time passed");
    let levels = [
        ("running", &concurrency.running),
        ("runnable", &concurrency.runnable),
        ("blocked", &concurrency.blocked),
        ("unknown", &concurrency.unknown),
        ("processes", &concurrency.processes),
    ];
    let mut lines: Vec<String> = levels.map(|(name, level)| line(name, level)).to_vec();
    for group in &document.groups {
        let children = group.children.as_ref();
        lines.extend(children.map(|level| line("children", level)));
    }
    let wakes = &concurrency.wakes;
    let latency = wakes.latency_outside.as_ref().map(latency);
    let latency = latency.unwrap_or_default();
    lines.push(format!("wakes {}{latency}", wakes.count));
    lines.retain(|line| !line.ends_with("0 p99 0 max 0"));
    lines.join("\n")
}

fn line(name: &str, level: &Level) -> String {
    let Level {
        over_ns,
        total_ns,
        p99,
        max,
    } = level;
    format!("{name} {total_ns}/{over_ns} p99 {p99} max {max}")
}

fn latency(latency: &Latency) -> String {
    let Latency {
        count,
        total_ns,
        max_ns,
        ..
    } = latency;
    format!(", {count} ran after {total_ns}, at most {max_ns}")
}

#[track_caller]
fn check(drawing: &str, expected: &str) {
    let document = document(drawing);
    super::account::assert_closed(&document);
    assert_eq!(render(&document), block(expected), "\n{drawing}");
}

#[test]
fn concurrency_every_thread_counts_in_what_it_does() {
    check(
        "4    S#########p--^####p#L
         5/4  .f.n^#z~~~~~~~~~w-^#L",
        "running 200/210 p99 2 max 2
         runnable 290/210 p99 2 max 2
         blocked 100/210 p99 1 max 1
         processes 210/210 p99 1 max 1
         wakes 2, 2 ran after 30, at most 20",
    );
}

#[test]
fn concurrency_a_switch_from_one_to_the_other_is_one_thread_on_the_cpu() {
    check(
        "4    S#####z~~~~i^##L
         5/4  .f.n--^####z~~~L",
        "running 150/160 p99 1 max 1
         runnable 190/160 p99 2 max 2
         blocked 100/160 p99 1 max 1
         processes 160/160 p99 1 max 1
         wakes 2, 2 ran after 40, at most 30",
    );
}

#[test]
fn concurrency_what_lost_records_hide_is_neither_running_nor_blocked() {
    check(
        "4    S###)~~~^##L",
        "running 40/120 p99 1 max 1
         runnable 40/120 p99 1 max 1
         unknown 80/120 p99 1 max 1
         processes 120/120 p99 1 max 1
         wakes 0",
    );
}

#[test]
fn concurrency_a_preemption_is_no_wakeup() {
    check(
        "4    S##p---^##y-^#L",
        "running 90/150 p99 1 max 1
         runnable 150/150 p99 1 max 1
         processes 150/150 p99 1 max 1
         wakes 0",
    );
}

#[test]
fn concurrency_a_waking_whose_thread_has_not_run_by_the_end_has_no_latency() {
    check(
        "4    S##########L
         5/4  .f.n^#z~~w-L",
        "running 140/120 p99 2 max 2
         runnable 180/120 p99 2 max 2
         blocked 30/120 p99 1 max 1
         processes 120/120 p99 1 max 1
         wakes 2, 1 ran after 10, at most 10",
    );
}

#[test]
fn concurrency_children_are_alive_from_their_first_instant_to_their_last() {
    check(
        "4    S##############L
         5    .f.n^####xX
         6    .....f.n^###xX",
        "running 270/160 p99 3 max 3
         runnable 290/160 p99 3 max 3
         processes 290/160 p99 3 max 3
         children 130/160 p99 2 max 2
         wakes 2, 2 ran after 20, at most 10",
    );
}

#[test]
fn concurrency_takes_a_latency_of_zero_for_one() {
    let (asleep, by) = (Out::sleep(SLEEP), By::task(99, 202));
    let mut probes = Probes::default();
    let task = probes.seed(1000, Who::default(), Out::default(), 1 << 9);
    probes.switch(1010, Some((task, asleep)), None);
    probes.waking(1030, task, &by);
    probes.switch(1030, None, Some(task));
    probes.switch(1040, Some((task, asleep)), None);
    probes.waking(1070, task, &by);
    probes.switch(1080, None, Some(task));
    probes.last(1090, task, Out::default(), 1 << 9);
    let document = run::document(&probes.records, 1100);
    super::account::assert_closed(&document);
    let told = render(&document);
    let wakes = "wakes 2, 2 ran after 10, at most 10";
    assert_eq!(told.lines().last(), Some(wakes), "{told}");
}
