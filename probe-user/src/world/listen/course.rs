//! How long an accept queue was in the course of time.

/// Points that are kept. When there are more, each two neighbours become one: the longer
/// queue stays.
pub const MOST_POINTS: usize = 200;

/// The queue as requests found it, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// When, ns; how many waited to be accepted; how many were dropped by then.
    pub points: Vec<(u64, u32, u64)>,
}

impl Course {
    pub(super) fn add(&mut self, ts_ns: u64, waiting: u32, dropped: u64) {
        self.points.push((ts_ns, waiting, dropped));
        if self.points.len() > MOST_POINTS {
            let pairs = self.points.chunks(2);
            let one = |pair: &[(u64, u32, u64)]| match *pair {
                [one, other] => {
                    let longer = if other.1 > one.1 { other } else { one };
                    (longer.0, longer.1, other.2)
                }
                [last, ..] => last,
                [] => (0, 0, 0),
            };
            self.points = pairs.map(one).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn course_keeps_the_longest_queue_and_all_drops() {
        let mut course = Course::default();
        for at_ns in 0..10_000 {
            let waiting = if at_ns == 777 { 50 } else { (at_ns % 3) as u32 };
            course.add(at_ns, waiting, at_ns / 2);
            assert!(course.points.len() <= MOST_POINTS);
        }
        let longest = course.points.iter().find(|point| point.1 == 50);
        assert_eq!(longest.map(|point| point.0), Some(777));
        assert!(course.points.is_sorted_by_key(|point| point.0));
        assert!(course.points.is_sorted_by_key(|point| point.2));
        assert_eq!(course.points.last().unwrap().2, 9_999 / 2);
    }
}
