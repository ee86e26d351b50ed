//! The truth as JSON lines.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;

use serde_json::{Value, json};

use crate::run::End;

/// Writes one line per case.
pub fn write(path: &Path, ends: &[End]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for end in ends {
        writeln!(file, "{}", line(end))?;
    }
    file.flush()
}

fn line(end: &End) -> Value {
    let case = end.case;
    if let Some(reason) = &end.unavailable {
        return json!({"name": case.name, "kind": case.kind, "unavailable": reason});
    }
    let slot = end.slot;
    json!({
        "name": case.name,
        "kind": case.kind,
        "comm": format!("t-{}", case.name),
        "pid": slot.pid.load(SeqCst),
        "tid": slot.tid.load(SeqCst),
        "waker": case.has_waker.then(|| format!("k-{}", case.name)),
        "calls": slot.calls.load(SeqCst),
        "count": slot.count.load(SeqCst),
        "wait_ns": slot.wait_ns.load(SeqCst),
        "odd_cpu_ns": slot.odd_cpu_ns.load(SeqCst),
        "waking_ns": slot.waking_ns.load(SeqCst),
        "longest_waking_ns": slot.longest_waking_ns.load(SeqCst),
        "stale_ns": slot.stale_ns.load(SeqCst),
        "opened_ns": slot.opened_ns.load(SeqCst),
        "left_ns": slot.left_ns.load(SeqCst),
        "farewell_ns": slot.farewell_ns.load(SeqCst),
        "oncpu_ns": slot.oncpu_ns.load(SeqCst),
        "rundelay_ns": slot.rundelay_ns.load(SeqCst),
        "queued_ns": slot.queued_ns.load(SeqCst),
        "unaccounted_ns": slot.unaccounted_ns.load(SeqCst),
        "expect_functions": case.functions,
        "expect_source": case.sources,
    })
}
