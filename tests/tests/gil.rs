//! Waits for the interpreter lock of real Pythons: the first one in PATH and the
//! system's own, which on Debian is one file, stripped of all but `.dynsym`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use anyhow::{Context, Result, ensure};
use waitscope_tests::report::{Report, Thread};
use waitscope_tests::ticks::{Killed, ticks};
use waitscope_tests::{audit, live};

const SYSTEM: &str = "/usr/bin/python3";

/// Python: computes for half a second.
const COMPUTE: &str = "
import multiprocessing, os, sys, threading, time
def compute():
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        sum(range(10000))
def in_four(Worker):
    workers = [Worker(target=compute) for _ in range(4)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
";
const THREADS: &str = "in_four(threading.Thread)";

/// The interpreters themselves, not the scripts that choose one.
fn pythons() -> Result<BTreeSet<PathBuf>> {
    ["python3", SYSTEM].into_iter().map(interpreter).collect()
}

fn interpreter(name: &str) -> Result<PathBuf> {
    let mut ask = Command::new(name);
    let outcome = live::finish(ask.args(["-c", "import sys; print(sys.executable)"]))?;
    outcome.expect_code(0)?;
    let path = String::from_utf8(outcome.stdout)?;
    fs::canonicalize(path.trim()).with_context(|| format!("{name}: {path}"))
}

/// Tests that run together share it; one that would starve others has it alone.
static MACHINE: RwLock<()> = RwLock::new(());

fn share_machine() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

fn traced(python: &Path, code: &str) -> Result<Report> {
    let _shared = share_machine();
    traced_by(live::waitscope()?, &[python.as_os_str()], code)
}

/// Ahead of all else on the machine, which would have computing threads wait for
/// a CPU instead of the lock, or find it free each time they get one; but behind
/// waitscope, which has to look into the program before its threads are gone. And what
/// the host took of the CPUs meanwhile, ns: threads that had not the lock may have been
/// on them.
fn traced_ahead(python: &Path, code: &str) -> Result<(Report, u64)> {
    let _alone = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
    let [program, policy, priority] = ["chrt", "--fifo", "1"].map(OsStr::new);
    let python = [program, policy, priority, python.as_os_str()];
    let before_ns = live::stolen_ns()?;
    let report = traced_by(live::waitscope_ahead(2)?, &python, code)?;
    Ok((report, live::stolen_ns()? - before_ns))
}

fn traced_by(run: Command, python: &[&OsStr], code: &str) -> Result<Report> {
    let script = format!("{COMPUTE}{code}\n");
    let command = [python, &["-c".as_ref(), script.as_ref()]].concat();
    let (outcome, report) = live::traced_by(run, &[], &command)?;
    outcome.expect_code(0)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    Ok(report)
}

/// Threads besides the leader.
fn pool(report: &Report) -> Vec<&Thread> {
    let threads = report.threads.iter();
    threads.filter(|thread| thread.tid != thread.pid).collect()
}

fn gil_ns(report: &Report) -> u64 {
    let threads = report.threads.iter();
    threads.map(|t| t.account.kind_ns("gil")).sum()
}

/// These threads wait for nothing else on a futex.
fn wait_for_the_lock(pool: &[&Thread]) -> Result<()> {
    let of = |kind: &str| -> u64 { pool.iter().map(|t| t.account.kind_ns(kind)).sum() };
    let (gil, futex) = (of("gil"), of("futex"));
    ensure!(
        gil > 0 && futex * 20 < gil,
        "gil {gil} ns, futex {futex} ns: {pool:?}"
    );
    Ok(())
}

/// How long they waited for the lock, and how long they lived, ns.
fn waited_and_lived(pool: &[&Thread]) -> (u64, u64) {
    let waited = pool.iter().map(|t| t.account.kind_ns("gil"));
    (
        waited.sum(),
        pool.iter().map(|t| t.account.lifetime_ns).sum(),
    )
}

/// Who handed the lock to this thread.
fn givers(thread: &Thread) -> BTreeSet<u32> {
    let waits = thread.account.of_kind("gil");
    let wakes = waits.flat_map(|wait| &wait.wakes);
    let tasks = wakes.filter(|wake| wake.source == "task");
    tasks.filter_map(|wake| wake.tid).collect()
}

/// Three of four wait for the lock at any time.
#[test]
fn computing_threads_wait_for_the_lock_most_of_the_time() -> Result<()> {
    for python in pythons()? {
        let (report, stolen_ns) = traced_ahead(&python, THREADS)?;
        let pool = pool(&report);
        ensure!(pool.len() == 4, "{python:?}: {pool:?}");
        wait_for_the_lock(&pool)?;
        let (waited_ns, lived_ns) = waited_and_lived(&pool);
        ensure!(
            waited_ns * 10 > lived_ns.saturating_sub(stolen_ns) * 6,
            "{python:?}: {waited_ns} of {lived_ns}, {stolen_ns} stolen: {pool:?}"
        );
    }
    Ok(())
}

/// Each of the threads got it from another, held it while it ran, and gave it to
/// another.
#[test]
fn the_lock_is_handed_on_among_all_threads() -> Result<()> {
    for python in pythons()? {
        let (report, stolen_ns) = traced_ahead(&python, THREADS)?;
        assert_eq!(gil_problems(&report), Vec::<&str>::new());
        let pool = pool(&report);
        let all: BTreeSet<u32> = pool.iter().map(|thread| thread.tid).collect();
        let from: Vec<BTreeSet<u32>> = pool.iter().map(|thread| &givers(thread) & &all).collect();
        ensure!(from.iter().all(|givers| !givers.is_empty()), "{from:?}");
        let mut held_ns = 0;
        for thread in &pool {
            let gil = thread.account.gil.as_ref().context("nothing is reported")?;
            ensure!(gil.hand_overs > 0, "{thread:?}");
            // It computes whenever it has the lock.
            let run_ns = thread.account.on_cpu_ns + thread.account.runqueue_ns;
            ensure!(gil.held_ns <= run_ns, "{thread:?}");
            held_ns += gil.held_ns;
        }
        let computed_ns: u64 = pool.iter().map(|t| t.account.on_cpu_ns).sum();
        ensure!(
            held_ns * 2 + stolen_ns > computed_ns,
            "{held_ns} of {computed_ns} ns, {stolen_ns} stolen"
        );
    }
    Ok(())
}

/// As gitsync's does; Python keeps the lock at most while it starts them.
const RUN_PROGRAMS: &str = "
import concurrent.futures, subprocess
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: subprocess.run(['sleep', '0.5'], check=True), range(16)))
";

#[test]
fn a_pool_that_runs_programs_hardly_waits_for_the_lock() -> Result<()> {
    for python in pythons()? {
        let (report, stolen_ns) = traced_ahead(&python, RUN_PROGRAMS)?;
        let pool = pool(&report);
        ensure!(pool.len() == 8, "{python:?}: {pool:?}");
        let (waited_ns, lived_ns) = waited_and_lived(&pool);
        // All of them may have waited for one that the host kept from its CPU.
        ensure!(
            waited_ns.saturating_sub(stolen_ns * 8) * 100 < lived_ns,
            "{python:?}: {waited_ns} of {lived_ns}, {stolen_ns} stolen: {pool:?}"
        );
    }
    Ok(())
}

/// What could not be said of the lock.
fn gil_problems(report: &Report) -> Vec<&str> {
    let problems = report.coverage.problems.iter().map(String::as_str);
    problems.filter(|said| said.contains("GIL")).collect()
}

#[test]
fn computing_processes_have_a_lock_each() -> Result<()> {
    for python in pythons()? {
        let report = traced(
            &python,
            "in_four(multiprocessing.get_context('fork').Process)",
        )?;
        ensure!(report.processes == 5, "{python:?}: {}", report.processes);
        assert_eq!(gil_ns(&report), 0, "{python:?}");
    }
    Ok(())
}

/// Each has a lock at another place.
#[test]
fn several_interpreters_in_one_tree_are_distinguished() -> Result<()> {
    let _shared = share_machine();
    let pythons = pythons()?;
    let (script, mut command) = (format!("{COMPUTE}{THREADS}\n"), vec!["sh", "-c"]);
    let both = "code=$1; shift; for p; do \"$p\" -c \"$code\" & done; wait";
    command.extend([both, "sh", &script]);
    let paths: Vec<_> = pythons.iter().map(|p| p.to_string_lossy()).collect();
    command.extend(paths.iter().map(|path| &**path));
    let (outcome, report) = live::traced(&command)?;
    outcome.expect_code(0)?;
    let processes: BTreeSet<u32> = pool(&report).iter().map(|t| t.pid).collect();
    assert_eq!(processes.len(), pythons.len());
    for pid in processes {
        let mut pool = pool(&report);
        pool.retain(|thread| thread.pid == pid);
        wait_for_the_lock(&pool)?;
    }
    Ok(())
}

/// The process stays the same, its memory does not.
#[test]
fn an_exec_brings_another_lock() -> Result<()> {
    let pythons = pythons()?;
    let (first, last) = (pythons.first().context("a python")?, pythons.last());
    let last = last.context("a python")?.to_string_lossy();
    let code = format!(
        "{THREADS}\nif not sys.argv[1:]:\n os.execv({last:?}, [{last:?}, '-c', {:?}, 'again'])",
        format!("{COMPUTE}{THREADS}"),
    );
    let report = traced(first, &code)?;
    let pool = pool(&report);
    ensure!(report.processes == 1 && pool.len() == 8, "{pool:?}");
    let (before, after) = pool.split_at(4);
    wait_for_the_lock(before).context("before the exec")?;
    wait_for_the_lock(after).context("after the exec")
}

#[test]
fn a_forked_process_has_the_lock_of_its_parent() -> Result<()> {
    let code = format!("if os.fork() == 0: {THREADS}; os._exit(0)\nos.wait()");
    for python in pythons()? {
        let report = traced(&python, &code)?;
        ensure!(report.processes == 2, "{}", report.processes);
        wait_for_the_lock(&pool(&report))?;
    }
    Ok(())
}

#[test]
fn a_process_that_was_there_before_is_looked_at_too() -> Result<()> {
    let _shared = share_machine();
    let dir = live::shared_dir()?;
    let (ready, out) = (dir.path().join("ready"), dir.path().join("out.json"));
    let code = format!(
        "{COMPUTE}open({:?}, 'w')\n{}",
        ready.to_string_lossy(),
        [THREADS; 200].join("\n"),
    );
    let mut command = Command::new(interpreter(SYSTEM)?);
    let python = live::start(command.arg("-c").arg(code))?;
    live::until("start", || Ok(ready.exists()))?;
    let mut run = live::waitscope()?;
    run.args(["run", "--duration", "1s", "--pid"]);
    run.arg(python.pid().to_string()).arg("-o").arg(&out);
    live::finish(&mut run)?.expect_code(0)?;
    python.signal(libc::SIGKILL)?;
    python.finish()?;
    let report = Report::read(&out)?;
    wait_for_the_lock(&pool(&report))
}

#[test]
fn a_recording_says_the_same() -> Result<()> {
    let _shared = share_machine();
    let dir = live::shared_dir()?;
    let file = |name: &str| dir.path().join(name);
    let script = format!("{COMPUTE}{THREADS}\n");
    let mut run = live::waitscope()?;
    run.arg("run").arg("--record").arg(file("run.wsc"));
    run.arg("-o").arg(file("live.json")).arg("--");
    run.arg(interpreter(SYSTEM)?).args(["-c", &script]);
    live::finish(&mut run)?.expect_code(0)?;
    let mut again = live::waitscope()?;
    again.arg("report").arg(file("run.wsc"));
    again.arg("-o").arg(file("again.json"));
    live::finish(&mut again)?.expect_code(0)?;
    ensure!(gil_ns(&Report::read(&file("live.json"))?) > 0, "no gil");
    assert_eq!(fs::read(file("live.json"))?, fs::read(file("again.json"))?);
    Ok(())
}

/// A copy of the system's Python whose dynamic symbol has another name. Debian's
/// extension modules are part of it, so nothing looks for the name.
fn symbolless(dir: &Path) -> Result<PathBuf> {
    let mut bytes = fs::read(interpreter(SYSTEM)?)?;
    let name = b"\0_PyRuntime\0";
    let found = bytes.windows(name.len()).position(|part| part == name);
    let at = found.context("no such name in the file")?;
    bytes[at + 1] = b'x';
    let path = dir.join("python3-symbolless");
    fs::write(&path, bytes)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

#[test]
fn a_python_without_the_symbol_is_named_once() -> Result<()> {
    let dir = live::shared_dir()?;
    let python = symbolless(dir.path())?;
    let twice = format!("if os.fork() == 0: {THREADS}; os._exit(0)\nos.wait(); {THREADS}");
    let report = traced(&python, &twice)?;
    assert_eq!(gil_ns(&report), 0);
    let waited = |t: &&Thread| t.account.kind_ns("futex") + t.account.runqueue_ns;
    let waited_ns: u64 = pool(&report).iter().map(waited).sum();
    ensure!(waited_ns > 500_000_000, "{waited_ns} ns");
    let said = format!("cannot tell waits for the GIL of {} ", python.display());
    let problems = gil_problems(&report);
    ensure!(
        problems.len() == 1 && problems[0].starts_with(&said),
        "{problems:?}"
    );
    Ok(())
}

/// Two threads of a Python compute, and the first one sleeps.
#[test]
fn top_who_waits_for_the_interpreters_lock_waits_for_its_holder() -> Result<()> {
    let code = "
import threading, time
def compute():
    while True: pass
for _ in range(2): threading.Thread(target=compute, daemon=True).start()
time.sleep(300)
";
    let running = Killed(live::start(Command::new("python3").args(["-c", code]))?);
    let pid = running.0.pid();
    live::until("it computes", || {
        Ok(fs::read_dir(format!("/proc/{pid}/task"))?.count() == 3)
    })?;
    let mut known = 0;
    for tick in ticks(pid, &["-n", "8", "-d", "200ms"])? {
        let tasks = tick["tasks"].as_array().context("tasks")?;
        for task in tasks.iter().filter(|task| task["kind"] == "gil") {
            let other = &task["waits_for"];
            if other.is_null() {
                continue;
            }
            let is_it = other["why"] == "gil-holder" && other["tid"] != task["tid"];
            ensure!(is_it && other["tid"] != pid, "{task}");
            known += 1;
        }
    }
    ensure!(known > 0, "no holder is known");
    Ok(())
}
