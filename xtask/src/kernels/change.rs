//! A difference between what is tracked of a kernel and what was seen now, how
//! much it matters, and how it is told.

use std::fmt;

use crate::kernels::abilities::Loaded;

/// More than this is a failure, until the tracked file has it.
const GROWTH_PERCENT: u64 = 20;
/// From best to worst.
const TIERS: [&str; 3] = ["full", "tracepoint", "raw"];

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Release {
        old: String,
        new: String,
    },
    Tier {
        old: Option<String>,
        new: Option<String>,
    },
    FeatureOn {
        name: String,
    },
    FeatureOff {
        name: String,
        reason: String,
    },
    /// It attaches now, and its counts are not tracked.
    Untracked {
        program: String,
        now: Loaded,
    },
    /// It attached, and does not now.
    Lost {
        program: String,
        was: Loaded,
        reason: String,
    },
    /// Another program, with counts of its own.
    Hook {
        program: String,
        was: Loaded,
        now: Loaded,
    },
    Count {
        program: String,
        unit: Unit,
        was: u64,
        now: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Verified,
    /// Nothing better is told of the program.
    Translated,
    /// Told along with the verified ones.
    TranslatedToo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// The run fails.
    Failure,
    /// Worth a line in every run.
    Notable,
    /// Worth a line when the file is updated.
    Small,
}

impl Change {
    pub(crate) fn weight(&self) -> Weight {
        match self {
            Self::FeatureOff { .. }
            | Self::Untracked { .. }
            | Self::Lost { .. }
            | Self::Hook { .. } => Weight::Failure,
            Self::FeatureOn { .. } => Weight::Notable,
            Self::Release { .. } => Weight::Small,
            Self::Tier { old, new } if rank(new.as_deref()) > rank(old.as_deref()) => {
                Weight::Failure
            }
            Self::Tier { .. } => Weight::Notable,
            Self::Count { unit, was, now, .. } => match unit {
                Unit::TranslatedToo => Weight::Small,
                _ if now * 100 > was * (100 + GROWTH_PERCENT) => Weight::Failure,
                _ if now < was => Weight::Notable,
                _ => Weight::Small,
            },
        }
    }
}

/// The lower the better.
fn rank(tier: Option<&str>) -> usize {
    let known = TIERS.iter().position(|known| Some(*known) == tier);
    known.unwrap_or(TIERS.len())
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release { old, new } => write!(out, "release {old} → {new}"),
            Self::Tier { old, new } => {
                let tier = |tier: &Option<String>| tier.clone().unwrap_or_else(|| "none".into());
                write!(out, "tier {} → {}", tier(old), tier(new))
            }
            Self::FeatureOn { name } => write!(out, "\"{name}\" works now"),
            Self::FeatureOff { name, reason } => {
                write!(out, "\"{name}\" worked and is off now: {reason}")
            }
            Self::Untracked { program, now } => {
                write!(out, "{program} has {now} and is not tracked")
            }
            Self::Lost {
                program,
                was,
                reason,
            } => {
                write!(out, "{program} had {was} and is not attached now: {reason}")
            }
            Self::Hook { program, was, now } => {
                let (old, new) = (&was.hook, &now.hook);
                write!(
                    out,
                    "{program} was {old} with {was} and is {new} with {now}"
                )
            }
            Self::Count {
                program,
                unit,
                was,
                now,
            } => {
                write!(
                    out,
                    "{program} {was} → {now} {unit}{}",
                    Relation(*was, *now)
                )
            }
        }
    }
}

impl fmt::Display for Loaded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.verified, self.translated) {
            (Some(count), _) => write!(out, "{count} {}", Unit::Verified),
            (None, Some(count)) => write!(out, "{count} {}", Unit::Translated),
            (None, None) => out.write_str("an unknown number of instructions"),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Verified => "verified instructions",
            Self::Translated | Self::TranslatedToo => "translated instructions",
        })
    }
}

/// Of two counts, in percent.
struct Relation(u64, u64);

impl fmt::Display for Relation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(was, now) = *self;
        match was {
            0 => Ok(()),
            _ if now > was => write!(out, " (+{} %)", (now - was) * 100 / was),
            _ => write!(out, " (-{} %)", (was - now) * 100 / was),
        }
    }
}
