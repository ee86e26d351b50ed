//! Ticks with everything in them: every kind of wait, a deadlock, hostile names, zombies, a
//! container with pids of its own, and a pool of many threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::document::Blame;
use crate::document::top::*;
use crate::vocabulary::{CauseKind, Tier, WaitKind, WakeSource};

const MS: u64 = 1_000_000;
/// Threads of the pool.
pub(super) const POOL: u32 = 4_900;

/// Tick `n`, a second after the one before.
pub(super) fn tick(n: u64) -> Tick {
    let mut tasks = stuck(n);
    tasks.extend(a_of_each_kind(n));
    tasks.extend(working());
    tasks.extend(hostile());
    tasks.extend(idle(n));
    of(n, tasks)
}

/// The tick of these tasks, with the pool and its sums.
pub(super) fn of(n: u64, mut tasks: Vec<Task>) -> Tick {
    tasks.extend((0..POOL).map(|at| pool(at, n)));
    let mut blocked: BTreeMap<WaitKind, usize> = BTreeMap::new();
    for task in tasks.iter().filter(|task| task.state == TaskState::Blocked) {
        if task.idle != Some(true) {
            *blocked.entry(task.kind.unwrap_or_default()).or_default() += 1;
        }
    }
    let count = |has: fn(&&Task) -> bool| tasks.iter().filter(has).count();
    let summary = Summary {
        tier: Some(Tier::Tracepoint),
        tasks: tasks.len(),
        running: count(|task| task.state == TaskState::Running),
        runnable: count(|task| task.state == TaskState::Runnable),
        idle: count(|task| task.idle == Some(true)),
        blocked,
        runqueue_p99_ns: Some(1_234_567),
        wakes_per_s: 51_204.4,
        overflows: Some(14),
        lost: 3,
        tool_cpu: Some(0.0091),
        tool_rss_bytes: Some(96 << 20),
    };
    Tick {
        at_ns: n * 1000 * MS,
        interval_ns: 1000 * MS,
        tick: n,
        summary,
        tasks,
        window: Some(window()),
    }
}

fn window() -> Window {
    let blame = vec![
        blame(
            WaitKind::ChildExit,
            CauseKind::Network,
            "10.0.0.5:443",
            61_000,
        ),
        blame(
            WaitKind::PipeRead,
            CauseKind::Computing,
            "git index-pack",
            22_000,
        ),
        blame(
            WaitKind::ChildExit,
            CauseKind::Computing,
            "git index-pack",
            9_000,
        ),
        blame(WaitKind::Disk, CauseKind::Disk, "vda", 5_000),
        blame(WaitKind::Sleep, CauseKind::Timer, "", 2_000),
        blame(WaitKind::Unknown, CauseKind::Unknown, "", 1_000),
    ];
    Window {
        ns: 10_000 * MS,
        blocked_ns: blame.iter().map(|blame| blame.ns).sum(),
        blame,
    }
}

fn blame(kind: WaitKind, cause: CauseKind, detail: &str, ms: u64) -> Blame {
    Blame {
        kind,
        cause,
        detail: (!detail.is_empty()).then(|| detail.to_owned()),
        ns: ms * MS,
    }
}

fn text<T: for<'a> From<&'a str>>(text: &str) -> Option<T> {
    Some(text.into())
}

pub(super) fn blocked(tid: u32, comm: &str, kind: WaitKind, age_ms: u64) -> Task {
    Task {
        pid: tid,
        tid,
        ppid: Some(1),
        user: text("root"),
        comm: comm.to_owned(),
        command: format!("/usr/bin/{comm} --option").into(),
        state: TaskState::Blocked,
        kind: Some(kind),
        function: text("schedule"),
        age_ns: age_ms * MS,
        idle: Some(false),
        interval: Interval {
            on_cpu_ns: 50 * MS,
            runqueue_ns: 20 * MS,
            waits: BTreeMap::from([(kind, 930 * MS)]),
        },
        ..Task::default()
    }
}

fn hop(tid: u32, comm: &str, why: Why) -> WaitsFor {
    WaitsFor {
        pid: tid,
        tid,
        comm: comm.to_owned(),
        why,
    }
}

fn because(cause: CauseKind, detail: &str, hops: usize) -> Option<Because> {
    let detail = (!detail.is_empty()).then(|| detail.to_owned());
    Some(Because {
        cause,
        detail,
        hops,
    })
}

/// Two mutexes crossed, one who waits behind, and a chain of three hops.
fn stuck(n: u64) -> Vec<Task> {
    let lock = |tid, comm, holder, name: &str| Task {
        pid: 2100,
        object: text("futex 0x7ffd1234"),
        function: text("futex_wait_queue"),
        syscall: text("futex"),
        deadlock: Some(2101),
        waits_for: Some(hop(holder, name, Why::LockHolder)),
        chain: vec![hop(holder, name, Why::LockHolder)],
        ..blocked(tid, comm, WaitKind::Futex, 61_000 + n * 1000)
    };
    vec![
        lock(2101, "transfer-a", 2102, "transfer-b"),
        lock(2102, "transfer-b", 2101, "transfer-a"),
        lock(2103, "audit", 2101, "transfer-a"),
        git(n),
        Task {
            ppid: Some(4242),
            waits_for: Some(hop(4244, "git-remote-https", Why::PipeWriter)),
            because: because(CauseKind::Network, "10.0.0.5:443", 1),
            object: text("pipe:[48112]"),
            ..blocked(4243, "git fetch", WaitKind::PipeRead, 9_876)
        },
        Task {
            ppid: Some(4243),
            object: text("tcp 10.0.0.7:40222 → 10.0.0.5:443"),
            function: text("sk_wait_data"),
            because: because(CauseKind::Network, "10.0.0.5:443", 0),
            ..blocked(4244, "git-remote-https", WaitKind::SocketRecv, 9_870)
        },
    ]
}

/// In a container, at the beginning of a chain, with all that there can be.
fn git(n: u64) -> Task {
    Task {
        user: text("www-data"),
        container: text("docker-4f1c9a7be021"),
        ns_pid: Some(17),
        command: "git pull --rebase origin main".into(),
        object: text("git fetch 4243"),
        function: text("do_wait"),
        syscall: text("wait4"),
        stack: ["do_wait", "kernel_wait4", "__do_sys_wait4", "do_syscall_64"]
            .map(Arc::from)
            .into(),
        waits_for: Some(hop(4243, "git fetch", Why::Child)),
        chain: vec![
            hop(4243, "git fetch", Why::Child),
            hop(4244, "git-remote-https", Why::PipeWriter),
        ],
        because: because(CauseKind::Network, "10.0.0.5:443", 2),
        age_at_least: true,
        last_waker: Some(LastWaker {
            source: WakeSource::TaskExit,
            comm: text("git"),
            pid: Some(4200),
            tid: Some(4200),
            stack: ["do_notify_parent", "do_exit"].map(Arc::from).into(),
        }),
        blame: vec![
            blame(
                WaitKind::ChildExit,
                CauseKind::Network,
                "10.0.0.5:443",
                8_000,
            ),
            blame(
                WaitKind::ChildExit,
                CauseKind::Computing,
                "git index-pack",
                1_500,
            ),
        ],
        ..blocked(4242, "git", WaitKind::ChildExit, 12_340 + n * 1000)
    }
}

fn a_of_each_kind(n: u64) -> impl Iterator<Item = Task> {
    WaitKind::ALL
        .iter()
        .zip(3000..)
        .map(move |(kind, tid)| Task {
            object: text(&format!("object of {kind}")),
            because: because(CauseKind::ALL[tid as usize % CauseKind::ALL.len()], "", 0),
            ..blocked(
                tid,
                &format!("w-{kind}"),
                *kind,
                u64::from(3100 - tid) * 37 + n * 1000,
            )
        })
}

fn working() -> Vec<Task> {
    let cpu = |tid, state, on_cpu: u64| Task {
        state,
        kind: None,
        function: None,
        age_ns: 3 * MS,
        interval: Interval {
            on_cpu_ns: on_cpu * MS,
            runqueue_ns: (1000 - on_cpu) * MS,
            waits: BTreeMap::new(),
        },
        ..blocked(tid, "cc1plus", WaitKind::Unknown, 0)
    };
    vec![
        cpu(5001, TaskState::Running, 980),
        cpu(5002, TaskState::Runnable, 400),
        Task {
            idle: None,
            ..cpu(5003, TaskState::Unknown, 0)
        },
    ]
}

/// What moves cursors, hides, reorders, or is long; and zombies.
fn hostile() -> Vec<Task> {
    let named = |tid, comm: &str| Task {
        object: text(comm),
        user: text(comm),
        ..blocked(tid, comm, WaitKind::Poll, 400)
    };
    vec![
        named(6001, "a\u{1b}[2J\u{1b}]0;x\u{7}"),
        named(6002, "\u{202e}gnp.exe\u{202c}"),
        named(6003, "\u{fffd}\u{fffd}tail\n\r\t"),
        named(6004, "日本語の名前とても長い"),
        named(6005, "e\u{301}\u{301}\u{301}\u{301}\u{301}"),
        Task {
            command: "x".repeat(4096).into(),
            ..named(6006, &"long ".repeat(800))
        },
        Task {
            command: "".into(),
            user: None,
            ..blocked(6007, "", WaitKind::Stopped, 0)
        },
        Task {
            comm: "defunct".to_owned(),
            state: TaskState::Unknown,
            kind: None,
            ..blocked(6008, "", WaitKind::Unknown, 0)
        },
    ]
}

fn idle(n: u64) -> Vec<Task> {
    let daemon = |tid, comm, kind| Task {
        idle: Some(true),
        age_at_least: true,
        ..blocked(tid, comm, kind, 86_400_000 + n * 1000)
    };
    vec![
        Task {
            ppid: None,
            ..daemon(1, "systemd", WaitKind::Epoll)
        },
        daemon(801, "sshd", WaitKind::Poll),
        daemon(802, "cron", WaitKind::Sleep),
        daemon(803, "nginx", WaitKind::Epoll),
        daemon(2100, "transfer", WaitKind::Futex),
    ]
}

fn pool(at: u32, n: u64) -> Task {
    Task {
        pid: 70_000,
        object: text("tcp [::1]:5432"),
        because: because(CauseKind::Computing, "postgres: writer process", 1),
        waits_for: Some(hop(900, "postgres", Why::SocketPeer)),
        command: "python3 -m server --workers 4900".into(),
        user: text("app"),
        ..blocked(
            70_000 + at,
            "worker",
            WaitKind::SocketRecv,
            200 + u64::from(at) % 97 + n,
        )
    }
}
