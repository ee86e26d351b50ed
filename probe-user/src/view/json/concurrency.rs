//! How much went on at once.

use serde::Serialize;

use crate::document;

#[derive(Serialize)]
pub(super) struct Concurrency {
    running: Level,
    runnable: Level,
    blocked: Level,
    unknown: Level,
    processes: Level,
    wakes: Wakes,
}

/// A number over time.
#[derive(Serialize)]
pub(super) struct Level {
    over_ns: u64,
    total_ns: u64,
    /// `total_ns / over_ns`, to three decimals.
    mean: Option<f64>,
    p99: u64,
    max: u64,
}

#[derive(Serialize)]
struct Wakes {
    count: u64,
    bins: u64,
    mean_per_ms: Option<f64>,
    p99_per_ms: u64,
    max_per_ms: u64,
    burst_from: u64,
    bursts: u64,
    latency_inside: Option<Latency>,
    latency_outside: Option<Latency>,
}

#[derive(Serialize)]
struct Latency {
    count: u64,
    total_ns: u64,
    p99_ns: u64,
    max_ns: u64,
}

impl From<&document::Concurrency> for Concurrency {
    fn from(concurrency: &document::Concurrency) -> Concurrency {
        let document::Concurrency {
            running,
            runnable,
            blocked,
            unknown,
            processes,
            wakes,
        } = concurrency;
        Concurrency {
            running: running.into(),
            runnable: runnable.into(),
            blocked: blocked.into(),
            unknown: unknown.into(),
            processes: processes.into(),
            wakes: wakes.into(),
        }
    }
}

impl From<&document::Level> for Level {
    fn from(level: &document::Level) -> Level {
        let document::Level {
            over_ns,
            total_ns,
            p99,
            max,
        } = *level;
        Level {
            over_ns,
            total_ns,
            mean: mean(total_ns, over_ns),
            p99,
            max,
        }
    }
}

impl From<&document::Wakes> for Wakes {
    fn from(wakes: &document::Wakes) -> Wakes {
        let document::Wakes {
            count,
            bins,
            p99_per_ms,
            max_per_ms,
            burst_from,
            bursts,
            latency_inside,
            latency_outside,
        } = wakes;
        Wakes {
            count: *count,
            bins: *bins,
            mean_per_ms: mean(*count, *bins),
            p99_per_ms: *p99_per_ms,
            max_per_ms: *max_per_ms,
            burst_from: *burst_from,
            bursts: *bursts,
            latency_inside: latency_inside.as_ref().map(Latency::from),
            latency_outside: latency_outside.as_ref().map(Latency::from),
        }
    }
}

impl From<&document::Latency> for Latency {
    fn from(latency: &document::Latency) -> Latency {
        let document::Latency {
            count,
            total_ns,
            p99_ns,
            max_ns,
        } = *latency;
        Latency {
            count,
            total_ns,
            p99_ns,
            max_ns,
        }
    }
}

/// Rounded in integers, so that the same report has the same digits everywhere.
fn mean(total: u64, over: u64) -> Option<f64> {
    let wide = u128::from(over);
    let thousandths = (u128::from(total) * 1000 + wide / 2).checked_div(wide)?;
    Some(thousandths as f64 / 1000.0)
}
