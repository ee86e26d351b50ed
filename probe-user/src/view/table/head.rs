//! What ran, where, how it ended, whether the numbers can be trusted, what they come to in
//! one sentence, and what the run's length was made of.

use super::page::{Page, Piece};
use super::timeline;
use crate::document::{Coverage, Document, Exit, LeftOutThreads};
use crate::view::color::Style;
use crate::view::ending;
use crate::view::filter;
use crate::view::order::Cost;
use crate::view::sentence;
use crate::view::units;

/// Processes named one by one in the run line.
const NAMED: usize = 4;

/// That there is more to come, the run line and, where records were lost, the loud
/// line below it; the sentence; the critical path.
pub(super) fn write(page: &mut Page, document: &Document, costs: &[Cost], all: bool) {
    if document.interim {
        let wall = units::time(document.wall_ns);
        let sentence = format!("interim report of the first {wall}: the run goes on");
        page.flow(
            Piece::plain(""),
            2,
            " ",
            Piece::words(&sentence, Style::Strong),
        );
    }
    let mut parts = vec![
        Piece::new(&subject(document), Style::Strong),
        Piece::plain(&duration(document)),
    ];
    parts.extend(ending(document));
    if let Some(delay_ns) = document.delay_ns {
        let delay = units::time(delay_ns);
        parts.push(Piece::plain(&format!("begun after {delay}")));
    }
    parts.push(Piece::plain(&population(document)));
    parts.push(Piece::plain(&place(document)));
    let lost = document.coverage.lost_total();
    if lost == 0 && !document.cut {
        parts.push(Piece::plain("nothing lost"));
    }
    page.flow(Piece::plain(""), 2, "   ", parts);
    if let Some(filter) = &document.filter {
        let counted = filter::counted(filter);
        let sentence = format!("counted are {counted}; budgets have the others as left out");
        let words = Piece::words(&sentence, Style::Strong);
        page.flow(Piece::plain("  "), 2, " ", words);
    }
    if let Some(left_out) = &document.left_out_threads {
        let words = Piece::words(&selected(document, left_out), Style::Strong);
        page.flow(Piece::plain("  "), 2, " ", words);
    }
    if document.still_running > 0 {
        let words = left_behind(document.still_running);
        page.flow(Piece::plain("  "), 2, " ", words);
    }
    if lost > 0 {
        page.flow(Piece::plain("  "), 2, " ", loss(document));
    }
    if let Some(sentence) = sentence::sentence(costs) {
        let words = Piece::words(&sentence, Style::Strong);
        page.flow(Piece::plain("  "), 2, " ", words);
    }
    timeline::write_path(page, document, all);
}

/// `only 12 of 82 threads: 70 are left out, 4.2 thread-seconds; …`.
pub(in crate::view) fn selected(document: &Document, left_out: &LeftOutThreads) -> String {
    let listed = document.threads.len() as u64;
    let all = units::counted(listed.saturating_add(left_out.threads), "thread", "threads");
    let gone = units::count(left_out.threads);
    let time = units::time(left_out.lifetime_ns);
    let listed = units::count(listed);
    format!(
        "only {listed} of {all} are listed; {gone} with {time} of thread time are left out, but in \
         what is said of the whole run"
    )
}

/// How long it was, or which part of it this is.
pub(in crate::view) fn duration(document: &Document) -> String {
    let Some(window) = document.window else {
        return units::time(document.wall_ns);
    };
    let [from, to, of] = [window.from_ns, window.to_ns, window.of_ns].map(units::time);
    format!("window {from} – {to} of {of}")
}

/// The command as it could be typed, or the processes attached to.
pub(in crate::view) fn subject(document: &Document) -> String {
    if !document.command.is_empty() {
        return command(&document.command);
    }
    let pids = &document.attached;
    let listed: Vec<String> = pids.iter().take(NAMED).map(u32::to_string).collect();
    let listed = listed.join(", ");
    let attached = match pids.len() {
        0 => return "unknown command".to_owned(),
        1 => match name(document, pids) {
            Some(name) => format!("attached to {name} (pid {listed})"),
            None => format!("attached to pid {listed}"),
        },
        n if n <= NAMED => format!("attached to pids {listed}"),
        n => format!("attached to pids {listed}, … ({n} in all)"),
    };
    let who = if pids.len() == 1 { "it" } else { "they" };
    match document.started_before {
        0 => attached,
        n => {
            let started = units::counted(n as u64, "process", "processes");
            format!("{attached} and {started} that {who} had started")
        }
    }
}

/// The name that the leader of a process bears last.
fn name<'a>(document: &'a Document, pids: &[u32]) -> Option<&'a str> {
    let mut threads = document.threads.iter();
    let leader = threads.find(|thread| pids == [thread.tid])?;
    Some(leader.comm.as_str()).filter(|name| !name.is_empty())
}

/// Arguments with spaces are quoted, so that their borders show.
pub(in crate::view) fn command(argv: &[String]) -> String {
    let quoted = argv.iter().map(|arg| {
        if arg.is_empty() || arg.contains(char::is_whitespace) {
            format!("'{arg}'")
        } else {
            arg.clone()
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Nothing for success: the reader expects it.
fn ending(document: &Document) -> Option<Piece> {
    match document.exit {
        Some(Exit::Code(0)) => None,
        Some(exit) => Some(Piece::new(&ending::describe(exit), Style::Warning)),
        None if document.cut => Some(Piece::new("the recording ends early", Style::Warning)),
        None if document.command.is_empty() || document.window.is_some() => None,
        None => Some(Piece::plain("still running")),
    }
}

/// `1 process of the tree still runs: …`.
fn left_behind(processes: usize) -> Vec<Piece> {
    let sentence = match processes {
        1 => "1 process of the tree still runs; run --wait-all waits for it".to_owned(),
        n => format!(
            "{} processes of the tree still run; run --wait-all waits for them",
            units::count(n as u64)
        ),
    };
    Piece::words(&sentence, Style::Warning)
}

pub(in crate::view) fn population(document: &Document) -> String {
    let threads = units::counted(document.threads.len() as u64, "thread", "threads");
    let processes = units::counted(document.processes as u64, "process", "processes");
    format!("{threads} in {processes}")
}

pub(in crate::view) fn place(document: &Document) -> String {
    let kernel = match document.host.kernel.as_str() {
        "" => "unknown",
        kernel => kernel,
    };
    format!("kernel {kernel}, {} tier", document.tier.as_str())
}

/// `LOST 1,234 records (switch 1,200, fork 34): totals are lower bounds`.
fn loss(document: &Document) -> Vec<Piece> {
    Piece::words(&losses(document), Style::Alarm)
}

/// The same as text.
pub(in crate::view) fn losses(document: &Document) -> String {
    let coverage = &document.coverage;
    let mut classes: Vec<(&String, u64)> = coverage
        .lost
        .iter()
        .map(|(class, n)| (class, *n))
        .filter(|(_, n)| *n > 0)
        .collect();
    classes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let classes: Vec<String> = classes
        .iter()
        .map(|(class, n)| format!("{class} {}", units::count(*n)))
        .collect();
    let lost = units::counted(coverage.lost_total(), "record", "records");
    format!("LOST {lost} ({}): {}", classes.join(", "), left(document))
}

/// What of the totals is left.
fn left(document: &Document) -> String {
    let Coverage {
        folded_waits,
        folded_ns,
        ..
    } = document.coverage;
    let mut threads = document.threads.iter();
    let is_known = threads.all(|thread| thread.sums.unknown_ns == 0);
    let waits = units::counted(folded_waits, "wait", "waits");
    let sums = format!("{} and {waits}", units::time(folded_ns));
    match folded_ns {
        0 => "totals are lower bounds".to_owned(),
        _ if is_known => format!("totals are whole, but of {sums} only the sums are known"),
        _ => format!("totals are lower bounds, and of {sums} only the sums are known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Thread;

    #[test]
    fn a_cut_recording_says_so_in_the_first_line() {
        let text = |cut, attached: &[u32]| {
            let document = Document {
                command: vec!["make".to_owned()],
                attached: attached.to_vec(),
                cut,
                ..Document::default()
            };
            let mut page = Page::new(200, false);
            write(&mut page, &document, &[], false);
            page.render()
        };
        assert!(text(false, &[]).contains("still running"));
        for attached in [&[][..], &[7]] {
            let cut = text(true, attached);
            assert!(cut.contains("   the recording ends early   "), "{cut}");
            assert!(!cut.contains("nothing lost"), "{cut}");
        }
    }

    #[test]
    fn subject_says_who_was_attached_to_and_what_that_had_started() {
        let check = |attached: &[u32], started_before, expected: &str| {
            let leader = Thread {
                tid: 7,
                comm: "nginx".to_owned(),
                ..Thread::default()
            };
            let document = Document {
                attached: attached.to_vec(),
                started_before,
                threads: vec![leader],
                ..Document::default()
            };
            assert_eq!(subject(&document), expected);
        };
        check(&[7], 0, "attached to nginx (pid 7)");
        check(
            &[7],
            2,
            "attached to nginx (pid 7) and 2 processes that it had started",
        );
        check(
            &[8],
            1,
            "attached to pid 8 and 1 process that it had started",
        );
        check(
            &[7, 8],
            1,
            "attached to pids 7, 8 and 1 process that they had started",
        );
        check(
            &[1, 2, 3, 4, 5],
            0,
            "attached to pids 1, 2, 3, 4, … (5 in all)",
        );
    }
}
