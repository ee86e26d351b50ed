//! A thread's life, and the hops of the critical path, in words.

use super::behind;
use super::collapse::{self, Line, Phrase};
use super::ending;
use super::frames;
use super::units::{self, Unit};
use super::woken;
use crate::document::{
    CriticalPath, Did, Document, Hop, PathSum, Step, Timeline, UserStack, WaitSite, Wake,
};
use crate::vocabulary::{CauseKind, WakeSource};

/// Causes of a wait that are named.
const NAMED: usize = 3;
/// Frames of a program that are named, the innermost.
const FRAMES: usize = 8;

/// The lines of a thread's timeline, from its start to its end.
pub fn lines(document: &Document, timeline: &Timeline, all: bool) -> Vec<Line> {
    let Some(thread) = document.threads.get(timeline.thread) else {
        return Vec::new();
    };
    let mut lines = vec![Line {
        at_ns: thread.start_ns,
        text: beginning(timeline),
        ..Line::default()
    }];
    let steps = phrases(document, &timeline.steps, all);
    let life_ns = thread.end_ns.saturating_sub(thread.start_ns);
    lines.extend(collapse::lines(&steps, life_ns, all));
    if timeline.steps_left_out > 0 {
        let steps = units::counted(timeline.steps_left_out, "more step is", "more steps are");
        let at_ns = timeline.steps.last().map_or(thread.start_ns, |s| s.to_ns);
        lines.push(Line {
            at_ns,
            text: format!("{steps} left out"),
            ..Line::default()
        });
    }
    let text = match thread.exit {
        Some(exit) => format!("ends: {}", ending::describe(exit)),
        None => "is still there at the end".to_owned(),
    };
    lines.push(Line {
        at_ns: thread.end_ns,
        text,
        ..Line::default()
    });
    lines
}

fn beginning(timeline: &Timeline) -> String {
    match &timeline.born {
        Some(wake) => format!("starts; made runnable by {}", who(wake)),
        None => "is there when the observation begins".to_owned(),
    }
}

fn phrases(document: &Document, steps: &[Step], all: bool) -> Vec<Phrase> {
    let mut program = None;
    let phrase = |step: &Step| {
        let time = units::time(step.to_ns.saturating_sub(step.from_ns));
        let mut frames = Vec::new();
        let (short, full) = match &step.did {
            Did::NotWaiting { cause, detail } => {
                let is_new = *cause == CauseKind::Computing && program != *detail;
                if is_new {
                    program.clone_from(detail);
                }
                not_waiting(*cause, detail.as_deref().filter(|_| is_new), &time)
            }
            Did::Waited { site, ended, blame } => {
                let short = format!("waits for {}", site.kind);
                let place = place(site);
                let ended = who(ended);
                let behind = causes(blame, all);
                frames = user_frames(document, site.user_stack.as_ref(), all);
                let full = format!("waits {time} for {place}, ended by {ended}{behind}");
                (short, full)
            }
            Did::Open(site) => {
                let short = format!("waits for {}", site.kind);
                let place = place(site);
                frames = user_frames(document, site.user_stack.as_ref(), all);
                let full = format!("waits for {place}: ≥ {time}, not finished at the end");
                (short, full)
            }
        };
        Phrase {
            from_ns: step.from_ns,
            to_ns: step.to_ns.max(step.from_ns),
            short,
            full,
            frames,
        }
    };
    steps.iter().map(phrase).collect()
}

/// Where the program was, outermost first.
fn user_frames(document: &Document, stack: Option<&UserStack>, all: bool) -> Vec<String> {
    let stack = stack.map_or(&[][..], |stack| &stack[..]);
    let most = if all { stack.len() } else { FRAMES };
    let named = stack.iter().take(most).rev();
    let named = named.map(|&place| frames::user_name(document, place).into_owned());
    let rest = (stack.len() > most).then(|| "…".to_owned());
    rest.into_iter().chain(named).collect()
}

fn not_waiting(cause: CauseKind, new_program: Option<&str>, time: &str) -> (String, String) {
    let as_program = new_program.map_or_else(String::new, |name| format!(" as {name}"));
    let (short, full) = match cause {
        CauseKind::Computing => ("runs", format!("runs {time}{as_program}")),
        CauseKind::Starting => (
            "runs before its exec",
            format!("runs {time} before its exec"),
        ),
        CauseKind::RunQueue => ("waits for a CPU", format!("waits {time} for a CPU")),
        // The others are waits; of one that nobody saw, records were lost.
        CauseKind::Network
        | CauseKind::Disk
        | CauseKind::Timer
        | CauseKind::Interrupt
        | CauseKind::Outside
        | CauseKind::Signal
        | CauseKind::CpuQuota
        | CauseKind::Unknown
        | CauseKind::Open => (
            "unknown (lost records)",
            format!("unknown for {time} (lost records)"),
        ),
    };
    (short.to_owned(), full)
}

/// `child-exit in do_wait`, `pipe-read of pipe:[4711] in (read)`.
fn place(site: &WaitSite) -> String {
    let WaitSite {
        kind,
        syscall,
        function,
        object,
        user_stack: _,
    } = site;
    let of = object.as_ref().map(|object| format!(" of {object}"));
    let within = match (function, syscall) {
        (Some(function), _) => format!(" in {function}"),
        (None, Some(syscall)) => format!(" in ({syscall})"),
        (None, None) => String::new(),
    };
    format!("{kind}{}{within}", of.unwrap_or_default())
}

/// Who woke, with the call and the id of a task: `sort (write, pid 5566)`.
fn who(wake: &Wake) -> String {
    match wake.source {
        WakeSource::Task | WakeSource::TaskExit | WakeSource::New | WakeSource::Signal => {}
        WakeSource::Timer
        | WakeSource::NetRx
        | WakeSource::BlockIo
        | WakeSource::Irq
        | WakeSource::Kthread
        | WakeSource::Unverified => return woken::describe(wake),
    }
    let id = match (wake.pid, wake.tid) {
        (Some(pid), Some(tid)) if pid == tid => Some(format!("pid {pid}")),
        (_, tid) => tid.map(|tid| format!("tid {tid}")),
    };
    let name = match (wake.source, &wake.comm) {
        // Of a first run only the creator is worth a word.
        (WakeSource::New, Some(comm)) => comm.clone(),
        _ => woken::describe(&Wake {
            syscall: None,
            ..wake.clone()
        }),
    };
    // The call of an exit says nothing new.
    let syscall = wake
        .syscall
        .clone()
        .filter(|_| wake.source != WakeSource::TaskExit);
    let more: Vec<String> = syscall.into_iter().chain(id).collect();
    if more.is_empty() {
        return name;
    }
    format!("{name} ({})", more.join(", "))
}

/// `: computing git index-pack 30.1 ms, network 127.0.0.1:9418 9.00 ms, …`;
/// nothing where the waker has said it.
fn causes(blame: &[PathSum], all: bool) -> String {
    match blame {
        [] => return String::new(),
        [only] if behind::follows_from_the_waker(only.cause, only.detail.as_deref()) => {
            return String::new();
        }
        _ => {}
    }
    let most = if all { blame.len() } else { NAMED };
    let mut named: Vec<String> = blame.iter().take(most).map(sum).collect();
    if blame.len() > most {
        named.push("…".to_owned());
    }
    format!(": {}", named.join(", "))
}

/// `computing git index-pack 2.10 s`.
fn sum(sum: &PathSum) -> String {
    let cause = behind::describe(sum.cause, sum.detail.as_deref());
    format!("{cause} {}", units::time(sum.ns))
}

/// The same in a unit: `computing git index-pack 2.104 s`.
pub fn sum_in(sum: &PathSum, unit: Unit) -> String {
    let cause = behind::describe(sum.cause, sum.detail.as_deref());
    format!("{cause} {}", unit.time(sum.ns))
}

/// The lines of the critical path.
pub fn path(path: &CriticalPath, all: bool) -> Vec<Line> {
    let hops: Vec<Phrase> = path.hops.iter().map(hop_phrase).collect();
    let life_ns = path.to_ns.saturating_sub(path.from_ns);
    let mut lines = collapse::lines(&hops, life_ns, all);
    if path.hops_left_out > 0 {
        let hops = units::counted(path.hops_left_out, "shorter hop is", "shorter hops are");
        lines.push(Line {
            at_ns: path.to_ns,
            text: format!("{hops} left out"),
            ..Line::default()
        });
    }
    lines
}

fn hop_phrase(hop: &Hop) -> Phrase {
    let name = hop.name.as_deref().unwrap_or("unnamed");
    let tid = hop
        .tid
        .map_or_else(String::new, |tid| format!(" (tid {tid})"));
    let time = units::time(hop.to_ns.saturating_sub(hop.from_ns));
    // Who computes says the detail, unless another program did then.
    let detail = hop.detail.as_deref().filter(|&detail| detail != name);
    let what = match hop.cause {
        CauseKind::Computing if detail.is_none() => behind::word(hop.cause).to_owned(),
        cause => behind::describe(cause, detail),
    };
    let wait = match (hop.wait, hop.cause) {
        (Some(_), CauseKind::Open) | (None, _) => String::new(),
        (Some(kind), cause) if kind.as_str() == cause.as_str() => String::new(),
        (Some(kind), _) => format!("{kind}: "),
    };
    Phrase {
        from_ns: hop.from_ns,
        to_ns: hop.to_ns.max(hop.from_ns),
        short: format!("{name} {what}"),
        full: format!("{time:>8}  {name}{tid}  {wait}{what}"),
        frames: Vec::new(),
    }
}
