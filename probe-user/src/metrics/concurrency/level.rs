//! A number that goes up and down, and for how long it had each value: exact,
//! 8 bytes for each value up to the greatest.

use crate::{document, histogram::rank};

/// A number over time, from an origin on.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    now: usize,
    since_ns: u64,
    origin_ns: u64,
    /// How long it had each value, ns.
    lasted: Vec<u64>,
}

impl Level {
    pub(super) fn from(origin_ns: u64) -> Level {
        Level {
            since_ns: origin_ns,
            origin_ns,
            ..Level::default()
        }
    }

    pub(super) fn rise(&mut self, ts_ns: u64) {
        self.last_until(ts_ns);
        self.now += 1;
    }

    pub(super) fn fall(&mut self, ts_ns: u64) {
        self.last_until(ts_ns);
        self.now = self.now.saturating_sub(1);
    }

    /// A value that lasts no time leaves no trace: at a switch one thread comes
    /// and one goes at the same instant.
    fn last_until(&mut self, ts_ns: u64) {
        let lasted = ts_ns.saturating_sub(self.since_ns);
        if lasted == 0 {
            return;
        }
        if self.lasted.len() <= self.now {
            self.lasted.resize(self.now + 1, 0);
        }
        self.lasted[self.now] += lasted;
        self.since_ns = ts_ns;
    }

    /// Its whole course.
    pub(super) fn end(mut self, ended_ns: u64) -> document::Level {
        self.last_until(ended_ns);
        let over_ns = self.since_ns - self.origin_ns;
        let values = || (0_u64..).zip(&self.lasted).filter(|(_, ns)| **ns > 0);
        let wanted = rank(over_ns);
        let mut so_far = 0;
        let p99 = values().find(|(_, ns)| {
            so_far += **ns;
            so_far >= wanted
        });
        document::Level {
            over_ns,
            // A recording may claim any end.
            total_ns: values().fold(0_u64, |total, (value, ns)| {
                total.saturating_add(value.saturating_mul(*ns))
            }),
            p99: p99.map_or(0, |(value, _)| value),
            max: values().last().map_or(0, |(value, _)| value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+` rises, `-` falls, at the instant behind it.
    #[track_caller]
    fn check(course: &str, total_ns: u64, p99: u64, max: u64) {
        let mut level = Level::from(1000);
        for change in course.split_whitespace() {
            let ts_ns = change[1..].parse().expect("an instant");
            match &change[..1] {
                "+" => level.rise(ts_ns),
                _ => level.fall(ts_ns),
            }
        }
        let told = document::Level {
            over_ns: 1000,
            total_ns,
            p99,
            max,
        };
        assert_eq!(level.end(2000), told, "{course}");
    }

    #[test]
    fn level_values_count_for_as_long_as_they_last() {
        check("", 0, 0, 0);
        check("+1000", 1000, 1, 1);
        check("+1500 +1600 -1700", 600, 2, 2);
        check("+1000 +1985", 1015, 2, 2);
        check("+1000 +1990", 1010, 1, 2);
    }

    #[test]
    fn level_what_lasts_no_time_is_no_maximum() {
        check("+1000 +1500 -1500", 1000, 1, 1);
        check("+2000", 0, 0, 0);
    }

    #[test]
    fn level_an_end_beyond_reason_is_no_overflow() {
        let mut level = Level::from(0);
        for rises in 0..4 {
            level.rise(rises * (u64::MAX / 4));
        }
        assert_eq!(level.end(u64::MAX).total_ns, u64::MAX);
    }

    #[test]
    fn level_nothing_over_no_time() {
        assert_eq!(Level::from(7).end(7), document::Level::default());
    }
}
