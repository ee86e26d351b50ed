//! Each key does what it says.

use ratatui::crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{Screen, fixture};
use crate::document::top::Tick;
use crate::view::top::model::Action;
use crate::vocabulary::WaitKind;

/// A screen with a few tasks, `n` ticks old.
fn small(n: u64) -> Screen {
    let mut screen = Screen::new(80, 24);
    screen.model = super::Model::new(true);
    for n in 1..=n {
        screen.model.push(tick(n));
    }
    screen.draw();
    screen
}

/// alpha waits longest, then beta, gamma; delta idles. From tick 3 on alpha is gone.
fn tick(n: u64) -> Tick {
    let task = |tid, comm, kind, age| fixture::blocked(tid, comm, kind, age);
    let mut tasks = vec![
        task(11, "alpha", WaitKind::Futex, 9_000),
        task(12, "beta", WaitKind::PipeRead, 8_000),
        task(13, "gamma", WaitKind::Futex, 7_000),
    ];
    tasks[1].ppid = Some(13);
    tasks[2].user = Some("app".into());
    let mut delta = task(14, "delta", WaitKind::Epoll, 90_000);
    delta.idle = Some(true);
    tasks.push(delta);
    if n >= 3 {
        tasks.remove(0);
    }
    Tick {
        at_ns: n * 1_000_000_000,
        interval_ns: 1_000_000_000,
        tick: n,
        tasks,
        ..Tick::default()
    }
}

/// The names in the list, in their order.
fn names(screen: &Screen) -> Vec<&'static str> {
    let text = screen.text();
    let known = ["alpha", "beta", "gamma", "delta"];
    let named = |line: &str| {
        known
            .into_iter()
            .find(|name| line.split(' ').any(|word| word == *name))
    };
    // Not the last line, which says what the filter is.
    text.lines().take(23).filter_map(named).collect()
}

fn selected(screen: &Screen) -> u32 {
    match screen.model.current().unwrap().what {
        super::super::rows::What::Task(at) => screen.model.tick().tasks[at].tid,
        super::super::rows::What::Group(_) => 0,
    }
}

#[test]
fn top_keys_move_and_the_selection_follows_its_task() {
    let mut screen = small(1);
    for (keys, tid) in [
        ("", 11),
        ("j", 12),
        ("<down>", 13),
        ("j", 13),
        ("k", 12),
        ("<up>", 11),
        ("<end>", 13),
        ("<home>", 11),
        ("<pgdn>", 13),
        ("<pgup>", 11),
        ("G", 13),
    ] {
        screen.keys(keys);
        assert_eq!(selected(&screen), tid, "{keys}");
    }
    screen.model.push(tick(3));
    assert_eq!((selected(&screen), screen.model.list.cursor), (13, 1));
    // The first line is the first line, whichever task that is.
    let mut screen = small(1);
    screen.model.push(tick(3));
    assert_eq!(selected(&screen), 12);
    // Of a task that is gone the place stays.
    let mut screen = small(1);
    screen.keys("jk");
    screen.model.push(tick(3));
    assert_eq!(selected(&screen), 12);
}

#[test]
fn top_keys_idle_tasks_are_hidden_until_they_are_asked_for() {
    let mut screen = small(1);
    assert_eq!(names(&screen), ["alpha", "beta", "gamma"]);
    screen.keys("i");
    assert_eq!(names(&screen), ["alpha", "beta", "gamma", "delta"]);
    screen.keys("i\\idle<enter>");
    assert_eq!(names(&screen), ["delta"]);
}

#[test]
fn top_keys_filter_as_typed_and_the_last_valid_one_stays() {
    let mut screen = small(1);
    for (keys, expect) in [
        ("\\kind:fut", &["alpha", "gamma"][..]),
        ("ey", &["alpha", "gamma"]),
    ] {
        screen.keys(keys);
        assert_eq!(names(&screen), expect, "{keys}");
    }
    assert!(screen.has("no kind is futey: futex?"));
    // What is wrong is not accepted.
    screen.keys("<enter>");
    assert!(screen.has("filter: kind:futey"));
    screen.keys("<back>x not alpha<enter>");
    assert_eq!(names(&screen), ["gamma"]);
    assert!(
        screen
            .line("? help")
            .starts_with("filter kind:futex not alpha")
    );
    screen.keys("<f4><c-u>beta<esc>");
    assert_eq!(names(&screen), ["gamma"]);
    screen.keys("\\<c-u><enter>");
    assert_eq!(names(&screen), ["alpha", "beta", "gamma"]);
    screen.keys("\\nobody<enter>");
    assert!(screen.has("no task passes the filter"));
}

#[test]
fn top_keys_search_goes_to_the_next_that_has_it() {
    let mut screen = small(1);
    for (keys, tid) in [
        ("/futex", 11),
        ("<enter>n", 13),
        ("n", 11),
        ("N", 13),
        ("/bet", 12),
        ("<esc>", 13),
        ("/zzz<enter>", 13),
    ] {
        screen.keys(keys);
        assert_eq!(selected(&screen), tid, "{keys}");
    }
    screen.keys("n");
    assert!(screen.has("not found: zzz"));
    // What begins like one that is there does not move the selection in the end.
    screen.keys("k/alphx");
    assert_eq!(selected(&screen), 12);
    screen.keys("<back>");
    assert_eq!(selected(&screen), 11);
    for (keys, expect) in [
        (
            "<esc>/delta<enter>",
            "not found: delta, but 1 that idle (i)",
        ),
        (
            "\\beta<enter>/gamma<enter>",
            "not found: gamma, but 1 that the filter hides",
        ),
        (
            "\\<c-u><enter>gg/gamma<enter>",
            "but 1 in groups that are closed",
        ),
    ] {
        screen.keys(keys);
        assert!(screen.has(expect), "{expect} in\n{}", screen.text());
    }
}

#[test]
fn top_screen_says_which_lines_are_seen_and_that_it_is_a_replay() {
    let mut screen = Screen::new(80, 24);
    assert!(
        screen.line("? help").starts_with("1-17 of 4,947"),
        "{}",
        screen.text()
    );
    screen.keys("<pgdn>t");
    assert!(
        screen.line("? help").contains("  tree  "),
        "{}",
        screen.text()
    );
    screen.keys("?");
    assert!(
        screen.line("q back").starts_with("1-17 of "),
        "{}",
        screen.text()
    );
    let mut screen = small(1);
    assert!(screen.line("? help").starts_with("? help"));
    assert!(!screen.has("replay"));
    screen.model = std::mem::take(&mut screen.model).replaying();
    screen.draw();
    assert!(screen.has("replay, tick 1, 1.00 s"));
}

#[test]
fn top_deadlock_marks_cannot_be_forged_and_groups_have_them() {
    let mut screen = Screen::new(120, 40);
    let mut tick = fixture::tick(1);
    tick.tasks.truncate(3);
    tick.tasks
        .push(fixture::blocked(5, "!forged", WaitKind::Futex, 1));
    screen.model = super::Model::new(false);
    screen.model.push(tick);
    screen.draw();
    assert!(
        screen.line("2102").contains(" !transfer-a"),
        "{}",
        screen.text()
    );
    assert!(
        screen.line("forged").contains("  !forged"),
        "{}",
        screen.text()
    );
    screen.keys("g");
    assert!(
        screen.line("2100").contains("+ !transfer"),
        "{}",
        screen.text()
    );
    assert!(
        screen.line("forged").contains("+  !forged"),
        "{}",
        screen.text()
    );
}

#[test]
fn top_keys_sort_by_a_column() {
    let mut screen = small(1);
    // From the most urgent first to the time, then to the columns beside it.
    for (keys, expect) in [
        ("<gt>", ["alpha", "beta", "gamma"]),
        ("r", ["gamma", "beta", "alpha"]),
        ("<gt>", ["alpha", "gamma", "beta"]),
        ("<lt><lt>", ["alpha", "beta", "gamma"]),
        ("u", ["alpha", "beta", "gamma"]),
        ("r", ["gamma", "beta", "alpha"]),
        ("u<f6>jjj<enter>", ["gamma", "alpha", "beta"]),
        ("<f6><esc>", ["gamma", "alpha", "beta"]),
        ("<f6>kkk<enter>", ["alpha", "beta", "gamma"]),
    ] {
        screen.keys(keys);
        assert_eq!(names(&screen), expect, "{keys}");
    }
}

#[test]
fn top_keys_tree_puts_children_below_those_that_made_them() {
    let mut screen = small(1);
    screen.keys("t");
    assert_eq!(names(&screen), ["alpha", "gamma", "beta"]);
    assert!(screen.line("beta").contains("└ beta"));
    // One that does not pass stays for those below it.
    screen.keys("\\beta<enter>");
    assert_eq!(names(&screen), ["gamma", "beta"]);
    screen.keys("t");
    assert_eq!(names(&screen), ["beta"]);
}

#[test]
fn top_keys_group_by_each_thing_in_turn() {
    let mut screen = small(1);
    for (word, expect) in [
        (
            "process",
            &["×1 + alpha 11", "×1 + beta 12", "×1 + gamma 13"][..],
        ),
        ("kind", &["×2 + futex", "×1 + pipe-read"]),
        ("object", &["×3 + no object"]),
        ("cause", &["×3 + unknown"]),
        ("container", &["×3 + no container"]),
        ("user", &["×2 + root", "×1 + app"]),
    ] {
        screen.keys("g");
        assert!(screen.has(&format!("by {word}  ?")), "{word}");
        for group in expect {
            assert!(screen.has(group), "{group} in\n{}", screen.text());
        }
    }
    screen.keys("g");
    assert_eq!(names(&screen), ["alpha", "beta", "gamma"]);
    screen.keys("gg<enter>");
    assert_eq!(names(&screen), ["alpha", "gamma"]);
    screen.keys("<left>");
    assert_eq!(names(&screen), [""; 0]);
    screen.keys("<right>j<enter>");
    assert!(screen.has("task 11"));
}

#[test]
fn top_keys_freeze_and_step_through_what_is_kept() {
    let mut screen = small(2);
    screen.keys(" ");
    screen.model.push(tick(3));
    screen.draw();
    assert!(screen.has("FROZEN at tick 2, 1 back"));
    for (keys, expect) in [
        ("[", "FROZEN at tick 1, 2 back"),
        ("[", "this is the oldest that is kept"),
        ("]]", "FROZEN at tick 3"),
        ("]", "this is the newest"),
        (" ", "tick 3, 1.00 s"),
        ("[", "FROZEN at tick 2, 1 back"),
    ] {
        screen.keys(keys);
        assert!(screen.has(expect), "{expect} in\n{}", screen.text());
    }
    assert_eq!(names(&screen), ["alpha", "beta", "gamma"]);
    screen.keys(" ");
    assert_eq!(names(&screen), ["beta", "gamma"]);
}

#[test]
fn top_keys_detail_blame_and_help_open_and_close() {
    let mut screen = Screen::new(80, 60);
    screen.keys("jjj<enter>");
    for part in [
        "thread 2102 of pid 2100",
        "git, pid 4242",
        "17 in docker-4f1c9a7be021",
        "2  git-remote-https 4244 (writes the pipe)",
        "=  network 10.0.0.5:443",
        "__do_sys_wait4",
        "do_notify_parent",
    ] {
        assert_eq!(screen.has(part), !part.starts_with("thread"), "{part}");
    }
    screen.keys("b");
    assert!(screen.has("what the waits of task 4242 (git) in the last 10.00 s were for"));
    screen.keys("b");
    assert!(screen.has("what the waits of all tasks in the last 10.00 s were for"));
    screen.keys("b");
    assert!(screen.has("blocked for"));
    screen.keys("?");
    assert!(screen.has("hold the picture still"));
    assert_eq!(screen.keys("q"), Action::Continue);
    assert_eq!(screen.keys("q"), Action::Quit);
}

#[test]
fn top_keys_times_are_of_the_interval_or_so_far() {
    let mut screen = small(2);
    screen.keys("j<enter>");
    assert!(screen.line("pipe-read  ").contains("0.930 s"));
    screen.keys("c");
    assert!(
        screen.line("pipe-read  ").contains("1.860 s"),
        "{}",
        screen.text()
    );
    screen.keys("[");
    assert!(screen.line("pipe-read  ").contains("0.930 s"));
}

#[test]
fn top_keys_other_columns_come_into_view() {
    let mut screen = Screen::new(60, 20);
    assert!(screen.has("because") && !screen.has("on what"));
    screen.keys("<right><right>");
    assert!(
        screen.has("on what") && !screen.has("blocked for"),
        "{}",
        screen.text()
    );
    screen.keys("<left>h");
    assert!(screen.has("blocked for") && !screen.has("on what"));
}

#[test]
fn top_keys_ask_for_what_a_screen_cannot_do() {
    let mut screen = small(1);
    for (keys, expect) in [
        ("ws", Action::WriteScreen),
        ("wr", Action::WriteWindow),
        ("w<esc>", Action::Continue),
        ("<c-l>", Action::Redraw),
        ("<c-z>", Action::Suspend),
        ("<c-c>", Action::Interrupt),
        ("q", Action::Quit),
    ] {
        assert_eq!(screen.keys(keys), expect, "{keys}");
    }
    let report = screen.model.report(120);
    assert!(report.contains("alpha") && !report.contains("delta"));
}

#[test]
fn top_mouse_wheel_moves_and_clicks_select_and_sort() {
    let mut screen = small(1);
    let at = |kind, column, row| MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    };
    let click = MouseEventKind::Down(MouseButton::Left);
    let titles = screen
        .text()
        .lines()
        .position(|line| line.contains("blocked for"));
    let titles = titles.unwrap() as u16;
    screen.model.on_mouse(at(click, 8, titles + 3));
    assert_eq!(selected(&screen), 13);
    screen.model.on_mouse(at(MouseEventKind::ScrollUp, 8, 5));
    assert_eq!(selected(&screen), 11);
    let title = screen.line("blocked for").find("tid").unwrap() as u16;
    for expect in [["alpha", "beta", "gamma"], ["gamma", "beta", "alpha"]] {
        screen.model.on_mouse(at(click, title, titles));
        screen.draw();
        assert_eq!(names(&screen), expect);
    }
    screen.model.on_mouse(at(click, 79, 23));
    screen.model.on_mouse(at(click, 8, titles + 10));
    assert_eq!(selected(&screen), 11);
}
