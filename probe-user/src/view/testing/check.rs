//! Claims on two runs, with every verdict.

use std::collections::BTreeMap;

use super::parts::MS;
use crate::document::*;

/// What `waitscope check` may come to.
pub(in crate::view) fn check() -> Check {
    Check {
        file: "gitsync.toml".to_owned(),
        files: Vec::new(),
        runs: vec![
            run(
                "threads",
                "gitsync --mode threads --jobs 8 clones",
                4_213,
                0,
            ),
            run("asyncio", "gitsync --mode asyncio clones", 3_977, 3),
        ],
        claims: vec![wrong(), correct(), partial(), cannot_tell(), not_seen()],
    }
}

fn run(name: &str, command: &str, ms: u64, lost: u64) -> CheckedRun {
    CheckedRun {
        name: name.to_owned(),
        command: command.split(' ').map(str::to_owned).collect(),
        recording: Some(format!("runs/{name}.wsc")),
        exit: Some(Exit::Code(i32::from(lost > 0))),
        wall_ns: ms * MS,
        coverage: Coverage {
            lost: BTreeMap::from([("switch".to_owned(), lost)]),
            ..Coverage::default()
        },
    }
}

fn claim(id: &str, verdict: Decision, says: &str, because: &str) -> Verdict {
    Verdict {
        id: id.to_owned(),
        says: says.to_owned(),
        verdict,
        because: because.to_owned(),
        ..Verdict::default()
    }
}

fn value(expr: &str, lo: f64, hi: f64, unit: &str) -> Value {
    Value {
        expr: expr.to_owned(),
        lo: Some(lo),
        hi: hi.is_finite().then_some(hi),
        unit: unit.to_owned(),
    }
}

fn evidence(tid: u32, kind: &str, function: &str, count: u64, ms: u64) -> Evidence {
    Evidence {
        run: "threads".to_owned(),
        pid: Some(4242),
        tid,
        comm: "python3".to_owned(),
        kind: Some(kind.to_owned()),
        function: Some(function.to_owned()),
        stack: vec![function.to_owned(), "do_syscall_64".to_owned()],
        count,
        ns: ms * MS,
    }
}

fn wrong() -> Verdict {
    Verdict {
        source: Some("a code review".to_owned()),
        values: vec![
            value("threads:pool.share(epoll)", 0.032, 0.032, "share"),
            value("threads:pool.share(child-exit)", 0.957, 0.957, "share"),
        ],
        evidence: vec![
            evidence(4243, "epoll", "do_epoll_wait", 12, 700),
            evidence(4244, "epoll", "do_epoll_wait", 8, 434),
            evidence(4245, "poll", "do_sys_poll", 1, 2),
        ],
        ..claim(
            "A1",
            Decision::Wrong,
            "threads that run a subprocess park in epoll",
            "threads:pool.share(epoll) 3.2 % (wants >= 50 %)",
        )
    }
}

fn correct() -> Verdict {
    let because = "asyncio:wall 3.98 s (< threads:wall 4.21 s)";
    Verdict {
        values: vec![
            value("asyncio:wall", 3.977e9, 3.977e9, "ns"),
            value("threads:wall", 4.213e9, 4.213e9, "ns"),
            value("asyncio:wall / threads:wall", 0.94, 0.95, "ratio"),
        ],
        ..claim(
            "A13-long-name",
            Decision::Correct,
            "asyncio is quicker",
            because,
        )
    }
}

fn partial() -> Verdict {
    claim(
        "A2",
        Decision::Partial,
        "the same with captured output, of which so much is to be said that it takes more than \
         one line of any terminal that people have",
        "threads:pool.share(poll) 31 % (wants >= 50 %); not refuted: \
         threads:pool.share(poll) 31 % (wants < 5 %)",
    )
}

fn cannot_tell() -> Verdict {
    Verdict {
        values: vec![value("asyncio:tree.rss_peak", 1e6, f64::INFINITY, "bytes")],
        ..claim(
            "B4",
            Decision::CannotTell,
            "a worker costs 30 MB",
            "asyncio:tree.rss_peak at least 977 KiB (wants < 30 MiB): asyncio:tree.rss_peak is \
             uncertain, 3 records of memory were lost (record again with a larger --ring-size)",
        )
    }
}

fn not_seen() -> Verdict {
    claim(
        "A8",
        Decision::NotSeen,
        "the accept queue overflows",
        "not seen: threads:tree.connects 0 (wants > 0)",
    )
}
