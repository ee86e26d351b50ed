//! Numbers as people read them. Everywhere else time is ns and memory bytes;
//! only views come here. All rounding is to nearest, in integers.

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const S: u64 = 1_000_000_000;
/// From here on (ten minutes, after rounding) minutes say more than seconds.
const MINUTES_FROM: u64 = 600 * S - S / 200;

/// `78 ns`, `456 µs`, `12.3 ms`, `1.23 s`, `12 m 03 s`, `3 h 20 m`.
pub fn time(ns: u64) -> String {
    match ns {
        0..US => format!("{ns} ns"),
        // The bounds lie where rounding would print 1000 of the smaller unit.
        US..999_500 => format!("{} µs", three_digits(ns, US)),
        999_500..999_500_000 => format!("{} ms", three_digits(ns, MS)),
        999_500_000..MINUTES_FROM => format!("{} s", seconds(ns)),
        _ => long_time(ns),
    }
}

/// Whether a time is less than one of so many equal parts of a whole.
pub fn is_below(ns: u64, whole_ns: u64, parts: u64) -> bool {
    u128::from(ns) * u128::from(parts) < u128::from(whole_ns)
}

/// The unit of all times of one block, so that they compare: that of its whole,
/// of which four digits are shown (of seconds always two decimals).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    name: &'static str,
    ns: u64,
    decimals: u32,
}

impl Unit {
    /// For times that are parts of `whole_ns`.
    pub fn of(whole_ns: u64) -> Unit {
        // The bounds lie where rounding would print 1000 of the smaller unit.
        let (name, ns) = match whole_ns {
            0..US => ("ns", 1),
            US..999_950 => ("µs", US),
            999_950..999_950_000 => ("ms", MS),
            _ => ("s", S),
        };
        let decimals = match whole_ns / (ns / 1000).max(1) {
            _ if ns == 1 => 0,
            0..10_000 => 3,
            10_000..100_000 => 2,
            _ if ns == S => 2,
            _ => 1,
        };
        Unit { name, ns, decimals }
    }

    /// `0.284 s`; `<0.001 s` for what is there but rounds to nothing.
    pub fn time(self, ns: u64) -> String {
        format!("{} {}", self.number(ns), self.name)
    }

    /// [`Unit::time`] with its unit padded to two columns, so that right-aligned
    /// times of several blocks have their numbers under each other.
    pub fn time_aligned(self, ns: u64) -> String {
        format!("{} {:<2}", self.number(ns), self.name)
    }

    /// Whether it is seconds.
    pub fn is_seconds(self) -> bool {
        self.ns == S
    }

    /// [`Unit::time`] without the unit.
    pub fn number(self, ns: u64) -> String {
        let scale = 10_u64.pow(self.decimals);
        // No unit is smaller than its last decimal.
        let step = self.ns / scale;
        let scaled = ns / step + u64::from(ns % step >= step.div_ceil(2));
        let (scaled, mark) = match scaled {
            0 if ns > 0 => (1, "<"),
            _ => (scaled, ""),
        };
        let whole = count(scaled / scale);
        match self.decimals {
            0 => format!("{mark}{whole}"),
            digits => format!("{mark}{whole}.{:0w$}", scaled % scale, w = digits as usize),
        }
    }
}

/// An instant, so that instants of one run compare: `1,204.331 ms`.
pub fn instant(ns: u64) -> String {
    let us = ns / US;
    format!("{}.{:03} ms", count(us / 1000), us % 1000)
}

/// Seconds with two decimals and no unit: `134.71`, `12,345.60`.
pub fn seconds(ns: u64) -> String {
    let hundredths = ns / (S / 100) + (ns % (S / 100)) / (S / 200);
    format!("{}.{:02}", count(hundredths / 100), hundredths % 100)
}

/// With thousands separators: `1,204,331`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun: `1 thread`, `96 processes`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// `512 B`, `4.0 KiB`, `34.2 MiB`, `1.5 GiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    for (unit, shift) in UNITS {
        let tenths = (u128::from(n) * 10 + (1 << (shift - 1))) >> shift;
        if tenths >= 10 {
            return format!("{}.{} {unit}", count((tenths / 10) as u64), tenths % 10);
        }
    }
    format!("{n} B")
}

/// `95.7 %`; `<0.1 %` for what is there but rounds to nothing; `None` when
/// there is no whole to have a share of.
pub fn share(part: u64, whole: u64) -> Option<String> {
    let wide = u128::from(whole);
    let tenths = (u128::from(part) * 1000 + wide / 2).checked_div(wide)?;
    Some(if tenths == 0 && part > 0 {
        "<0.1 %".to_owned()
    } else {
        format!("{}.{} %", count((tenths / 10) as u64), tenths % 10)
    })
}

/// `88 %`, for a sentence; tenths only where a whole number would say none or all.
pub fn percent(part: u64, whole: u64) -> Option<String> {
    let wide = u128::from(whole);
    let percent = (u128::from(part) * 100 + wide / 2).checked_div(wide)?;
    match percent {
        0 | 100 => share(part, whole).map(|text| text.replace(".0 ", " ")),
        _ => Some(format!("{} %", count(percent as u64))),
    }
}

/// `1.8`, `1,204.0`: how many on average; `None` over nothing.
pub fn mean(total: u64, over: u64) -> Option<String> {
    let wide = u128::from(over);
    let tenths = (u128::from(total) * 10 + wide / 2).checked_div(wide)?;
    Some(format!("{}.{}", count((tenths / 10) as u64), tenths % 10))
}

/// A bar of at most `width` columns in eighths of a column; something that is
/// there always shows.
pub fn bar(part: u64, whole: u64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let full = width * 8;
    let exact = u128::from(part) * full as u128;
    let eighths = exact.checked_div(u128::from(whole)).unwrap_or(0);
    let least = usize::from(part > 0 && whole > 0).min(full);
    let eighths = (eighths.min(full as u128) as usize).max(least);
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// `ns` in `unit` with three significant digits: 1.23, 12.3, 123.
fn three_digits(ns: u64, unit: u64) -> String {
    // 9.995 units print as 10.0, 99.95 as 100.
    let decimals = match ns * 1000 / unit {
        0..9_995 => 2,
        9_995..99_950 => 1,
        _ => return ((ns + unit / 2) / unit).to_string(),
    };
    let scale = 10_u64.pow(decimals);
    let scaled = (ns * scale + unit / 2) / unit;
    let width = decimals as usize;
    format!("{}.{:0width$}", scaled / scale, scaled % scale)
}

fn long_time(ns: u64) -> String {
    let seconds = ns / S + (ns % S) / (S / 2);
    if seconds < 3600 {
        return format!("{} m {:02} s", seconds / 60, seconds % 60);
    }
    let minutes = (seconds + 30) / 60;
    format!("{} h {:02} m", count(minutes / 60), minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_keeps_three_digits_and_never_prints_1000_of_a_unit() {
        let cases = [
            (0, "0 ns"),
            (78, "78 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (9_994, "9.99 µs"),
            (9_995, "10.0 µs"),
            (99_949, "99.9 µs"),
            (99_950, "100 µs"),
            (456_000, "456 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (12_345_678, "12.3 ms"),
            (999_499_999, "999 ms"),
            (999_500_000, "1.00 s"),
            (1_234_999_999, "1.23 s"),
            (1_235_000_000, "1.24 s"),
            (134_710_000_000, "134.71 s"),
            (599_994_999_999, "599.99 s"),
            (599_995_000_000, "10 m 00 s"),
            (723_000_000_000, "12 m 03 s"),
            (3_599_499_999_999, "59 m 59 s"),
            (3_599_500_000_000, "1 h 00 m"),
            (12_000_000_000_000, "3 h 20 m"),
            (u64::MAX, "5,124,095 h 35 m"),
        ];
        for (ns, expect) in cases {
            assert_eq!(time(ns), expect, "{ns}");
        }
    }

    #[test]
    fn unit_all_times_of_a_block_are_in_that_of_its_whole() {
        let cases = [
            (0, 0, "0 ns"),
            (999, 78, "78 ns"),
            (9_414, 9_414, "9.414 µs"),
            (999_949, 999_949, "999.9 µs"),
            (999_950, 999_950, "1.000 ms"),
            (12_345_678, 12_345_678, "12.35 ms"),
            (538_000_000, 9_410_000, "9.4 ms"),
            (538_000_000, 49_999, "<0.1 ms"),
            (538_000_000, 50_000, "0.1 ms"),
            (1_904_000_000, 1_904_000_000, "1.904 s"),
            (1_904_000_000, 284_123_456, "0.284 s"),
            (1_904_000_000, 499_999, "<0.001 s"),
            (1_904_000_000, 0, "0.000 s"),
            (134_710_000_000, 128_905_000_000, "128.91 s"),
            (12_000_000_000_000, 12_000_000_000_000, "12,000.00 s"),
            (1, u64::MAX, "18,446,744,073,709,551,615 ns"),
        ];
        for (whole, ns, expect) in cases {
            assert_eq!(Unit::of(whole).time(ns), expect, "{ns} of {whole}");
        }
        assert_eq!(Unit::of(5_000_000_000).time_aligned(1), "<0.001 s ");
        assert_eq!(Unit::of(5_000_000).time_aligned(5_000_000), "5.000 ms");
    }

    #[test]
    fn percent_is_whole_but_where_that_would_say_none_or_all() {
        let cases = [
            (957, 1000, Some("96 %")),
            (4, 1000, Some("0.4 %")),
            (997, 1000, Some("99.7 %")),
            (1000, 1000, Some("100 %")),
            (0, 1000, Some("0 %")),
            (1, 1_000_000, Some("<0.1 %")),
            (1, 0, None),
        ];
        for (part, whole, expect) in cases {
            assert_eq!(percent(part, whole).as_deref(), expect, "{part}/{whole}");
        }
    }

    #[test]
    fn instants_are_in_ms_to_the_microsecond() {
        let cases = [
            (0, "0.000 ms"),
            (1_999, "0.001 ms"),
            (1_204_331_000, "1,204.331 ms"),
        ];
        for (ns, expect) in cases {
            assert_eq!(instant(ns), expect, "{ns}");
        }
    }

    #[test]
    fn seconds_round_to_hundredths() {
        let cases = [
            (0, "0.00"),
            (4_999_999, "0.00"),
            (5_000_000, "0.01"),
            (134_709_999_999, "134.71"),
            (12_345_600_000_000, "12,345.60"),
        ];
        for (ns, expect) in cases {
            assert_eq!(seconds(ns), expect, "{ns}");
        }
    }

    #[test]
    fn counts_have_a_separator_every_three_digits() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_204_331, "1,204,331"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ];
        for (n, expect) in cases {
            assert_eq!(count(n), expect);
        }
        assert_eq!(counted(1, "process", "processes"), "1 process");
        assert_eq!(counted(0, "process", "processes"), "0 processes");
        assert_eq!(counted(1_000, "thread", "threads"), "1,000 threads");
    }

    #[test]
    fn bytes_have_binary_units() {
        let cases = [
            (0, "0 B"),
            (512, "512 B"),
            (1024, "1.0 KiB"),
            (35_861_299, "34.2 MiB"),
            (1 << 30, "1.0 GiB"),
            (u64::MAX, "17,179,869,184.0 GiB"),
        ];
        for (n, expect) in cases {
            assert_eq!(bytes(n), expect, "{n}");
        }
    }

    #[test]
    fn share_names_what_rounds_to_nothing_and_has_none_of_nothing() {
        let cases = [
            (957, 1000, Some("95.7 %")),
            (9_996, 10_000, Some("100.0 %")),
            (1, 1_000_000, Some("<0.1 %")),
            (5, 10_000, Some("0.1 %")),
            (0, 1000, Some("0.0 %")),
            (3, 2, Some("150.0 %")),
            (1, 0, None),
            (u64::MAX, u64::MAX, Some("100.0 %")),
        ];
        for (part, whole, expect) in cases {
            assert_eq!(share(part, whole).as_deref(), expect, "{part}/{whole}");
        }
    }

    #[test]
    fn a_mean_has_one_decimal_and_there_is_none_over_nothing() {
        let cases = [
            (0, 10, Some("0.0")),
            (18, 10, Some("1.8")),
            (1849, 1000, Some("1.8")),
            (1850, 1000, Some("1.9")),
            (12_040, 10, Some("1,204.0")),
            (1, 0, None),
        ];
        for (total, over, expect) in cases {
            assert_eq!(mean(total, over).as_deref(), expect, "{total}/{over}");
        }
    }

    #[test]
    fn bar_is_drawn_in_eighths() {
        let cases = [
            (0, 100, 4, ""),
            (1, 1_000_000, 4, "▏"),
            (50, 100, 4, "██"),
            (100, 100, 4, "████"),
            (900, 100, 4, "████"),
            (957, 1000, 16, "███████████████▎"),
            (31, 32, 4, "███▉"),
            (1, 0, 4, ""),
            (1, 1, 0, ""),
        ];
        for (part, whole, width, expect) in cases {
            assert_eq!(bar(part, whole, width), expect, "{part}/{whole}");
        }
    }
}
