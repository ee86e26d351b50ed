//! Threads that change what they are: their program, their name, their word
//! size; and names that are an attack.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Context, Result};
use waitscope_tests::report::{Exit, Report};
use waitscope_tests::{audit, elf32, live, text};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

#[test]
fn an_exec_by_another_thread_keeps_the_process() -> Result<()> {
    let (outcome, report) = live::traced(&[ACTOR, "exec-by-thread"])?;
    outcome.expect_code(0)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    assert_eq!(report.processes, 1, "{:?}", report.threads);
    assert!(report.threads.iter().all(|thread| thread.exit.is_some()));
    // First thread, bystander, and the one that becomes the first: three
    // threads, of which one goes by two ids.
    assert_eq!(report.threads.len(), 3, "{:?}", report.threads);
    let napper = report.only("four naps", |thread| {
        thread.pid == thread.tid
            && thread.account.kind_ns("sleep") >= 200_000_000
            && thread.account.lifetime_ns < 2_000_000_000
            && thread.exit == Some(Exit::Code(0))
            && thread.comm == "actor"
    })?;
    let naps: u64 = napper.account.of_kind("sleep").map(|wait| wait.count).sum();
    // Its own nap before the exec, four after it.
    assert_eq!(naps, 5, "{napper:?}");
    // What the run took was the process's, to the end of its new leader.
    let ends = report.threads.iter().map(|thread| thread.end_ns);
    let path = report.critical_path.as_ref().context("a path")?;
    assert_eq!(
        (path.from_ns, Some(path.to_ns)),
        (0, ends.max()),
        "{path:?}"
    );
    assert!(path.to_ns >= 250_000_000, "{path:?}");
    Ok(())
}

#[test]
fn a_thread_is_known_by_its_last_name() -> Result<()> {
    let (outcome, report) = live::traced(&[ACTOR, "rename"])?;
    outcome.expect_code(0)?;
    let thread = report.named("third")?;
    assert_eq!(
        thread
            .account
            .of_kind("sleep")
            .map(|wait| wait.count)
            .sum::<u64>(),
        3
    );
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let account = &thread.account;
    assert!(
        account.slept_within(text.trim().parse()?),
        "{text}{account:?}"
    );
    Ok(())
}

#[test]
fn a_descriptor_is_reported_again_when_it_is_another_file() -> Result<()> {
    const ROUNDS: u64 = 50;
    let (outcome, report) = live::traced(&[ACTOR, "reuse", &ROUNDS.to_string()])?;
    outcome.expect_code(0)?;
    let thread = report.only("the first", |thread| thread.pid == thread.tid)?;
    for (kind, object) in [
        ("event", "[eventfd]"),
        ("timer", "[timerfd]"),
        ("socket-recv", "127.0.0.2:9"),
        ("socket-recv", "127.0.0.3:9"),
    ] {
        let waits = thread.account.of_kind(kind);
        let on_it = waits.filter(|wait| wait.object.as_ref().is_some_and(|o| o.contains(object)));
        let count: u64 = on_it.map(|wait| wait.count).sum();
        // Who loses the CPU for a moment finds the time over, and does not wait.
        let most = ROUNDS * 8 / 10..=ROUNDS;
        assert!(most.contains(&count), "{count} {kind} {object}: {thread:?}");
    }
    Ok(())
}

/// Its system call numbers belong to another table: 162 is `nanosleep` there
/// and `sync` here.
#[test]
fn a_32_bit_program_is_not_read_with_the_64_bit_table() -> Result<()> {
    let dir = live::shared_dir()?;
    let program = dir.path().join("naps32");
    fs::write(&program, elf32::program())?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let (outcome, report) = live::traced(&[&program])?;
    outcome.expect_code(elf32::STATUS)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    let thread = report.named("naps32")?;
    let waits: Vec<_> = thread.account.of_kind("sleep").collect();
    assert_eq!(
        waits.iter().map(|wait| wait.count).sum::<u64>(),
        elf32::NAPS,
        "{thread:?}"
    );
    assert!(thread.account.kind_ns("sync") == 0, "{thread:?}");
    // One of them may have been hidden by the kernel.
    let known = waits
        .iter()
        .filter(|wait| wait.function.as_deref() == Some("hrtimer_nanosleep"));
    let known = known.flat_map(|wait| &wait.wakes);
    let by_timer = known.filter(|wake| wake.source == "timer");
    let by_timer: u64 = by_timer.map(|wake| wake.count).sum();
    assert!(by_timer + 1 >= elf32::NAPS, "{waits:?}");
    Ok(())
}

#[test]
fn hostile_names_do_not_reach_the_terminal() -> Result<()> {
    let dir = live::shared_dir()?;
    for colour in ["never", "always"] {
        let (table, json) = (dir.path().join("out.txt"), dir.path().join("out.json"));
        let mut run = live::waitscope()?;
        run.args(["run", "--per-thread", "--all", "--color", colour]);
        run.arg("-o").arg(&table).arg("-o").arg(&json);
        let outcome = live::finish(run.args(["--", ACTOR, "hostile-names"]))?;
        outcome.expect_code(0)?;
        let report = Report::read(&json)?;
        let comm = |comm: &str| report.threads.iter().any(|thread| thread.comm == comm);
        assert!(comm("\u{1b}[31mred") && comm("two\nlines"), "{report:?}");
        for file in [&table, &json] {
            let seen = String::from_utf8(fs::read(file)?).context("UTF-8")?;
            assert!(!seen.is_empty());
            let seen = text::without_colour(&seen);
            assert_eq!(text::harmful(&seen), [], "{}", file.display());
        }
        let seen = fs::read_to_string(&table)?;
        assert!(seen.contains("bell") || seen.contains("be"), "{seen}");
        assert!(!seen.contains("\u{1b}[31mred"), "{seen}");
    }
    Ok(())
}

#[test]
fn arguments_are_whole_or_marked_as_cut() -> Result<()> {
    let numbers = |n: u32| (1..=n).map(|n| n.to_string());
    for count in [5, 86, 87, 201] {
        let words: Vec<String> = ["/bin/echo".to_owned()]
            .into_iter()
            .chain(numbers(count))
            .collect();
        let (_, report) = live::traced(&words)?;
        let thread = report.named("echo")?;
        assert_eq!(report.command, words);
        let seen = thread.argv.len();
        let is_whole = thread.argv == words;
        assert_eq!(
            thread.argv_cut,
            !is_whole,
            "{seen} of {} words",
            words.len()
        );
        let last = seen.saturating_sub(1);
        assert_eq!(thread.argv[..last], words[..last]);
        assert!(words[last].starts_with(&thread.argv[last]));
    }
    let mut table = live::waitscope()?;
    table
        .args(["run", "--per-thread", "--", "/bin/echo"])
        .args(numbers(200));
    let outcome = live::finish(&mut table)?;
    assert!(outcome.stderr.contains('…'), "{}", outcome.stderr);
    Ok(())
}

/// As nginx, postgres or sshd do, which run under their own name.
#[test]
fn a_title_over_the_arguments_is_not_the_name_of_a_program() -> Result<()> {
    let dir = live::shared_dir()?;
    let nginx = dir.path().join("nginx");
    fs::copy(ACTOR, &nginx)?;
    let mut options = Vec::new();
    let mut running = Vec::new();
    for title in ["nginx: master process nginx -c /etc/x/nginx.conf", "nginx"] {
        let ready = dir.path().join(title.len().to_string());
        let mut command = Command::new(&nginx);
        command.args(["title", title]).arg(&ready);
        // Room for a title and NULs behind it.
        let process = live::start(command.arg(" ".repeat(80)))?;
        live::until("the title is written", || Ok(ready.exists()))?;
        options.extend(["--pid".to_owned(), process.pid().to_string()]);
        running.push((process, title));
    }
    let out = dir.path().join("out.json");
    let mut run = live::waitscope()?;
    run.arg("run").args(&options).args(["--duration", "200ms"]);
    live::finish(run.arg("-o").arg(&out))?.expect_code(0)?;
    let report = Report::read(&out)?;
    let groups: Vec<_> = report
        .groups
        .iter()
        .map(|g| (&*g.name, g.threads))
        .collect();
    assert_eq!(groups, [("nginx", 2)], "{:?}", report.threads);
    for (process, title) in running {
        let pid = process.pid().unsigned_abs();
        let thread = report.only("the process", |thread| thread.pid == pid)?;
        assert_eq!(
            (thread.title.as_deref(), &*thread.argv),
            (Some(title), &[][..])
        );
    }
    Ok(())
}

#[test]
fn a_program_that_runs_itself_is_one_group_however_deep() -> Result<()> {
    const DEPTH: u64 = 30;
    let names = |report: &Report| {
        let groups = report.groups.iter();
        let mut names: Vec<_> = groups.map(|g| (g.name.clone(), g.threads)).collect();
        names.sort_unstable();
        names
    };
    let (outcome, report) = live::traced(&[ACTOR, "nest", &DEPTH.to_string()])?;
    outcome.expect_code(0)?;
    let of_actor = [("actor", 1), ("actor (nested)", DEPTH)];
    assert_eq!(
        names(&report),
        of_actor.map(|(name, n)| (name.to_owned(), n))
    );
    let mut script = "sleep 0.01; true".to_owned();
    for _ in 0..DEPTH {
        script = format!("({script}); true");
    }
    let (outcome, report) = live::traced(&["/bin/sh", "-c", &script])?;
    outcome.expect_code(0)?;
    let of_shell = [("sh", 1), ("sh (forked)", DEPTH), ("sleep", 1)];
    assert_eq!(
        names(&report),
        of_shell.map(|(name, n)| (name.to_owned(), n))
    );
    Ok(())
}
