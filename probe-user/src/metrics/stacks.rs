//! What waits were spent in, for flame graphs and profiles. The waits that the report counts,
//! each in one sum: Σ of a kind = its finished and open waits, to the nanosecond.

use rustc_hash::FxHashMap;

use super::{
    Wanted, chains,
    sums::{self, NameWaker},
    threads::Namer,
    timeline,
    user_stacks::UserStacks,
    waking,
};
use crate::{
    document::{
        self,
        stacks::{Spent, Stacks},
        trace::Site,
    },
    world::{
        World,
        account::WaitKey,
        blame::history::Logged,
        interval::{self, Activity, Ended},
        thread::Thread,
    },
};

/// Alike: place, stack and end.
type Alike = (WaitKey, interval::Stacks, Ended);

/// What is wanted of them. `rows` are in the world's order, before a filter.
pub fn of(
    world: &World,
    wanted: Wanted,
    rows: &[document::Thread],
    user_stacks: &UserStacks,
    namer: &Namer<'_>,
) -> Option<Stacks> {
    let is_wanted = wanted.stacks || wanted.chains;
    is_wanted.then(|| Stacks {
        waits: match wanted.stacks {
            true => waits(world, rows, user_stacks, namer),
            false => Vec::new(),
        },
        chains: match wanted.chains {
            true => chains::of(world, namer),
            false => Vec::new(),
        },
    })
}

fn waits(
    world: &World,
    rows: &[document::Thread],
    user_stacks: &UserStacks,
    namer: &Namer<'_>,
) -> Vec<Spent> {
    let lives = world.threads.iter().zip(rows).enumerate();
    let mut spent = Vec::new();
    for (row, (thread, account)) in lives {
        let from = spent.len();
        spent.extend(finished(world, thread, row, user_stacks, namer));
        spent.extend(open(world, thread, row, account, user_stacks));
        let key = |spent: &Spent| (std::cmp::Reverse(spent.ns), format!("{spent:?}"));
        spent[from..].sort_by_cached_key(key);
    }
    spent
}

fn finished(
    world: &World,
    thread: &Thread,
    row: usize,
    user_stacks: &UserStacks,
    namer: &Namer<'_>,
) -> impl Iterator<Item = Spent> {
    let mut sums: FxHashMap<Alike, (u64, u64)> = FxHashMap::default();
    let counts = |lived: &Logged<'_>, key: &WaitKey| {
        let filter = world.logs.filter;
        filter.is_none_or(|filter| filter.counts(key.kind, lived.ns()))
    };
    for lived in world.logs.history(thread.id) {
        let Activity::Wait { key, ended, .. } = lived.activity else {
            continue;
        };
        if counts(&lived, &key) {
            let alike = (key, lived.stacks, ended.alone());
            let (count, ns) = sums.entry(alike).or_default();
            *count += 1;
            *ns += lived.ns();
        }
    }
    sums.into_iter()
        .map(move |((key, stacks, ended), (count, ns))| {
            let mut site = Site::from(sums::site_of(world, &key));
            site.stack = sums::stack_of(world, stacks.kernel);
            site.user_stack = user_stacks.get(stacks.user);
            Spent {
                thread: row,
                site,
                wake: Some(namer.name_waker(&waking::of(thread, &key, ended))),
                count,
                ns,
            }
        })
}

/// The wait that a thread is in at the end.
fn open(
    world: &World,
    thread: &Thread,
    row: usize,
    account: &document::Thread,
    user_stacks: &UserStacks,
) -> Option<Spent> {
    let mut site = Site::from(timeline::open_site(thread, account, user_stacks)?);
    let filter = world.logs.filter;
    if filter.is_some_and(|filter| !filter.counts_kind(site.kind)) {
        return None;
    }
    let symbols = &world.dictionaries.symbols;
    let frames = symbols.resolve(thread.stack_of_sleep());
    site.stack = frames.iter().map(|frame| frame.name.to_string()).collect();
    Some(Spent {
        thread: row,
        site,
        wake: None,
        count: 1,
        ns: account.sums.open_ns,
    })
}
