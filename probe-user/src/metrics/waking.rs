//! Who ended a wait, and how.

use std::mem::discriminant;

use crate::{
    vocabulary::WakeSource,
    world::{
        account::{ObjectKey, WaitKey, WakeKey},
        blame::cause::{Cause, terminal},
        identity::Waker,
        interval::Ended,
        names::NameId,
        thread::Thread,
    },
};

/// What ended a wait of a thread. How (by which call, by its exit) is kept in the
/// account only, by place: it is known where all such wakings were alike.
pub fn of(thread: &Thread, key: &WaitKey, ended: Ended) -> WakeKey {
    let waits = &thread.account.waits;
    let sum = waits.get(key).or_else(|| {
        waits.get(&WaitKey {
            object: ObjectKey::None,
            ..*key
        })
    });
    let wakes = sum.into_iter().flat_map(|sum| sum.wakes.keys());
    let mut fitting: Vec<WakeKey> = wakes
        .filter(|wake| fits(wake, key, ended))
        .copied()
        .collect();
    fitting.sort_unstable();
    let alike = fitting
        .into_iter()
        .reduce(|one, other| one_of(&one, &other));
    alike.unwrap_or_else(|| unseen(ended))
}

/// What two wakings have in common.
fn one_of(one: &WakeKey, other: &WakeKey) -> WakeKey {
    WakeKey {
        source: match one.source {
            // Not only by exits.
            WakeSource::TaskExit if other.source != one.source => WakeSource::Task,
            source => source,
        },
        waker: if one.waker == other.waker {
            one.waker
        } else {
            Waker::Nobody
        },
        nr: if one.nr == other.nr { one.nr } else { -1 },
        signal: one.signal,
    }
}

fn fits(wake: &WakeKey, key: &WaitKey, ended: Ended) -> bool {
    match ended {
        Ended::By(thread) => wake.waker == Waker::Thread(thread),
        Ended::For(cause, _) => {
            let would_be = terminal(wake, key.kind, NameId::NONE);
            match cause {
                Cause::Outside(_) | Cause::Signal(..) => would_be == cause,
                _ => discriminant(&would_be) == discriminant(&cause),
            }
        }
    }
}

/// A waking that the account does not have.
fn unseen(ended: Ended) -> WakeKey {
    let (source, waker, signal) = match ended {
        Ended::By(thread) => (WakeSource::Task, Waker::Thread(thread), None),
        Ended::For(Cause::Outside(waker), _) => (WakeSource::Task, waker, None),
        Ended::For(Cause::Signal(signal, waker), _) => (WakeSource::Signal, waker, Some(signal)),
        Ended::For(..) => (WakeSource::Unverified, Waker::Nobody, None),
    };
    WakeKey {
        source,
        waker,
        nr: -1,
        signal,
    }
}
