//! The fields of a task that a filter may ask for, and what may be asked of each.
//!
//! Texts (`user`, `comm`, …): `:` is in it, `=` is it, `~` fits the glob. Words of a vocabulary
//! (`kind`, `state`): the same, and a word that none has is an error. Numbers (`pid`, `tid`)
//! and times (`age`): comparisons; `age:5s` is at least 5 s. What a task does not have is
//! neither in nor above nor below anything.

use super::parse::Operator;
use super::pattern::{Glob, Needle, glob};
use crate::document::top::{Task, TaskState};
use crate::view::behind;
use crate::vocabulary::WaitKind;

/// All of them.
pub(in crate::view::top) const FIELDS: [&str; 14] = [
    "pid",
    "tid",
    "user",
    "container",
    "comm",
    "command",
    "state",
    "kind",
    "object",
    "function",
    "cause",
    "waker",
    "age",
    "idle",
];

/// A cause and a waker have two texts.
type Texts = for<'a> fn(&'a Task) -> [Option<&'a str>; 2];

#[derive(Clone, Debug)]
pub(super) enum Condition {
    Number(fn(&Task) -> u64, Operator, u64),
    Text(Texts, Match),
    Idle(Option<bool>),
    Not(Box<Condition>),
}

#[derive(Clone, Debug)]
pub(super) enum Match {
    Has(Needle),
    Is(Needle),
    Like(Box<Glob>),
}

impl Condition {
    pub(super) fn matches(&self, task: &Task) -> bool {
        match self {
            Condition::Number(of, operator, value) => compare(of(task), *operator, *value),
            Condition::Text(of, wanted) => of(task).into_iter().flatten().any(|t| wanted.fits(t)),
            Condition::Idle(idle) => task.idle == *idle,
            Condition::Not(condition) => !condition.matches(task),
        }
    }
}

impl Match {
    fn fits(&self, text: &str) -> bool {
        match self {
            Match::Has(needle) => needle.is_in(text),
            Match::Is(needle) => needle.is(text),
            Match::Like(glob) => glob.matches(text),
        }
    }
}

fn compare(own: u64, operator: Operator, value: u64) -> bool {
    match operator {
        Operator::Has | Operator::Is | Operator::Like => own == value,
        Operator::Not => own != value,
        Operator::Less => own < value,
        Operator::AtMost => own <= value,
        Operator::More => own > value,
        Operator::AtLeast => own >= value,
    }
}

/// Whether a word is in any text of a task.
pub(super) fn has_word(task: &Task, word: &Needle) -> bool {
    let names = [
        "comm",
        "command",
        "object",
        "function",
        "cause",
        "user",
        "container",
        "kind",
    ];
    let texts = names.into_iter().filter_map(texts).flat_map(|of| of(task));
    texts.flatten().any(|text| word.is_in(text))
}

/// `idle` alone.
pub(super) fn is_idle() -> Condition {
    Condition::Idle(Some(true))
}

pub(super) fn exists(name: &str) -> bool {
    FIELDS.contains(&name)
}

/// What is wrong with a name that is no field.
pub(super) fn unknown(name: &str) -> String {
    match nearest(name, FIELDS.into_iter()) {
        Some(near) => format!("there is no field {name}: {near}?"),
        None => format!("there is no field {name}: a word with such a sign in it needs quotes"),
    }
}

/// The condition, or what is wrong with its operator or value.
pub(super) fn condition(field: &str, operator: Operator, value: &str) -> Result<Condition, String> {
    match field {
        "pid" => number(|task| task.pid.into(), operator, value),
        "tid" => number(|task| task.tid.into(), operator, value),
        "age" => age(operator, value),
        "idle" => idle(operator, value),
        "kind" => word(
            field,
            WaitKind::ALL.iter().map(|kind| kind.as_str()),
            operator,
            value,
        ),
        "state" => word(
            field,
            STATES.iter().map(|state| state_word(*state)),
            operator,
            value,
        ),
        _ => text(field, operator, value),
    }
}

fn number(of: fn(&Task) -> u64, operator: Operator, value: &str) -> Result<Condition, String> {
    if operator == Operator::Like {
        return Err("~ is for texts".to_owned());
    }
    let number = value
        .parse()
        .map_err(|_| "a number is wanted here".to_owned())?;
    Ok(Condition::Number(of, operator, number))
}

fn age(operator: Operator, value: &str) -> Result<Condition, String> {
    let operator = match operator {
        Operator::Has => Operator::AtLeast,
        Operator::Like => return Err("~ is for texts".to_owned()),
        other => other,
    };
    let wanted = || "a time with its unit is wanted here: 500us, 20ms, 5s, 2m, 1h".to_owned();
    let ns = time(value).ok_or_else(wanted)?;
    Ok(Condition::Number(|task| task.age_ns, operator, ns))
}

/// `1.5s`, in ns; 0 needs no unit.
fn time(text: &str) -> Option<u64> {
    let unit = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, unit) = text.split_at(unit.unwrap_or(text.len()));
    let number: f64 = number.parse().ok()?;
    let ns = match unit {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" | "min" => 60e9,
        "h" => 3600e9,
        "d" => 86_400e9,
        "" if number == 0.0 => 1.0,
        _ => return None,
    };
    // What is too long for a u64 is as long as one can say.
    Some((number * ns).round() as u64)
}

fn idle(operator: Operator, value: &str) -> Result<Condition, String> {
    let idle = match value {
        "yes" => Some(true),
        "no" => Some(false),
        "unknown" => None,
        _ => return Err("yes, no or unknown is wanted here".to_owned()),
    };
    match operator {
        Operator::Has | Operator::Is => Ok(Condition::Idle(idle)),
        Operator::Not => Ok(Condition::Not(Box::new(Condition::Idle(idle)))),
        _ => Err("idle is yes, no or unknown: use : or !=".to_owned()),
    }
}

fn text(field: &str, operator: Operator, value: &str) -> Result<Condition, String> {
    let of = texts(field).ok_or_else(|| unknown(field))?;
    let wanted = match operator {
        Operator::Has => Match::Has(Needle::new(value)),
        Operator::Is | Operator::Not => Match::Is(Needle::new(value)),
        Operator::Like => Match::Like(Box::new(glob(value))),
        _ => return Err(format!("{field} is a text: use : = != or ~")),
    };
    let condition = Condition::Text(of, wanted);
    Ok(match operator {
        Operator::Not => Condition::Not(Box::new(condition)),
        _ => condition,
    })
}

/// A [`text`] of which all that there are are known.
fn word(
    field: &str,
    mut all: impl Iterator<Item = &'static str> + Clone,
    operator: Operator,
    value: &str,
) -> Result<Condition, String> {
    let condition = text(field, operator, value)?;
    let of = match &condition {
        Condition::Text(_, wanted) => wanted,
        Condition::Not(inner) => match &**inner {
            Condition::Text(_, wanted) => wanted,
            _ => return Ok(condition),
        },
        _ => return Ok(condition),
    };
    let known = all.clone();
    if all.any(|word| of.fits(word)) {
        return Ok(condition);
    }
    Err(match nearest(value, known) {
        Some(near) => format!("no {field} is {value}: {near}?"),
        None => format!("no {field} is {value}"),
    })
}

fn nearest(name: &str, all: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let like = all.map(|word| (strsim::jaro_winkler(name, word), word));
    let best = like.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.8).then_some(best.1)
}

const STATES: [TaskState; 4] = [
    TaskState::Running,
    TaskState::Runnable,
    TaskState::Blocked,
    TaskState::Unknown,
];

/// A state as it is written everywhere.
pub(in crate::view::top) fn state_word(state: TaskState) -> &'static str {
    match state {
        TaskState::Running => "running",
        TaskState::Runnable => "runnable",
        TaskState::Blocked => "blocked",
        TaskState::Unknown => "unknown",
    }
}

fn texts(field: &str) -> Option<Texts> {
    Some(match field {
        "user" => |task| [task.user.as_deref(), None],
        "container" => |task| [task.container.as_deref(), None],
        "comm" => |task| [Some(&task.comm), None],
        "command" => |task| [Some(&task.command), None],
        "state" => |task| [Some(state_word(task.state)), None],
        "kind" => |task| [task.kind.map(WaitKind::as_str), None],
        "object" => |task| [task.object.as_deref(), None],
        "function" => |task| [task.function.as_deref(), None],
        "cause" => |task| {
            let because = task.because.as_ref();
            let word = because.map(|because| behind::word(because.cause));
            [word, because.and_then(|because| because.detail.as_deref())]
        },
        "waker" => |task| {
            let waker = task.last_waker.as_ref();
            let source = waker.map(|waker| waker.source.as_str());
            [source, waker.and_then(|waker| waker.comm.as_deref())]
        },
        _ => return None,
    })
}
