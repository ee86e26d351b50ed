//! Whatever keys are pressed and whatever ticks come: nothing panics, and what is selected
//! is seen.

use std::sync::Arc;

use proptest::prelude::*;
use ratatui::crossterm::event::{
    KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::{Terminal, backend::TestBackend};

use crate::document::Blame;
use crate::document::top::*;
use crate::view::top::{Model, batch, filter::Filter};
use crate::view::{sanitize, testing::hostile_text};
use crate::vocabulary::{CauseKind, WaitKind};

#[derive(Clone, Debug)]
enum Step {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Tick(Vec<Task>),
    Size(u16, u16),
}

fn key() -> impl Strategy<Value = Step> {
    let codes = vec![
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::F(4),
        KeyCode::F(6),
    ];
    let chars = "hjklgtib cwsr[]/\\<>nN?qzuG()*:=é\u{301}"
        .chars()
        .map(KeyCode::Char);
    let codes: Vec<KeyCode> = codes.into_iter().chain(chars).collect();
    let modifiers = prop_oneof![9 => Just(KeyModifiers::NONE), 1 => Just(KeyModifiers::CONTROL)];
    (prop::sample::select(codes), modifiers)
        .prop_map(|(code, modifiers)| Step::Key(KeyEvent::new(code, modifiers)))
}

fn mouse() -> impl Strategy<Value = Step> {
    let kinds = prop::sample::select(vec![
        MouseEventKind::ScrollDown,
        MouseEventKind::ScrollUp,
        MouseEventKind::Down(MouseButton::Left),
    ]);
    (kinds, 0..140_u16, 0..50_u16).prop_map(|(kind, column, row)| {
        let modifiers = KeyModifiers::NONE;
        Step::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers,
        })
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{0,3}", hostile_text(),]
}

fn task() -> impl Strategy<Value = Task> {
    let ids = (1..6_u32, 1..9_u32, prop::option::of(1..9_u32));
    let states = prop::sample::select(vec![
        TaskState::Running,
        TaskState::Runnable,
        TaskState::Blocked,
        TaskState::Unknown,
    ]);
    let kinds = prop::option::of(prop::sample::select(WaitKind::ALL));
    let known = (
        states,
        kinds,
        any::<u64>(),
        any::<Option<bool>>(),
        any::<bool>(),
    );
    let texts = (text(), prop::option::of(text()));
    let task = (ids, known, texts).prop_map(
        |((pid, tid, ppid), (state, kind, ns, idle, flag), (comm, detail))| Task {
            pid,
            tid,
            ppid,
            ns_pid: ppid.filter(|_| flag),
            user: detail.as_deref().map(Arc::from),
            container: detail.as_deref().filter(|_| flag).map(Arc::from),
            command: comm.as_str().into(),
            comm,
            state,
            kind,
            object: detail.map(Arc::from),
            age_ns: ns,
            age_at_least: flag,
            idle,
            interval: Interval {
                on_cpu_ns: ns,
                runqueue_ns: ns / 3,
                waits: kind.map(|kind| (kind, ns)).into_iter().collect(),
            },
            ..Task::default()
        },
    );
    let causes = prop::option::of(prop::sample::select(CauseKind::ALL));
    (task, prop::option::of(1..9_u32), causes)
        .prop_map(|(task, next, cause)| chained(task, next, cause))
}

/// The task, waiting for another one and because of something.
fn chained(task: Task, next: Option<u32>, cause: Option<CauseKind>) -> Task {
    let comm = task.comm.clone();
    let hop = next.map(|tid| WaitsFor {
        tid,
        comm,
        ..WaitsFor::default()
    });
    let detail = task.object.as_deref().map(str::to_owned);
    let because = cause.map(|cause| Because {
        cause,
        detail: detail.clone(),
        hops: 1,
    });
    let kind = task.kind.unwrap_or_default();
    let blame = cause.map(|cause| Blame {
        kind,
        cause,
        detail: detail.clone(),
        ns: task.age_ns,
    });
    Task {
        deadlock: next.filter(|_| task.age_at_least),
        chain: hop.clone().into_iter().collect(),
        waits_for: hop,
        because,
        blame: blame.into_iter().collect(),
        ..task
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => key(),
        2 => mouse(),
        3 => prop::collection::vec(task(), 0..12).prop_map(Step::Tick),
        1 => (1..310_u16, 1..60_u16).prop_map(|(columns, lines)| Step::Size(columns, lines)),
    ]
}

fn tick(n: u64, tasks: Vec<Task>) -> Tick {
    Tick {
        at_ns: n * 1000,
        tick: n,
        tasks,
        ..Tick::default()
    }
}

fn take(model: &mut Model, terminal: &mut Terminal<TestBackend>, n: u64, step: Step) {
    match step {
        Step::Key(key) => {
            model.on_key(key);
        }
        Step::Mouse(mouse) => model.on_mouse(mouse),
        Step::Tick(tasks) => model.push(tick(n, tasks)),
        Step::Size(columns, lines) => terminal.backend_mut().resize(columns, lines),
    }
    terminal.draw(|frame| model.draw(frame)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn top_screen_no_keys_and_no_ticks_break_it(steps in prop::collection::vec(step(), 1..40)) {
        let mut model = Model::new(true);
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        for (n, step) in steps.into_iter().enumerate() {
            take(&mut model, &mut terminal, n as u64 + 1, step);
            let list = &model.list;
            let lines = model.rows.list.len();
            prop_assert!(lines == 0 || list.cursor < lines);
            let area = terminal.backend().buffer().area;
            if model.page == super::super::model::Page::List && area.height > 4 && area.width > 2 && lines > 0 {
                let seen = list.first..list.first + list.height;
                prop_assert!(seen.contains(&list.cursor), "{seen:?} {}", list.cursor);
            }
            for cell in &terminal.backend().buffer().content {
                prop_assert!(!cell.symbol().chars().any(sanitize::is_hostile), "{:?}", cell.symbol());
            }
        }
    }

    #[test]
    fn top_batch_lines_fit_and_obey_nobody(
        tasks in prop::collection::vec(task(), 0..12),
        width in 40..200_usize,
        show_idle: bool,
    ) {
        let options = batch::Options::new(width, false, Filter::default(), show_idle);
        let table = batch::tick(tick(1, tasks), &options);
        for line in table.lines() {
            prop_assert!(sanitize::width(line) <= width, "{line:?}");
            prop_assert!(!line.chars().any(sanitize::is_hostile), "{line:?}");
        }
    }
}
