//! Tests of the screen: what it looks like at each size, what keys do, and that nothing
//! that comes in breaks it.

mod fixture;
mod keys;
mod looks;
mod properties;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend};

use super::Model;
use super::model::Action;

/// A model on a screen of some size.
struct Screen {
    model: Model,
    terminal: Terminal<TestBackend>,
}

impl Screen {
    fn new(columns: u16, lines: u16) -> Screen {
        let mut model = Model::new(true);
        model.push(fixture::tick(1));
        let terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
        let mut screen = Screen { model, terminal };
        screen.draw();
        screen
    }

    fn draw(&mut self) {
        let model = &mut self.model;
        self.terminal.draw(|frame| model.draw(frame)).unwrap();
    }

    /// Keys: characters, or names in `<>`.
    fn keys(&mut self, keys: &str) -> Action {
        let mut action = Action::Continue;
        for key in parse(keys) {
            action = self.model.on_key(key);
            self.draw();
        }
        action
    }

    /// What is seen, without spaces at ends of lines.
    fn text(&self) -> String {
        let buffer = self.terminal.backend().buffer();
        let mut text = String::new();
        for y in 0..buffer.area.height {
            let mut line = String::new();
            let mut x = 0;
            while x < buffer.area.width {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += u16::try_from(crate::view::sanitize::width(symbol))
                    .unwrap()
                    .max(1);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// The first line that has a text in it.
    fn line(&self, with: &str) -> String {
        let text = self.text();
        let line = text.lines().find(|line| line.contains(with));
        line.unwrap_or_else(|| panic!("no {with:?} in\n{text}"))
            .to_owned()
    }

    fn has(&self, text: &str) -> bool {
        self.text().contains(text)
    }
}

fn parse(keys: &str) -> Vec<KeyEvent> {
    let mut parsed = Vec::new();
    let mut rest = keys;
    while let Some(c) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        let key = match named {
            Some((name, behind)) if !name.is_empty() && name.len() < 10 => {
                rest = behind;
                named_key(name)
            }
            _ => {
                rest = &rest[c.len_utf8()..];
                KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
            }
        };
        parsed.push(key);
    }
    parsed
}

fn named_key(name: &str) -> KeyEvent {
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "pgup" => KeyCode::PageUp,
        "pgdn" => KeyCode::PageDown,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "back" => KeyCode::Backspace,
        "f4" => KeyCode::F(4),
        "f6" => KeyCode::F(6),
        "lt" => KeyCode::Char('<'),
        "gt" => KeyCode::Char('>'),
        _ => {
            let c = name
                .strip_prefix("c-")
                .and_then(|c| c.chars().next())
                .unwrap();
            return KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        }
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}
