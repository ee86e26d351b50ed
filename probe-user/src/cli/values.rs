//! Values of options: times, sizes and names.

use std::{ffi::OsString, time::Duration};

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};

use crate::vocabulary::WaitKind;

/// A name that is not empty: nothing is called that, and everything begins with it.
pub(super) fn name() -> impl TypedValueParser<Value = OsString> {
    OsStringValueParser::new().try_map(|name| match name.is_empty() {
        true => Err("a name is wanted"),
        false => Ok(name),
    })
}

/// A kind of waits.
pub(super) fn kind() -> impl TypedValueParser<Value = WaitKind> {
    let all = WaitKind::ALL.iter().map(|kind| kind.as_str());
    PossibleValuesParser::new(all).try_map(|word| word.parse::<WaitKind>())
}

/// `10s`, `500ms`, `2m`, `250us`, `0`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wanted_duration())?;
    let ns_per_unit: u64 = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "" if number == 0 => 1,
        _ => return Err(wanted_duration()),
    };
    number
        .checked_mul(ns_per_unit)
        .map(Duration::from_nanos)
        .ok_or_else(wanted_duration)
}

/// A [`duration`] that is not 0.
pub(super) fn pause(text: &str) -> Result<Duration, String> {
    let pause = duration(text)?;
    let is_some = (!pause.is_zero()).then_some(pause);
    is_some.ok_or_else(|| "a time greater than 0 is wanted".to_owned())
}

fn wanted_duration() -> String {
    "a whole number with a unit is wanted: 10s, 500ms, 250us, 2m".to_owned()
}

/// `K`, `M` and `G` for KiB, MiB and GiB.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let wanted = || "a whole number of bytes is wanted: 4096, 512K, 16M, 2G".to_owned();
    let unit = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(unit.unwrap_or(text.len()));
    let bytes_per_unit = match unit {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return Err(wanted()),
    };
    let number: u64 = number.parse().map_err(|_| wanted())?;
    number.checked_mul(bytes_per_unit).ok_or_else(wanted)
}

/// A power of two.
pub(super) fn ring_size(text: &str) -> Result<u32, String> {
    let bytes = bytes(text).and_then(|bytes| u32::try_from(bytes).map_err(|e| e.to_string()));
    bytes
        .ok()
        .filter(|bytes| bytes.is_power_of_two() && (4096..=1 << 30).contains(bytes))
        .ok_or_else(|| "a power of two from 4096 to 1G is wanted: 4096, 512K, 16M".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for wrong in ["", "s", "10", "1.5s", "-1s", "10 s", "99999999999h", "1y"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes("0"), Ok(0));
        assert_eq!(bytes("512K"), Ok(512 << 10));
        assert_eq!(bytes("3G"), Ok(3 << 30));
        for wrong in ["", "M", "-1", "1.5G", "16m", "1KB", "99999999999999G"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ring_sizes() {
        assert_eq!(ring_size("4096"), Ok(4096));
        assert_eq!(ring_size("16M"), Ok(16 << 20));
        for wrong in ["", "M", "5000", "2048", "2G", "16m", "-4096"] {
            assert!(ring_size(wrong).is_err(), "{wrong}");
        }
    }
}
