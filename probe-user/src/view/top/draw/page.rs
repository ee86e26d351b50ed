//! A page in the place of the list.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect};

use super::theme::Theme;
use crate::document::Blame;
use crate::view::color::Style;
use crate::view::top::groups::sum_of_blame;
use crate::view::top::help::help;
use crate::view::top::model::{Model, Page, Scope};
use crate::view::top::pages::{causes, detail};
use crate::view::top::rows::RowKey;
use crate::view::top::text::{Text, line};
use crate::view::{sanitize, units};

impl Model {
    pub(super) fn draw_page(&mut self, buffer: &mut Buffer, area: Rect, theme: Theme) {
        let columns = usize::from(area.width);
        let (title, lines) = match &self.page {
            Page::List => return,
            Page::Help => ("help".to_owned(), help()),
            Page::Detail(tid) => (format!("task {tid}"), self.detail_lines(*tid, columns)),
            Page::Blame(scope) => self.blame_lines(scope, columns),
        };
        buffer.set_style(Rect { height: 1, ..area }, theme.title());
        buffer.set_stringn(
            area.x,
            area.y,
            sanitize::fit(&title, columns),
            columns,
            theme.title(),
        );
        let height = usize::from(area.height.saturating_sub(1));
        self.lines = lines.len();
        self.list.height = height;
        self.scroll = self.scroll.min(lines.len().saturating_sub(height));
        for (y, text) in (area.y + 1..area.bottom()).zip(lines.iter().skip(self.scroll)) {
            theme.text(buffer, area.x, y, area.width, text);
        }
    }

    fn detail_lines(&self, tid: u32, columns: usize) -> Vec<Text> {
        let tick = &self.moment.tick;
        let Some(at) = tick.tasks.iter().position(|task| task.tid == tid) else {
            return line_of("it is not in this tick: it has ended, or had not begun");
        };
        let task = self.moment.line(at);
        let because = self.moment.deadlocks.because(task.task);
        let since = match self.moment.totals {
            Some(_) => format!("its time up to tick {}", tick.tick),
            None => format!("its time in the last {}", units::time(tick.interval_ns)),
        };
        let files = self.files_of(task.task);
        detail(task.task, task.interval, &since, &because, files, columns)
    }

    fn blame_lines(&self, scope: &Scope, columns: usize) -> (String, Vec<Text>) {
        let window = self.moment.tick.window.as_ref();
        let last = window.map_or(String::new(), |w| {
            format!(" in the last {}", units::time(w.ns))
        });
        let (whom, blame) = match scope {
            Scope::Machine => (
                "all tasks".to_owned(),
                window.map(|window| Cow::from(&window.blame)),
            ),
            Scope::Of(RowKey::Task(tid)) => {
                let task = self.detailed(*tid);
                let name = task.map_or(String::new(), |task| {
                    format!(" ({})", sanitize::text(&task.comm))
                });
                let blame = task.map(|task| Cow::from(&task.blame));
                (format!("task {tid}{name}"), blame)
            }
            Scope::Of(RowKey::Group(name)) => {
                let group = self
                    .rows
                    .groups
                    .iter()
                    .find(|group| group.task.comm == *name);
                let tasks = &self.moment.tick.tasks;
                let blame = group.map(|group| {
                    let members = group.members.iter().map(|&at| &tasks[at]);
                    Cow::from(sum_of_blame(members))
                });
                (sanitize::text(name).into_owned(), blame)
            }
        };
        (
            format!("what the waits of {whom}{last} were for"),
            blamed(blame.as_deref(), columns),
        )
    }
}

fn blamed(blame: Option<&[Blame]>, columns: usize) -> Vec<Text> {
    match blame {
        None => line_of("not known in this tick"),
        Some([]) => line_of("there were none"),
        Some(blame) => causes(blame, columns),
    }
}

fn line_of(text: &str) -> Vec<Text> {
    vec![line(text, Style::Faint)]
}
