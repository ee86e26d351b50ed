//! tracefs: where it is mounted, and where the running kernel's events have
//! their fields.

use std::{fs, path::Path};

use anyhow::{Result, anyhow};
use probe_common::config::NO_OFFSET;

use super::{
    format,
    programs::{FIELDS, PROBES, Wanted},
};
use crate::probe::{layout::Missing, programs::Spec};

/// Where it is mounted, in the order in which the loader looks.
const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// Values for the probes' globals, from one kernel's tracefs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Formats {
    /// Global's name and offset, [`NO_OFFSET`] when the field is missing.
    pub offsets: Vec<(&'static str, u32)>,
    /// Fields that this kernel does not have, by event.
    missing: Vec<(&'static str, Missing)>,
}

impl Formats {
    /// Reads the machine's own.
    pub fn read() -> Result<Formats> {
        let place = PLACES.iter().find(|p| Path::new(p).join("events").is_dir());
        let place = place.ok_or_else(|| {
            anyhow!(
                "tracefs is not mounted, or not for this user: `mount -t tracefs none {}` as root",
                PLACES[0]
            )
        })?;
        Ok(Formats::resolve(|event| {
            let path = event.replace(':', "/");
            fs::read_to_string(format!("{place}/events/{path}/format")).ok()
        }))
    }

    /// Looks every field up in the texts that `text_of` has of the events.
    pub fn resolve(text_of: impl Fn(&str) -> Option<String>) -> Formats {
        let mut formats = Formats::default();
        for wanted in FIELDS {
            let text = text_of(wanted.event).unwrap_or_default();
            let offset = offset(&text, wanted);
            if offset.is_none() {
                formats.miss(wanted);
            }
            formats
                .offsets
                .push((wanted.global, offset.unwrap_or(NO_OFFSET)));
        }
        formats
    }

    /// Every field that this kernel does not have.
    pub fn missing(&self) -> impl Iterator<Item = &Missing> {
        self.missing.iter().map(|(_, missing)| missing)
    }

    /// The first field that a program reads and this kernel does not have.
    pub fn missing_of(&self, spec: &Spec) -> Option<&Missing> {
        let of_spec = |(event, _): &&(&str, Missing)| *event == target(spec);
        self.missing
            .iter()
            .find(of_spec)
            .map(|(_, missing)| missing)
    }

    fn miss(&mut self, wanted: &Wanted) {
        let spec = PROBES.iter().find(|spec| target(spec) == wanted.event);
        let missing = Missing {
            member: format!("{}.{}", wanted.event, wanted.field),
            feature: spec.map_or("", |spec| spec.gives),
            essential: spec.is_some_and(|spec| spec.required),
            refused: false,
        };
        self.missing.push((wanted.event, missing));
    }
}

fn target(spec: &Spec) -> &'static str {
    spec.rungs.first().map_or("", |rung| rung.target)
}

/// The kernel passes something else in the first bytes (`trace_call_bpf`).
const HIDDEN_BYTES: u32 = 8;

fn offset(text: &str, wanted: &Wanted) -> Option<u32> {
    let field = format::find(text, wanted.field)?;
    let readable = field.size >= wanted.bytes && field.offset >= HIDDEN_BYTES;
    readable.then_some(field.offset)
}
