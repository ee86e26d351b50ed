//! CPU time of the screen of `top` from a key to what is drawn of it, and for a tick, with 20,000
//! tasks of which 2,000 did something: `cargo bench -p waitscope --bench screen`.

use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, Write as _},
};

use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
};
use waitscope::{
    document::{
        Blame,
        top::{Because, Interval, Task, TaskState, Tick, WaitsFor, Why, Window},
    },
    observe::host::own_cpu_ns,
    view::top::Model,
    vocabulary::{CauseKind, WaitKind},
};

const TASKS: u32 = 20_000;
/// Threads of one process.
const THREADS: u32 = 50;
/// Every so manieth did something in the interval.
const BUSY: u32 = 10;
/// Ticks before the first key.
const TICKS: u64 = 5;
/// Each key is pressed so often; the slowest counts.
const TIMES: usize = 5;

type Terminals = Terminal<TestBackend>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout();
    let mut model = Model::new(true);
    let mut terminal = Terminal::new(TestBackend::new(120, 40))?;
    let mut ticks = 0;
    for n in 1..=TICKS {
        let tick = tick(n);
        let begun_ns = own_cpu_ns();
        model.push(tick);
        draw(&mut model, &mut terminal)?;
        ticks = ticks.max(own_cpu_ns() - begun_ns);
    }
    writeln!(out, "{TASKS} tasks\n{:<34} {}", "a tick", ms(ticks))?;
    for (what, keys, back) in KEYS {
        let mut slowest = 0;
        for _ in 0..TIMES {
            slowest = slowest.max(press(&mut model, &mut terminal, keys)?);
            press(&mut model, &mut terminal, back)?;
        }
        writeln!(out, "{what:<34} {}", ms(slowest))?;
    }
    Ok(())
}

/// What is measured, the keys (the slowest of them counts), and those that undo it: `^` is
/// escape, `~` enter.
const KEYS: [(&str, &str, &str); 15] = [
    ("one line down", "j", "k"),
    ("to the end", "G", "k"),
    ("idle shown", "i", "i"),
    ("search, at the end", "/worker 19950", "^"),
    ("search for what is not there", "/nothing at all", "^"),
    ("filter by a word", "\\postgres", "^"),
    ("filter by fields", "\\kind:futex age>1s", "^"),
    ("filter by a pattern", "\\command~*server*", "^"),
    ("sorted by the column beside", ">", "u"),
    ("turned round", "r", "r"),
    ("as a tree", "t", "t"),
    ("in groups, each", "gggggg", "g"),
    ("frozen, a tick back", " [", " "),
    ("so far", "c", "c"),
    ("blame of the task, of all", "bb", "b"),
];

fn press(model: &mut Model, terminal: &mut Terminals, keys: &str) -> io::Result<u64> {
    let mut slowest = 0;
    for key in keys.chars() {
        let code = match key {
            '^' => KeyCode::Esc,
            '~' => KeyCode::Enter,
            key => KeyCode::Char(key),
        };
        let begun_ns = own_cpu_ns();
        model.on_key(KeyEvent::new(code, KeyModifiers::NONE));
        draw(model, terminal)?;
        slowest = slowest.max(own_cpu_ns() - begun_ns);
    }
    Ok(slowest)
}

fn draw(model: &mut Model, terminal: &mut Terminals) -> io::Result<()> {
    let drawn = terminal.draw(|frame| model.draw(frame));
    drawn.map(|_| ()).map_err(io::Error::other)
}

fn ms(ns: u64) -> String {
    format!("{:8.2} ms", ns as f64 / 1e6)
}

fn tick(n: u64) -> Tick {
    let tasks: Vec<Task> = (1..=TASKS).map(|at| task(at, n)).collect();
    let blame: Vec<Blame> = tasks.iter().flat_map(|task| task.blame.clone()).collect();
    Tick {
        at_ns: n * 1_000_000_000,
        interval_ns: 1_000_000_000,
        tick: n,
        window: Some(Window {
            ns: 10_000_000_000,
            blocked_ns: blame.iter().map(|blame| blame.ns).sum(),
            // As many as a real one has at most: a cause of each process.
            blame: blame.into_iter().step_by(THREADS as usize).collect(),
        }),
        tasks,
        ..Tick::default()
    }
}

fn task(at: u32, n: u64) -> Task {
    let (pid, tid) = (at - at % THREADS + 1, at + 1);
    let kinds = [WaitKind::Futex, WaitKind::SocketRecv, WaitKind::Epoll];
    let kind = kinds[at as usize % kinds.len()];
    let is_busy = at.is_multiple_of(BUSY);
    let of_process = |what: &str| Some(format!("{what} {pid}"));
    Task {
        pid,
        tid,
        ppid: Some(1),
        user: Some(["root", "postgres", "www-data"][at as usize % 3].into()),
        comm: format!("worker {at}"),
        command: format!("/usr/lib/server/bin/server --config /etc/server/{pid}.conf").into(),
        state: TaskState::Blocked,
        kind: Some(kind),
        object: of_process("tcp 10.0.0.7:40222 → 10.0.0.5:").map(Into::into),
        function: Some("futex_wait_queue".into()),
        age_ns: u64::from(at) * 1_000_000 + n * 1_000_000_000,
        idle: Some(!is_busy && at.is_multiple_of(2)),
        waits_for: is_busy.then(|| WaitsFor {
            pid,
            tid: pid,
            comm: "server".to_owned(),
            why: Why::LockHolder,
        }),
        because: Some(Because {
            cause: CauseKind::Network,
            detail: of_process("10.0.0.5:"),
            hops: 1,
        }),
        interval: Interval {
            on_cpu_ns: u64::from(is_busy) * 1_000_000,
            runqueue_ns: 0,
            waits: BTreeMap::from([(kind, 1_000_000_000)]),
        },
        blame: vec![Blame {
            kind,
            cause: CauseKind::Network,
            detail: of_process("10.0.0.5:"),
            ns: 10_000_000_000,
        }],
        ..Task::default()
    }
}
