//! What many threads did, as one course of time: O(n log threads), and memory for
//! the threads, not for what they did.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
    iter::{Peekable, from_fn},
};

/// Merges lives, each of which is in order of its items' times, or what else is
/// sorted by. Each item comes with its life's place; at one instant those of the
/// first come first.
pub fn in_order<K, T, I>(lives: impl Iterator<Item = I>) -> impl Iterator<Item = (usize, K, T)>
where
    K: Copy + Ord,
    I: Iterator<Item = (K, T)>,
{
    let mut lives: Vec<Peekable<I>> = lives.map(Iterator::peekable).collect();
    let mut next: BinaryHeap<Reverse<(K, usize)>> = BinaryHeap::new();
    for (place, life) in lives.iter_mut().enumerate() {
        next.extend(life.peek().map(|&(at, _)| Reverse((at, place))));
    }
    from_fn(move || {
        let mut top = next.peek_mut()?;
        let place = top.0.1;
        let (at, item) = lives[place].next()?;
        match lives[place].peek() {
            Some(&(next, _)) => top.0.0 = next,
            None => drop(PeekMut::pop(top)),
        }
        Some((place, at, item))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_lives_are_merged_in_order_of_time() {
        let lives: [&[(u64, char)]; 4] = [
            &[(1, 'a'), (4, 'b'), (4, 'c'), (9, 'd')],
            &[],
            &[(0, 'e'), (4, 'f')],
            &[(4, 'g'), (10, 'h')],
        ];
        let merged = in_order(lives.into_iter().map(|life| life.iter().copied()));
        let told: String = merged
            .map(|(place, at_ns, item)| format!("{at_ns}{item}{place} "))
            .collect();
        assert_eq!(told, "0e2 1a0 4b0 4c0 4f2 4g3 9d0 10h3 ");
    }
}
