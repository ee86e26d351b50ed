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

/// [`time`] with its unit padded to two columns, so that right-aligned times
/// have their numbers under each other.
pub fn time_aligned(ns: u64) -> String {
    let mut text = time(ns);
    if text.rsplit(' ').next().is_some_and(|unit| unit.len() == 1) {
        text.push(' ');
    }
    text
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
    fn aligned_times_end_in_a_unit_of_two_columns() {
        let cases = [
            (5, "5 ns"),
            (5_000, "5.00 µs"),
            (5_000_000, "5.00 ms"),
            (5_000_000_000, "5.00 s "),
            (700_000_000_000, "11 m 40 s "),
        ];
        for (ns, expect) in cases {
            assert_eq!(time_aligned(ns), expect, "{ns}");
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
