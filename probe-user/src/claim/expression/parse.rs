//! Tokens → tree, names and units not looked at yet. Binds, from tightly to loosely: a sign,
//! `* /`, `+ -`, one comparison, `not`, `and`, `or`.

use std::ops::Range;

use super::{
    Arithmetic, DEEPEST, LONGEST, MOST_TOKENS, Operator,
    token::{Lexeme, Token, tokens},
};
use crate::claim::{diagnostic::Diagnostic, metric::Argument};

/// A part of an expression.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) span: Range<usize>,
    pub(super) node: Node,
}

#[derive(Debug)]
pub(super) enum Node {
    /// Where its number is, and its unit.
    Number(Range<usize>, Range<usize>),
    Metric(Written),
    Negate(Box<Tree>),
    Calculate(Arithmetic, Box<[Tree; 2]>),
    Compare(Operator, Box<[Tree; 2]>),
    Not(Box<Tree>),
    And(Box<[Tree; 2]>),
    Or(Box<[Tree; 2]>),
}

/// `run:who.name(argument)`, as written; where each part is.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) run: Option<Range<usize>>,
    pub(super) who: Option<Range<usize>>,
    pub(super) name: Range<usize>,
    pub(super) arguments: Vec<(Argument, Range<usize>)>,
}

/// The tree of a text.
pub(super) fn parse(text: &str) -> Result<Tree, Diagnostic> {
    too_many(text.len(), LONGEST, "bytes")?;
    let tokens = tokens(text)?;
    too_many(tokens.len(), MOST_TOKENS, "words and signs")?;
    let mut parser = Parser {
        text,
        tokens,
        at: 0,
        depth: 0,
    };
    let tree = parser.or()?;
    match parser.ahead() {
        Lexeme::End => Ok(tree),
        _ => Err(parser.behind_the_end()),
    }
}

fn too_many(count: usize, most: usize, what: &str) -> Result<(), Diagnostic> {
    if count <= most {
        return Ok(());
    }
    let error = Diagnostic::new(format!("the expression is too long: {count} {what}"), 0..1);
    Err(error.help(format!("{most} are allowed: make several claims of it")))
}

struct Parser<'a> {
    text: &'a str,
    /// The last is the end.
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

type Parsed = Result<Tree, Diagnostic>;

impl Parser<'_> {
    fn token(&self) -> &Token {
        &self.tokens[self.at]
    }

    fn ahead(&self) -> Lexeme {
        self.token().what
    }

    fn here(&self) -> Range<usize> {
        self.token().span.clone()
    }

    /// Takes the token ahead, and returns where it is. The end stays.
    fn take(&mut self) -> Range<usize> {
        let span = self.here();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        span
    }

    fn takes(&mut self, what: Lexeme) -> Option<Range<usize>> {
        (self.ahead() == what).then(|| self.take())
    }

    /// One level further down.
    fn deeper(&mut self, parse: fn(&mut Self) -> Parsed) -> Parsed {
        if self.depth == DEEPEST {
            let message = format!("this is nested more than {DEEPEST} deep");
            return Err(Diagnostic::new(message, self.here()).help("make several claims of it"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        while self.takes(Lexeme::Or).is_some() {
            left = joined(left, self.and()?, Node::Or);
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        while self.takes(Lexeme::And).is_some() {
            left = joined(left, self.not()?, Node::And);
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let Some(begin) = self.takes(Lexeme::Not) else {
            return self.comparison();
        };
        let tree = self.deeper(Parser::not)?;
        Ok(Tree {
            span: begin.start..tree.span.end,
            node: Node::Not(Box::new(tree)),
        })
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        let Lexeme::Compare(operator) = self.ahead() else {
            return Ok(left);
        };
        self.take();
        let right = self.sum()?;
        if let Lexeme::Compare(next) = self.ahead() {
            return Err(self.chained(&left, operator, &right, next));
        }
        Ok(joined(left, right, |two| Node::Compare(operator, two)))
    }

    fn chained(&self, left: &Tree, first: Operator, right: &Tree, next: Operator) -> Diagnostic {
        let [left, right] = [left, right].map(|tree| &self.text[tree.span.clone()]);
        let (first, next) = (first.as_str(), next.as_str());
        let error = Diagnostic::new("comparisons cannot be chained", self.here());
        error.help(format!(
            "write `{left} {first} {right} and {right} {next} …`"
        ))
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        while let Lexeme::Calculate(by @ (Arithmetic::Add | Arithmetic::Subtract)) = self.ahead() {
            self.take();
            left = joined(left, self.product()?, |two| Node::Calculate(by, two));
        }
        Ok(left)
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.signed()?;
        while let Lexeme::Calculate(by @ (Arithmetic::Multiply | Arithmetic::Divide)) = self.ahead()
        {
            self.take();
            left = joined(left, self.signed()?, |two| Node::Calculate(by, two));
        }
        Ok(left)
    }

    fn signed(&mut self) -> Parsed {
        let Some(begin) = self.takes(Lexeme::Calculate(Arithmetic::Subtract)) else {
            return self.atom();
        };
        let tree = self.deeper(Parser::signed)?;
        Ok(Tree {
            span: begin.start..tree.span.end,
            node: Node::Negate(Box::new(tree)),
        })
    }

    fn atom(&mut self) -> Parsed {
        match self.ahead() {
            Lexeme::Number => Ok(self.number()),
            Lexeme::Word => self.metric(),
            Lexeme::Open => self.parentheses(),
            _ => Err(self.unexpected("a number, a metric or `(` is wanted here")),
        }
    }

    fn number(&mut self) -> Tree {
        let number = self.take();
        let unit = self.takes(Lexeme::Unit);
        let unit = unit.unwrap_or(number.end..number.end);
        Tree {
            span: number.start..unit.end,
            node: Node::Number(number, unit),
        }
    }

    fn parentheses(&mut self) -> Parsed {
        let begin = self.take();
        let inside = self.deeper(Parser::or)?;
        let Some(end) = self.takes(Lexeme::Close) else {
            return Err(self.unexpected("`)` is wanted here"));
        };
        Ok(Tree {
            span: begin.start..end.end,
            ..inside
        })
    }

    fn metric(&mut self) -> Parsed {
        let first = self.take();
        let begin = first.start;
        let (run, first) = match self.takes(Lexeme::Colon) {
            Some(_) => (Some(first), self.word("a selection or a metric")?),
            None => (None, first),
        };
        let (who, name) = match self.takes(Lexeme::Dot) {
            Some(_) => (Some(first), self.word("a metric")?),
            None => (None, first),
        };
        let arguments = self.arguments()?;
        let end = self.tokens[self.at - 1].span.end;
        let node = Node::Metric(Written {
            run,
            who,
            name,
            arguments,
        });
        Ok(Tree {
            span: begin..end,
            node,
        })
    }

    fn word(&mut self, what: &str) -> Result<Range<usize>, Diagnostic> {
        let word = self.takes(Lexeme::Word);
        word.ok_or_else(|| self.unexpected(&format!("{what} is wanted here")))
    }

    fn arguments(&mut self) -> Result<Vec<(Argument, Range<usize>)>, Diagnostic> {
        let mut arguments = Vec::new();
        if self.takes(Lexeme::Open).is_none() {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument()?);
            match self.ahead() {
                Lexeme::Comma => self.take(),
                Lexeme::Close => break,
                _ => return Err(self.unexpected("`,` or `)` is wanted here")),
            };
        }
        self.take();
        Ok(arguments)
    }

    fn argument(&mut self) -> Result<(Argument, Range<usize>), Diagnostic> {
        let text = self.text;
        let argument = match self.ahead() {
            Lexeme::Word => Argument::Word(text[self.here()].to_owned()),
            Lexeme::Quoted => {
                let span = self.here();
                Argument::Glob(text[span.start + 1..span.end - 1].to_owned())
            }
            _ => return Err(self.unexpected("a word or a pattern in quotes is wanted here")),
        };
        Ok((argument, self.take()))
    }

    fn unexpected(&self, wanted: &str) -> Diagnostic {
        let found = match self.ahead() {
            Lexeme::End if self.text.trim().is_empty() => "the expression is empty".to_owned(),
            Lexeme::End => "the expression ends too early".to_owned(),
            _ => format!("`{}` is not expected here", &self.text[self.here()]),
        };
        Diagnostic::new(found, self.here()).label(wanted)
    }

    fn behind_the_end(&self) -> Diagnostic {
        match self.ahead() {
            Lexeme::Close => Diagnostic::new("this parenthesis was never opened", self.here()),
            _ => self.unexpected("an operator is wanted here"),
        }
    }
}

fn joined(left: Tree, right: Tree, node: impl FnOnce(Box<[Tree; 2]>) -> Node) -> Tree {
    Tree {
        span: left.span.start..right.span.end,
        node: node(Box::new([left, right])),
    }
}
