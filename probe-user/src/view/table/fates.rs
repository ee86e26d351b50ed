//! Fates: processes that did not end cleanly, the worst first.

use probe_common::loss::Loss;

use super::calls::at_least;
use super::foot::{TEXT, label, more};
use super::page::{Page, Piece, TIE};
use crate::document::{Document, Exit, Fate, FateCause, Sender, Shortage, Thread};
use crate::view::color::Style;
use crate::view::ending;
use crate::view::sanitize;
use crate::view::units;

/// Columns of a name where not everything is asked for.
const NAME: usize = 30;
/// The number of that signal.
const SIGPIPE: i32 = 13;
/// Lines that are shown then.
const MOST: usize = 6;

/// One line for all of a group that ended in one way.
pub(super) fn write(page: &mut Page, document: &Document, all: bool) {
    let alike = alike(document, all);
    let most = if all { alike.len() } else { MOST };
    for (at, fates) in alike.iter().take(most).enumerate() {
        let label = label(if at == 0 { "fates" } else { "" });
        let text = sentence(document, fates, if all { usize::MAX } else { NAME });
        let style = fates.first().map_or(Style::Plain, |fate| style(fate));
        page.flow(label, TEXT, " ", Piece::words(&text, style));
    }
    more(page, alike.len(), most, ("fate", "fates"));
}

/// A status is a program's word, and SIGPIPE how a pipeline ends whose reader has enough.
fn style(fate: &Fate) -> Style {
    match fate.exit {
        Exit::Code(_) | Exit::Signal(SIGPIPE) => Style::Plain,
        Exit::Signal(_) => Style::Warning,
    }
}

/// What makes two fates one line.
type Kind<'a> = (usize, FateCause, Exit, Option<Shortage>, bool, By<'a>);

/// Who sent a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By<'a> {
    NotKnown,
    Kernel,
    Itself,
    Task(&'a Sender),
}

fn kind<'a>(document: &Document, fate: &'a Fate) -> Kind<'a> {
    let Fate {
        cause,
        exit,
        shortage,
        core,
        ..
    } = fate;
    (
        group(document, fate),
        *cause,
        *exit,
        *shortage,
        *core,
        by(fate),
    )
}

fn by(fate: &Fate) -> By<'_> {
    match &fate.sender {
        Some(sender) if Some(sender.pid) == fate.pid => By::Itself,
        Some(sender) => By::Task(sender),
        None if fate.by_kernel => By::Kernel,
        None => By::NotKnown,
    }
}

/// The first thread of a process, which stands for it. Its pid may have been another one's.
fn process<'a>(document: &'a Document, fate: &Fate) -> Option<&'a Thread> {
    let pid = fate.pid.unwrap_or(fate.tid);
    let mut threads = document.threads.iter();
    threads.rfind(|thread| thread.tid == pid && thread.start_ns <= fate.at_ns)
}

/// That of the process, or where its first thread was not seen of the one that ended.
fn group(document: &Document, fate: &Fate) -> usize {
    process(document, fate).map_or(fate.group, |leader| leader.group)
}

/// Those that are one line, in the order of the first of each.
fn alike(document: &Document, all: bool) -> Vec<Vec<&Fate>> {
    let mut alike: Vec<(Kind, Vec<&Fate>)> = Vec::new();
    let fates = document.fates.iter().flatten();
    for fate in fates.filter(|fate| all || !is_said(document, fate)) {
        let kind = kind(document, fate);
        match alike.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, them)) => them.push(fate),
            None => alike.push((kind, vec![fate])),
        }
    }
    alike.into_iter().map(|(_, them)| them).collect()
}

/// Whether the first line of the report has said it: of the command itself, and no more is
/// known than how it ended.
fn is_said(document: &Document, fate: &Fate) -> bool {
    let root = document.threads.first();
    let is_root = root.is_some_and(|root| root.pid == fate.pid) && document.attached.is_empty();
    let is_plain = matches!(fate.cause, FateCause::Exit | FateCause::Signal);
    let is_plain = is_plain && fate.siblings == 0 && fate.address.is_none();
    let is_plain = is_plain && matches!(by(fate), By::NotKnown | By::Itself);
    is_root && is_plain && document.exit == Some(fate.exit)
}

/// `git pull: 2 of 96 killed by SIGTERM (pid 4301 and 1 more), sent by sh (pid 7), 3 siblings
/// went with them`. What is counted are processes.
fn sentence(document: &Document, fates: &[&Fate], columns: usize) -> String {
    let Some(first) = fates.first() else {
        return String::new();
    };
    let group = document.groups.get(group(document, first));
    let name = group.map(|group| &group.name);
    let name = sanitize::text(name.unwrap_or(&first.comm));
    let name = sanitize::fit_middle(&name, columns);
    let of = group.map_or(0, |group| group.pids.len()).max(fates.len()) as u64;
    let has_lost = document.coverage.has_lost(Loss::Task);
    let n = at_least(fates.len() as u64, has_lost);
    let count = match of {
        1 => String::new(),
        _ => format!("{n}{TIE}of{TIE}{} ", units::count(of)),
    };
    let address = first.address.filter(|_| {
        let mut others = fates.iter().map(|fate| fate.address);
        others.all(|address| address == first.address)
    });
    format!(
        "{name}: {count}{}{}{}{}",
        how(first, address),
        culprit(document, fates),
        sender(first),
        siblings(fates)
    )
}

/// How one ended.
fn how(fate: &Fate, address: Option<u64>) -> String {
    let mut text = match (fate.cause, fate.shortage) {
        (FateCause::OomMemcg, _) => "killed for want of memory in its cgroup".to_owned(),
        (FateCause::Oom, Some(_)) => "killed for want of memory of the machine".to_owned(),
        (FateCause::Oom, None) => {
            "killed for want of memory (whether its cgroup's or the machine's is not known)"
                .to_owned()
        }
        (FateCause::StackOverflow, _) => "killed by SIGSEGV: stack overflow".to_owned(),
        _ => match fate.exit {
            Exit::Code(code) => format!("exited with {code}"),
            exit => ending::describe(exit),
        },
    };
    if let Some(address) = address.filter(|_| fate.cause != FateCause::StackOverflow) {
        text += &format!(" at{TIE}{address:#x}");
    }
    if fate.core {
        text += ", core dumped";
    }
    text
}

/// Who sent the signal. That a fault, or want of memory, is the kernel's word goes without
/// saying.
fn sender(fate: &Fate) -> String {
    let is_told = matches!(
        fate.cause,
        FateCause::Segv | FateCause::Core | FateCause::Signal
    );
    match by(fate) {
        By::Task(sender) if sender.passed_on => ", passed on by waitscope".to_owned(),
        By::Task(Sender { pid, comm, .. }) => {
            format!(", sent by {} (pid{TIE}{pid})", sanitize::text(comm))
        }
        By::Itself => ", sent by itself".to_owned(),
        By::Kernel if is_told && fate.address.is_none() => ", sent by the kernel".to_owned(),
        By::Kernel | By::NotKnown => String::new(),
    }
}

/// The process, or the first and how many more; and the thread, if another than the first was
/// at fault.
fn culprit(document: &Document, fates: &[&Fate]) -> String {
    let Some((first, more)) = fates.split_first() else {
        return String::new();
    };
    let id = match first.pid {
        Some(pid) => format!("pid{TIE}{pid}"),
        None => format!("tid{TIE}{}", first.tid),
    };
    let is_leader = first.pid.is_none_or(|pid| pid == first.tid);
    let leader = process(document, first).map(|leader| leader.comm.as_str());
    let name = Some(first.comm.as_str()).filter(|comm| leader != Some(*comm));
    let name = name.map_or_else(String::new, |comm| format!(" {}", sanitize::text(comm)));
    let thread = match (is_leader, more.len()) {
        (false, 0) => format!(", its thread{name} {}", first.tid),
        _ => String::new(),
    };
    let more = match more.len() {
        0 => String::new(),
        n => format!(" and {} more", units::count(n as u64)),
    };
    format!(" ({id}{thread}{more})")
}

fn siblings(fates: &[&Fate]) -> String {
    let them = if fates.len() == 1 { "it" } else { "them" };
    let all = fates.iter().map(|fate| fate.siblings);
    match all.fold(0, u64::saturating_add) {
        0 => String::new(),
        n => format!(
            ", {} went with {them}",
            units::counted(n, "sibling", "siblings")
        ),
    }
}
