//! Following processes that run already.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use waitscope_tests::live::{self, Outcome, Running};
use waitscope_tests::report::Report;
use waitscope_tests::{audit, text};

/// The sleepers: thread name, wait kind, kernel functions that are right.
const SLEEPERS: &[(&str, &str, &[&str])] = &[
    ("s-epoll", "epoll", &["ep_poll", "do_epoll_wait"]),
    (
        "s-futex",
        "futex",
        &[
            "futex_wait",
            "__futex_wait",
            "futex_wait_queue",
            "futex_wait_queue_me",
            "futex_do_wait",
        ],
    ),
    ("s-sleep", "sleep", &["hrtimer_nanosleep", "common_nsleep"]),
    ("s-pipe", "pipe-read", &["pipe_read", "anon_pipe_read"]),
];

/// Starts the sleepers and waits until all sleep.
fn sleepers(dir: &Path) -> Result<Running> {
    let ready = dir.join("ready");
    let running = live::start(
        Command::new(env!("CARGO_BIN_EXE_actor"))
            .arg("sleepers")
            .arg(&ready),
    )?;
    live::until("all sleepers sleep", || Ok(ready.exists()))?;
    Ok(running)
}

fn attach(pid: i32, duration: &str, out: &Path) -> Result<Outcome> {
    let mut command = live::waitscope()?;
    command.args([
        "run",
        "--pid",
        &pid.to_string(),
        "--duration",
        duration,
        "-o",
    ]);
    live::finish(command.arg(out))
}

/// Switches of every thread but the one that naps: unchanged in one that was
/// not disturbed.
fn switches(pid: i32) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        let line = |key: &str| status.lines().find(|line| line.starts_with(key));
        let name = line("Name:").context("a name")?.to_owned();
        if !name.contains("s-nap") {
            let state = line("State:").context("a state")?;
            let own = line("voluntary").context("switches")?;
            let forced = line("nonvoluntary").context("switches")?;
            found.insert(name, format!("{state} {own} {forced}"));
        }
    }
    Ok(found)
}

#[test]
fn threads_asleep_are_reported_and_left_asleep() -> Result<()> {
    let dir = live::shared_dir()?;
    let running = sleepers(dir.path())?;
    let before = switches(running.pid())?;
    let out = dir.path().join("out.json");
    attach(running.pid(), "1s", &out)?.expect_code(0)?;
    assert_eq!(switches(running.pid())?, before, "disturbed");
    running.signal(libc::SIGTERM)?;
    running.finish()?;

    let report = Report::read(&out)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    assert_eq!(report.threads.len(), 6);
    for (name, kind, functions) in SLEEPERS {
        let account = &report.named(name)?.account;
        assert_eq!(account.open.len(), 1, "{account:?}");
        let open = &account.open[0];
        assert_eq!((open.kind.as_str(), open.begun_before), (*kind, true));
        let function = open.function.as_deref().context(*name)?;
        assert!(functions.contains(&function), "{name}: {function}");
        assert!(open.so_far_ns > 900_000_000, "{open:?}");
        assert_eq!(account.open_ns, account.lifetime_ns, "{name}");
    }
    Ok(())
}

#[test]
fn a_wait_begun_before_and_ended_meanwhile_is_a_lower_bound() -> Result<()> {
    let dir = live::shared_dir()?;
    let running = sleepers(dir.path())?;
    let out = dir.path().join("out.json");
    attach(running.pid(), "3500ms", &out)?.expect_code(0)?;
    running.signal(libc::SIGTERM)?;
    let text = String::from_utf8(running.finish()?.stdout)?;

    let report = Report::read(&out)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    let account = &report.named("s-nap")?.account;
    let begun_before: u64 = account.waits.iter().map(|wait| wait.begun_before).sum();
    assert_eq!(begun_before, 1, "{account:?}");
    let ended: u64 = account.of_kind("sleep").map(|wait| wait.count).sum();
    assert!((2..=3).contains(&ended), "{account:?}");
    // A nap that began under observation is reported whole.
    let longest = account.of_kind("sleep").map(|wait| wait.max_ns).max();
    let longest = longest.context("a nap")?;
    let awake = account.on_cpu_ns + account.runqueue_ns;
    let is_it = |line: &str| {
        let elapsed = line.parse::<u64>();
        elapsed.is_ok_and(|elapsed| (longest..=longest + awake).contains(&elapsed))
    };
    assert!(text.lines().any(is_it), "{longest}, its own clock: {text}");
    Ok(())
}

#[test]
fn attaching_ends_with_the_process() -> Result<()> {
    let dir = live::shared_dir()?;
    let mut sleep = live::start(Command::new("sleep").arg("600"))?;
    let out = dir.path().join("out.json");
    let mut command = live::waitscope()?;
    command.args(["run", "--pid", &sleep.pid().to_string(), "--every", "200ms"]);
    let run = live::start(command.arg("-o").arg(&out))?;
    // Probes may take long to load: the first interim report says that it follows.
    live::until("the process is followed", || Ok(out.exists()))?;
    sleep.signal(libc::SIGTERM)?;
    // The test is the parent: without its wait the sleeper stays a zombie.
    live::until("the process ends", || Ok(!sleep.is_alive()?))?;
    run.finish()?.expect_code(0)?;
    let report = Report::read(&out)?;
    let thread = report.named("sleep")?;
    assert!(thread.exit.is_some(), "{thread:?}");
    assert!(thread.account.kind_ns("sleep") > 0);
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    Ok(())
}

#[test]
fn an_interrupt_ends_the_attachment_not_the_process() -> Result<()> {
    let dir = live::shared_dir()?;
    let mut running = sleepers(dir.path())?;
    let out = dir.path().join("out.json");
    let mut command = live::waitscope()?;
    command
        .args(["run", "--pid", &running.pid().to_string(), "-o"])
        .arg(&out);
    let run = live::start(&mut command)?;
    std::thread::sleep(Duration::from_secs(2));
    run.signal(libc::SIGINT)?;
    let outcome = run.finish()?;
    outcome.expect_code(0)?;
    assert!(running.is_alive()?);
    assert_eq!(Report::read(&out)?.threads.len(), 6);
    running.signal(libc::SIGTERM)?;
    running.finish()?;
    Ok(())
}

#[test]
fn a_process_that_is_not_there_is_named() -> Result<()> {
    let dir = live::shared_dir()?;
    let outcome = attach(4_194_303, "1s", &dir.path().join("out.json"))?;
    assert!(
        matches!(outcome.status.code(), Some(2 | 125)),
        "{outcome:?}"
    );
    let said = text::sentences(&outcome.stderr);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("4194303"), "{said:?}");
    Ok(())
}

/// Its parent, this test, has not waited for it.
#[test]
fn a_process_that_has_ended_is_not_followed() -> Result<()> {
    let dir = live::shared_dir()?;
    let mut ended = Command::new("true").spawn()?;
    let stat = format!("/proc/{}/stat", ended.id());
    live::until("it has ended", || {
        Ok(fs::read_to_string(&stat)?.contains(") Z "))
    })?;
    let outcome = attach(ended.id().cast_signed(), "1s", &dir.path().join("out.json"))?;
    ended.wait()?;
    outcome.expect_code(125)?;
    let said = text::sentences(&outcome.stderr);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("has ended already"), "{said:?}");
    Ok(())
}

/// A machine whose /proc shows a user only the user's own processes.
#[test]
fn a_process_that_is_hidden_is_named() -> Result<()> {
    let sleep = live::start(Command::new("sleep").arg("60"))?;
    let script = "mount -t proc -o hidepid=2 proc /proc && \
                  exec setpriv --reuid=65534 --regid=65534 --clear-groups \
                  --inh-caps=-all,+bpf,+perfmon --ambient-caps=-all,+bpf,+perfmon --bounding-set=-sys_ptrace \
                  \"$0\" run --pid \"$1\" --duration 1s";
    let mut unshare = Command::new("unshare");
    live::lock_any_memory(&mut unshare);
    unshare
        .args(["--mount", "sh", "-c", script])
        .arg(live::binary()?);
    let outcome = live::finish(unshare.arg(sleep.pid().to_string()))?;
    sleep.signal(libc::SIGTERM)?;
    sleep.finish()?;
    outcome.expect_code(125)?;
    assert!(outcome.stderr.contains("is hidden"), "{}", outcome.stderr);
    Ok(())
}
