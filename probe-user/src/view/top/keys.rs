//! What keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::columns::{COLUMNS, Id, SHIFTS};
use super::filter::FilterError;
use super::groups::GroupBy;
use super::input::{Input, Typed};
use super::model::{Action, Mode, Model, Page, Scope};
use super::rows::{RowKey, What};

impl Model {
    /// A key was pressed.
    pub fn on_key(&mut self, key: KeyEvent) -> Action {
        if key.kind == KeyEventKind::Release {
            return Action::Continue;
        }
        self.message = None;
        match std::mem::take(&mut self.mode) {
            Mode::Plain if self.page == Page::List => self.list_key(key),
            Mode::Plain => self.page_key(key),
            Mode::Filter(input, error, before) => self.filter_key(input, error, before, key),
            Mode::Search(input, before) => self.search_key(input, before, key),
            Mode::Sort(at) => self.sort_key(at, key),
            Mode::Write => write_key(key),
        }
    }

    fn list_key(&mut self, key: KeyEvent) -> Action {
        let page = self.list.height.max(2) - 1;
        let cursor = self.list.cursor;
        match key.code {
            KeyCode::Down | KeyCode::Char('j') => self.go(cursor + 1),
            KeyCode::Up | KeyCode::Char('k') => self.go(cursor.saturating_sub(1)),
            KeyCode::PageDown => self.go(cursor + page),
            KeyCode::PageUp => self.go(cursor.saturating_sub(page)),
            KeyCode::Home => self.select(None),
            KeyCode::End | KeyCode::Char('G') => self.go(usize::MAX),
            KeyCode::Enter => self.enter(),
            KeyCode::Right | KeyCode::Char('l') if !is_control(key) => self.sideways(true),
            KeyCode::Left | KeyCode::Char('h') => self.sideways(false),
            KeyCode::Char('i') => self.change(|how| how.show_idle = !how.show_idle),
            KeyCode::Char('t') | KeyCode::F(5) => self.toggle_tree(),
            KeyCode::Char('g') => self.next_grouping(),
            KeyCode::Char('<' | ',') => self.sort_beside(false),
            KeyCode::Char('>' | '.') => self.sort_beside(true),
            KeyCode::Char('r') => self.change(|how| how.reversed = !how.reversed),
            KeyCode::Char('u') => self.sort_by(None),
            KeyCode::F(6) => self.mode = Mode::Sort(self.how.sort.map_or(0, |id| id as usize + 1)),
            KeyCode::Char('\\') | KeyCode::F(4) => {
                let text = self.filter_text.clone();
                self.mode = Mode::Filter(Input::new(&text), None, text);
            }
            KeyCode::Char('/') | KeyCode::F(3) => {
                let before = (self.list.selected.clone(), self.list.cursor);
                self.mode = Mode::Search(Input::default(), before);
            }
            KeyCode::Char('n') if !self.search.is_empty() => self.find(cursor + 1, false),
            KeyCode::Char('N') if !self.search.is_empty() => {
                self.find(cursor + self.rows.list.len().saturating_sub(1), true)
            }
            KeyCode::Char('q') | KeyCode::F(10) => return Action::Quit,
            _ => return self.common_key(key),
        }
        Action::Continue
    }

    /// What keys do on every page.
    fn common_key(&mut self, key: KeyEvent) -> Action {
        match key.code {
            KeyCode::Char('c') if is_control(key) => return Action::Interrupt,
            KeyCode::Char('z') if is_control(key) => return Action::Suspend,
            KeyCode::Char('l') if is_control(key) => return Action::Redraw,
            KeyCode::Char(' ') => self.freeze(),
            KeyCode::Char('[') => self.step(false),
            KeyCode::Char(']') => self.step(true),
            KeyCode::Char('c') => self.toggle_cumulative(),
            KeyCode::Char('b') => self.next_blame(),
            KeyCode::Char('w') => self.mode = Mode::Write,
            KeyCode::Char('?') | KeyCode::F(1) => self.open(Page::Help),
            _ => {}
        }
        Action::Continue
    }

    /// On a page that is not the list.
    fn page_key(&mut self, key: KeyEvent) -> Action {
        let page = self.list.height.max(2) - 1;
        match key.code {
            KeyCode::Esc | KeyCode::Char('q') | KeyCode::Enter => self.open(Page::List),
            KeyCode::Char('?') if self.page == Page::Help => self.open(Page::List),
            KeyCode::Down | KeyCode::Char('j') => self.scroll += 1,
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::PageDown => self.scroll += page,
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(page),
            KeyCode::Home => self.scroll = 0,
            KeyCode::F(10) => return Action::Quit,
            _ => return self.common_key(key),
        }
        Action::Continue
    }

    fn filter_key(
        &mut self,
        mut input: Input,
        error: Option<FilterError>,
        before: String,
        key: KeyEvent,
    ) -> Action {
        let typed = input.on_key(key);
        let error = match typed {
            Typed::Cancelled => {
                self.filter(&before);
                return Action::Continue;
            }
            // The last one that was valid stays.
            Typed::Changed => self.filter(input.text()),
            Typed::Same | Typed::Accepted => error,
        };
        if typed != Typed::Accepted || error.is_some() {
            self.mode = Mode::Filter(input, error, before);
        }
        Action::Continue
    }

    /// Each time from where it began: what is not found leaves the selection there.
    fn search_key(
        &mut self,
        mut input: Input,
        before: (Option<RowKey>, usize),
        key: KeyEvent,
    ) -> Action {
        match input.on_key(key) {
            Typed::Cancelled => {
                self.back_to(&before);
                return Action::Continue;
            }
            Typed::Accepted => return self.search_over(),
            Typed::Same => {}
            Typed::Changed => {
                input.text().clone_into(&mut self.search);
                self.back_to(&before);
                if !self.search.is_empty() {
                    self.find(self.list.cursor, false);
                }
            }
        }
        self.mode = Mode::Search(input, before);
        Action::Continue
    }

    /// What was not found is said once more: the line that said it is gone.
    fn search_over(&mut self) -> Action {
        if !self.search.is_empty() {
            self.find(self.list.cursor, false);
        }
        Action::Continue
    }

    /// In the list of columns to sort by: the first is none, the most urgent first.
    fn sort_key(&mut self, at: usize, key: KeyEvent) -> Action {
        match key.code {
            KeyCode::Down | KeyCode::Char('j') => {
                self.mode = Mode::Sort((at + 1).min(COLUMNS.len()))
            }
            KeyCode::Up | KeyCode::Char('k') => self.mode = Mode::Sort(at.saturating_sub(1)),
            KeyCode::Enter => {
                let column = at.checked_sub(1).and_then(|at| COLUMNS.get(at));
                self.sort_by(column.map(|column| column.id));
            }
            _ => {}
        }
        Action::Continue
    }

    fn change(&mut self, how: impl FnOnce(&mut super::rows::Arrangement)) {
        how(&mut self.how);
        self.arrange();
    }

    fn toggle_tree(&mut self) {
        self.change(|how| {
            how.tree = !how.tree || how.group.is_some();
            how.group = None;
        });
    }

    fn next_grouping(&mut self) {
        self.list.selected = None;
        self.change(|how| {
            how.group = GroupBy::next(how.group);
            how.open.clear();
        });
    }

    /// Sorts; the same column once more turns it round.
    pub(super) fn sort_by(&mut self, id: Option<Id>) {
        self.change(|how| {
            how.reversed = id.is_some() && how.sort == id && !how.reversed;
            how.sort = id;
        });
    }

    /// By the next of the columns that are shown.
    fn sort_beside(&mut self, right: bool) {
        let shown: Vec<Id> = self.list.columns.iter().map(|(id, _)| *id).collect();
        let current = self
            .how
            .sort
            .and_then(|id| shown.iter().position(|other| *other == id));
        let next = match (current, right) {
            (Some(at), true) => (at + 1).min(shown.len().saturating_sub(1)),
            (Some(at), false) => at.saturating_sub(1),
            (None, _) => shown.iter().position(|id| *id == Id::Age).unwrap_or(0),
        };
        if let Some(id) = shown
            .get(next)
            .copied()
            .filter(|id| self.how.sort != Some(*id))
        {
            self.sort_by(Some(id));
        }
    }

    fn sideways(&mut self, right: bool) {
        match self.current_group().map(|group| group.comm.clone()) {
            Some(name) => self.open_group(name, right),
            None if right => self.list.shift = (self.list.shift + 1).min(SHIFTS),
            None => self.list.shift = self.list.shift.saturating_sub(1),
        }
    }

    fn open_group(&mut self, name: String, open: bool) {
        self.list.selected = Some(RowKey::Group(name.clone()));
        self.change(|how| {
            if open {
                how.open.insert(name);
            } else {
                how.open.remove(&name);
            }
        });
    }

    fn enter(&mut self) {
        let Some(row) = self.current() else {
            return;
        };
        match row.what {
            What::Task(at) => {
                let tid = self.moment.tick.tasks[at].tid;
                self.list.selected = Some(RowKey::Task(tid));
                self.open(Page::Detail(tid));
            }
            What::Group(at) => {
                let group = &self.rows.groups[at];
                let (name, is_open) = (group.task.comm.clone(), group.is_open);
                self.open_group(name, !is_open);
            }
        }
    }

    fn open(&mut self, page: Page) {
        self.page = page;
        self.scroll = 0;
    }

    /// Of what is selected, then of all, then none.
    fn next_blame(&mut self) {
        let page = match &self.page {
            Page::Blame(Scope::Machine) => Page::List,
            Page::Blame(Scope::Of(_)) => Page::Blame(Scope::Machine),
            Page::Detail(tid) => Page::Blame(Scope::Of(RowKey::Task(*tid))),
            Page::List | Page::Help => match self.current_key() {
                Some(key) => Page::Blame(Scope::Of(key)),
                None => Page::Blame(Scope::Machine),
            },
        };
        self.open(page);
    }

    fn freeze(&mut self) {
        self.is_frozen = !self.is_frozen;
        if !self.is_frozen {
            self.show_newest();
        }
    }

    /// To another tick that is kept; holds the picture still.
    fn step(&mut self, later: bool) {
        let shown = self.moment.tick.clone();
        let next = match later {
            true => self.history.after(&shown),
            false => self.history.before(&shown),
        };
        let none = match later {
            true => "this is the newest",
            false => "this is the oldest that is kept",
        };
        self.is_frozen = true;
        match next {
            Some(tick) => self.show(tick),
            None => self.message = Some(none.to_owned()),
        }
    }

    fn toggle_cumulative(&mut self) {
        self.is_cumulative = !self.is_cumulative;
        let shown = self.moment.tick.clone();
        self.show(shown);
    }
}

fn is_control(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL)
}

/// After `w`.
fn write_key(key: KeyEvent) -> Action {
    match key.code {
        KeyCode::Char('s') => Action::WriteScreen,
        KeyCode::Char('r') => Action::WriteWindow,
        _ => Action::Continue,
    }
}
