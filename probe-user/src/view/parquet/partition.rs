//! Which folder a run's files lie in: `host=H/run=R`, as Hive names partitions and DuckDB,
//! Spark and ClickHouse read them.

use std::{fmt::Write as _, path::PathBuf};

use sha2::{Digest as _, Sha256};

use crate::document::{Document, Started};

/// Host and run of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The host's name, escaped.
    pub host: String,
    /// When the run started and what else makes it this one: the same live and of every copy of its recording.
    pub run: String,
}

/// The host of a recording that does not name it.
const UNKNOWN: &str = "unknown";
/// Bytes of an escaped name: with its key it is a file name, of 255 at most.
const MOST_BYTES: usize = 200;
/// Digits of hashes.
const DIGITS: usize = 12;

impl Partition {
    /// Of a report; `None` of one that does not say when it started.
    pub fn of(document: &Document) -> Option<Partition> {
        let started = document.started?;
        let host = document.host.name.as_deref().unwrap_or_default();
        let host = match host {
            "" => UNKNOWN.to_owned(),
            name => escaped(name),
        };
        let run = format!(
            "{}-{}",
            utc(started.realtime_ns),
            fingerprint(document, started)
        );
        Some(Partition { host, run })
    }

    /// The folder below that of a table.
    pub fn folder(&self) -> PathBuf {
        let Partition { host, run } = self;
        PathBuf::from(format!("host={host}")).join(format!("run={run}"))
    }
}

/// A value as it stands in a folder's name: Hive's `%XX` for all but letters, digits and
/// `._-`. One that is too long ends in its hash.
fn escaped(value: &str) -> String {
    let mut name = String::new();
    for &byte in value.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => {
                name.push(char::from(byte));
            }
            // To memory.
            _ => _ = write!(name, "%{byte:02X}"),
        }
    }
    if name.len() > MOST_BYTES {
        name.truncate(MOST_BYTES - DIGITS - 1);
        // No escape is cut in two.
        let whole = name.rfind('%').filter(|at| at + 3 > name.len());
        name.truncate(whole.unwrap_or(name.len()));
        name = format!("{name}-{}", hash([value.as_bytes()]));
    }
    name
}

/// What tells this run from others that started in the same second.
fn fingerprint(document: &Document, started: Started) -> String {
    let Started {
        realtime_ns,
        monotonic_ns,
        ..
    } = started;
    let host = &document.host;
    let attached = document.attached.iter().map(u32::to_string);
    let words = [
        realtime_ns.to_string(),
        monotonic_ns.to_string(),
        host.name.clone().unwrap_or_default(),
        host.kernel.clone(),
        // A recording that is one of several parts has the start of all of them.
        document.delay_ns.unwrap_or_default().to_string(),
    ];
    let words = words.into_iter().chain(attached);
    let words: Vec<String> = words.chain(document.command.iter().cloned()).collect();
    hash(words.iter().map(String::as_bytes))
}

/// Of parts that may have any bytes: each is preceded by its length.
fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        // To memory.
        let _written = write!(text, "{byte:02x}");
    }
    text.truncate(DIGITS);
    text
}

/// An instant as `20261201T021415Z`; ns since 1970.
fn utc(unix_ns: u64) -> String {
    let seconds = unix_ns / 1_000_000_000;
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. Counted from a first
/// of March, so that leap days are the last of their years.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_TO_1970: u64 = 719_468;
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let days = days + DAYS_TO_1970;
    let (era, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year + u64::from(month <= 2);
    (year, month, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_instants_are_those_of_the_calendar() {
        for (seconds, expect) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_763_700_000, "20251121T044000Z"),
            (4_107_542_400, "21000301T000000Z"),
            (1_709_251_199, "20240229T235959Z"),
        ] {
            assert_eq!(utc(seconds * 1_000_000_000), expect);
        }
    }

    #[test]
    fn partition_names_of_hosts_are_plain_file_names() {
        for (host, expect) in [
            ("web-1.example.org", "web-1.example.org"),
            ("../../etc", "..%2F..%2Fetc"),
            ("a=b/c", "a%3Db%2Fc"),
            (
                "\x1b[31m\u{202e}\n'\"</script>",
                "%1B%5B31m%E2%80%AE%0A%27%22%3C%2Fscript%3E",
            ),
            ("%2F", "%252F"),
        ] {
            assert_eq!(escaped(host), expect);
        }
        let [long, other] = ["/", "="].map(|end| escaped(&("é".repeat(2048) + end)));
        assert!(long.len() <= MOST_BYTES && long != other, "{long}");
    }
}
