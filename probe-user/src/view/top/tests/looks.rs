//! What the screen looks like: stored in `tests/golden/view/top`.

use ratatui::style::Color;

use super::Screen;
use crate::view::testing::golden;
use crate::view::top::batch::{self, Options};
use crate::view::top::filter::Filter;

const SIZES: [(u16, u16); 5] = [(40, 24), (60, 20), (80, 24), (120, 40), (300, 50)];

fn stored(name: &str, (columns, lines): (u16, u16), keys: &str) {
    let mut screen = Screen::new(columns, lines);
    screen.keys(keys);
    golden(&format!("top/{name}-{columns}.txt"), &screen.text());
}

#[test]
fn top_looks_list() {
    for size in SIZES {
        stored("list", size, "");
    }
}

#[test]
fn top_looks_detail() {
    for size in [(40, 50), (80, 50), (120, 50)] {
        stored("detail", size, "jjj<enter>");
    }
}

#[test]
fn top_looks_blame() {
    for size in SIZES {
        stored("blame", size, "bb");
    }
}

#[test]
fn top_looks_groups() {
    for size in [(60, 20), (80, 24), (120, 30)] {
        stored("processes", size, "g");
        stored("causes", size, "gggg<right>");
        stored("containers", size, "ggggg");
    }
}

#[test]
fn top_looks_tree() {
    for size in [(80, 24), (120, 30)] {
        stored("tree", size, "t");
    }
}

#[test]
fn top_looks_help_and_menus() {
    stored("help", (60, 60), "?");
    stored("help", (80, 50), "?");
    stored("sort", (60, 20), "<f6>jjj");
    stored("wrong-filter", (60, 20), "\\kind:futx");
    stored("wrong-filter", (120, 20), "\\kind:futex and (age>5");
    stored("filter", (80, 24), "\\kind:pipe or state=runnable<enter>r");
}

#[test]
fn top_looks_batch() {
    for width in [80, 512] {
        let filter = Filter::parse("not command:python3").unwrap();
        let options = Options::new(width, width == 80, filter, false);
        let table = batch::tick(super::fixture::tick(3), &options);
        golden(&format!("top/batch-{width}.txt"), &table);
    }
}

#[test]
fn top_deadlocks_are_first_and_red_but_not_by_colour_alone() {
    let mut screen = Screen::new(120, 40);
    screen.keys("jjj");
    let titles = screen
        .text()
        .lines()
        .position(|line| line.contains("blocked for"))
        .unwrap();
    let buffer = screen.terminal.backend().buffer();
    for y in titles + 1..titles + 4 {
        assert_eq!(buffer[(10, y as u16)].fg, Color::Red);
    }
    assert_ne!(buffer[(10, titles as u16 + 5)].fg, Color::Red);
    let line = screen.line("deadlock with 2102");
    assert!(line.contains("!transfer-a"), "{line}");
    screen.model.has_colors = false;
    screen.draw();
    let buffer = screen.terminal.backend().buffer();
    assert!(
        buffer
            .content
            .iter()
            .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset)
    );
}
