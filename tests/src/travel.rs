//! How long wakings travel: from the waker's decision (`sched_waking`) until
//! the sleeper is on a run queue (`sched_wakeup`). The waker may leave that to
//! the sleeper's CPU, which gets to it when it takes interrupts again; on a
//! 7.2 under emulation that takes up to 16 ms. waitscope counts the way as run
//! queue, schedstat does not count it at all.
//!
//! The kernel adds it up itself, by thread, in a histogram of its own tracing
//! (Documentation/trace/histogram.rst). Where it has none, or none may be read,
//! nothing is known.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const PLACES: &[&str] = &["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
const EVENT: &str = "waitscope_travel u64 lat; pid_t pid";
/// File below tracefs, and the trigger that goes in there.
const TRIGGERS: &[(&str, &str)] = &[
    (
        "events/sched/sched_waking/trigger",
        "hist:keys=pid:wts=common_timestamp:size=8192",
    ),
    (
        "events/sched/sched_wakeup/trigger",
        "hist:keys=pid:wlat=common_timestamp-$wts:size=8192\
         :onmatch(sched.sched_waking).waitscope_travel($wlat,pid)",
    ),
    (
        "events/synthetic/waitscope_travel/trigger",
        "hist:keys=pid:vals=lat:size=8192",
    ),
];
const HISTOGRAM: &str = "events/synthetic/waitscope_travel/hist";

/// Counts from its start until it is asked.
pub struct Watch(PathBuf);

/// Time on the way by thread id, ns.
#[derive(Debug, Default)]
pub struct Travels(BTreeMap<u32, u64>);

impl Watch {
    /// Begins, where the kernel has such histograms.
    pub fn start() -> Option<Watch> {
        let root = PLACES.iter().map(Path::new).find(|place| {
            let waking = place.join(TRIGGERS[0].0);
            waking.exists()
        })?;
        let watch = Watch(root.to_owned());
        fs::write(root.join("synthetic_events"), EVENT).ok()?;
        for (file, trigger) in TRIGGERS {
            // What is there already is removed again as `watch` is dropped.
            fs::write(root.join(file), trigger).ok()?;
        }
        Some(watch)
    }

    /// Ends.
    pub fn stop(self) -> Result<Travels> {
        let text = fs::read_to_string(self.0.join(HISTOGRAM)).context(HISTOGRAM)?;
        Ok(Travels::parse(&text))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for (file, trigger) in TRIGGERS.iter().rev() {
            // It may never have been written.
            let _absent = fs::write(self.0.join(file), format!("!{trigger}"));
        }
        let _absent = fs::write(self.0.join("synthetic_events"), format!("!{EVENT}"));
    }
}

impl Travels {
    /// Of one thread, ns.
    pub fn of(&self, tid: u32) -> u64 {
        self.0.get(&tid).copied().unwrap_or_default()
    }

    /// `{ pid:        123 } hitcount:          4  lat:     123456`
    fn parse(text: &str) -> Travels {
        let row = |line: &str| {
            let (pid, rest) = line.strip_prefix("{ pid:")?.split_once('}')?;
            let (_, ns) = rest.split_once("lat:")?;
            Some((pid.trim().parse().ok()?, ns.trim().parse().ok()?))
        };
        Travels(text.lines().filter_map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_among_other_lines() {
        let text = "# event histogram\n#\n# trigger info: hist:keys=pid:vals=hitcount,lat\n\n\
                    { pid:        141 } hitcount:          1  lat:      35000\n\
                    { pid:         97 } hitcount:         12  lat:    4035001\n\n\
                    Totals:\n    Hits: 13\n    Entries: 2\n    Dropped: 0\n";
        let travels = Travels::parse(text);
        assert_eq!(
            (travels.of(141), travels.of(97), travels.of(5)),
            (35_000, 4_035_001, 0)
        );
    }
}
