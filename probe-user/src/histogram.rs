//! How often each value came up, in little memory.
//!
//! Values below 128 are counted one by one; above, each power of two is cut into
//! 64 cells of equal width (as HdrHistogram does). A percentile is the greatest
//! value of its cell, or the greatest value seen if that is less: never less
//! than the true one, and more by at most 1/64 of it. Count, total and maximum
//! are exact. Memory: 8 bytes a cell up to the greatest value's, 30 KiB at most.

use rustc_hash::FxHashMap;

/// Cells to a power of two.
const CELLS: u64 = 64;
const CELL_BITS: u32 = CELLS.ilog2();

/// Counts by value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    cells: Vec<u64>,
    /// Values.
    pub count: u64,
    /// Their sum.
    pub total: u64,
    /// The greatest; 0 of none.
    pub max: u64,
}

impl Histogram {
    /// Counts a value.
    pub fn add(&mut self, value: u64) {
        self.add_times(value, 1);
    }

    /// Counts a value that came up so often.
    pub fn add_times(&mut self, value: u64, times: u64) {
        if times == 0 {
            return;
        }
        let cell = cell(value);
        if self.cells.len() <= cell {
            self.cells.resize(cell + 1, 0);
        }
        self.cells[cell] += times;
        self.count += times;
        self.total = self.total.saturating_add(value.saturating_mul(times));
        self.max = self.max.max(value);
    }

    /// What 99 of 100 values do not exceed; `None` of none.
    pub fn p99(&self) -> Option<u64> {
        self.reached_by(rank(self.count))
    }

    /// What half of the values do not exceed; `None` of none.
    pub fn p50(&self) -> Option<u64> {
        self.reached_by(self.count.div_ceil(2))
    }

    /// What so many of the values do not exceed.
    fn reached_by(&self, wanted: u64) -> Option<u64> {
        let mut so_far = 0;
        let reached = self.cells.iter().position(|times| {
            so_far += times;
            so_far >= wanted
        });
        reached
            .filter(|_| self.count > 0)
            .map(|cell| greatest(cell).min(self.max))
    }
}

/// The same in memory that grows with the cells that are used: for many histograms of few
/// values each.
#[derive(Clone, Debug, Default)]
pub struct Sparse {
    cells: FxHashMap<u16, u64>,
    /// Values.
    pub count: u64,
    /// Their sum.
    pub total: u64,
    /// The greatest; 0 of none.
    pub max: u64,
}

impl Sparse {
    /// Counts a value.
    pub fn add(&mut self, value: u64) {
        let cell = u16::try_from(cell(value)).unwrap_or(u16::MAX);
        *self.cells.entry(cell).or_default() += 1;
        self.count += 1;
        self.total = self.total.saturating_add(value);
        self.max = self.max.max(value);
    }

    /// What 99 of 100 values do not exceed; `None` of none.
    pub fn p99(&self) -> Option<u64> {
        let (mut so_far, wanted) = (0, rank(self.count));
        let mut cells: Vec<(u16, u64)> = self.cells.iter().map(|(&cell, &n)| (cell, n)).collect();
        cells.sort_unstable();
        let reached = cells.iter().find(|&&(_, times)| {
            so_far += times;
            so_far >= wanted
        });
        reached.map(|&(cell, _)| greatest(usize::from(cell)).min(self.max))
    }
}

/// How many of `count` lie at or below the 99th percentile.
pub fn rank(count: u64) -> u64 {
    count - count / 100
}

fn cell(value: u64) -> usize {
    let shift = shift(value);
    // Below 2^7 · 2^57, whose cells are fewer than 4,000.
    (u64::from(shift) * CELLS + (value >> shift)) as usize
}

/// How far a value is shifted so that 7 bits are left of it.
fn shift(value: u64) -> u32 {
    (value | 1).ilog2().saturating_sub(CELL_BITS)
}

/// The greatest value of a cell.
fn greatest(cell: usize) -> u64 {
    let cell = cell as u64;
    let shift = (cell / CELLS).saturating_sub(1);
    let first = (cell - shift * CELLS) << shift;
    first + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn histogram_a_sparse_one_says_the_same(values in proptest::collection::vec(any::<u64>(), 0..300)) {
            let (mut sparse, mut dense) = (Sparse::default(), Histogram::default());
            for &value in &values {
                sparse.add(value >> (value % 64));
                dense.add(value >> (value % 64));
            }
            let said = (sparse.count, sparse.total, sparse.max, sparse.p99());
            prop_assert_eq!(said, (dense.count, dense.total, dense.max, dense.p99()));
        }
    }

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|&value| histogram.add(value));
        histogram
    }

    #[test]
    fn histogram_the_99th_percentile_is_exceeded_by_at_most_one_in_a_hundred() {
        let to = |n: u64| of(&(1..=n).collect::<Vec<_>>()).p99();
        assert_eq!(of(&[]).p99(), None);
        assert_eq!((of(&[]).p50(), of(&[7]).p50()), (None, Some(7)));
        assert_eq!(
            (of(&[1, 2]).p50(), of(&[1, 2, 9]).p50()),
            (Some(1), Some(2))
        );
        assert_eq!(of(&[0]).p99(), Some(0));
        assert_eq!(to(99), Some(99));
        assert_eq!(to(100), Some(99));
        assert_eq!(of(&[u64::MAX]).p99(), Some(u64::MAX));
    }

    #[test]
    fn histogram_a_value_may_come_up_often_or_never() {
        let mut histogram = Histogram::default();
        histogram.add_times(7, 0);
        assert_eq!(histogram, Histogram::default());
        histogram.add_times(0, 990);
        histogram.add_times(50, 10);
        assert_eq!((histogram.p99(), histogram.max), (Some(0), 50));
        histogram.add(60);
        assert_eq!(histogram.p99(), Some(50));
        assert_eq!((histogram.count, histogram.total), (1_001, 560));
    }

    proptest! {
        #[test]
        fn histogram_a_percentile_is_never_too_small_nor_too_great_by_more_than_a_64th(
            mut values in proptest::collection::vec(
                (0..64_u32, any::<u64>()).prop_map(|(shift, value)| value >> shift), 1..300),
        ) {
            let told = of(&values).p99().unwrap();
            values.sort_unstable();
            let at = rank(values.len() as u64) as usize - 1;
            let truth = values[at];
            prop_assert!(truth <= told, "{told} for {truth}");
            prop_assert!(told - truth <= truth / CELLS, "{told} for {truth}");
        }

        #[test]
        fn histogram_cells_follow_each_other_without_a_gap(value in 0..u64::MAX, shift in 0..64_u32) {
            let value = value >> shift;
            let step = cell(value + 1) - cell(value);
            prop_assert!(step <= 1);
            prop_assert_eq!(greatest(cell(value)) == value, step == 1);
        }
    }
}
