//! A line that is typed: a filter or what is searched.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The longest, in bytes: a paste of a file is none.
const LONGEST: usize = 4096;

/// The line, and where the cursor is in it.
#[derive(Clone, Debug, Default)]
pub struct Input {
    text: String,
    at: usize,
}

/// What a key did to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Nothing, or it moved.
    Same,
    /// It changed the text.
    Changed,
    /// The text is as it shall be.
    Accepted,
    /// All shall be as before.
    Cancelled,
}

impl Input {
    /// One that begins with a text.
    pub fn new(text: &str) -> Input {
        Input {
            text: text.to_owned(),
            at: text.len(),
        }
    }

    /// What it says. Not sanitised: it may have been pasted.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text before the cursor, and behind it.
    pub fn parts(&self) -> (&str, &str) {
        self.text.split_at(self.at)
    }

    /// A key.
    pub fn on_key(&mut self, key: KeyEvent) -> Typed {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => Typed::Accepted,
            KeyCode::Esc => Typed::Cancelled,
            KeyCode::Char('c' | 'g') if control => Typed::Cancelled,
            KeyCode::Char('u') if control => self.remove(0, self.at),
            KeyCode::Char('w') if control => self.remove(self.word_before(), self.at),
            KeyCode::Char('a') if control => self.go(0),
            KeyCode::Char('e') if control => self.go(self.text.len()),
            KeyCode::Char(c) if !control => self.insert(c),
            KeyCode::Backspace => self.remove(self.before(), self.at),
            KeyCode::Delete => self.remove(self.at, self.behind()),
            KeyCode::Left => self.go(self.before()),
            KeyCode::Right => self.go(self.behind()),
            KeyCode::Home => self.go(0),
            KeyCode::End => self.go(self.text.len()),
            _ => Typed::Same,
        }
    }

    fn insert(&mut self, c: char) -> Typed {
        if self.text.len() >= LONGEST {
            return Typed::Same;
        }
        self.text.insert(self.at, c);
        self.at += c.len_utf8();
        Typed::Changed
    }

    fn remove(&mut self, from: usize, to: usize) -> Typed {
        self.text.replace_range(from..to, "");
        self.at = from;
        Typed::Changed
    }

    fn go(&mut self, at: usize) -> Typed {
        self.at = at;
        Typed::Same
    }

    fn before(&self) -> usize {
        let last = self.parts().0.chars().next_back();
        self.at - last.map_or(0, char::len_utf8)
    }

    fn behind(&self) -> usize {
        let next = self.parts().1.chars().next();
        self.at + next.map_or(0, char::len_utf8)
    }

    fn word_before(&self) -> usize {
        let before = self.parts().0.trim_end();
        before.rfind(' ').map_or(0, |space| space + 1)
    }
}
