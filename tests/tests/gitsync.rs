//! gitsync's workers sit in `waitpid`: the report says what their gits were doing
//! meanwhile. When the server lets each client wait for a known time, the
//! network's part is larger by just that.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gitsync_stage::daemon::GitDaemon;
use gitsync_stage::delay::Delay;
use gitsync_stage::stage::{Stage, gitsync};
use tempfile::TempDir;
use waitscope_tests::report::{Account, Blame, Report};
use waitscope_tests::{audit, live};

const REPOSITORIES: u64 = 8;
/// Not all at once: what holds up the whole machine holds up these.
const JOBS: u64 = 4;
/// 5 % of it are longer than anything else that a pull of nothing new waits for.
const DELAY: Duration = Duration::from_secs(1);
/// How the pool waits for its gits.
const KIND: &str = "child-exit";

/// A server and its clones.
struct Served {
    server: GitDaemon,
    clones: PathBuf,
}

/// One set of repositories, served at once and after a delay.
struct Servers {
    stage: Stage,
    delay: Delay,
    prompt: Served,
    delayed: Served,
    _dir: TempDir,
}

impl Servers {
    /// The prompt server has news for its clones, the delayed one has none.
    fn start() -> Result<Self> {
        let dir = live::shared_dir()?;
        let stage = Stage::build(dir.path(), REPOSITORIES)?;
        // By protocol 2 the server answers in pieces, and TCP holds the second one
        // back until the client acknowledges the first. It puts that off for 40 ms,
        // unless it has just waited for long: a delay would spare it those.
        stage.around().set("protocol.version", "0")?;
        let delay = Delay::new(DELAY, dir.path().join("delays"));
        let prompt = serve(&stage, "prompt", None)?;
        stage.move_on(1)?;
        let delayed = serve(&stage, "delayed", Some(&delay))?;
        Ok(Self {
            stage,
            delay,
            prompt,
            delayed,
            _dir: dir,
        })
    }

    /// From now on servers get a CPU at once. What they wait for one is the
    /// network's part too, and differs from run to run.
    fn prefer(&self) -> Result<()> {
        prefer(self.prompt.server.pid())?;
        prefer(self.delayed.server.pid())
    }

    /// `waitscope run -- gitsync …`, and its report.
    fn pull(&self, from: &Served) -> Result<Pulls> {
        let out = from.clones.with_extension("json");
        let mut run = live::waitscope()?;
        run.envs(self.stage.around().variables());
        run.args(["run", "-o"]).arg(&out).arg("--").arg(gitsync());
        run.args(["--mode", "threads", "--jobs", &JOBS.to_string()]);
        let outcome = live::finish(run.arg(&from.clones))?;
        outcome.expect_code(0)?;
        let report = Report::read(&out).with_context(|| outcome.stderr)?;
        assert_eq!(audit::violations(&report), Vec::<String>::new());
        Ok(Pulls {
            report,
            server: from.server.address(),
        })
    }

    /// Pulls from the delayed server, and how long that really let them wait, ns:
    /// nobody sleeps for exactly as long as he wants.
    fn pull_delayed(&self) -> Result<(Pulls, u64)> {
        let before = self.delay.delays()?.len();
        let pulls = self.pull(&self.delayed)?;
        let delays = self.delay.delays()?.split_off(before);
        ensure!(delays.len() as u64 == REPOSITORIES, "{delays:?}");
        ensure!(delays.iter().all(|delay| *delay >= DELAY), "{delays:?}");
        let ns = delays.iter().sum::<Duration>().as_nanos();
        Ok((pulls, u64::try_from(ns)?))
    }
}

fn serve(stage: &Stage, name: &str, delay: Option<&Delay>) -> Result<Served> {
    let server = stage.serve(&format!("{name}.log"), delay)?;
    let clones = stage.folder().join(name);
    stage.clone_all(&server, REPOSITORIES, &clones)?;
    Ok(Served { server, clones })
}

/// Lets nothing else on the machine keep a process, and those that it starts from
/// now on, from a CPU.
fn prefer(pid: u32) -> Result<()> {
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: the pointer is to a parameter on our stack.
    let set =
        unsafe { libc::sched_setscheduler(pid.cast_signed(), libc::SCHED_RR, &raw const priority) };
    ensure!(set == 0, "no priority: {}", io::Error::last_os_error());
    Ok(())
}

/// A traced run of gitsync.
struct Pulls {
    report: Report,
    server: SocketAddr,
}

impl Pulls {
    /// The account of gitsync's worker threads.
    fn pool(&self) -> Result<&Account> {
        let root = self.report.only("root", |t| t.creator_tid.is_none())?.pid;
        let threads = self.report.threads.iter();
        let workers = threads.filter(|t| t.pid == root && t.tid != root);
        let mut groups = self.report.groups.iter();
        let pool = groups.find(|group| group.name == "python3 gitsync (threads)");
        let pool = pool.context("no group of worker threads")?;
        assert_eq!(pool.threads, workers.count() as u64);
        Ok(&pool.account)
    }

    fn network_ns(&self) -> Result<u64> {
        // With the server's name where what it sent shows it: `127.0.0.1:9418 (git)`.
        let server = self.server.to_string();
        let is_server = |blame: &&Blame| {
            let address = blame.detail.as_deref().and_then(|d| d.split(' ').next());
            address == Some(&server)
        };
        let network = behind(self.pool()?, "network");
        Ok(network.filter(is_server).map(|blame| blame.ns).sum())
    }

    /// Every ns of the waits for gits is behind a cause, and nearly every one is
    /// known. Processes were started, and these programs computed.
    fn check_causes(&self, programs: &[&str]) -> Result<()> {
        let pool = self.pool()?;
        let of_kind = pool.blame.iter().filter(|blame| blame.kind == KIND);
        let all_ns: u64 = of_kind.map(|blame| blame.ns).sum();
        assert_eq!(all_ns, pool.kind_ns(KIND));
        let part_ns = |cause| behind(pool, cause).map(|blame| blame.ns).sum::<u64>();
        let (starting_ns, unknown_ns) = (part_ns("starting"), part_ns("unknown"));
        ensure!(
            starting_ns > 0 && unknown_ns <= all_ns / 20,
            "{:?}",
            pool.blame
        );
        let computed = |name: &str| {
            behind(pool, "computing").any(|blame| blame.detail.as_deref() == Some(name))
        };
        let missing: Vec<_> = programs.iter().filter(|name| !computed(name)).collect();
        ensure!(missing.is_empty(), "no {missing:?}: {:?}", pool.blame);
        Ok(())
    }
}

/// What the waits for gits are blamed on a cause.
fn behind<'a>(pool: &'a Account, cause: &'a str) -> impl Iterator<Item = &'a Blame> {
    let blame = pool.blame.iter();
    blame.filter(move |blame| blame.kind == KIND && blame.cause == cause)
}

#[test]
fn the_network_behind_a_pool_of_gits_is_the_servers_delay() -> Result<()> {
    let servers = Servers::start()?;
    let news = servers.pull(&servers.prompt)?;
    news.check_causes(&["git fetch", "git unpack-objects", "git merge"])?;
    ensure!(news.network_ns()? > 0, "{:?}", news.pool()?.blame);
    servers.prefer()?;
    let prompt = servers.pull(&servers.prompt)?;
    prompt.check_causes(&["git pull", "git fetch", "git rev-parse"])?;
    let (delayed, delay_ns) = servers.pull_delayed()?;
    delayed.check_causes(&["git pull", "git fetch", "git rev-parse"])?;
    let (before, after) = (prompt.network_ns()?, delayed.network_ns()?);
    let rise = after.saturating_sub(before);
    ensure!(
        rise.abs_diff(delay_ns) <= delay_ns / 20,
        "network {before} ns, then {after} ns; delayed by {delay_ns} ns"
    );
    Ok(())
}
