//! Following processes that run already.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
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

/// No nap of `s-nap` is shorter.
const NAP_NS: u64 = 1_500_000_000;

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

/// A program with all that it starts, in a process group of its own.
struct Tree(Option<Running>);

impl Tree {
    fn start(command: &mut Command) -> Result<Tree> {
        Ok(Tree(Some(live::start(command.process_group(0))?)))
    }

    /// A shell that runs a script with this file as `$0`.
    fn shell(script: &str, file: &Path) -> Result<Tree> {
        Tree::start(Command::new("sh").args(["-c", script]).arg(file))
    }

    fn pid(&self) -> i32 {
        self.0.as_ref().map_or(0, Running::pid)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            // SAFETY: integers only; the group's leader is not reaped yet.
            unsafe { libc::kill(-running.pid(), libc::SIGKILL) };
            let _ended = running.finish();
        }
    }
}

/// Waitscope's `run` with these words and a report in JSON.
fn run(words: &[&str], out: &Path) -> Result<Command> {
    let mut command = live::waitscope()?;
    command.arg("run").args(words).arg("-o").arg(out);
    Ok(command)
}

/// Waitscope says in one sentence why not.
fn check_refused(words: &[&str], reason: &str) -> Result<()> {
    let dir = live::shared_dir()?;
    let outcome = live::finish(&mut run(words, &dir.path().join("out.json"))?)?;
    outcome.expect_code(125)?;
    let said = text::sentences(&outcome.stderr);
    assert_eq!(said.len(), 1, "{words:?}: {said:?}");
    assert!(said[0].contains(reason), "{words:?}: {said:?}");
    Ok(())
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
    let most = 1 + account.lifetime_ns / NAP_NS;
    assert!((2..=most).contains(&ended), "{account:?}");
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

#[test]
fn what_a_process_has_started_is_followed_too() -> Result<()> {
    let dir = live::shared_dir()?;
    let (ready, out) = (dir.path().join("ready"), dir.path().join("out.json"));
    let script = "(sleep 600 & echo > \"$0\"; wait) & sleep 600 & wait";
    let tree = Tree::shell(script, &ready)?;
    live::until("the grandchild is there", || Ok(ready.exists()))?;
    let pid = tree.pid().to_string();
    let words = ["--pid", &pid, "--duration", "500ms"];
    live::finish(&mut run(&words, &out)?)?.expect_code(0)?;
    let report = Report::read(&out)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    assert_eq!((report.processes, report.started_before), (4, Some(3)));
    assert_eq!(report.attached, [tree.pid()]);
    live::finish(run(&words, &out)?.arg("--no-tree"))?.expect_code(0)?;
    let alone = Report::read(&out)?;
    assert_eq!((alone.processes, alone.started_before), (1, None));
    Ok(())
}

/// Children come before, while and after waitscope looks for them.
#[test]
fn children_that_come_meanwhile_are_followed_once() -> Result<()> {
    const CHILDREN: usize = 300;
    let dir = live::shared_dir()?;
    let (ready, out) = (dir.path().join("ready"), dir.path().join("out.json"));
    let script = "i=0; while [ $i -lt 300 ]; do sleep 600 & sleep 0.005; i=$((i+1)); done; \
                  echo > \"$0\"; wait";
    let tree = Tree::shell(script, &ready)?;
    let run = live::start(&mut run(&["--pid", &tree.pid().to_string()], &out)?)?;
    live::until("all are there", || Ok(ready.exists()))?;
    // The last ones begin to run, and waitscope to observe where that takes long.
    std::thread::sleep(Duration::from_secs(3));
    run.signal(libc::SIGINT)?;
    run.finish()?.expect_code(0)?;
    let report = Report::read(&out)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    let living = report.threads.iter().filter(|thread| thread.exit.is_none());
    let pids: Vec<u32> = living.map(|thread| thread.pid).collect();
    assert_eq!(pids.len(), CHILDREN + 1);
    assert_eq!(pids.iter().collect::<BTreeSet<_>>().len(), CHILDREN + 1);
    Ok(())
}

/// A copy of the actor under a name of its own, asleep.
fn napper(dir: &Path, name: &str) -> Result<Tree> {
    let program = dir.join(name);
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_actor"), &program)?;
    }
    let ready = tempfile::tempdir_in(dir)?.keep().join("ready");
    let tree = Tree::start(Command::new(program).arg("sleepers").arg(&ready))?;
    live::until("all sleepers sleep", || Ok(ready.exists()))?;
    Ok(tree)
}

#[test]
fn processes_are_found_by_their_name() -> Result<()> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("out.json");
    // Longer than the kernel keeps.
    let name = format!("n{}-is-a-long-name", std::process::id());
    let (first, second) = (napper(dir.path(), &name)?, napper(dir.path(), &name)?);
    let words = ["--comm", &name, "--duration", "300ms", "--all"];
    live::finish(&mut run(&words, &out)?)?.expect_code(0)?;
    let report = Report::read(&out)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    let pids = BTreeSet::from([first.pid(), second.pid()]);
    assert_eq!(
        report.attached.iter().copied().collect::<BTreeSet<_>>(),
        pids
    );
    assert_eq!((report.processes, report.threads.len()), (2, 12));
    let paths = report.critical_paths.context("a path for each")?;
    let roots = paths.iter().map(|path| report.threads[path.root].pid);
    let roots = roots.map(u32::cast_signed);
    assert_eq!(roots.collect::<BTreeSet<_>>(), pids);
    assert!(report.critical_path.is_some());

    check_refused(&["--comm", "no-such-name"], "no process named no-such-name")?;
    check_refused(&["--comm", "waitscope-"], "no process named waitscope-")
}

#[test]
fn threads_of_the_kernel_and_waitscope_itself_are_not_followed() -> Result<()> {
    if fs::read_to_string("/proc/2/comm").is_ok_and(|comm| comm == "kthreadd\n") {
        check_refused(&["--pid", "2"], "2 is a thread of the kernel")?;
        check_refused(&["--comm", "kthreadd"], "the name of kernel threads")?;
    }
    let dir = live::shared_dir()?;
    let tree = napper(dir.path(), "too-many")?;
    let pid = tree.pid().to_string();
    // Six threads are fewer than the least that can be had, so many processes are not.
    let many = Tree::shell(
        "i=0; while [ $i -lt 70 ]; do sleep 600 & i=$((i+1)); done; echo > \"$0\"; wait",
        &dir.path().join("ready"),
    )?;
    live::until("all are there", || Ok(dir.path().join("ready").exists()))?;
    let words = [
        "--pid",
        &pid,
        &many.pid().to_string(),
        "--max-threads",
        "64",
    ];
    check_refused(&words, "too many threads")
}

/// A control group of its own for a test, where one can be made.
struct Group {
    folder: PathBuf,
    mounted: bool,
}

impl Group {
    fn make(dir: &Path) -> Result<Group> {
        let name = format!("waitscope-test-{}", std::process::id());
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        for line in mounts.lines() {
            let mut words = line.split(' ').skip(1);
            let (Some(folder), Some("cgroup" | "cgroup2")) = (words.next(), words.next()) else {
                continue;
            };
            let folder = Path::new(folder).join(&name);
            if fs::create_dir(&folder).is_ok() {
                let mounted = false;
                return Ok(Group { folder, mounted });
            }
        }
        let mount = dir.join("cgroup");
        fs::create_dir(&mount)?;
        let mut command = Command::new("mount");
        command.args(["-t", "cgroup2", "none"]).arg(&mount);
        anyhow::ensure!(command.status()?.success(), "no control groups");
        let (folder, mounted) = (mount.join(name), true);
        fs::create_dir(&folder)?;
        Ok(Group { folder, mounted })
    }

    fn take(&self, below: &str, pid: i32) -> Result<()> {
        let folder = self.folder.join(below);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join("cgroup.procs"), pid.to_string())?)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for folder in [self.folder.join("below"), self.folder.clone()] {
            let _not_there = fs::remove_dir(folder);
        }
        if self.mounted {
            let mount = self.folder.parent().unwrap_or(Path::new("/"));
            let _left = Command::new("umount").arg(mount).status();
        }
    }
}

#[test]
fn processes_are_found_by_their_control_group() -> Result<()> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("out.json");
    let group = Group::make(dir.path())?;
    {
        let (one, two) = (napper(dir.path(), "one")?, napper(dir.path(), "two")?);
        let _other = napper(dir.path(), "other")?;
        group.take("", one.pid())?;
        group.take("below", two.pid())?;
        let folder = group.folder.to_string_lossy().into_owned();
        let words = ["--cgroup", &folder, "--duration", "300ms"];
        live::finish(&mut run(&words, &out)?)?.expect_code(0)?;
        let report = Report::read(&out)?;
        assert_eq!(audit::violations(&report), Vec::<String>::new());
        let expected = BTreeSet::from([one.pid(), two.pid()]);
        assert_eq!(
            report.attached.iter().copied().collect::<BTreeSet<_>>(),
            expected
        );
        assert_eq!(report.processes, 2);
        if let Ok(below) = group.folder.strip_prefix("/sys/fs/cgroup") {
            let below = below.to_string_lossy().into_owned();
            let words = ["--cgroup", &below, "--duration", "10ms"];
            live::finish(&mut run(&words, &out)?)?.expect_code(0)?;
        }
    }
    let folder = group.folder.to_string_lossy().into_owned();
    live::until("the group is empty", || {
        Ok(fs::read_to_string(group.folder.join("cgroup.procs"))?.is_empty())
    })?;
    check_refused(
        &["--cgroup", &folder],
        "there is no process in the control group",
    )?;
    check_refused(
        &["--cgroup", "no/such"],
        "there is no control group no/such",
    )
}

/// What was before the delay is not in the account, which begins for all at once; and
/// a command runs on unobserved.
#[test]
fn a_commands_account_begins_and_ends_when_it_shall() -> Result<()> {
    let dir = live::shared_dir()?;
    let path = |name: &str| dir.path().join(name);
    let (out, recording) = (path("out.json"), path("run.wsc"));
    let actor = env!("CARGO_BIN_EXE_actor");
    let script = "sleep 0.1; \"$0\" sleepers \"$1\" & until [ -e \"$1\" ]; do sleep 0.05; done; \
                  sleep 8; kill $!; exit 7";
    let mut command = run(&["--delay", "3s", "--duration", "1s"], &out)?;
    command.arg("--record").arg(&recording);
    command
        .args(["--", "sh", "-c", script, actor])
        .arg(path("ready"));
    let begun = std::time::Instant::now();
    let outcome = live::finish(&mut command)?;
    outcome.expect_code(7)?;
    assert!(
        begun.elapsed() > Duration::from_secs(8),
        "it was waited for"
    );
    let report = Report::read(&out)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    assert_eq!(report.exit, None);
    assert!(
        report.delay_ns >= Some(3_000_000_000),
        "{:?}",
        report.delay_ns
    );
    // And not the command's, which goes on for as long again, at least.
    assert!((1_000_000_000..5_000_000_000).contains(&report.wall_ns));
    let path = report.critical_path.as_ref().context("a path")?;
    assert_eq!(report.threads[path.root].comm, "sh");
    for (name, kind, _) in SLEEPERS {
        let account = &report.named(name)?.account;
        assert_eq!(account.open.len(), 1, "{account:?}");
        let open = &account.open[0];
        assert_eq!((open.kind.as_str(), open.begun_before), (*kind, true));
        assert_eq!(account.lifetime_ns, report.wall_ns, "{name}");
        assert_eq!(account.open_ns, account.lifetime_ns, "{name}");
    }
    // Ended before, and not begun by then.
    assert_eq!(
        report.threads.iter().filter(|t| t.comm == "sleep").count(),
        1
    );
    let mut replay = live::waitscope()?;
    replay
        .arg("report")
        .arg(&recording)
        .args(["--format", "json"]);
    let outcome = live::finish(&mut replay)?;
    outcome.expect_code(0)?;
    assert!(
        outcome.stdout == fs::read(&out)?,
        "the replay is another report"
    );
    Ok(())
}

#[test]
fn a_command_that_ends_before_the_delay_is_not_observed() -> Result<()> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("out.json");
    let mut command = run(&["--delay", "60s"], &out)?;
    let outcome = live::finish(command.args(["--", "sh", "-c", "exit 7"]))?;
    outcome.expect_code(7)?;
    let said = text::sentences(&outcome.stderr);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("nothing was observed"), "{said:?}");
    assert_eq!(Report::read(&out)?.threads.len(), 0);
    Ok(())
}
