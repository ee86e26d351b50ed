//! Tests of the difference: it closes, is nothing of equal runs, and the same the other way
//! round; what is called a change; what is not comparable; `--fail-on`.

mod closing;
mod comparable;
mod fail_on;
mod permutation;

use super::{diff, run::Run};
use crate::document::{
    CriticalPath, Document, Group, PathSum, Sums, Wait,
    diff::{Diff, Row},
};

/// Times in ns; causes on the path as `cause detail`, kinds of the group's waits.
fn document(path: &[(&str, u64)], waits: &[(&str, u64)]) -> Document {
    let sums = path.iter().map(|(name, ns)| {
        let (cause, detail) = name.split_once(' ').unwrap_or((name, ""));
        PathSum {
            cause: cause.parse().unwrap(),
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
            ns: *ns,
        }
    });
    let length_ns = path.iter().map(|(_, ns)| ns).sum();
    let waits = waits.iter().map(|&(kind, ns)| Wait {
        kind: kind.parse().unwrap(),
        count: 1,
        total_ns: ns,
        ..Wait::default()
    });
    let waits: Vec<Wait> = waits.collect();
    let lifetime_ns = waits.iter().map(|wait| wait.total_ns).sum();
    Document {
        command: vec!["make".to_owned()],
        wall_ns: length_ns,
        critical_path: Some(CriticalPath {
            to_ns: length_ns,
            sums: sums.collect(),
            ..CriticalPath::default()
        }),
        groups: vec![Group {
            name: "make".to_owned(),
            threads: 1,
            sums: Sums {
                lifetime_ns,
                waits,
                ..Sums::default()
            },
            ..Group::default()
        }],
        ..Document::default()
    }
}

fn run(document: &Document) -> Run {
    Run::new("run.wsc".to_owned(), document, None)
}

fn diff_of(a: &[Document], b: &[Document]) -> Diff {
    let runs = |side: &[Document]| side.iter().map(run).collect();
    diff(runs(a), runs(b), Vec::new())
}

/// The row, and all below it.
fn all(row: &Row) -> Vec<&Row> {
    let mut rows = vec![row];
    for part in &row.parts {
        rows.extend(all(part));
    }
    rows
}

/// Every row there is.
fn every(diff: &Diff) -> Vec<&Row> {
    let groups = diff.groups.iter().flat_map(|group| all(&group.lifetime));
    all(&diff.path).into_iter().chain(groups).collect()
}
