//! What may stand in a metric's parentheses.

use super::{Argument, Arguments};

/// Why arguments are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `share takes one word, but there are 2`.
    pub message: String,
    /// What was probably meant; `None` where nothing is near.
    pub suggestion: Option<String>,
    /// Which argument; `None`: their number.
    pub index: Option<usize>,
}

/// Suggested is only what is as near as this (Jaro-Winkler).
const NEAR: f64 = 0.7;

/// The nearest of some words; `None` where none is near.
pub fn nearest<'a>(word: &str, among: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |known: &'a str| (strsim::jaro_winkler(word, known), known);
    let near = among.into_iter().map(likeness).filter(|(is, _)| *is > NEAR);
    let best = near.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)));
    best.map(|(_, known)| known)
}

impl Arguments {
    /// Whether a metric can be asked for with these.
    pub fn check(self, metric: &str, arguments: &[Argument]) -> Result<(), Refusal> {
        let (least, most) = match self {
            Arguments::None => (0, 0),
            Arguments::Word(_) | Arguments::Name => (1, 1),
            Arguments::OptionalWord(_) => (0, 1),
            Arguments::WordAndGlob(_) => (1, 2),
        };
        if !(least..=most).contains(&arguments.len()) {
            return Err(wrong_number(metric, self, arguments.len()));
        }
        for (index, argument) in arguments.iter().enumerate() {
            self.check_one(metric, index, argument)?;
        }
        Ok(())
    }

    fn check_one(self, metric: &str, index: usize, argument: &Argument) -> Result<(), Refusal> {
        let refuse = |message, suggestion| {
            Err(Refusal {
                message,
                suggestion,
                index: Some(index),
            })
        };
        match (argument, self.words()) {
            (Argument::Glob(_), _) if matches!(self, Arguments::WordAndGlob(_)) && index == 1 => {
                Ok(())
            }
            (Argument::Word(_), _) if index == 1 => refuse(
                format!("{metric} takes its second argument in quotes"),
                None,
            ),
            (Argument::Glob(text), _) => {
                let message = format!("{metric} takes a word here, without quotes");
                refuse(message, Some(text.clone()))
            }
            (Argument::Word(word), Some(words)) if !words.contains(&word.as_str()) => {
                let near = nearest(word, words.iter().copied()).map(str::to_owned);
                refuse(format!("{metric} does not know {word:?}"), near)
            }
            (Argument::Word(_), _) => Ok(()),
        }
    }

    /// The list that a word must be from.
    pub fn words(self) -> Option<Vec<&'static str>> {
        match self {
            Arguments::Word(list)
            | Arguments::OptionalWord(list)
            | Arguments::WordAndGlob(list) => Some(list()),
            Arguments::None | Arguments::Name => None,
        }
    }
}

fn wrong_number(metric: &str, takes: Arguments, count: usize) -> Refusal {
    let takes = match takes {
        Arguments::None => "takes no argument",
        Arguments::Word(_) => "takes one word",
        Arguments::OptionalWord(_) => "takes one word or none",
        Arguments::WordAndGlob(_) => "takes a word, and at most a text in quotes",
        Arguments::Name => "takes one name",
    };
    Refusal {
        message: format!("{metric} {takes}, but there are {count}"),
        suggestion: None,
        index: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<&'static str> {
        vec!["epoll", "poll", "child-exit"]
    }

    fn word(text: &str) -> Argument {
        Argument::Word(text.to_owned())
    }

    fn glob(text: &str) -> Argument {
        Argument::Glob(text.to_owned())
    }

    #[test]
    fn arguments_that_fit_are_taken() {
        let fits: [(Arguments, &[Argument]); 7] = [
            (Arguments::None, &[]),
            (Arguments::Word(words), &[word("epoll")]),
            (Arguments::OptionalWord(words), &[]),
            (Arguments::OptionalWord(words), &[word("poll")]),
            (Arguments::WordAndGlob(words), &[word("poll")]),
            (Arguments::WordAndGlob(words), &[word("poll"), glob("a*")]),
            (Arguments::Name, &[word("anything")]),
        ];
        for (takes, arguments) in fits {
            assert_eq!(takes.check("share", arguments), Ok(()), "{takes:?}");
        }
    }

    #[test]
    fn arguments_that_do_not_fit_are_refused_with_their_place_and_a_suggestion() {
        let check = |takes: Arguments, arguments: &[Argument]| {
            let refusal = takes.check("share", arguments).unwrap_err();
            (refusal.index, refusal.suggestion, refusal.message)
        };
        let (index, suggestion, message) = check(Arguments::Word(words), &[word("child_exit")]);
        assert_eq!(
            (index, suggestion.as_deref()),
            (Some(0), Some("child-exit"))
        );
        assert_eq!(message, "share does not know \"child_exit\"");
        let (index, suggestion, _) = check(Arguments::Word(words), &[word("zzz")]);
        assert_eq!((index, suggestion), (Some(0), None));
        let (index, _, message) = check(Arguments::None, &[word("epoll")]);
        assert_eq!(
            (index, message.as_str()),
            (None, "share takes no argument, but there are 1")
        );
        let (index, suggestion, _) = check(Arguments::Word(words), &[glob("poll")]);
        assert_eq!((index, suggestion.as_deref()), (Some(0), Some("poll")));
        let two = [word("poll"), word("poll")];
        assert_eq!(check(Arguments::WordAndGlob(words), &two).0, Some(1));
    }
}
