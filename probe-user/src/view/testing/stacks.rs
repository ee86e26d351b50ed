//! What waits were spent in, of any texts.

use crate::{
    document::{
        Wake,
        stacks::{Chain, Link, Spent, Stacks},
        trace::Site,
    },
    vocabulary::{CauseKind, WaitKind},
};

/// Stacks of the first thread of [`super::filled`], whose every text is one of `texts`.
pub(in crate::view) fn stacks(texts: &[String], ns: u64) -> Stacks {
    let mut texts = texts.iter().cycle().cloned();
    let mut text = || texts.next().unwrap_or_default();
    let mut spent = |stack: bool, has_ended: bool| Spent {
        thread: 0,
        site: Site {
            kind: WaitKind::Futex,
            syscall: Some(text()),
            function: Some(text()),
            object: Some(text()),
            stack: if stack {
                vec![text(), text()]
            } else {
                Vec::new()
            },
            // The frames of `filled`.
            user_stack: stack.then(|| [1, 0].into()),
        },
        wake: has_ended.then(|| Wake {
            comm: Some(text()),
            ..Wake::default()
        }),
        count: 1,
        ns,
    };
    let waits = vec![spent(true, true), spent(false, true), spent(true, false)];
    let wait = |group| Link::Wait {
        group,
        kind: WaitKind::Futex,
    };
    let links = vec![
        wait(None),
        wait(Some(text().into())),
        Link::Cause(CauseKind::Network, Some(text())),
    ];
    let chain = Chain {
        thread: 0,
        links,
        ns,
    };
    Stacks {
        waits,
        chains: vec![chain],
    }
}
