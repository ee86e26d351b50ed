//! Orders that sleepers pass on from one to the next. The rule is in the module above.

use super::evidence::{By, Past, Role, Roles, Waited};
use crate::world::identity::ThreadId;

/// How often what a submitter began was passed on from sleeper to sleeper, and no lock
/// explains it: to hold one as the first of them fell asleep, the submitter had to run
/// after the waking before, and it had not.
#[derive(Default)]
pub(super) struct Chains {
    /// How often.
    pub(super) made: u64,
    latest: Option<Chain>,
    /// The latest waking, ns.
    woken_ns: Option<u64>,
}

/// The wakings that a submitter began.
struct Chain {
    submitter: ThreadId,
    /// The waking before, ns.
    before_ns: Option<u64>,
    /// When the first of the sleepers fell asleep, ns.
    first_ns: u64,
    is_passed_on: bool,
}

impl Chains {
    /// Takes in a wait and who ended it at the origin; they come in order of their ends.
    pub(super) fn add(&mut self, wait: &Waited, origin: By, roles: &Roles, past: &impl Past) {
        let before_ns = self.woken_ns.replace(wait.to_ns);
        let (By::Thread(waker), By::Thread(origin)) = (wait.by, origin) else {
            return;
        };
        if roles.of_waker(waker, wait.to_ns) == Role::Submitter {
            let begun = Chain {
                submitter: waker,
                before_ns,
                first_ns: wait.from_ns,
                is_passed_on: false,
            };
            let over = self.latest.replace(begun);
            self.made += u64::from(over.is_some_and(|chain| chain.is_of_a_queue(past)));
        } else if let Some(chain) = &mut self.latest
            && origin == chain.submitter
        {
            chain.is_passed_on = true;
            chain.first_ns = chain.first_ns.min(wait.from_ns);
        }
    }
}

impl Chain {
    fn is_of_a_queue(&self, past: &impl Past) -> bool {
        let Some(before_ns) = self.before_ns.filter(|_| self.is_passed_on) else {
            return false;
        };
        before_ns <= self.first_ns && past.rests(self.submitter, before_ns, self.first_ns)
    }
}
