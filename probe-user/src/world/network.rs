//! What events say of sockets of TCP: listeners, and connections that threads make.

use super::{World, connection::Unanswered, identity::ThreadId, thread::Thread};
use crate::wire::event::{Event, Listening, What};

impl World {
    /// Takes in an event that is about a socket.
    pub(super) fn apply_to_socket(&mut self, event: &Event) {
        let ts_ns = event.ts_ns;
        match &event.what {
            What::Request(request) => self.listeners.add(ts_ns, request),
            What::Listening(listening) => self.listens(ts_ns, listening),
            What::Accept(accept) => {
                let id = self.target(event);
                self.listeners.accept(ts_ns, id, accept);
            }
            What::Connect(connect) => {
                let id = self.target(event);
                self.connections.begin(ts_ns, id, connect);
            }
            What::Step(step) => {
                let World {
                    connections,
                    threads,
                    processes,
                    ..
                } = self;
                let is_dead = |id: &ThreadId| threads.get(*id).is_none_or(Thread::is_over);
                let is_over = |id: ThreadId| {
                    let process = threads.get(id).and_then(|it| processes.get(it.process));
                    process.is_none_or(|process| process.threads.iter().all(is_dead))
                };
                if let Some(unanswered) = connections.step(ts_ns, step, is_over) {
                    self.is_unanswered(ts_ns, &unanswered);
                }
            }
            _ => {}
        }
    }

    /// A socket listens. That of the command before its exec is one that we have left to it:
    /// who made it listen is outside.
    fn listens(&mut self, ts_ns: u64, listening: &Listening) {
        let owner = listening.owner.as_ref();
        let owner = owner.and_then(|owner| self.directory.latest(owner.tid));
        let is_inherited = owner
            .and_then(|id| self.get(id))
            .is_some_and(Thread::is_held);
        self.listeners.learn(ts_ns, listening, is_inherited);
    }

    /// The first segment of a connection that a thread makes was sent again.
    fn is_unanswered(&mut self, ts_ns: u64, unanswered: &Unanswered) {
        if let Some(thread) = self.threads.get_mut(unanswered.thread) {
            thread.unanswered = Some((ts_ns, unanswered.peer.to_string().into()));
        }
    }
}
