//! A queue of bounded length that may hold some bytes back, so that its sender need not
//! wait for a receiver that is busy for a while.

use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};

/// The sender's end.
pub struct Queue<T> {
    sender: SyncSender<T>,
    /// What there is no place for, in order, each with its bytes.
    held: VecDeque<(T, usize)>,
    held_bytes: usize,
    most_held: usize,
}

/// There is nobody to receive any more.
#[derive(Debug, thiserror::Error)]
#[error("the receiver has ended")]
pub struct Ended;

impl<T> Queue<T> {
    /// A queue of so many places, whose sender holds fewer than so many bytes back.
    pub fn new(places: usize, most_held: usize) -> (Queue<T>, Receiver<T>) {
        let (sender, receiver) = sync_channel(places);
        let queue = Queue {
            sender,
            held: VecDeque::new(),
            held_bytes: 0,
            most_held,
        };
        (queue, receiver)
    }

    /// Sends what there is place for; waits only when too much is held back.
    pub fn send(&mut self, message: T, bytes: usize) -> Result<(), Ended> {
        self.held_bytes += bytes;
        self.held.push_back((message, bytes));
        while let Some((message, bytes)) = self.held.pop_front() {
            match self.sender.try_send(message) {
                Ok(()) => {}
                Err(TrySendError::Full(message)) if self.held_bytes < self.most_held => {
                    self.held.push_front((message, bytes));
                    return Ok(());
                }
                Err(TrySendError::Full(message)) => {
                    self.sender.send(message).map_err(|_| Ended)?;
                }
                Err(TrySendError::Disconnected(_)) => return Err(Ended),
            }
            self.held_bytes -= bytes;
        }
        Ok(())
    }

    /// Sends all that is held back, and this as the last.
    pub fn finish(mut self, message: T) -> Result<(), Ended> {
        self.most_held = 0;
        self.send(message, 0)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn queue_holds_back_what_a_busy_receiver_leaves_and_keeps_the_order() {
        let (mut queue, receiver) = Queue::new(2, 100);
        // Nobody receives: the sender does not wait.
        (0..9).for_each(|n| queue.send(n, 10).unwrap());
        assert_eq!((queue.held.len(), queue.held_bytes), (7, 70));
        assert_eq!(receiver.recv(), Ok(0));
        queue.send(9, 10).unwrap();
        assert_eq!((queue.held.len(), queue.held_bytes), (7, 70));
        let all = thread::spawn(move || receiver.iter().collect::<Vec<_>>());
        queue.finish(10).unwrap();
        assert_eq!(all.join().unwrap(), (1..=10).collect::<Vec<_>>());
    }

    #[test]
    fn queue_holds_back_no_more_than_it_may() {
        for most_held in [0, 100] {
            let (mut queue, receiver) = Queue::new(1, most_held);
            let all = thread::spawn(move || receiver.iter().collect::<Vec<_>>());
            for n in 0..1000 {
                queue.send(n, 30).unwrap();
                assert!(queue.held_bytes <= most_held);
            }
            queue.finish(1000).unwrap();
            assert_eq!(all.join().unwrap(), (0..=1000).collect::<Vec<_>>());
        }
    }

    #[test]
    fn queue_without_a_receiver_is_an_error() {
        let (mut queue, receiver) = Queue::new(1, 100);
        drop(receiver);
        assert!(queue.send((), 1).is_err());
    }
}
