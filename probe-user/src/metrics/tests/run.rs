//! A run from its records, on the full tier.

use crate::{
    analysis::Analysis,
    document::Document,
    metrics,
    wire::{
        session::{Batch, End, Start, Tier},
        tests::frames,
    },
    world::window::Window,
};

/// Begins a run whose stacks resolve.
pub(crate) fn begun() -> Analysis {
    begun_on(Tier::Full)
}

/// As [`begun`], on a certain tier.
pub(crate) fn begun_on(tier: Tier) -> Analysis {
    begun_with(Start {
        tier,
        ..Start::default()
    })
}

fn begun_with(start: Start) -> Analysis {
    let start = Start {
        syscall_table: "x86_64".to_owned(),
        ..start
    };
    let mut analysis = Analysis::new(start).expect("x86_64 is a known table");
    analysis.batch(&Batch {
        facts: frames::symbols(),
        ..Batch::default()
    });
    analysis
}

/// Begins the report of a part of a run.
pub(crate) fn begun_in(window: Window) -> Analysis {
    let mut analysis = begun();
    analysis.only(window);
    analysis
}

/// Records that arrive in one drain, whose watermark says nothing.
pub(crate) fn batch(records: &[Vec<u8>]) -> Batch {
    Batch {
        records: records.concat(),
        ..Batch::default()
    }
}

/// The end of an observation.
pub(crate) fn end(ended_ns: u64) -> End {
    End {
        ended_ns,
        ..End::default()
    }
}

/// The report of a run that ended at an instant.
pub(crate) fn document(records: &[Vec<u8>], ended_ns: u64) -> Document {
    let mut analysis = begun();
    analysis.batch(&batch(records));
    analysis.end(end(ended_ns));
    analysis.document()
}

/// As [`document`], of an observation that looked at descriptor tables behind every call, or
/// did not.
pub(crate) fn exact(records: &[Vec<u8>], exact_descriptors: bool) -> Document {
    let mut analysis = begun_with(Start {
        exact_descriptors,
        ..Start::default()
    });
    analysis.batch(&batch(records));
    analysis.end(end(u64::MAX / 2));
    analysis.document()
}

/// The report of a recording that was cut behind these records.
pub(crate) fn cut(records: &[Vec<u8>]) -> Document {
    let mut analysis = begun();
    analysis.batch(&batch(records));
    analysis.document()
}

/// As [`document`], of processes attached to.
pub(crate) fn attached(records: &[Vec<u8>], ended_ns: u64, pids: &[u32]) -> Document {
    let mut analysis = begun_with(Start {
        attached: pids.to_vec(),
        ..Start::default()
    });
    analysis.batch(&batch(records));
    analysis.end(end(ended_ns));
    analysis.document()
}

/// As [`document`], of an observation of the process `attached`, with the
/// timelines of these threads, and every interval.
pub(crate) fn explained(
    records: &[Vec<u8>],
    ended_ns: u64,
    attached: u32,
    tids: &[u32],
) -> Document {
    let mut analysis = begun_with(Start {
        attached: vec![attached],
        ..Start::default()
    });
    analysis.explain(tids);
    analysis.keep(metrics::Wanted {
        trace: true,
        ..metrics::Wanted::default()
    });
    analysis.batch(&batch(records));
    analysis.end(end(ended_ns));
    analysis.document()
}
