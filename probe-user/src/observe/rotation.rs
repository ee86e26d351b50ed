//! When the next part of a recording begins ([`super::recorder`]).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::recorder::{Keep, Recording, Size, least_bytes};

/// Pieces that make up what is kept in memory: one more is kept than is wanted.
const PIECES: u32 = 6;

/// Between two of them at least.
const SHORTEST: Duration = Duration::from_millis(100);

/// A part that has ended waits for its last records for less, ns.
const BETWEEN_ENDS_NS: u64 = 250_000_000;

/// Watches the present part.
pub struct Rotation {
    keep: Keep,
    size: Arc<Size>,
    /// When it began, monotonic ns.
    opened_ns: u64,
    /// When the latest one ended.
    ended_ns: u64,
    asked: Arc<AtomicBool>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// What there is becomes a file, and the next part begins.
    End,
    /// The next piece begins.
    Piece,
}

impl Rotation {
    /// Of a recording.
    pub fn new(recording: Option<&Recording>, size: Arc<Size>) -> Rotation {
        Rotation {
            keep: recording.map_or(Keep::Whole, |recording| recording.keep),
            size,
            opened_ns: 0,
            ended_ns: 0,
            asked: recording
                .map(|recording| recording.asked.clone())
                .unwrap_or_default(),
        }
    }

    /// Takes a signal that asks for a file; says whether it was one.
    pub fn receive(&mut self, received: i32) -> bool {
        let is_ours = matches!(self.keep, Keep::Last { signal, .. } if signal == received);
        if is_ours {
            self.asked.store(true, Ordering::Relaxed);
        }
        is_ours
    }

    /// A part has begun, at an instant, ns.
    pub fn opened(&mut self, at_ns: u64) {
        self.opened_ns = at_ns;
    }

    /// What is due now, ns; it is expected to be done.
    pub fn due(&mut self, now_ns: u64) -> Option<Due> {
        let bytes = self.size.bytes.load(Ordering::Relaxed);
        let least = least_bytes(self.size.beginning.load(Ordering::Relaxed));
        // The run begins with the first.
        if self.opened_ns == 0 {
            self.opened_ns = now_ns;
        }
        let is_early = now_ns.saturating_sub(self.ended_ns) < BETWEEN_ENDS_NS;
        let due = match self.keep {
            Keep::Whole => None,
            Keep::Parts { max_bytes, .. } => {
                (bytes >= max_bytes.max(least) && !is_early).then_some(Due::End)
            }
            Keep::Last { .. } if self.asked.load(Ordering::Relaxed) && !is_early => Some(Due::End),
            Keep::Last {
                time, max_bytes, ..
            } => {
                let piece = (time / PIECES).max(SHORTEST);
                let open_ns = u128::from(now_ns.saturating_sub(self.opened_ns));
                let is_long = open_ns >= piece.as_nanos();
                let is_large = bytes >= (max_bytes / u64::from(PIECES)).max(least);
                let may = open_ns >= SHORTEST.as_nanos();
                (is_long || is_large && may).then_some(Due::Piece)
            }
        };
        if due == Some(Due::End) {
            self.asked.store(false, Ordering::Relaxed);
            self.ended_ns = now_ns;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn rotation(keep: Keep) -> (Rotation, Arc<Size>) {
        let size = Arc::new(Size::default());
        let recording = Recording {
            path: "x".into(),
            keep,
            asked: Arc::default(),
        };
        (Rotation::new(Some(&recording), size.clone()), size)
    }

    #[test]
    fn rotation_a_part_ends_when_it_is_large_enough() {
        let (mut rotation, size) = rotation(Keep::Parts {
            max_bytes: 1000,
            max_files: None,
        });
        assert_eq!(rotation.due(1000 * MS), None);
        size.bytes.store(1000, Ordering::Relaxed);
        assert_eq!(rotation.due(1010 * MS), Some(Due::End));
        assert_eq!(rotation.due(1011 * MS), None, "its last records come");
        assert_eq!(rotation.due(1300 * MS), Some(Due::End));
        assert!(!rotation.receive(12));
        // What it begins with does not count, nor while that is not known.
        size.beginning.store(u64::MAX, Ordering::Relaxed);
        assert_eq!(rotation.due(2000 * MS), None);
        size.beginning.store(900, Ordering::Relaxed);
        assert_eq!(rotation.due(2000 * MS), None);
        size.bytes.store(1800, Ordering::Relaxed);
        assert_eq!(rotation.due(2000 * MS), Some(Due::End));
    }

    #[test]
    fn rotation_pieces_of_memory_are_short_and_small() {
        let (mut rotation, size) = rotation(Keep::Last {
            time: Duration::from_secs(6),
            max_bytes: 6000,
            signal: 12,
        });
        assert_eq!(rotation.due(1000 * MS), None);
        assert_eq!(rotation.due(1999 * MS), None);
        assert_eq!(rotation.due(2000 * MS), Some(Due::Piece));
        rotation.opened(2000 * MS);
        size.bytes.store(1000, Ordering::Relaxed);
        assert_eq!(rotation.due(2050 * MS), None);
        assert_eq!(rotation.due(2100 * MS), Some(Due::Piece));
        assert!(rotation.receive(12) && !rotation.receive(10));
        assert_eq!(rotation.due(2100 * MS), Some(Due::End));
        rotation.opened(2100 * MS);
        assert_eq!(rotation.due(2110 * MS), None);
    }
}
