//! The programs of the raw tier: their events, the fields they read, what they
//! give.

/// How a program is hooked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Classic tracepoint of this category, and the fields it reads.
    Classic(&'static str, &'static [Wanted]),
    /// Raw tracepoint.
    Raw,
}

/// A global of the probes and the field whose offset it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name in `probe-ebpf/src/probes/raw/fields.rs`.
    pub global: &'static str,
    /// The field's name.
    pub field: &'static str,
    /// Bytes that the probes read; the field may be longer.
    pub bytes: u32,
}

/// One program of the object.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its name in the object.
    pub name: &'static str,
    /// The tracepoint.
    pub event: &'static str,
    /// How it is hooked in.
    pub hook: Hook,
    /// Nothing works without it.
    pub required: bool,
    /// What is lost without it.
    pub gives: &'static str,
}
