//! Waits that a signal ended: which, and who sent it.

use anyhow::{Context, Result, ensure};
use waitscope_tests::report::{Report, Thread, Wait, Wake};
use waitscope_tests::terminal::Session;
use waitscope_tests::{audit, live};

/// The shortest of the waits in question, ns.
const SHORTEST_NS: u64 = 40_000_000;

/// A process's waits, in the order of their kinds, with what ended each.
struct Case {
    /// Its name, and of its threads.
    comm: &'static str,
    threads: usize,
    /// Kind, then source, or signal and sender.
    ends: &'static [(&'static str, &'static str)],
}

const fn case(
    comm: &'static str,
    threads: usize,
    ends: &'static [(&'static str, &'static str)],
) -> Case {
    Case {
        comm,
        threads,
        ends,
    }
}

const CASES: &[Case] = &[
    case("g-kill", 1, &[("sleep", "SIGTERM by task")]),
    case("g-queue", 1, &[("sleep", "signal 40 by task")]),
    case("g-pidfd", 1, &[("sleep", "SIGINT by task")]),
    case(
        "g-stop",
        1,
        &[
            ("sleep", "SIGSTOP by task"),
            ("sleep", "timer"),
            ("stopped", "SIGCONT by task"),
        ],
    ),
    case("g-term", 3, &[("sleep", "SIGTERM by task")]),
    case("g-killed", 3, &[("sleep", "SIGKILL by task")]),
    case("g-quit", 3, &[("sleep", "SIGQUIT by task")]),
    case("g-alarm", 1, &[("signal", "SIGALRM by timer")]),
    case("g-timer", 1, &[("signal", "SIGUSR2 by timer")]),
    case("g-thread", 1, &[("signal", "SIGUSR1 by task")]),
];

#[test]
fn signals_are_named_with_their_senders() -> Result<()> {
    let actor = env!("CARGO_BIN_EXE_actor");
    let (outcome, report) = live::traced(&[actor, "signalled"])?;
    outcome.expect_code(0)?;
    let mut wrong = audit::violations(&report);
    for case in CASES {
        let threads: Vec<&Thread> = named(&report, case.comm).collect();
        if threads.len() != case.threads {
            wrong.push(format!("{}: {} threads", case.comm, threads.len()));
        }
        for thread in threads {
            let ends = ends(thread);
            let expect: Vec<String> = case.ends.iter().map(|(a, b)| format!("{a}: {b}")).collect();
            if ends != expect {
                wrong.push(format!("{}: {ends:?}, not {expect:?}", case.comm));
            }
        }
    }
    // The others of a process that ends itself; the first one sleeps by the clock.
    let others = named(&report, "g-ends").filter(|thread| thread.pid != thread.tid);
    let others: Vec<Vec<String>> = others.map(ends).collect();
    if others != [["sleep: task"], ["sleep: task"]] {
        wrong.push(format!("g-ends: {others:?}"));
    }
    // The end of a child says more than its SIGCHLD.
    let parent = report.named("actor")?;
    let of_children = parent
        .account
        .of_kind("child-exit")
        .flat_map(|wait| &wait.wakes);
    for wake in of_children.filter(|wake| wake.signal.is_some()) {
        wrong.push(format!("{wake:?}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn named<'a>(report: &'a Report, comm: &str) -> impl Iterator<Item = &'a Thread> {
    report
        .threads
        .iter()
        .filter(move |thread| thread.comm == comm)
}

/// `KIND: END` of each long wait.
fn ends(thread: &Thread) -> Vec<String> {
    let all = thread.account.waits.iter();
    let ends = all.flat_map(|wait| wait.wakes.iter().map(move |wake| (wait, wake)));
    let long = ends.filter(|(_, wake)| wake.wait_ns >= SHORTEST_NS);
    // Before a dump of core the others' ends are waited for, long on a busy machine.
    let long = long.filter(|(wait, wake)| wait.kind != "stopped" || wake.source != "task-exit");
    let mut texts: Vec<String> = long.map(|(wait, wake)| end(wait, wake)).collect();
    texts.sort();
    texts
}

fn end(wait: &Wait, wake: &Wake) -> String {
    match &wake.signal {
        Some(signal) => format!("{}: {} by {}", wait.kind, signal.name, signal.sender),
        None => format!("{}: {}", wait.kind, wake.source),
    }
}

#[test]
fn ctrl_c_is_a_signal_from_the_terminal() -> Result<()> {
    let dir = live::shared_dir()?;
    let (out, ready) = (dir.path().join("out.json"), dir.path().join("ready"));
    let mut command = live::waitscope()?;
    command.args(["run", "-o"]).arg(&out);
    command.args(["--", "sh", "-c", "echo $$ > \"$0\"; exec sleep 60"]);
    command.arg(&ready);
    let mut session = Session::start(command, 100)?;
    live::until("the command sleeps", || live::sleeps(&ready, "sleep"))?;
    session.press(b"\x03")?;
    session.finish()?;
    let report = Report::read(&out)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    let waits = report.named("sleep")?.account.of_kind("sleep");
    let wait = waits.max_by_key(|wait| wait.total_ns).context("no sleep")?;
    let ends: Vec<String> = wait.wakes.iter().map(|wake| end(wait, wake)).collect();
    assert_eq!(ends, ["sleep: SIGINT by terminal"]);
    let path = report.critical_path.context("no critical path")?;
    let last = path
        .hops
        .iter()
        .find(|hop| hop.wait.as_deref() == Some("sleep"));
    let last = last.context("no such hop")?;
    ensure!(last.cause == "signal", "{last:?}");
    assert_eq!(last.detail.as_deref(), Some("SIGINT from the terminal"));
    Ok(())
}
