//! Text → filter, by recursive descent.

use std::ops::Range;

use super::{FilterError, Node, field, pattern::Needle};

/// Parentheses and `not`s in one another.
const DEPTH: usize = 64;

/// What may stand between a field and its value; the longer before what it begins with.
const OPERATORS: [(&str, Operator); 8] = [
    ("!=", Operator::Not),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    (":", Operator::Has),
    ("=", Operator::Is),
    ("<", Operator::Less),
    (">", Operator::More),
    ("~", Operator::Like),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Has,
    Is,
    Not,
    Less,
    AtMost,
    More,
    AtLeast,
    Like,
}

pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    pub(super) asks_idle: bool,
}

pub(super) fn error<T>(span: Range<usize>, message: impl Into<String>) -> Result<T, FilterError> {
    let message = message.into();
    Err(FilterError { span, message })
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Parser<'a> {
        Parser {
            text,
            at: 0,
            depth: 0,
            asks_idle: false,
        }
    }

    /// All of the text.
    pub(super) fn filter(&mut self) -> Result<Option<Node>, FilterError> {
        if self.rest().is_empty() {
            return Ok(None);
        }
        let root = self.any()?;
        match self.rest() {
            "" => Ok(Some(root)),
            _ => error(self.at..self.at + 1, "there is no ( for this"),
        }
    }

    /// What follows, without the space before it.
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    fn any(&mut self) -> Result<Node, FilterError> {
        let mut nodes = vec![self.all()?];
        while self.keyword("or") {
            nodes.push(self.all()?);
        }
        Ok(only_or(nodes, Node::Any))
    }

    fn all(&mut self) -> Result<Node, FilterError> {
        let mut nodes = vec![self.single()?];
        loop {
            let is_and = self.keyword("and");
            let rest = self.rest();
            let is_over = rest.is_empty() || rest.starts_with(')') || self.sees("or");
            if is_over && !is_and {
                return Ok(only_or(nodes, Node::All));
            }
            nodes.push(self.single()?);
        }
    }

    fn single(&mut self) -> Result<Node, FilterError> {
        let from = self.at;
        self.depth += 1;
        if self.depth > DEPTH {
            return error(from..self.text.len(), "this is nested too deeply");
        }
        let node = self.nested();
        self.depth -= 1;
        node
    }

    fn nested(&mut self) -> Result<Node, FilterError> {
        if self.keyword("not") {
            return Ok(Node::Not(Box::new(self.single()?)));
        }
        if !self.rest().starts_with('(') {
            return self.term();
        }
        let open = self.at;
        self.at += 1;
        let inner = self.any()?;
        if !self.rest().starts_with(')') {
            return error(open..open + 1, "there is no ) for this");
        }
        self.at += 1;
        Ok(inner)
    }

    /// A word of the grammar, taken if it stands here.
    fn keyword(&mut self, word: &str) -> bool {
        let is_here = self.sees(word);
        self.at += if is_here { word.len() } else { 0 };
        is_here
    }

    fn sees(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let own = &rest[..end_of_word(rest)];
        own.eq_ignore_ascii_case(word)
    }

    /// A word, or a condition on a field.
    fn term(&mut self) -> Result<Node, FilterError> {
        let rest = self.rest();
        let from = self.at;
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let name = &rest[..letters];
        self.at += letters;
        if letters > 0
            && let Some((sign, operator)) = self.operator(name)
        {
            self.at += sign.len();
            return self.condition(from..from + letters, operator);
        }
        self.at = from;
        let (text, span) = self.value()?;
        if text == "idle" && span.len() == text.len() {
            self.asks_idle = true;
            return Ok(Node::Field(field::is_idle()));
        }
        Ok(Node::Word(Needle::new(text)))
    }

    /// The operator behind a name. A name that is no field may have a colon behind it, as in
    /// `pipe:[4711]` and `http://`: that is a word.
    fn operator(&mut self, name: &str) -> Option<(&'static str, Operator)> {
        let (before, rest) = (self.at, self.rest());
        let found = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign));
        let found = found.copied().filter(|(sign, _)| {
            let is_part = rest[sign.len()..].starts_with(['[', '/']);
            field::exists(name) || (before == self.at && !is_part)
        });
        if found.is_none() {
            self.at = before;
        }
        found
    }

    fn condition(&mut self, name: Range<usize>, operator: Operator) -> Result<Node, FilterError> {
        let field = &self.text[name.clone()];
        if !field::exists(field) {
            return error(name, field::unknown(field));
        }
        self.asks_idle |= field == "idle";
        let (value, span) = self.value()?;
        match field::condition(field, operator, value) {
            Ok(condition) => Ok(Node::Field(condition)),
            Err(message) => error(span, message),
        }
    }

    /// A word, or what is in quotes; its span has the quotes in it.
    fn value(&mut self) -> Result<(&'a str, Range<usize>), FilterError> {
        let rest = self.rest();
        let from = self.at;
        if let Some(behind) = rest.strip_prefix('"') {
            let Some(length) = behind.find('"') else {
                return error(from..from + 1, "there is no second \" for this");
            };
            self.at += length + 2;
            return Ok((&behind[..length], from..self.at));
        }
        let end = end_of_word(rest);
        if end == 0 {
            return error(from..from + usize::from(!rest.is_empty()), self.missing());
        }
        self.at += end;
        Ok((&rest[..end], from..self.at))
    }

    fn missing(&self) -> &'static str {
        match self.text[self.at..].chars().next() {
            Some(_) => "a word or a condition is missing before this",
            None => "a word or a condition is missing here",
        }
    }
}

fn end_of_word(rest: &str) -> usize {
    rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"'))
        .unwrap_or(rest.len())
}

fn only_or(mut nodes: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        last => {
            nodes.extend(last);
            many(nodes)
        }
    }
}
