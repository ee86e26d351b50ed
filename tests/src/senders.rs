//! What must be reported of `actor nagle`: who sent the packets that ended its
//! receiver's waits.

use std::collections::BTreeMap;

use crate::report::{Report, Wake};

/// Each round sends one packet by the thread `n-send` and one by a timer, which is
/// worked off by the task that runs, often at the end of a send of its own. A few waits
/// may not have come about, or be unverified. All violations, one sentence each.
pub fn violations(report: &Report, rounds: u64) -> anyhow::Result<Vec<String>> {
    let receiver = report.named("n-recv")?;
    let waits = receiver.account.of_kind("socket-recv");
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for wake in waits.flat_map(|wait| &wait.wakes) {
        *counts.entry(sender(wake)).or_default() += wake.count;
    }
    let all = format!("{counts:?}");
    let mut found = Vec::new();
    for expected in [("net-rx", None), ("net-rx", Some("actor (n-send)"))] {
        let count = counts.remove(&expected).unwrap_or_default();
        if count < rounds / 2 {
            found.push(format!("{expected:?}: {count} of {rounds}"));
        }
    }
    counts.remove(&("unverified", None));
    if !counts.is_empty() {
        found.push(format!("{counts:?} among {all}"));
    }
    Ok(found)
}

fn sender(wake: &Wake) -> (&str, Option<&str>) {
    (&wake.source, wake.comm.as_deref())
}
