//! Descriptor tables against what their owners counted in /proc/self/fd.

use std::collections::HashMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use waitscope_tests::report::{FdTable, Report};
use waitscope_tests::{audit, live};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");
/// Threads of the pool.
const THREADS: usize = 32;

/// What a process said of itself.
struct Said {
    name: String,
    pid: u32,
    /// Descriptors that it counted; the folder that it read had one more.
    most: usize,
}

/// A run with these options, and what its processes said.
struct Run {
    report: Report,
    table: String,
    said: Vec<Said>,
}

fn run(options: &[&str]) -> Result<Run> {
    let dir = live::shared_dir()?;
    let at = |name| dir.path().join(name);
    let mut run = live::waitscope()?;
    run.arg("run").args(options);
    run.args(["--all", "-o"]).arg(at("out.json"));
    run.arg("-o").arg(at("out.txt"));
    run.args(["--", ACTOR, "fds", &THREADS.to_string()]);
    live::finish(run.arg(at("said")))?.expect_code(0)?;
    let report = Report::read(&at("out.json"))?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    Ok(Run {
        report,
        table: fs::read_to_string(at("out.txt"))?,
        said: said(&at("said"))?,
    })
}

fn said(path: &Path) -> Result<Vec<Said>> {
    let line = |line: &str| {
        let mut words = line.split(' ');
        let mut next = || words.next().context("three words");
        Ok(Said {
            name: next()?.to_owned(),
            pid: next()?.parse()?,
            most: next()?.parse()?,
        })
    };
    fs::read_to_string(path)?.lines().map(line).collect()
}

impl Run {
    fn tables(&self) -> Result<&[FdTable]> {
        self.report.fd_tables.as_deref().context("no tables")
    }

    /// The tables that a process used.
    fn of(&self, pid: u32) -> Result<Vec<&FdTable>> {
        let tables = self.tables()?.iter();
        Ok(tables.filter(|t| t.processes.contains(&pid)).collect())
    }

    /// Of the process of this name, which used one.
    fn only(&self, name: &str) -> Result<(&FdTable, &Said)> {
        let said = self.said.iter().find(|said| said.name == name);
        let said = said.with_context(|| name.to_owned())?;
        let tables = self.of(said.pid)?;
        ensure!(tables.len() == 1, "{name}: {tables:?}");
        Ok((tables[0], said))
    }
}

/// How many descriptors a look at a table may have found at the most, where a process has
/// counted so many: the folder's own came and went in between.
fn within(most: usize) -> RangeInclusive<usize> {
    most..=most + 1
}

#[test]
fn descriptor_tables_are_as_their_owners_counted() -> Result<()> {
    let run = run(&[])?;
    let mut wrong = Vec::new();
    for said in &run.said {
        let peaks: Vec<usize> = run.of(said.pid)?.iter().map(|t| t.open.peak).collect();
        if !peaks.iter().any(|peak| within(said.most).contains(peak)) {
            wrong.push(format!("{}: {peaks:?}, not {}", said.name, said.most));
        }
    }
    ensure!(wrong.len() as u64 <= run.report.skipped_runs(), "{wrong:?}");
    assert!(run.tables()?.iter().all(|table| table.targets.is_none()));
    check_pool(&run)?;
    check_sharing(&run)?;
    check_course(&run)?;
    check_table(&run)
}

/// One table of all threads, and one for each child.
fn check_pool(run: &Run) -> Result<()> {
    let (pool, _) = run.only("actor")?;
    assert_eq!(pool.threads_max, THREADS + 1, "{pool:?}");
    let children: Vec<&Said> = run.said.iter().filter(|s| s.name == "d-child").collect();
    assert_eq!(children.len(), THREADS);
    let mut unseen = 0;
    for child in children {
        let tables = run.of(child.pid)?;
        ensure!(
            tables.len() == 1 && tables[0].threads_max == 1,
            "{tables:?}"
        );
        let came = (tables[0].origin.as_str(), tables[0].inherited);
        unseen += u64::from(came != ("exec", Some(3)));
    }
    assert!(
        unseen <= run.report.skipped_runs(),
        "{unseen} execs not seen"
    );
    let open = run.report.fd_open.as_ref().context("no sum")?;
    assert!(open.peak_sum >= pool.open.peak + THREADS * 3, "{open:?}");
    assert!(open.tables_max > THREADS, "{open:?}");
    Ok(())
}

fn check_sharing(run: &Run) -> Result<()> {
    let (shared, _) = run.only("d-sharing")?;
    assert_eq!(
        (shared.processes.len(), shared.threads_max),
        (2, 2),
        "{shared:?}"
    );
    let unshared = run.said.iter().find(|said| said.name == "d-unshare");
    let unshared = unshared.context("d-unshare")?;
    let tables: HashMap<&str, &FdTable> = run
        .of(unshared.pid)?
        .into_iter()
        .map(|table| (table.origin.as_str(), table))
        .collect();
    let (own, left) = (tables.get("fork"), tables.get("unshare"));
    let (own, left) = own.zip(left).context("a table of each thread")?;
    assert!(within(unshared.most).contains(&own.open.peak), "{own:?}");
    assert_eq!(left.open.peak, unshared.most + 30, "{left:?}");
    assert_eq!((own.threads_max, left.threads_max), (2, 1));
    Ok(())
}

fn check_course(run: &Run) -> Result<()> {
    let (leak, _) = run.only("d-leak")?;
    let slope = leak.growth_per_s.context("no growth")?;
    assert!((9.5..=10.5).contains(&slope), "{slope}");
    let growing = run.tables()?.iter().filter(|t| t.growth_per_s.is_some());
    // Guests, which have the full tier, may open descriptors as slowly as a leak does.
    let is_slow = run.report.tier == "full";
    assert!(growing.count() == 1 || is_slow);
    let (closed, said) = run.only("d-close-range")?;
    assert!(closed.open.last + 40 <= said.most, "{closed:?}");
    let (rights, said) = run.only("d-rights")?;
    let sockets = rights.by_kind.as_ref().context("kinds")?["socket"];
    assert_eq!(
        (sockets, rights.open.first + 12),
        (2, said.most),
        "{rights:?}"
    );
    Ok(())
}

/// 85 of 100 are worth a word, 75 are not.
fn check_table(run: &Run) -> Result<()> {
    for (name, share) in [
        ("d-near", "% of the limit of 100"),
        ("d-leak", "more every second"),
    ] {
        let line = run
            .table
            .lines()
            .find(|l| l.contains(name) && l.contains("open"));
        let line = line.with_context(|| format!("{name}: {}", run.table))?;
        ensure!(line.contains(share) || run.table.contains(share), "{line}");
    }
    let shared = format!("{} threads of ", THREADS + 1);
    ensure!(run.table.contains(&shared), "{}", run.table);
    Ok(())
}

/// Every call was looked at, and so the folder's descriptor was seen as well.
#[test]
fn descriptor_peaks_are_exact_when_asked_for() -> Result<()> {
    let run = run(&["--fds"])?;
    for said in run.said.iter().filter(|said| said.name.starts_with("d-")) {
        let tables = run.of(said.pid)?;
        let alone = tables.iter().all(|table| table.threads_max == 1);
        if let ([table], true) = (tables.as_slice(), alone) {
            let open = &table.open;
            let is_right = !open.peak_exact || open.peak == said.most + 1;
            ensure!(is_right, "{}: {open:?}", said.name);
        }
    }
    let exact = run.tables()?.iter().filter(|table| table.open.peak_exact);
    let least = match run.report.skipped_runs() {
        0 => THREADS + 5,
        _ => 0,
    };
    assert!(exact.count() >= least, "{:?}", run.report.fd_tables);
    let (pool, _) = run.only("actor")?;
    assert!(!pool.open.peak_exact);
    Ok(())
}
