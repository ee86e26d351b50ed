//! Only some threads of a report.

use super::tree::*;
use crate::{document::Document, metrics::select::Selection};

/// A server with a pool, and a child that runs something else.
fn tree() -> Document {
    let (mut tree, root) = Tree::root(&["python3", "/opt/gitsync"]);
    for comm in ["pool-1", "pool-2"] {
        tree.thread(root, comm);
    }
    let child = tree.fork(root, "git");
    tree.exec(child, &["git", "fetch"]);
    tree.document()
}

fn selection(groups: &[&str], threads: &[&str]) -> Selection {
    let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    Selection::new(&owned(groups), &owned(threads))
}

/// Groups with their numbers of threads, or the complaint.
#[track_caller]
fn check(groups: &[&str], threads: &[&str], expect: &[(&str, usize)]) {
    let mut document = tree();
    let all = document.threads.len();
    selection(groups, threads).apply(&mut document).unwrap();
    let mut listed: Vec<(&str, usize)> = document
        .groups
        .iter()
        .map(|group| (&*group.name, group.threads))
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, expect);
    let left_out = document.left_out_threads.expect("a selection");
    assert_eq!(left_out.threads as usize + document.threads.len(), all);
    let bytes = crate::view::json::render(&document);
    let back = Document::from_json(&bytes).unwrap();
    let started = document.started;
    assert_eq!(Document { started, ..back }, document);
}

#[test]
fn select_groups_and_threads_by_name_and_tid() {
    let (main, pool, git) = ("python3 gitsync", "python3 gitsync (pool-*)", "git fetch");
    check(&["git*"], &[], &[(git, 1)]);
    check(&["GIT*"], &[], &[(git, 1)]);
    check(&["python3 gitsync"], &[], &[(main, 1)]);
    check(&["*gitsync*"], &[], &[(main, 1), (pool, 2)]);
    check(&["git*", "*pool*"], &[], &[(git, 1), (pool, 2)]);
    check(&[], &["pool-?"], &[(pool, 2)]);
    check(&[], &["pool-2"], &[(pool, 1)]);
    check(&[], &["100"], &[(main, 1)]);
    // Both have to be.
    check(&["*pool*"], &["pool-1", "git"], &[(pool, 1)]);
    check(&["*"], &[], &[(git, 1), (main, 1), (pool, 2)]);
}

#[test]
fn select_nothing_is_an_error_that_names_the_nearest() {
    let check = |groups: &[&str], threads: &[&str], expect: &str| {
        let mut document = tree();
        let error = selection(groups, threads).apply(&mut document).unwrap_err();
        assert_eq!(error.to_string(), expect);
        assert_eq!(document, tree());
    };
    check(
        &["gti*"],
        &[],
        "no thread of the report is in --group gti*; the nearest are git fetch, python3 gitsync \
         (pool-*), python3 gitsync",
    );
    check(
        &[],
        &["99", "pol-1"],
        "no thread of the report is in --thread 99 --thread pol-1; the nearest are pool-1, pool-2, \
         python3",
    );
    check(&[], &["99"], "no thread of the report is in --thread 99");
}

#[test]
fn select_the_path_of_a_root_that_goes_is_none() {
    let mut document = tree();
    selection(&["git*"], &[]).apply(&mut document).unwrap();
    assert_eq!(document.critical_path, None);
    assert_eq!(document.groups[0].critical_path_ns, None);
    assert_eq!(document.threads[0].creator, None);
    let mut document = tree();
    selection(&["python3 gitsync"], &[])
        .apply(&mut document)
        .unwrap();
    let path = document.critical_path.expect("its root is there");
    let hops = path.hops.iter();
    assert!(
        hops.clone()
            .all(|hop| hop.thread == 0 && hop.tid == Some(100))
    );
}
