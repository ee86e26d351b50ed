//! Sites, and the two looks at what happened there: only when it is known who waits
//! where in the whole run, and what each thread does there, can a wait be judged.

use rustc_hash::FxHashMap;

use super::{
    Idle, Manner,
    evidence::{Acquaintance, AtFile, By, IN_VAIN_NS, Judge, Past, Roles, Rule, Waited},
    kin::Kin,
    manner,
};
use crate::{
    metrics::sweep::{Phase, Step, Turn, sweep},
    vocabulary::WaitKind,
    world::{
        World,
        account::{ObjectKey, WaitKey},
        blame::cause::Cause,
        by_thread::ByThread,
        identity::ThreadId,
        interval::{Activity, Ended, Interval},
        names::NameId,
        thread::Thread,
    },
};

/// What a thread waits for.
enum On {
    Word(u64),
    File(NameId),
}

/// Futex words that are one site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Words {
    /// One, by process.
    One(usize, u64),
    /// Those of one thread each, by process and group.
    Own(usize, usize),
}

/// Who has waited where, in the whole run.
pub struct Sites<'a> {
    world: &'a World,
    process_of: &'a ByThread<usize>,
    /// At each word of each process.
    words: FxHashMap<(usize, u64), Vec<ThreadId>>,
    /// What each thread did at each file.
    files: FxHashMap<NameId, Roles>,
}

impl<'a> Sites<'a> {
    /// Those of a world. They are known when the pasts of all threads are learnt.
    pub fn new(world: &'a World, process_of: &'a ByThread<usize>) -> Sites<'a> {
        Sites {
            world,
            process_of,
            words: FxHashMap::default(),
            files: FxHashMap::default(),
        }
    }

    /// Whether such a wait may be at one.
    pub fn concerns(kind: WaitKind) -> bool {
        matches!(manner(kind), Manner::Site | Manner::Socket)
    }

    /// Takes in what a thread did; they come one behind the other.
    pub fn learn(&mut self, thread: &Thread, lived: &Interval) {
        let Activity::Wait { key, ended, .. } = lived.activity else {
            return;
        };
        match on(&key) {
            Some(On::File(name)) => {
                let times = (lived.from_ns, lived.to_ns);
                let wait = waited(thread.id, times, &key, ended);
                self.files.entry(name).or_default().add(&wait);
            }
            Some(On::Word(word)) => {
                let place = (self.process_of[thread.id], word);
                let threads = self.words.entry(place).or_default();
                if threads.last() != Some(&thread.id) {
                    threads.push(thread.id);
                }
            }
            None => {}
        }
    }

    /// The first look, at the threads that have waited at words. `group_of` is each
    /// thread's group.
    pub fn look(self, group_of: &ByThread<usize>) -> Waits<'a> {
        let (site_of, rules) = self.number(group_of);
        let mut on_cpu_ns: ByThread<u64> = ByThread::default();
        for &id in self.words.values().flatten() {
            on_cpu_ns.entry(id);
        }
        let all = self.world.threads.iter();
        let waiters: Vec<&Thread> = all.filter(|t| on_cpu_ns.get(t.id).is_some()).collect();
        let mut first = Acquaintance::of(rules.len());
        sweep(self.world, &waiters, |turn| {
            let Some(step) = turn.ended else { return };
            if step.phase == Phase::Running {
                on_cpu_ns[turn.thread] += step.to_ns - step.from_ns;
            } else if let Some((On::Word(word), wait)) = wait_at(turn.thread, step) {
                let site = site_of[&(self.process_of[turn.thread], word)];
                first.add(site, wait, on_cpu_ns[turn.thread]);
            }
        });
        Waits {
            kin: Kin::new(self.world, self.process_of),
            judge: Judge::new(rules, first),
            site_of,
            at_files: FxHashMap::default(),
            sites: self,
        }
    }

    /// The site of each word, and the rule of each site.
    fn number(&self, group_of: &ByThread<usize>) -> (FxHashMap<(usize, u64), usize>, Vec<Rule>) {
        let mut numbers: FxHashMap<Words, usize> = FxHashMap::default();
        let mut rules = Vec::new();
        let mut site_of = FxHashMap::default();
        for (&(process, word), threads) in &self.words {
            let (site, rule) = match threads.as_slice() {
                [one] => (Words::Own(process, group_of[*one]), Rule::OwnWords),
                _ => (Words::One(process, word), Rule::Word),
            };
            let site = *numbers.entry(site).or_insert_with(|| {
                rules.push(rule);
                rules.len() - 1
            });
            site_of.insert((process, word), site);
        }
        (site_of, rules)
    }
}

/// The second look: follows all finished waits at sites. There may be many; they are
/// not kept.
pub struct Waits<'a> {
    sites: Sites<'a>,
    kin: Kin<'a>,
    site_of: FxHashMap<(usize, u64), usize>,
    judge: Judge,
    at_files: FxHashMap<(ThreadId, NameId), AtFile>,
}

impl Waits<'_> {
    /// Follows the course of the run.
    pub fn turn(&mut self, turn: &Turn<'_>) {
        let id = turn.thread;
        match turn.ended.and_then(|step| wait_at(id, step)) {
            Some((On::Word(word), wait)) => {
                let Sites {
                    world, process_of, ..
                } = &self.sites;
                let site = self.site_of[&(process_of[id], word)];
                self.judge.add(site, wait, *world, &self.kin);
            }
            Some((On::File(name), wait)) => {
                if let Some(roles) = self.sites.files.get(&name) {
                    let at_file = self.at_files.entry((id, name)).or_default();
                    at_file.add(&wait, roles, &self.kin);
                }
            }
            None => {}
        }
    }

    /// Verdicts, where there is one.
    pub fn end(self) -> Idle {
        let mut idle = FxHashMap::default();
        let verdicts = self.judge.verdicts();
        for (at, threads) in &self.sites.words {
            let verdict = verdicts[self.site_of[at]];
            let keys = threads.iter().map(|&id| (id, ObjectKey::Futex(at.1)));
            idle.extend(keys.filter_map(|key| Some((key, verdict?))));
        }
        for ((id, name), at_file) in self.at_files {
            let verdict = at_file.is_idle();
            idle.extend(verdict.map(|is_idle| ((id, ObjectKey::File(name)), is_idle)));
        }
        Idle(idle)
    }
}

/// CPU time of a thread that passes on what it was woken for, at most, ns.
const PASSES_ON_NS: u64 = 1_000_000;

impl Past for World {
    fn passes_on(&self, id: ThreadId, from_ns: u64, to_ns: u64) -> bool {
        let waits = |kind| kind != WaitKind::Gil;
        runs_at_most(self, id, (from_ns, to_ns), PASSES_ON_NS, waits)
    }

    fn rests(&self, id: ThreadId, from_ns: u64, to_ns: u64) -> bool {
        runs_at_most(self, id, (from_ns, to_ns), IN_VAIN_NS, |_| false)
    }
}

/// Whether a thread was on the CPU for so long at most, ns, and waited for nothing of
/// which `matters` says that it counts.
fn runs_at_most(
    world: &World,
    id: ThreadId,
    (from_ns, to_ns): (u64, u64),
    most_ns: u64,
    matters: impl Fn(WaitKind) -> bool,
) -> bool {
    let mut cpu_ns = to_ns.saturating_sub(world.logs.end_ns(id).max(from_ns));
    for lived in world.logs.history_before(id, to_ns) {
        if lived.to_ns <= from_ns || cpu_ns > most_ns {
            break;
        }
        match lived.activity {
            Activity::Cpu(_) => {
                cpu_ns += lived.to_ns.min(to_ns) - lived.from_ns.max(from_ns);
            }
            Activity::Wait { key, .. } if matters(key.kind) => return false,
            _ => {}
        }
    }
    cpu_ns <= most_ns
}

fn on(key: &WaitKey) -> Option<On> {
    match (manner(key.kind), key.object) {
        (Manner::Site | Manner::Socket, ObjectKey::Futex(word)) => Some(On::Word(word)),
        (Manner::Site | Manner::Socket, ObjectKey::File(name)) => Some(On::File(name)),
        _ => None,
    }
}

/// A finished wait at a site.
fn wait_at(id: ThreadId, step: &Step) -> Option<(On, Waited)> {
    let (key, ended) = step.wait.as_ref()?;
    let wait = waited(id, (step.from_ns, step.to_ns), key, *ended);
    Some((on(key)?, wait))
}

fn waited(waiter: ThreadId, times: (u64, u64), key: &WaitKey, ended: Ended) -> Waited {
    Waited {
        from_ns: times.0,
        to_ns: times.1,
        waiter,
        object: key.object,
        by: match ended {
            Ended::By(thread) => By::Thread(thread),
            Ended::For(Cause::Timer, _) => By::Timer,
            Ended::For(..) => By::Other,
        },
    }
}
