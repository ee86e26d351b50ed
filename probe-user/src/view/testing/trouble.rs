//! Documents that need care: untrustworthy ones and crowded ones.

use std::collections::BTreeMap;

use super::parts::*;
use crate::document::*;

/// Attached, cut, lossy, hostile: everything that a reader must be warned of.
#[expect(clippy::too_many_lines, reason = "one document")]
pub(in crate::view) fn trouble() -> Document {
    let sums = Sums {
        lifetime_ns: 10_000 * MS,
        on_cpu_ns: 1_000 * MS,
        open_ns: 4_000 * MS,
        unknown_ns: 12 * MS,
        waits: vec![
            Wait {
                begun_before: 1,
                wakes: vec![wake("kthread", Some("kworker/0:1"), None, 4, 2_000)],
                ..wait("epoll", "epoll_wait", "do_epoll_wait", 4, 2_000)
            },
            Wait {
                stack: words("drm_wait_one_vblank drm_atomic_helper_wait drm_ioctl vfs_ioctl"),
                wakes: vec![wake("irq", None, None, 60, 1_500)],
                ..wait("unknown", "ioctl", "drm_wait_one_vblank", 60, 1_500)
            },
            Wait {
                wakes: vec![Wake {
                    outside: true,
                    ..wake("task", Some("ssh\u{1b}[31md"), Some("write"), 2, 900)
                }],
                ..wait("tty", "read", "n_tty_read\u{202e}", 2, 900)
            },
            Wait {
                wakes: vec![wake("unverified", None, None, 9, 588)],
                ..wait("event", "read", "", 9, 588)
            },
        ],
        open: vec![OpenWait {
            kind: word("socket-accept"),
            syscall: text("accept4"),
            function: text("inet_csk_accept"),
            object: text("tcp 0.0.0.0:80"),
            count: 1,
            so_far_ns: 4_000 * MS,
            begun_before: true,
            ..OpenWait::default()
        }],
        ..Sums::default()
    };
    let hostile = "evil\u{1b}]0;owned\u{7}\nname";
    Document {
        attached: vec![17, 18, 4_000_000],
        wall_ns: 10_000 * MS,
        tier: Tier::Raw,
        coverage: Coverage {
            lost: BTreeMap::from([
                ("fork".to_owned(), 34),
                ("switch".to_owned(), 1_200),
                ("waking".to_owned(), 0),
            ]),
            open_waits: 1,
            unverified_wakes: 9,
            recovered_switches: 3,
            folded_waits: 0,
            folded_ns: 0,
            residual_ns: -250_000,
            problems: vec![
                "the recording ends in the middle of a frame; everything after 9.8 s is missing"
                    .to_owned(),
                "kernel symbols could not be read: run as root".to_owned(),
            ],
            ..Coverage::default()
        },
        processes: 1,
        concurrency: Some(Concurrency {
            running: level(1_000, 1, 1),
            runnable: level(1_000, 1, 1),
            blocked: level(2_400, 1, 1),
            unknown: level(12, 1, 2),
            processes: level(4_210, 1, 1),
            wakes: Wakes {
                count: 75,
                bins: 4_210,
                p99_per_ms: 1,
                max_per_ms: 1,
                burst_from: 8,
                bursts: 0,
                latency_inside: None,
                latency_outside: Some(latency(70, 30)),
            },
        }),
        threads: vec![Thread {
            exit: Some(Exit::Signal(11)),
            sums: sums.clone(),
            ..thread(17, 18, hostile, 0)
        }],
        fates: Some(vec![Fate {
            pid: Some(17),
            tid: 18,
            comm: hostile.to_owned(),
            group: 0,
            exit: Exit::Signal(11),
            cause: FateCause::Segv,
            shortage: None,
            core: true,
            sender: None,
            by_kernel: false,
            address: Some(0x10),
            siblings: 1,
            at_ns: 0,
        }]),
        groups: vec![Group {
            exits: BTreeMap::from([(Exit::Signal(11), 1)]),
            ..group(hostile, 2, vec![17], sums)
        }],
        ..Document::default()
    }
}

/// More groups than a reader wants to see.
pub(in crate::view) fn crowd() -> Document {
    let groups: Vec<Group> = (0..20_u32)
        .map(|n| {
            let sums = close(Sums {
                on_cpu_ns: (MS << (20 - n)) / 8,
                waits: vec![wait("pipe-read", "read", "", 3, 1 << (20 - n) >> 3)],
                ..Sums::default()
            });
            group(&format!("stage-{n}"), 2, vec![100 + n, 200 + n], sums)
        })
        .collect();
    Document {
        command: words("make -j20 'all of it'"),
        wall_ns: 300_000 * MS,
        processes: 40,
        groups,
        ..Document::default()
    }
}
