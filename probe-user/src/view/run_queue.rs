//! Behind what threads stood on run queues, in a few words.

use super::{
    merge::Named,
    units::{self, is_below},
};
use crate::{
    document::{RunQueuePart, Sums},
    vocabulary::Behind,
};

/// What is less than such a part of all is not named.
const PARTS: u64 = 20;

/// `behind git index-pack 70 %`, the share if there is more; `None` where nothing is known.
pub fn behind(sums: &Sums) -> Option<Named> {
    let parts = sums.runqueue_behind.as_deref()?;
    if parts.iter().all(|part| part.behind == Behind::Unknown) {
        return None;
    }
    let is_large = |part: &&RunQueuePart| !is_below(part.ns, sums.runqueue_ns, PARTS);
    let large: Vec<&RunQueuePart> = parts.iter().filter(is_large).collect();
    let text = match large.as_slice() {
        [] => return None,
        [only] => name(only),
        [first, ..] => {
            let share = units::percent(first.ns, sums.runqueue_ns).unwrap_or_default();
            format!("{} {share}", name(first))
        }
    };
    Some(Named { text, more: 0 })
}

/// `behind git index-pack`, `outside`, ….
pub fn name(part: &RunQueuePart) -> String {
    match (part.behind, &part.detail) {
        (Behind::Tree, Some(group)) => format!("behind {group}"),
        (Behind::Tree, None) => "behind threads of the tree".to_owned(),
        (Behind::Outside, _) => "outside".to_owned(),
        (Behind::IdleCpu, _) => "CPU wake-up".to_owned(),
        (Behind::Unknown, _) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(parts: &[(Behind, Option<&str>, u64)], expected: Option<&str>) {
        let sums = Sums {
            lifetime_ns: 999,
            runqueue_ns: parts.iter().map(|part| part.2).sum(),
            runqueue_behind: Some(
                parts
                    .iter()
                    .map(|&(behind, detail, ns)| RunQueuePart {
                        behind,
                        detail: detail.map(str::to_owned),
                        ns,
                    })
                    .collect(),
            ),
            ..Sums::default()
        };
        let found = behind(&sums).map(|named| named.text);
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn run_queue_the_largest_part_is_named_with_its_share() {
        check(&[], None);
        check(&[(Behind::Unknown, None, 7)], None);
        check(
            &[
                (Behind::Tree, Some("git"), 960),
                (Behind::Unknown, None, 40),
            ],
            Some("behind git"),
        );
        check(
            &[
                (Behind::Tree, Some("git"), 700),
                (Behind::Outside, None, 300),
            ],
            Some("behind git 70 %"),
        );
        check(
            &[
                (Behind::IdleCpu, None, 40),
                (Behind::Unknown, None, 30),
                (Behind::Tree, None, 30),
            ],
            Some("CPU wake-up 40 %"),
        );
    }
}
