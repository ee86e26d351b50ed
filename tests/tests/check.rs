//! `waitscope check`: verdicts on what a small program does, what its exit codes mean, and
//! what is said of wrong files.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;
use waitscope_tests::live::{self, Outcome};
use waitscope_tests::text;

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

const HEAD: &str = "schema = \"waitscope.claims/1\"\n";

/// A claim about twenty sleeps of 10 ms.
fn claim(id: &str, rest: &str) -> String {
    format!("[[claim]]\nid = \"{id}\"\nsays = \"what {id} says\"\n{rest}\n")
}

/// One of each verdict that a whole run can have, however busy the machine is.
fn naps() -> String {
    [
        HEAD.to_owned(),
        claim(
            "sleeps",
            "holds = 'tree.share(sleep) >= 10% and root.wait(sleep) >= 100ms'",
        ),
        claim(
            "alone",
            "holds = 'tree.threads == 1 and tree.processes == 1'",
        ),
        claim("polls", "holds = 'tree.share(epoll) > 50%'"),
        claim(
            "half",
            "holds = 'tree.share(sleep) > 100%'\nrefuted = 'tree.share(sleep) < 1%'",
        ),
        claim(
            "quick",
            "seen = 'tree.waits(epoll) > 0'\nholds = 'tree.longest(epoll) < 1ms'",
        ),
        claim("ratio", "holds = 'tree.wait(sleep) / tree.wait(epoll) > 2'"),
    ]
    .concat()
}

const VERDICTS: &str = "sleeps = CORRECT\nalone = CORRECT\npolls = WRONG\nhalf = PARTIAL\n\
                        quick = NOT SEEN # nothing polls\nratio = CANNOT TELL\n";

fn check(folder: &Path, args: &[&str]) -> Result<Outcome> {
    let mut command = live::waitscope()?;
    live::finish(command.current_dir(folder).arg("check").args(args))
}

/// The same on the naps.
fn check_naps(folder: &Path, args: &[&str]) -> Result<Outcome> {
    let command = ["--", ACTOR, "naps", "20", "10000"];
    check(folder, &[args, &command].concat())
}

fn json(path: &Path) -> Result<Value> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_slice(&bytes)?)
}

fn verdicts(check: &Value) -> Vec<(&str, &str)> {
    let claims = check["claims"].as_array().into_iter().flatten();
    let verdicts = claims.map(|claim| (claim["id"].as_str(), claim["verdict"].as_str()));
    verdicts
        .filter_map(|(id, verdict)| Some((id?, verdict?)))
        .collect()
}

#[test]
fn verdicts_are_what_the_program_does() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    fs::write(folder.join("naps.toml"), naps())?;
    fs::write(folder.join("expected"), VERDICTS)?;
    let outputs = [
        "-o", "out.json", "-o", "out.md", "-o", "out.xml", "-o", "out.txt",
    ];
    let args = ["naps.toml", "--expect", "expected"];
    let outcome = check_naps(folder, &[&args[..], &outputs].concat())?;
    outcome.expect_code(0)?;
    assert!(
        outcome.stdout.starts_with(b"slept "),
        "stdout is the command's"
    );
    let out = json(&folder.join("out.json"))?;
    let lines: Vec<String> = verdicts(&out)
        .iter()
        .map(|(id, v)| format!("{id} = {v}"))
        .collect();
    let expected: Vec<&str> = VERDICTS
        .lines()
        .map(|line| line.split(" #").next().unwrap_or(""))
        .collect();
    assert_eq!(lines, expected);
    assert_eq!(out["schema"], "waitscope.check/1");
    assert_eq!(out["file"], "naps.toml");
    assert_eq!(out["runs"][0]["name"], "run");
    assert_eq!(out["runs"][0]["exit"]["code"], 0);
    let sleeps = &out["claims"][0];
    let wait = sleeps["values"]
        .as_array()
        .and_then(|values| values.iter().find(|v| v["unit"] == "ns"));
    let wait = wait.context("the wait is measured")?;
    assert!(wait["lo"].as_u64() >= Some(100_000_000), "{wait}");
    assert_eq!(sleeps["evidence"][0]["kind"], "sleep");
    assert!(
        sleeps["evidence"][0]["count"].as_u64() > Some(0),
        "{sleeps}"
    );
    // Value, bound and unit of each that is not as it was said to be.
    let table = fs::read_to_string(folder.join("out.txt"))?;
    for line in [
        "tree.share(epoll) 0 % (wants > 50 %)",
        "not seen: tree.waits(epoll) 0 (wants > 0)",
    ] {
        assert!(table.contains(line), "{table}");
    }
    assert_eq!(text::harmful(&table), Vec::<char>::new());
    assert!(fs::read_to_string(folder.join("out.md"))?.contains("| polls | **WRONG** |"));
    assert!(fs::read_to_string(folder.join("out.xml"))?.contains("errors=\"1\""));
    Ok(())
}

#[test]
fn exit_codes_say_what_was_found() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    let right = claim("A", "holds = 'tree.share(sleep) > 1%'");
    let wrong = claim("B", "holds = 'tree.share(epoll) > 1%'");
    let unseen = claim("C", "seen = 'tree.wait(epoll) > 0s'\nholds = 'wall > 0s'");
    for (claims, code) in [
        (vec![&right], 0),
        (vec![&right, &wrong], 1),
        (vec![&right, &unseen], 3),
        (vec![&unseen, &wrong], 1),
    ] {
        let claims: String = claims.into_iter().map(String::as_str).collect();
        fs::write(folder.join("a.toml"), format!("{HEAD}{claims}"))?;
        check_naps(folder, &["a.toml"])?.expect_code(code)?;
    }
    // How the command ended is in the output.
    fs::write(
        folder.join("a.toml"),
        format!("{HEAD}{}", claim("A", "holds = 'exit_code == 3'")),
    )?;
    check(folder, &["a.toml", "--", "sh", "-c", "exit 3"])?.expect_code(0)?;
    check(folder, &["a.toml", "--", "no-such-command-here"])?.expect_code(125)?;
    check(folder, &["a.toml", "no-such-recording.wsc"])?.expect_code(125)?;
    fs::write(folder.join("expected"), "A = WRONG\n")?;
    let unexpected = check(
        folder,
        &["a.toml", "--expect", "expected", "--", "sh", "-c", "exit 3"],
    )?;
    unexpected.expect_code(1)?;
    assert!(
        unexpected
            .stderr
            .contains("A is CORRECT, and WRONG was expected")
    );
    let contradiction = claim("A", "holds = 'wall > 0s'\nrefuted = 'wall > 0s'");
    fs::write(folder.join("a.toml"), format!("{HEAD}{contradiction}"))?;
    let outcome = check(folder, &["a.toml", "--", "true"])?;
    outcome.expect_code(2)?;
    assert!(
        outcome.stderr.contains("contradicts itself"),
        "{}",
        outcome.stderr
    );
    Ok(())
}

#[test]
fn recordings_and_reports_are_checked_as_runs_are() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    fs::write(folder.join("naps.toml"), naps())?;
    let record = ["naps.toml", "--record", ".", "-o", "live.json"];
    check_naps(folder, &record)?.expect_code(1)?;
    check(folder, &["naps.toml", "run.wsc", "-o", "recorded.json"])?.expect_code(1)?;
    let mut report = live::waitscope()?;
    report.args(["report", "run.wsc", "-o", "report.json"]);
    live::finish(report.current_dir(folder))?.expect_code(0)?;
    check(folder, &["naps.toml", "report.json", "-o", "read.json"])?.expect_code(1)?;
    let claims = |name: &str| Ok::<_, anyhow::Error>(json(&folder.join(name))?["claims"].clone());
    let live = claims("live.json")?;
    assert_eq!(claims("recorded.json")?, live);
    assert_eq!(claims("read.json")?, live);
    let table = check(folder, &["naps.toml", "run.wsc"])?;
    assert!(String::from_utf8_lossy(&table.stdout).contains("6 claims: 2 CORRECT"));
    assert_eq!(table.stderr, "", "what is read goes to stdout");
    Ok(())
}

#[test]
fn runs_side_by_side_are_made_or_given_by_name() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    let claims = [
        HEAD.to_owned(),
        format!("[run.few]\ncommand = [\"{ACTOR}\", \"naps\", \"5\", \"10000\"]\n"),
        format!("[run.many]\ncommand = [\"{ACTOR}\", \"naps\", \"20\", \"10000\"]\n"),
        claim(
            "longer",
            "holds = 'many:tree.wait(sleep) > few:tree.wait(sleep)'",
        ),
        claim(
            "same",
            "holds = 'many:tree.waits(sleep) / few:tree.waits(sleep) < 110%'",
        ),
    ];
    fs::write(folder.join("two.toml"), claims.concat())?;
    let made = check(folder, &["two.toml", "--record", ".", "-o", "made.json"])?;
    made.expect_code(1)?;
    let made = json(&folder.join("made.json"))?;
    assert_eq!(verdicts(&made), [("longer", "CORRECT"), ("same", "WRONG")]);
    assert_eq!(made["runs"][1]["name"], "many");
    let given = [
        "two.toml",
        "many=many.wsc",
        "few=few.wsc",
        "-o",
        "given.json",
    ];
    check(folder, &given)?.expect_code(1)?;
    assert_eq!(json(&folder.join("given.json"))?["claims"], made["claims"]);
    // The one that is not given is made.
    let one = ["two.toml", "few=few.wsc", "-o", "one.json"];
    check(folder, &one)?.expect_code(1)?;
    let one = json(&folder.join("one.json"))?;
    assert_eq!(verdicts(&one), verdicts(&made));
    let undeclared = claims.concat().replace("[run.many]", "[run.most]");
    fs::write(folder.join("other.toml"), undeclared)?;
    for (args, reason) in [
        (&["other.toml", "few=few.wsc"][..], "there is no run `many`"),
        (&["two.toml", "few.wsc", "many.wsc"], "each needs its name"),
        (&["two.toml", "few=few.wsc", "few=many.wsc"], "given twice"),
        (&["two.toml", "few=few.wsc", "--", "true"], "not on both"),
    ] {
        let outcome = check(folder, args)?;
        outcome.expect_code(2)?;
        assert!(
            outcome.stderr.contains(reason),
            "{args:?}: {}",
            outcome.stderr
        );
    }
    Ok(())
}

#[test]
fn a_report_ends_with_the_verdicts() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    fs::write(folder.join("naps.toml"), naps())?;
    let mut run = live::waitscope()?;
    run.args([
        "run",
        "--check",
        "naps.toml",
        "-o",
        "out.json",
        "-o",
        "out.txt",
        "--",
    ]);
    let outcome = live::finish(
        run.args(["sh", "-c"])
            .arg(format!("{ACTOR} naps 20 10000; exit 7"))
            .current_dir(folder),
    )?;
    outcome.expect_code(7)?;
    let table = fs::read_to_string(folder.join("out.txt"))?;
    assert!(
        table
            .lines()
            .last()
            .is_some_and(|line| line.starts_with(" 6 claims: ")),
        "{table}"
    );
    let out = json(&folder.join("out.json"))?;
    assert_eq!(verdicts(&out).len(), 6);
    for command in [
        &["run", "--check", "none.toml", "--", "true"][..],
        &["report", "--check", "none.toml", "out.json"],
    ] {
        let mut refused = live::waitscope()?;
        let outcome = live::finish(refused.args(command).current_dir(folder))?;
        outcome.expect_code(2)?;
    }
    Ok(())
}

/// The same verdicts as of the run, whether the report is of its recording or of JSON.
#[test]
fn a_report_of_a_recording_ends_with_the_verdicts() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    fs::write(folder.join("naps.toml"), naps())?;
    check_naps(folder, &["naps.toml", "--record", ".", "-o", "live.json"])?.expect_code(1)?;
    let report = |args: &[&str]| {
        let mut command = live::waitscope()?;
        command.current_dir(folder).arg("report");
        live::finish(command.args(["--check", "naps.toml"]).args(args))
    };
    let outcome = report(&["run.wsc", "-o", "of.json", "-o", "-"])?;
    outcome.expect_code(0)?;
    let table = String::from_utf8_lossy(&outcome.stdout);
    let last = table.lines().last().unwrap_or_default();
    assert!(last.starts_with(" 6 claims: 2 CORRECT"), "{table}");
    let live = json(&folder.join("live.json"))?["claims"].clone();
    assert_eq!(json(&folder.join("of.json"))?["claims"], live);
    report(&["of.json", "-o", "again.json"])?.expect_code(0)?;
    assert_eq!(json(&folder.join("again.json"))?["claims"], live);
    let over = report(&["run.wsc", "--format", "json", "-o", "naps.toml"])?;
    over.expect_code(2)?;
    assert_eq!(fs::read_to_string(folder.join("naps.toml"))?, naps());
    fs::write(folder.join("naps.toml"), bad("wall > 5m"))?;
    let wrong = report(&["run.wsc"])?;
    wrong.expect_code(2)?;
    assert!(wrong.stderr.contains("naps.toml:7:"), "{}", wrong.stderr);
    Ok(())
}

/// Within a second, of several tries one: others want the CPU, too.
fn at_once(check: impl Fn() -> Result<Outcome>) -> Result<Outcome> {
    const TRIES: usize = 5;
    for _ in 0..TRIES {
        let begin = Instant::now();
        let outcome = check()?;
        if begin.elapsed() < Duration::from_secs(1) {
            return Ok(outcome);
        }
    }
    anyhow::bail!("takes more than a second")
}

/// Where it is, in a file of one claim.
fn bad(holds: &str) -> String {
    format!(
        "{HEAD}[who.pool]\nthreads = \"others\"\n{}",
        claim("A", &format!("holds = \"{holds}\""))
    )
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn wrong_files_are_one_clear_message_at_once() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    let twice = [
        claim("A", "holds = 'wall > 1s'"),
        claim("A", "holds = 'wall > 1s'"),
    ]
    .concat();
    let mark = "\u{feff}";
    let cases: [(&str, Vec<u8>, &str, &str); 13] = [
        (
            "mismatch",
            bad("pool.share(epoll) > 5ms").into(),
            "7:30",
            "a share is compared with a time",
        ),
        (
            "metric",
            bad("pool.shar(epoll) > 5%").into(),
            "7:15",
            "did you mean `share`?",
        ),
        (
            "selection",
            bad("pol.share(epoll) > 5%").into(),
            "7:10",
            "did you mean `pool`?",
        ),
        (
            "run",
            bad("x:pool.wait > 5s").into(),
            "7:10",
            "there is no run `x`",
        ),
        (
            "kind",
            bad("pool.share(epol) > 5%").into(),
            "7:21",
            "did you mean `epoll`?",
        ),
        (
            "long",
            bad(&format!("{}1 > 0", "1+".repeat(50_000))).into(),
            "7:10",
            "too long",
        ),
        (
            "deep",
            bad(&format!(
                "{}1{} > 0",
                "(".repeat(10_000),
                ")".repeat(10_000)
            ))
            .into(),
            "7:10",
            "too long",
        ),
        (
            "deeper",
            bad(&format!("{}1 > 0", "(".repeat(200))).into(),
            "7:75",
            "64 deep",
        ),
        (
            "twice",
            format!("{HEAD}{twice}").into(),
            "7:6",
            "there is a claim \"A\" already",
        ),
        (
            "no-toml",
            b"\x7fELF\x01\x02".to_vec(),
            "1:",
            "this is not TOML",
        ),
        ("empty", Vec::new(), "1:1", "this file is empty"),
        (
            "windows",
            format!("{mark}{}", bad("wall > 5m").replace('\n', "\r\n")).into(),
            "7:18",
            "did you mean `min`?",
        ),
        ("utf-8", b"# caf\xe9\n".to_vec(), "1:6", "this is not UTF-8"),
    ];
    for (name, bytes, place, message) in cases {
        let file = format!("{name}.toml");
        fs::write(folder.join(&file), bytes)?;
        let outcome = at_once(|| check(folder, &[&file, "--", "touch", "ran"]))?;
        outcome.expect_code(2)?;
        assert!(
            outcome.stderr.contains(&format!("{file}:{place}")),
            "{name}: {}",
            outcome.stderr
        );
        assert!(
            outcome.stderr.contains(message),
            "{name}: {}",
            outcome.stderr
        );
        assert_eq!(
            outcome.stderr.matches("error: ").count(),
            1,
            "{name}: {}",
            outcome.stderr
        );
        assert_eq!(text::harmful(&outcome.stderr), Vec::<char>::new());
    }
    fs::write(folder.join("alone.toml"), bad("wall > 5s"))?;
    let outcome = check(folder, &["alone.toml"])?;
    outcome.expect_code(2)?;
    assert!(
        outcome.stderr.contains("alone.toml:4:1"),
        "{}",
        outcome.stderr
    );
    assert!(!folder.join("ran").exists(), "nothing is run");
    Ok(())
}

#[test]
fn several_files_are_checked_together() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    fs::write(
        folder.join("a.toml"),
        format!("{HEAD}{}", claim("A", "holds = 'wall > 0s'")),
    )?;
    fs::write(
        folder.join("b.toml"),
        format!("{HEAD}{}", claim("B", "holds = 'wall > 0s'")),
    )?;
    check_naps(folder, &["a.toml", "b.toml", "-o", "out.json"])?.expect_code(0)?;
    let out = json(&folder.join("out.json"))?;
    assert_eq!(verdicts(&out), [("A", "CORRECT"), ("B", "CORRECT")]);
    assert_eq!(out["files"], serde_json::json!(["a.toml", "b.toml"]));
    let same = check_naps(folder, &["a.toml", "a.toml"])?;
    same.expect_code(2)?;
    assert!(same.stderr.contains("in a.toml already"), "{}", same.stderr);
    Ok(())
}

/// An output in the place of an input is refused, as everywhere.
#[test]
fn a_claim_file_is_not_overwritten() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    let text = format!("{HEAD}{}", claim("A", "holds = 'wall > 0s'"));
    fs::write(folder.join("a.toml"), &text)?;
    let args = ["a.toml", "-o", "a.toml", "--format", "json"];
    check_naps(folder, &args)?.expect_code(2)?;
    assert_eq!(fs::read_to_string(folder.join("a.toml"))?, text);
    check(folder, &[])?.expect_code(2)
}

#[test]
fn metrics_are_listed() -> Result<()> {
    let dir = live::shared_dir()?;
    let text = check(dir.path(), &["--list-metrics"])?;
    text.expect_code(0)?;
    assert!(String::from_utf8_lossy(&text.stdout).contains("runqueue_latency_p99"));
    let list = check(dir.path(), &["--list-metrics", "--format", "json"])?;
    let list: Value = serde_json::from_slice(&list.stdout)?;
    assert_eq!(list["schema"], "waitscope.metrics/1");
    check(dir.path(), &["--list-metrics", "--format", "junit"])?.expect_code(2)
}
