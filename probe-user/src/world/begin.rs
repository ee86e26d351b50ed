//! The account begins anew (`--delay`): of what went before, only what there is at that
//! instant stays, and every thread's life begins there, in the state in which it is. So
//! budgets close from there on, and a wait that goes on is one that began before.

use super::{
    World,
    account::Account,
    call::Calls,
    connection::Connections,
    forget::{Forgotten, forget_threads},
    loss_sums,
    thread::{State, Thread},
};

impl World {
    /// Begins anew at an instant, ns, up to which all is applied, and nothing behind it.
    /// `root` is the process of the command, if it was one.
    pub fn begin(&mut self, at_ns: u64, root: Option<u32>) {
        self.ended.clear();
        self.now_ns = self.now_ns.max(at_ns);
        self.begun_ns = at_ns;
        self.root = root.and_then(|pid| self.directory.latest(pid));
        self.forget_the_dead();
        self.logs.clear();
        for thread in self.threads.iter_mut() {
            thread.begin(at_ns);
            self.logs.settle(thread, &[]);
        }
        if let Some(switches) = &mut self.switches_kept {
            switches.begin(at_ns, &self.threads);
        }
        if let Some(run_queues) = &mut self.run_queues {
            run_queues.begin_account();
        }
        self.listeners.begin(at_ns);
        self.connections = Connections::new(self.connections.early);
        self.fd_tables.begin(at_ns);
        self.forgotten = Forgotten::default();
        self.folded = loss_sums::Total::default();
        (self.switches, self.recovered) = (0, 0);
    }

    fn forget_the_dead(&mut self) {
        let World {
            threads,
            directory,
            processes,
            ..
        } = self;
        forget_threads(threads, directory, Thread::is_dead, |_, _| {});
        processes.retain(|id| threads.get(id).is_some());
    }
}

impl Thread {
    /// Its life begins at an instant, ns, unless it has not run yet.
    fn begin(&mut self, at_ns: u64) {
        self.account = Account::default();
        self.calls = Calls::default();
        self.migrations_before += std::mem::take(&mut self.migrations);
        self.polled = None;
        self.execed_ns.clear();
        self.in_last_snapshot = false;
        self.since_ns = at_ns;
        if self.start_ns.is_none() {
            return;
        }
        self.start_ns = Some(at_ns);
        (self.started_within_ns, self.execed_within_ns) = (None, None);
        match &mut self.state {
            State::Waiting(wait) => wait.begun_before = true,
            State::Runnable => self.account.runqueue_count = 1,
            _ => {}
        }
        // Of a sleep that goes on.
        if let Some((taken_ns, _)) = &mut self.sleeper_stack {
            *taken_ns = at_ns;
        }
        if let Some((taken_ns, _)) = &mut self.user_stack {
            *taken_ns = at_ns;
        }
    }
}
