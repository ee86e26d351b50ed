//! Text → tokens. Inside a metric's parentheses words may have a hyphen (`child-exit`),
//! elsewhere that is a minus.

use std::ops::Range;

use super::{Arithmetic, Operator};
use crate::claim::diagnostic::Diagnostic;

/// A token, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) what: Lexeme,
    pub(super) span: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Lexeme {
    /// A number without its unit.
    Number,
    /// `ms`, `%`, `/s` directly behind a number.
    Unit,
    /// A name, or a word in a metric's parentheses.
    Word,
    /// In quotes.
    Quoted,
    And,
    Or,
    Not,
    Compare(Operator),
    Calculate(Arithmetic),
    Open,
    Close,
    Comma,
    Dot,
    Colon,
    End,
}

/// All tokens, the last of them the end.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Diagnostic> {
    let mut lexer = Lexer {
        text,
        at: 0,
        in_arguments: false,
        tokens: Vec::new(),
    };
    while lexer.skip_space() {
        lexer.token()?;
    }
    lexer.push(Lexeme::End, 0);
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Between the parentheses of a metric.
    in_arguments: bool,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// To the next token; false at the end.
    fn skip_space(&mut self) -> bool {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.at < self.text.len()
    }

    /// Bytes from here on that are of a kind.
    fn while_ascii(&self, is_in: fn(&u8) -> bool) -> usize {
        let bytes = self.rest().bytes();
        bytes.take_while(is_in).count()
    }

    fn push(&mut self, what: Lexeme, bytes: usize) {
        let span = self.at..self.at + bytes;
        self.at = span.end;
        self.tokens.push(Token { what, span });
    }

    fn token(&mut self) -> Result<(), Diagnostic> {
        let first = self.rest().chars().next().unwrap_or_default();
        if self.in_arguments && is_argument(&u8::try_from(first).unwrap_or(0)) {
            let bytes = self.while_ascii(is_argument);
            self.push(Lexeme::Word, bytes);
            return Ok(());
        }
        match first {
            '0'..='9' => self.number(),
            'a'..='z' | 'A'..='Z' | '_' => self.word(),
            '"' | '\'' => return self.quoted(first),
            _ => return self.sign(),
        }
        Ok(())
    }

    fn number(&mut self) {
        let rest = self.rest();
        let mut bytes = self.while_ascii(is_digit);
        // `1.5`, but not `1.max`.
        let fraction = rest[bytes..].strip_prefix('.').unwrap_or_default();
        let digits = fraction.bytes().take_while(is_digit).count();
        if fraction.starts_with(|c: char| c.is_ascii_digit()) {
            bytes += 1 + digits;
        }
        bytes += exponent(&rest[bytes..]);
        self.push(Lexeme::Number, bytes);
        self.unit();
    }

    fn unit(&mut self) {
        let rest = self.rest();
        let space = rest.len() - rest.trim_start_matches(' ').len();
        let behind = &rest[space..];
        let word = behind.chars().take_while(|c| c.is_alphanumeric());
        let word = word.map(char::len_utf8).sum();
        let bytes = match behind {
            _ if behind.starts_with('%') => 1,
            _ if space == 0 && behind.starts_with("/s") && is_whole(&behind[2..]) => 2,
            _ if matches!(&behind[..word], "and" | "or" | "not") => 0,
            _ => word,
        };
        if bytes > 0 {
            self.at += space;
            self.push(Lexeme::Unit, bytes);
        }
    }

    fn word(&mut self) {
        let bytes = self.while_ascii(is_name);
        let what = match &self.rest()[..bytes] {
            "and" => Lexeme::And,
            "or" => Lexeme::Or,
            "not" => Lexeme::Not,
            _ => Lexeme::Word,
        };
        self.push(what, bytes);
    }

    fn quoted(&mut self, quote: char) -> Result<(), Diagnostic> {
        let inside = &self.rest()[1..];
        let Some(bytes) = inside.find(quote) else {
            let error = Diagnostic::new("a quote is not closed", self.at..self.text.len());
            return Err(error.help(format!("add {quote} at its end")));
        };
        self.push(Lexeme::Quoted, bytes + 2);
        Ok(())
    }

    fn sign(&mut self) -> Result<(), Diagnostic> {
        let found = SIGNS.iter().find(|(sign, _)| self.rest().starts_with(sign));
        let Some(&(sign, what)) = found else {
            return Err(self.no_sign());
        };
        match what {
            Lexeme::Open => self.in_arguments = self.is_behind_name(),
            Lexeme::Comma => {}
            // What is wrong from here on is better said of an expression.
            _ => self.in_arguments = false,
        }
        self.push(what, sign.len());
        Ok(())
    }

    fn is_behind_name(&self) -> bool {
        let last = self.tokens.last();
        last.is_some_and(|token| token.what == Lexeme::Word)
    }

    fn no_sign(&self) -> Diagnostic {
        let here = |bytes: usize| self.at..self.at + bytes;
        if let Some((wrong, right)) = FOREIGN.iter().find(|(w, _)| self.rest().starts_with(w)) {
            let error = Diagnostic::new(format!("`{wrong}` means nothing here"), here(wrong.len()));
            return error.help(format!("write `{right}`"));
        }
        let first = self.rest().chars().next().unwrap_or_default();
        let message = format!("`{}` means nothing here", first.escape_debug());
        Diagnostic::new(message, here(first.len_utf8()))
    }
}

/// The longer ones first.
const SIGNS: &[(&str, Lexeme)] = &[
    ("<=", Lexeme::Compare(Operator::AtMost)),
    (">=", Lexeme::Compare(Operator::AtLeast)),
    ("==", Lexeme::Compare(Operator::Equal)),
    ("!=", Lexeme::Compare(Operator::Unequal)),
    ("<", Lexeme::Compare(Operator::Less)),
    (">", Lexeme::Compare(Operator::More)),
    ("+", Lexeme::Calculate(Arithmetic::Add)),
    ("-", Lexeme::Calculate(Arithmetic::Subtract)),
    ("*", Lexeme::Calculate(Arithmetic::Multiply)),
    ("/", Lexeme::Calculate(Arithmetic::Divide)),
    ("(", Lexeme::Open),
    (")", Lexeme::Close),
    (",", Lexeme::Comma),
    (".", Lexeme::Dot),
    (":", Lexeme::Colon),
];

/// Signs of other languages.
const FOREIGN: &[(&str, &str)] = &[
    ("&&", "and"),
    ("&", "and"),
    ("||", "or"),
    ("|", "or"),
    ("!", "not"),
    ("=", "=="),
    ("≥", ">="),
    ("≤", "<="),
    ("≠", "!="),
    ("×", "*"),
    ("·", "*"),
    ("÷", "/"),
    ("−", "-"),
];

/// `e9`, `e-3` behind a number, if it is one.
fn exponent(rest: &str) -> usize {
    let Some(behind) = rest.strip_prefix(['e', 'E']) else {
        return 0;
    };
    let digits = behind.strip_prefix(['+', '-']).unwrap_or(behind);
    let count = digits.bytes().take_while(is_digit).count();
    match digits.starts_with(|c: char| c.is_ascii_digit()) {
        true => rest.len() - digits.len() + count,
        false => 0,
    }
}

/// No name goes on here.
fn is_whole(behind: &str) -> bool {
    !behind.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn is_digit(byte: &u8) -> bool {
    byte.is_ascii_digit() || *byte == b'_'
}

/// Of names of selections, runs and metrics.
pub(super) fn is_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

fn is_argument(byte: &u8) -> bool {
    is_name(byte) || *byte == b'-'
}
