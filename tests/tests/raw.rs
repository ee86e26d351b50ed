//! The raw tier: waitscope in a mount namespace of its own where the kernel
//! offers no type information.
//!
//! What the system call settles must be reported as it was; what it does not settle
//! must be `unknown`.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;

use anyhow::{Context, Result, ensure};
use waitscope_tests::live::{self, Outcome};
use waitscope_tests::report::{Account, Exit, Report, Thread, Wait, Wake};
use waitscope_tests::truth::{self, Measured};
use waitscope_tests::{audit, elf32, senders};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

/// Kinds that a call settles, and the calls that do.
const SETTLED: &[(&str, &[&str])] = &[
    ("child-exit", &["wait4", "waitid"]),
    ("vfork", &["vfork"]),
    ("epoll", &["epoll_wait", "epoll_pwait", "epoll_pwait2"]),
    ("poll", &["poll", "ppoll"]),
    ("select", &["select", "pselect6"]),
    ("futex", &["futex"]),
    ("sleep", &["nanosleep", "clock_nanosleep"]),
    ("signal", &["pause", "rt_sigsuspend", "rt_sigtimedwait"]),
    ("socket-recv", &["recvfrom", "recvmsg"]),
    ("socket-send", &["sendto", "sendmsg"]),
    ("socket-accept", &["accept", "accept4"]),
    ("socket-connect", &["connect"]),
    ("file-lock", &["flock", "fcntl"]),
    ("ipc", &["msgrcv", "semtimedop", "mq_timedreceive"]),
    ("io-uring", &["io_uring_enter"]),
    ("sync", &["fsync", "fdatasync", "sync", "syncfs", "msync"]),
];

/// Kinds that need no call: from the task's state, and from `contention_begin`.
const WITHOUT_CALL: &[&str] = &["stopped", "kernel-lock"];

/// What the report must say that it does not know.
const NOT_SEEN: &[&str] = &[
    "kernel functions of sleepers",
    "what a descriptor is",
    "program arguments",
    "exit statuses of threads",
    "interrupt context of wake-ups",
    "user stacks",
];

/// Hides the kernel's type information from a program, and shows it tracefs.
fn without_types(command: &mut Command) -> &mut Command {
    // SAFETY: plain system calls on constants, safe between fork and exec.
    unsafe { command.pre_exec(hide_types) }
}

fn hide_types() -> io::Result<()> {
    // SAFETY: no pointers.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } == -1 {
        return Err(io::Error::last_os_error());
    }
    mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE)?;
    mount(c"tracefs", c"/sys/kernel/tracing", 0)?;
    match mount(c"tmpfs", c"/sys/kernel/btf", 0) {
        // This kernel has none by itself.
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        mounted => mounted,
    }
}

/// Mounts a file system of a type on a place.
fn mount(kind: &std::ffi::CStr, place: &std::ffi::CStr, flags: libc::c_ulong) -> io::Result<()> {
    // SAFETY: the strings end in NUL; no data.
    let result = unsafe {
        libc::mount(
            kind.as_ptr(),
            place.as_ptr(),
            kind.as_ptr(),
            flags,
            ptr::null(),
        )
    };
    let error = io::Error::last_os_error();
    // It is mounted there already.
    if result == -1 && error.raw_os_error() != Some(libc::EBUSY) {
        return Err(error);
    }
    Ok(())
}

/// Runs a command under waitscope, which sees no type information.
fn traced<S: AsRef<OsStr>>(command: &[S]) -> Result<(Outcome, Report)> {
    let dir = live::shared_dir()?;
    let file = dir.path().join("report.json");
    let mut run = live::waitscope()?;
    run.args(["run", "--user-stacks", "-o"])
        .arg(&file)
        .arg("--")
        .args(command);
    let outcome = live::finish(without_types(&mut run))?;
    let report = Report::read(&file).with_context(|| outcome.stderr.clone())?;
    Ok((outcome, report))
}

#[test]
fn a_packet_is_its_senders_or_nobodys() -> Result<()> {
    let (outcome, report) = traced(&[ACTOR, "nagle", "40"])?;
    outcome.expect_code(0)?;
    let mut wrong = audit::violations(&report);
    wrong.extend(senders::violations(&report, 40)?);
    // How threads ended is not seen, but that they did.
    ensure!(report.still_running.is_none(), "{report:?}");
    assert_eq!(wrong, Vec::<String>::new());
    Ok(())
}

#[test]
fn what_the_call_settles_is_reported_and_the_rest_is_unknown() -> Result<()> {
    let dir = live::shared_dir()?;
    let file = dir.path().join("truth.jsonl");
    let arguments = [
        OsStr::new(env!("CARGO_BIN_EXE_truth")),
        OsStr::new("--truth"),
        file.as_os_str(),
        OsStr::new("--dir"),
        dir.path().as_os_str(),
    ];
    let before = live::stolen_ns()?;
    let (outcome, report) = traced(&arguments)?;
    let stolen_ns = live::stolen_ns()? - before;
    outcome.expect_code(0)?;
    let lines = truth::read(&file)?;
    let measured = truth::measured(&lines);
    let mut wrong = audit::violations(&report);
    wrong.extend(report.threads.iter().flat_map(guesses));
    for case in measured.iter().filter(|case| is_settled(case)) {
        wrong.extend(contradictions(&report, case, stolen_ns));
    }
    let kinds: BTreeSet<&str> = measured.iter().map(|case| case.kind.as_str()).collect();
    let seen_kinds = SETTLED.iter().filter(|(kind, _)| kinds.contains(kind));
    assert!(seen_kinds.count() >= SETTLED.len() - 2, "only {kinds:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Whether every call of a case settles its kind; the cases of `vfork` make
/// some of its waits by other calls.
fn is_settled(case: &Measured) -> bool {
    let by_call = SETTLED.iter().any(|(kind, _)| *kind == case.kind);
    (by_call || case.kind == "stopped") && case.kind != "vfork"
}

/// Waits of a kind that their call does not settle, or in a function that
/// nobody can have seen.
fn guesses(thread: &Thread) -> Vec<String> {
    let follows = |wait: &&Wait| {
        let call = wait.syscall.as_deref().unwrap_or_default();
        let settled = |(kind, calls): &(&str, &[&str])| *kind == wait.kind && calls.contains(&call);
        wait.kind == "unknown"
            || WITHOUT_CALL.contains(&wait.kind.as_str())
            || SETTLED.iter().any(settled)
    };
    let known = |wait: &&Wait| follows(wait) && wait.function.is_none();
    let waits = thread.account.waits.iter();
    waits
        .filter(|wait| !known(wait))
        .map(|wait| format!("{}: guessed {wait:?}", thread.comm))
        .collect()
}

/// How far a time may be from the truth: 1 % + 1 ms.
fn tolerance(truth_ns: u64) -> u64 {
    truth_ns / 100 + 1_000_000
}

/// Everything in the report that contradicts a settled case.
///
/// The time that a waking takes lies between wait and run queue, and the clocks
/// of scheduler and tracepoints set it down on either side (on an emulated
/// machine it is milliseconds): what was reported as a wait may exceed the truth by
/// no more than the run queue's time, and all together must be there.
fn contradictions(report: &Report, case: &Measured, stolen_ns: u64) -> Vec<String> {
    let is_subject = |thread: &Thread| (thread.pid, thread.tid) == (case.pid, case.tid);
    let thread = match report.only(&case.comm, is_subject) {
        Ok(thread) => thread,
        Err(error) => return vec![error.to_string()],
    };
    let account = &thread.account;
    let waits: Vec<&Wait> = account.of_kind(&case.kind).collect();
    let reported = account.kind_ns(&case.kind);
    let slack = tolerance(case.wait_ns) + stolen_ns;
    // The kernel may skip a run of a classic tracepoint's program: then a wait is
    // reported as unknown. How many may be so is asked below.
    let seen = account.runqueue_ns + account.on_cpu_ns + account.unknown_ns;
    let all = reported + on_the_way(account, &waits) + seen;
    let true_all = case.wait_ns + case.rundelay_ns + case.oncpu_ns;
    let mut found = Vec::new();
    if reported > case.wait_ns + case.rundelay_ns + slack || all + slack < true_all {
        found.push(format!("{reported} ns of {all} ns"));
    }
    let count: u64 = waits.iter().map(|wait| wait.count).sum();
    if count.abs_diff(case.count) > case.count / 20 + 2 {
        found.push(format!("{count} waits"));
    }
    // At another object than its own, a lock of the workload's say, others wake it.
    let own = waits.iter().max_by_key(|wait| wait.count);
    let own = own.map(|wait| &wait.object);
    let own = waits.iter().filter(|wait| Some(&wait.object) == own);
    found.extend(own.filter_map(|wait| wrong_wakers(wait, case)));
    for sentence in &mut found {
        *sentence = format!("{sentence}; {case:?}; {thread:#?}");
    }
    found
}

/// Time of waits for something else inside the same calls, or for a lock: to the
/// workload all that is one sleep.
fn on_the_way(account: &Account, waits: &[&Wait]) -> u64 {
    let same_call = |other: &&Wait| waits.iter().any(|wait| wait.syscall == other.syscall);
    let unknown = account.of_kind("unknown").filter(same_call);
    unknown.map(|wait| wait.total_ns).sum::<u64>() + account.kind_ns("kernel-lock")
}

/// A source may be unverified, but not wrong. A case that slept more often than
/// it called was disturbed, by a signal say, as often as that.
fn wrong_wakers(wait: &Wait, case: &Measured) -> Option<String> {
    let right = |source: &str| {
        source == "unverified" || case.expect_source.iter().any(|expected| expected == source)
    };
    let wrong: Vec<&Wake> = wait.wakes.iter().filter(|w| !right(&w.source)).collect();
    let count: u64 = wrong.iter().map(|wake| wake.count).sum();
    let ns: u64 = wrong.iter().map(|wake| wake.wait_ns).sum();
    let disturbed = case.count.saturating_sub(case.calls);
    (count > disturbed && ns > tolerance(case.wait_ns)).then(|| format!("ended by {wrong:?}"))
}

#[test]
fn the_report_names_the_tier_and_what_is_missing() -> Result<()> {
    let (outcome, report) = traced(&[ACTOR, "exit", "7"])?;
    outcome.expect_code(7)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    assert_eq!(report.tier, "raw");
    assert_eq!(report.exit, Some(Exit::Code(7)));
    let thread = report.named("actor")?;
    assert_eq!(thread.exit, None, "{thread:?}");
    let problems = &report.coverage.problems;
    for feature in NOT_SEEN {
        let said = problems.iter().any(|p| p.contains(feature));
        assert!(said, "{feature}: {problems:?}");
    }
    assert!(problems[0].contains("/sys/kernel/btf"), "{problems:?}");
    Ok(())
}

/// No nap of `s-nap` is shorter.
const NAP_NS: u64 = 1_500_000_000;

/// What the sleepers wait for, as far as their calls show.
const SLEEPERS: &[(&str, &str)] = &[
    ("s-epoll", "epoll"),
    ("s-futex", "futex"),
    ("s-sleep", "sleep"),
    ("s-pipe", "unknown"),
];

#[test]
fn threads_that_were_there_before_are_followed() -> Result<()> {
    let dir = live::shared_dir()?;
    let (ready, out) = (dir.path().join("ready"), dir.path().join("out.json"));
    let running = live::start(Command::new(ACTOR).arg("sleepers").arg(&ready))?;
    live::until("all sleepers sleep", || Ok(ready.exists()))?;
    let mut run = live::waitscope()?;
    let pid = running.pid().to_string();
    run.args(["run", "--pid", &pid, "--duration", "3500ms", "-o"]);
    live::finish(without_types(run.arg(&out)))?.expect_code(0)?;
    running.signal(libc::SIGTERM)?;
    running.finish()?;

    let report = Report::read(&out)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    assert_eq!(report.threads.len(), 6);
    for (name, kind) in SLEEPERS {
        let account = &report.named(name)?.account;
        assert_eq!(account.open.len(), 1, "{account:?}");
        let open = &account.open[0];
        assert_eq!((open.kind.as_str(), open.begun_before), (*kind, true));
        assert!(open.so_far_ns > 3_400_000_000, "{open:?}");
        assert_eq!(account.open_ns, account.lifetime_ns, "{name}");
    }
    let naps = &report.named("s-nap")?.account;
    let ended: u64 = naps.of_kind("sleep").map(|wait| wait.count).sum();
    // The account may last a second longer than asked for in a slow guest.
    let whole = naps.lifetime_ns / NAP_NS;
    assert!(
        (whole.saturating_sub(1)..=whole + 1).contains(&ended),
        "{naps:?}"
    );
    Ok(())
}

#[test]
fn an_exec_by_another_thread_keeps_the_process() -> Result<()> {
    let (outcome, report) = traced(&[ACTOR, "exec-by-thread"])?;
    outcome.expect_code(0)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    assert_eq!(report.processes, 1, "{:?}", report.threads);
    assert_eq!(report.threads.len(), 3, "{:?}", report.threads);
    // Of the two that bear the leader's id, the one that slept on.
    let napper = report.only("four naps", |thread| {
        thread.pid == thread.tid && thread.account.kind_ns("sleep") >= 200_000_000
    })?;
    assert_eq!(napper.comm, "actor");
    let naps: u64 = napper.account.of_kind("sleep").map(|w| w.count).sum();
    // Its own nap before the exec, four after it.
    assert_eq!(naps, 5, "{napper:?}");
    Ok(())
}

#[test]
fn a_32_bit_program_is_not_read_with_the_64_bit_table() -> Result<()> {
    let dir = live::shared_dir()?;
    let program = dir.path().join("naps32");
    fs::write(&program, elf32::program())?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let (outcome, report) = traced(&[&program])?;
    outcome.expect_code(elf32::STATUS)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    let account = &report.named("naps32")?.account;
    let naps: u64 = account.of_kind("unknown").map(|wait| wait.count).sum();
    // What a kernel hides is unknown time on this tier.
    let hidden = account.unknown_ns / u64::from(elf32::NAP_NS);
    assert!(naps + hidden >= elf32::NAPS, "{account:?}");
    assert!(account.waits.iter().all(|wait| wait.kind == "unknown"));
    Ok(())
}

const PROCESSES: usize = 2_000;

#[test]
fn every_process_of_a_storm_is_reported_once() -> Result<()> {
    let dir = live::shared_dir()?;
    let log = dir.path().join("storm.log");
    let log_arg = log.to_string_lossy().into_owned();
    let (outcome, report) = traced(&[ACTOR, "storm", &PROCESSES.to_string(), "8", &log_arg])?;
    outcome.expect_code(0)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    let mut seen: HashMap<u32, i64> = HashMap::new();
    for thread in &report.threads {
        ensure!(thread.pid == thread.tid, "a thread in a storm: {thread:?}");
        ensure!(thread.account.open_ns == 0, "left over: {thread:?}");
        *seen.entry(thread.pid).or_default() += 1;
    }
    for line in fs::read_to_string(&log)?.lines() {
        let (pid, _status) = line.split_once(' ').context("a log line")?;
        *seen.entry(pid.parse()?).or_default() -= 1;
    }
    seen.retain(|_, times| *times != 0);
    assert_eq!(seen.len(), 1, "more than the storm itself: {seen:?}");
    assert_eq!(report.threads.len(), PROCESSES + 1);
    Ok(())
}
