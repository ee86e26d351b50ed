//! What is shown, what is selected, and how it follows the ticks.

use std::{ops::Range, rc::Rc};

use super::batch::{Options, table};
use super::columns::Id;
use super::filter::{Filter, FilterError};
use super::history::History;
use super::input::Input;
use super::moment::Moment;
use super::rows::{Arrangement, Row, RowKey, Rows, What, arrange};
use crate::document::top::{Task, Tick};

/// What is to be done that a screen cannot do itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Draw.
    Continue,
    /// Draw on a screen that is empty first: something else may have written on it.
    Redraw,
    /// End.
    Quit,
    /// What Ctrl-C does: end, or end what is watched.
    Interrupt,
    /// What Ctrl-Z does: stop until the shell continues us, and what is watched with us.
    Suspend,
    /// The same of ourselves only.
    Stop,
    /// Write what is on the screen ([`Model::report`]).
    WriteScreen,
    /// Write the ticks that are kept ([`Model::kept`]).
    WriteWindow,
}

/// The screen.
#[derive(Debug, Default)]
pub struct Model {
    pub(super) history: History,
    pub(super) moment: Moment,
    /// The moment stays as it is while ticks come.
    pub(super) is_frozen: bool,
    pub(super) is_cumulative: bool,
    pub(super) how: Arrangement,
    pub(super) rows: Rows,
    pub(super) list: List,
    pub(super) page: Page,
    /// The first line of the page that is seen.
    pub(super) scroll: usize,
    /// As drawn last: how many lines the page has.
    pub(super) lines: usize,
    pub(super) mode: Mode,
    /// The last valid one.
    pub(super) filter_text: String,
    pub(super) search: String,
    pub(super) message: Option<String>,
    pub(super) has_colors: bool,
    /// The ticks are of a file.
    pub(super) is_replay: bool,
    /// Of the task on the page, as it was then.
    pub(super) files: Option<Files>,
}

/// What a process has open, in words, by descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The process.
    pub pid: u32,
    /// The tick at which it was looked at.
    pub tick: u64,
    /// The lowest of them.
    pub list: Vec<(u32, String)>,
    /// How many there are besides.
    pub more: usize,
}

/// Where the list is, and what of it is seen.
#[derive(Debug, Default)]
pub(super) struct List {
    /// The selected line; `None`: the first, whichever that is.
    pub(super) selected: Option<RowKey>,
    /// Its place.
    pub(super) cursor: usize,
    /// The first line that is seen.
    pub(super) first: usize,
    /// Important columns that make room for others.
    pub(super) shift: usize,
    /// As drawn last: how many lines were seen, and where.
    pub(super) height: usize,
    pub(super) top: u16,
    /// As drawn last: which columns, and where.
    pub(super) columns: Vec<(Id, Range<u16>)>,
}

/// What stands below the header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Page {
    #[default]
    List,
    Detail(u32),
    Blame(Scope),
    Help,
}

/// Whose blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Machine,
    Of(RowKey),
}

/// What keys go to.
#[derive(Clone, Debug, Default)]
pub(super) enum Mode {
    #[default]
    Plain,
    /// With what is wrong with it, and what it was before.
    Filter(Input, Option<FilterError>, String),
    /// With what was selected before, and its place.
    Search(Input, (Option<RowKey>, usize)),
    /// By a column, at a place of the list of them.
    Sort(usize),
    Write,
}

impl Model {
    /// A screen without ticks so far.
    pub fn new(has_colors: bool) -> Model {
        Model {
            has_colors,
            ..Model::default()
        }
    }

    /// The same for ticks of a file.
    pub fn replaying(self) -> Model {
        Model {
            is_replay: true,
            ..self
        }
    }

    /// A tick has come. A picture that is held still stays.
    pub fn push(&mut self, tick: Tick) {
        self.history.push(tick);
        if !self.is_frozen {
            self.show_newest();
        }
    }

    /// The process of which one would like to see now what it has open, and the tick for which.
    pub fn wants_files(&self) -> Option<(u32, u64)> {
        let Page::Detail(tid) = self.page else {
            return None;
        };
        let tick = &self.moment.tick;
        let wanted = (self.detailed(tid)?.pid, tick.tick);
        let is_known = self.files.as_ref().map(|files| (files.pid, files.tick)) == Some(wanted);
        (!self.is_replay && !self.is_frozen && !is_known).then_some(wanted)
    }

    /// It has been looked at.
    pub fn learn_files(&mut self, files: Files) {
        self.files = Some(files);
    }

    /// What it has open, if it was looked at for the tick that is shown.
    pub(super) fn files_of(&self, task: &Task) -> Option<&Files> {
        let now = (task.pid, self.moment.tick.tick);
        let files = self.files.as_ref();
        files.filter(|files| (files.pid, files.tick) == now)
    }

    /// A task of the tick that is shown.
    pub(super) fn detailed(&self, tid: u32) -> Option<&Task> {
        let tasks = &self.moment.tick.tasks;
        tasks.iter().find(|task| task.tid == tid)
    }

    /// A sentence for the last line, until the next key.
    pub fn say(&mut self, sentence: String) {
        self.message = Some(sentence);
    }

    /// Somebody looks at it closely: it must not go away by itself.
    pub fn is_held(&self) -> bool {
        self.is_frozen || self.page != Page::List
    }

    /// The tick that is shown.
    pub fn tick(&self) -> &Rc<Tick> {
        &self.moment.tick
    }

    /// The ticks that can be stepped through, in their order.
    pub fn kept(&self) -> Vec<Rc<Tick>> {
        self.history.all()
    }

    /// What is on the screen, all of its lines, as a text.
    pub fn report(&self, columns: usize) -> String {
        let options = Options {
            width: columns,
            color: false,
            arrangement: self.how.clone(),
        };
        table(&self.moment, &self.rows, &options)
    }

    pub(super) fn show_newest(&mut self) {
        if let Some(tick) = self.history.newest() {
            self.show(tick);
        }
    }

    pub(super) fn show(&mut self, tick: Rc<Tick>) {
        let totals = self.is_cumulative.then(|| self.history.totals(&tick));
        self.moment = Moment::new(tick, totals);
        self.arrange();
    }

    /// After each change of the moment or of the arrangement.
    pub(super) fn arrange(&mut self) {
        self.rows = arrange(&self.moment, &self.how);
        self.place();
    }

    /// Puts the cursor on the line that is selected.
    fn place(&mut self) {
        let last = self.rows.list.len().saturating_sub(1);
        let Some(selected) = &self.list.selected else {
            self.list.cursor = 0;
            return;
        };
        let selected = self.rows.position(&self.moment, selected);
        // Of one that is gone the place stays, and what is there now is not held on to.
        self.list.cursor = selected.unwrap_or(self.list.cursor.min(last));
    }

    pub(super) fn current(&self) -> Option<&Row> {
        self.rows.list.get(self.list.cursor)
    }

    pub(super) fn current_key(&self) -> Option<RowKey> {
        Some(self.rows.key(&self.moment, self.current()?))
    }

    /// Selects the line at a place, or the last.
    pub(super) fn go(&mut self, place: usize) {
        self.list.cursor = place.min(self.rows.list.len().saturating_sub(1));
        self.list.selected = self.current_key();
    }

    pub(super) fn select(&mut self, key: Option<RowKey>) {
        self.list.selected = key;
        self.place();
    }

    /// Selects what was selected before a search.
    pub(super) fn back_to(&mut self, (selected, cursor): &(Option<RowKey>, usize)) {
        self.list.cursor = *cursor;
        self.select(selected.clone());
    }

    /// The group of the selected line, if it is one.
    pub(super) fn current_group(&self) -> Option<&Task> {
        match self.current()?.what {
            What::Group(at) => Some(&self.rows.groups[at].task),
            What::Task(_) => None,
        }
    }

    /// Takes a filter on, if it is one.
    pub(super) fn filter(&mut self, text: &str) -> Option<FilterError> {
        match Filter::parse(text) {
            Ok(filter) => {
                self.how.filter = filter;
                text.clone_into(&mut self.filter_text);
                self.arrange();
                None
            }
            Err(error) => Some(error),
        }
    }

    /// Goes to the next line that has the text searched for, from a place on, round the end.
    pub(super) fn find(&mut self, from: usize, backwards: bool) {
        let wanted = Filter::word(&self.search);
        let lines = self.rows.list.len();
        let at = |step: usize| match backwards {
            false => (from + step) % lines,
            true => (from + lines - step % lines) % lines,
        };
        let fits = |place: &usize| {
            let row = &self.rows.list[*place];
            wanted.matches(self.rows.line(&self.moment, row).task)
        };
        match (0..lines).map(at).find(fits) {
            Some(place) => self.go(place),
            None => self.message = Some(self.not_found(&wanted)),
        }
    }

    /// Also why, if there is one that is not shown.
    fn not_found(&self, wanted: &Filter) -> String {
        let tasks = self.moment.tick.tasks.iter();
        let having: Vec<&Task> = tasks.filter(|task| wanted.matches(task)).collect();
        let passing = having.iter().filter(|task| self.how.filter.matches(task));
        let why = match (having.len(), passing.count()) {
            (0, _) => String::new(),
            (n, 0) => format!(", but {n} that the filter hides"),
            (_, n) if self.rows.groups.is_empty() => format!(", but {n} that idle (i)"),
            (_, n) => format!(", but {n} in groups that are closed, or idle"),
        };
        format!("not found: {}{why}", self.search)
    }
}
