//! The half of a replay that needs nothing of what came before, by a thread of its own: frames
//! are read, unpacked and decoded ahead of what is made of them.

use std::{
    io::Read,
    mem,
    sync::mpsc::{SendError, SyncSender, sync_channel},
    thread,
};

use super::{Item, Problem, Reader};
use crate::wire::{session::End, sorted::Sorted};

/// An [`Item`] whose records are decoded.
pub enum Decoded {
    /// As [`Item::Batch`].
    Batch(Sorted),
    /// As [`Item::End`].
    End(End),
}

/// Events that are handed over at once: each group wakes who takes them, and a drain of the
/// rings may have a hundred.
const GROUP: usize = 4096;

type Group = Vec<Result<Decoded, Problem>>;

/// Calls `take` with each item, in their order.
pub fn each<R: Read + Send>(reader: Reader<R>, mut take: impl FnMut(Result<Decoded, Problem>)) {
    let (sender, receiver) = sync_channel(1);
    thread::scope(|scope| {
        scope.spawn(move || read(reader, &sender));
        receiver.into_iter().flatten().for_each(&mut take);
    });
}

/// Fails if nobody takes them any more.
fn read(
    reader: impl Iterator<Item = Result<Item, Problem>>,
    sender: &SyncSender<Group>,
) -> Result<(), SendError<Group>> {
    let (mut group, mut events) = (Group::new(), 0);
    for item in reader {
        group.push(item.map(|item| match item {
            Item::Batch(batch) => {
                let sorted = Sorted::from(&batch);
                events += sorted.events.len();
                Decoded::Batch(sorted)
            }
            Item::End(end) => Decoded::End(end),
        }));
        if events >= GROUP {
            sender.send(mem::take(&mut group))?;
            events = 0;
        }
    }
    sender.send(group)
}
