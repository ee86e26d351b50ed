//! Which rows differ by more than equal runs do: a permutation test of all rows together, by
//! P. H. Westfall and S. S. Young, *Resampling-Based Multiple Testing* (1993), step-down maxT.
//!
//! If both sides are runs of the same, it is chance which of them are called A. So every way
//! to divide them into two sides of these sizes is looked at, and of each row how far the means
//! are apart there, against the spread: `T = |mean − mean| / (s + floor)`, `s` the standard error
//! of the difference. A row's `p` is the part of the divisions in which the greatest `T` of
//! this row and of all that differ less is no smaller than the row's own. A row is a change if
//! `p` is at most [`LEVEL`]. Then of all comparisons of equal runs at most that part calls
//! any row a change, however many rows there are, whatever their distributions, and however
//! they hang together.
//!
//! `floor` keeps what hardly differs from counting only because it hardly varies.
//!
//! Nothing is assumed but that runs of equal programs may be exchanged: runs of A and B that are
//! made by turns are, those of two days are not.

/// Of comparisons of equal runs, the part in which any row is called a change, at most.
pub const LEVEL: f64 = 0.01;
/// Divisions that are looked at; of more a fixed random choice.
const MOST: u64 = 10_000;
/// What the same sum in another order may differ by.
const SAME: f64 = 1e-9;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// By row.
    pub p: Vec<f64>,
    /// Divisions that were looked at.
    pub divisions: u64,
    /// They are all.
    pub exact: bool,
}

/// Whether any row of so many runs a side can be a change.
pub fn can_find(of_a: usize, of_b: usize) -> bool {
    // Of sides of one size, the division that exchanges them differs as much.
    let alike = if of_a == of_b { 2.0 } else { 1.0 };
    let all = divisions(of_a + of_b, of_a);
    of_a > 1 && of_b > 1 && all.is_none_or(|all| alike / all as f64 <= LEVEL)
}

/// Tests rows, each the values of all runs, the first `of_a` of them A's; `None` where no row
/// could be a change.
pub fn test(rows: &[Vec<f64>], of_a: usize, of_b: usize, floor: f64) -> Option<Found> {
    if !can_find(of_a, of_b) {
        return None;
    }
    let rows: Vec<Centred> = rows.iter().map(|row| Centred::new(row, floor)).collect();
    let own: Vec<usize> = (0..of_a).collect();
    let sizes = (of_a as f64, of_b as f64);
    let observed: Vec<f64> = rows.iter().map(|row| row.statistic(&own, sizes)).collect();
    // The row that differs least first.
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&one, &other| observed[one].total_cmp(&observed[other]));
    let mut reached = vec![0_u64; rows.len()];
    let mut look = |division: &[usize]| {
        let mut greatest: f64 = 0.0;
        for &row in &order {
            greatest = greatest.max(rows[row].statistic(division, sizes));
            reached[row] += u64::from(greatest >= observed[row] * (1.0 - SAME));
        }
    };
    let all = divisions(of_a + of_b, of_a).filter(|&all| all <= MOST);
    let (looked_at, own_besides) = match all {
        Some(all) => {
            each_division(of_a + of_b, of_a, &mut look);
            (all, 0)
        }
        None => {
            random_divisions(of_a + of_b, of_a, &mut look);
            (MOST, 1)
        }
    };
    let mut p: Vec<f64> = reached
        .iter()
        .map(|&n| (n + own_besides) as f64 / (looked_at + own_besides) as f64)
        .collect();
    // What differs less is no more certain.
    let mut least: f64 = 0.0;
    for &row in order.iter().rev() {
        least = least.max(p[row]);
        p[row] = least;
    }
    Some(Found {
        p,
        divisions: looked_at,
        exact: all.is_some(),
    })
}

/// A row whose values add up to 0.
struct Centred {
    values: Vec<f64>,
    /// Their squares, added up.
    squares: f64,
    floor: f64,
}

impl Centred {
    fn new(values: &[f64], floor: f64) -> Centred {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let values: Vec<f64> = values.iter().map(|value| value - mean).collect();
        Centred {
            squares: values.iter().map(|value| value * value).sum(),
            values,
            floor,
        }
    }

    /// How far the sides are apart.
    fn statistic(&self, of_a: &[usize], (a, b): (f64, f64)) -> f64 {
        let sum: f64 = of_a.iter().map(|&run| self.values[run]).sum();
        let both = 1.0 / a + 1.0 / b;
        let within = (self.squares - sum * sum * both).max(0.0);
        let error = (within / (a + b - 2.0) * both).sqrt() + self.floor;
        let apart = (sum * both).abs();
        match error > 0.0 {
            true => apart / error,
            false if apart > 0.0 => f64::INFINITY,
            false => 0.0,
        }
    }
}

/// Ways to choose some of so many; `None` where that is more than anyone looks at.
fn divisions(all: usize, chosen: usize) -> Option<u64> {
    let chosen = chosen.min(all - chosen);
    let mut ways: u64 = 1;
    for at in 0..chosen {
        let factor = u64::try_from(all - at).ok()?;
        ways = ways.checked_mul(factor)? / (at as u64 + 1);
        if ways > u64::from(u32::MAX) {
            return None;
        }
    }
    Some(ways)
}

/// Every way to choose some of so many, in the order of their numbers.
fn each_division(all: usize, chosen: usize, look: &mut impl FnMut(&[usize])) {
    let mut division: Vec<usize> = (0..chosen).collect();
    loop {
        look(&division);
        // The last one that can move on.
        let moves = (0..chosen)
            .rev()
            .find(|&at| division[at] < all - chosen + at);
        let Some(at) = moves else { return };
        division[at] += 1;
        for behind in at + 1..chosen {
            division[behind] = division[behind - 1] + 1;
        }
    }
}

/// [`MOST`] of them, always the same.
fn random_divisions(all: usize, chosen: usize, look: &mut impl FnMut(&[usize])) {
    let mut random = SplitMix(0x5eed);
    let mut runs: Vec<usize> = (0..all).collect();
    for _ in 0..MOST {
        for at in 0..chosen {
            let other = at + random.below(all - at);
            runs.swap(at, other);
        }
        look(&runs[..chosen]);
    }
}

/// G. L. Steele, D. Lea and C. H. Flood, *Fast Splittable Pseudorandom Number Generators*
/// (2014): small, and the same everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`. What a few runs of 2^64 are biased by is nothing.
    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}
