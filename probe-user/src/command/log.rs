//! The probes' debug messages (feature `probe-log`), on stderr.

use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &Record<'_>) {
        super::warn(&format!("probe: {}", record.args()));
    }
    fn flush(&self) {}
}

/// Shows them from now on.
pub fn install() {
    // Only this program has a logger, and only one.
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}
