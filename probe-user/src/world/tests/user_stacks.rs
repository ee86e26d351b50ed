//! A user stack is that of the sleep that it was taken at, and costs nothing else where its
//! record is lost.

use probe_common::user_stack::UserStack;

use super::timeline::{at, records};
use crate::{
    document::{Did, Document, Thread, UserFrame as Frame},
    metrics::{Wanted, tests::run},
    wire::{
        event::{BUILD_ID, BuildId, UserFrame, UserFrames},
        session::{Batch, Fact},
        tests::bytes::{self, seal},
    },
};

/// Thread 5 sleeps from columns 6 and 14, and from 21 to the end.
const DRAWING: &str = "
    4    S######################L
    5/4  fn-^##z~~w-^##z~~w-^#z~L";
const TID: u32 = 5;
const BUILD: BuildId = BuildId([0xab; BUILD_ID]);

fn taken(column: usize, stack: u64) -> Vec<u8> {
    seal(UserStack {
        header: bytes::at(at(column), 0, 0),
        tid: TID,
        pad: 0,
        stack,
    })
}

fn facts() -> Vec<Fact> {
    let in_file = UserFrame::InFile {
        build_id: BUILD,
        offset: 0x10,
    };
    let frames = |stack, frames: &[UserFrame]| {
        Fact::UserFrames(UserFrames {
            stack,
            frames: frames.into(),
        })
    };
    vec![
        frames(7, &[in_file, UserFrame::Address(3)]),
        frames(8, &[in_file]),
        // Less than is known.
        frames(7, &[UserFrame::Address(1), UserFrame::Address(3)]),
        Fact::Module {
            build_id: BUILD,
            path: "/bin/x".to_owned(),
        },
    ]
}

fn document(taken: &[Vec<u8>]) -> Document {
    let mut analysis = run::begun();
    analysis.explain(&[TID]);
    analysis.keep(Wanted {
        trace: true,
        stacks: true,
        ..Wanted::default()
    });
    analysis.batch(&Batch {
        facts: facts(),
        records: [records(DRAWING.trim()).concat(), taken.concat()].concat(),
        ..Batch::default()
    });
    analysis.end(run::end(at(23)));
    analysis.document()
}

/// The offsets of the frames of each sleep, in order of time.
fn of_steps(document: &Document) -> Vec<Option<Vec<u64>>> {
    let steps = document.explained.iter().flatten().flat_map(|t| &t.steps);
    let sites = steps.filter_map(|step| match &step.did {
        Did::Waited { site, .. } | Did::Open(site) => Some(site),
        Did::NotWaiting { .. } => None,
    });
    let stack = |stack: &[u32]| {
        let frames = stack.iter().map(|&at| &document.user_frames[at as usize]);
        frames.map(|frame| frame.offset).collect()
    };
    sites
        .map(|site| site.user_stack.as_deref().map(stack))
        .collect()
}

fn accounts(document: &Document) -> &[Thread] {
    &document.threads
}

#[track_caller]
fn check(taken: &[Vec<u8>], expected: [Option<&[u64]>; 3]) {
    let document = document(taken);
    let expected: Vec<Option<Vec<u64>>> = expected.map(|s| s.map(<[u64]>::to_vec)).into();
    assert_eq!(of_steps(&document), expected);
    assert_eq!(accounts(&document), accounts(&self::document(&[])));
}

#[test]
fn user_stacks_are_those_of_their_sleeps() {
    check(
        &[taken(6, 7), taken(14, 8), taken(21, 7)],
        [Some(&[0x10, 3]), Some(&[0x10]), Some(&[0x10, 3])],
    );
}

#[test]
fn user_stacks_that_are_lost_are_nobodys() {
    check(&[taken(6, 7)], [Some(&[0x10, 3]), None, None]);
    check(&[taken(14, 8)], [None, Some(&[0x10]), None]);
    // What is in it was lost.
    check(&[taken(6, 9), taken(21, 8)], [None, None, Some(&[0x10])]);
    // It ran by then.
    check(&[taken(5, 7), taken(12, 8)], [None, None, None]);
}

#[test]
fn user_stacks_divide_the_waits_of_stacks_and_traces() {
    let document = document(&[taken(6, 7), taken(14, 8), taken(21, 7)]);
    let frame = |module: Option<&str>, build_id: Option<String>, offset| Frame {
        module: module.map(Into::into),
        build_id: build_id.map(Into::into),
        offset,
        function: None,
    };
    let id = Some("ab".repeat(BUILD_ID));
    assert_eq!(
        document.user_frames,
        [frame(Some("/bin/x"), id, 0x10), frame(None, None, 3)]
    );
    let waits = &document.stacks.as_ref().unwrap().waits;
    let mut spent: Vec<_> = waits
        .iter()
        .map(|spent| (spent.ns, spent.site.user_stack.as_deref()))
        .collect();
    spent.sort_unstable();
    let expected: [(u64, Option<&[u32]>); 3] =
        [(20, Some(&[0, 1])), (30, Some(&[0])), (30, Some(&[0, 1]))];
    assert_eq!(spent, expected);
    let sites = &document.trace.as_ref().unwrap().sites;
    let mut numbered: Vec<_> = sites.iter().map(|s| s.user_stack.as_deref()).collect();
    numbered.sort_unstable();
    numbered.dedup();
    assert_eq!(numbered, [Some(&[0][..]), Some(&[0, 1])]);
}
