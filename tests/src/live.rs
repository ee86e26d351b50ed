//! Running waitscope, and any program, with a time limit.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use proc_stat::Stat;
use tempfile::TempDir;

use crate::hung;
use crate::report::Report;

/// Nothing in these tests takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_secs(150);

/// Variables that change what waitscope does; a test sets its own.
const INFLUENTIAL: &[&str] = &[
    "SUDO_UID",
    "SUDO_GID",
    "SUDO_USER",
    "SUDO_COMMAND",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
];

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The binary under test: `$WAITSCOPE_BIN`, or the release build, relative to
/// the root of the workspace.
pub fn binary() -> Result<PathBuf> {
    let path =
        env::var_os("WAITSCOPE_BIN").map_or("target/release/waitscope".into(), PathBuf::from);
    let path = workspace().join(path);
    path.canonicalize()
        .with_context(|| format!("{}: build waitscope first", path.display()))
}

/// waitscope with nothing on its input and no inherited settings.
pub fn waitscope() -> Result<Command> {
    Ok(quiet(Command::new(binary()?)))
}

/// waitscope as [`waitscope`], but ahead of all that has no real-time priority, or a
/// lower one. Its children have that, too.
pub fn waitscope_ahead(priority: u32) -> Result<Command> {
    let mut command = Command::new("chrt");
    command
        .arg("--fifo")
        .arg(priority.to_string())
        .arg(binary()?);
    Ok(quiet(command))
}

fn quiet(mut command: Command) -> Command {
    command.stdin(Stdio::null());
    for name in INFLUENTIAL {
        command.env_remove(name);
    }
    command
}

/// A directory that every user may write to.
pub fn shared_dir() -> Result<TempDir> {
    let base = workspace().join("target/tmp");
    fs::create_dir_all(&base)?;
    let dir = tempfile::tempdir_in(base.canonicalize()?)?;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777))?;
    Ok(dir)
}

/// Before 5.11 maps are locked memory, of which a user without rights has little.
/// Elsewhere a refusal does not matter.
pub fn lock_any_memory(command: &mut Command) {
    // SAFETY: a plain system call, safe between fork and exec.
    unsafe { command.pre_exec(raise_locked_memory) };
}

fn raise_locked_memory() -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: `limit` is initialised.
    let _refused = unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) };
    Ok(())
}

/// What a finished program left.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// All it wrote to stdout.
    pub stdout: Vec<u8>,
    /// All it wrote to stderr, lossily.
    pub stderr: String,
}

impl Outcome {
    /// Fails, with stderr in the message, unless the exit status is `code`.
    pub fn expect_code(&self, code: i32) -> Result<()> {
        let status = self.status;
        ensure!(
            status.code() == Some(code),
            "expected exit {code}, got {status}; stderr:\n{}",
            self.stderr
        );
        Ok(())
    }
}

/// A started program whose output goes to files, so that it never blocks.
pub struct Running {
    child: Child,
    dir: TempDir,
}

/// Whatever the shell that runs the tests has open must not reach the program.
fn keep_ours(command: &mut Command) {
    /// More descriptors than a shell has open.
    const MANY: i32 = 1024;
    // SAFETY: plain system calls, safe between fork and exec. Not close_range:
    // 5.10 has no CLOSE_RANGE_CLOEXEC.
    unsafe {
        command.pre_exec(|| {
            for fd in 3..MANY {
                // Not open: nothing to mark.
                let _closed = libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
            }
            Ok(())
        });
    }
}

/// Starts a program and catches its output.
pub fn start(command: &mut Command) -> Result<Running> {
    let dir = tempfile::tempdir()?;
    keep_ours(command);
    command
        .stdout(File::create(dir.path().join("stdout"))?)
        .stderr(File::create(dir.path().join("stderr"))?);
    let child = command
        .spawn()
        .with_context(|| format!("starting {command:?}"))?;
    Ok(Running { child, dir })
}

impl Running {
    /// Process id.
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Sends a signal to the program alone.
    pub fn signal(&self, signal: i32) -> Result<()> {
        // SAFETY: plain integers; the child is not reaped yet.
        let sent = unsafe { libc::kill(self.pid(), signal) };
        ensure!(sent == 0, "signal {signal} not sent");
        Ok(())
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> Result<String> {
        let bytes = fs::read(self.dir.path().join("stderr"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Result<Outcome> {
        let status = wait(&mut self.child)?;
        let stderr = fs::read(self.dir.path().join("stderr"))?;
        Ok(Outcome {
            status,
            stdout: fs::read(self.dir.path().join("stdout"))?,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }
}

/// Waits for a program's end, or says where it hangs.
pub fn wait(child: &mut Child) -> Result<ExitStatus> {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > end {
            let hung = hung::tree(child.id());
            child.kill()?;
            bail!("not finished after {LIMIT:?}:\n{hung}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a program to its end.
pub fn finish(command: &mut Command) -> Result<Outcome> {
    start(command)?.finish()
}

/// Waits until `condition` holds.
pub fn until(what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + LIMIT;
    while !condition()? {
        ensure!(Instant::now() < end, "{what}: not after {LIMIT:?}");
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Whether the process whose id is in the file runs the program `comm`, and
/// sleeps.
pub fn sleeps(pid_file: &Path, comm: &str) -> Result<bool> {
    let text = fs::read_to_string(pid_file).unwrap_or_default();
    let Ok(pid) = text.trim().parse::<u32>() else {
        return Ok(false);
    };
    let stat = Stat::of_process(pid)?;
    Ok(stat.comm == comm.as_bytes() && stat.state == 'S')
}

/// Has waitscope follow a program that sleeps for a minute, with its report in a file;
/// returns when it sleeps.
pub fn start_asleep(waitscope: &mut Command, out: &Path) -> Result<Running> {
    let dir = shared_dir()?;
    let ready = dir.path().join("ready");
    let script = "echo $$ > \"$0\"; exec sleep 60";
    waitscope.args(["run", "-o"]).arg(out);
    let run = start(waitscope.args(["--", "sh", "-c", script]).arg(&ready))?;
    until("the command sleeps", || sleeps(&ready, "sleep"))?;
    Ok(run)
}

/// Runs `waitscope run -o FILE.json -- COMMAND` and reads the report; the exit
/// status is the caller's business.
pub fn traced<S: AsRef<OsStr>>(command: &[S]) -> Result<(Outcome, Report)> {
    traced_with(&[], command)
}

/// As [`traced`], with more options of `run`.
pub fn traced_with<S: AsRef<OsStr>>(options: &[&str], command: &[S]) -> Result<(Outcome, Report)> {
    traced_by(waitscope()?, options, command)
}

/// As [`traced_with`], by waitscope started in a way of its own.
pub fn traced_by<S: AsRef<OsStr>>(
    mut run: Command,
    options: &[&str],
    command: &[S],
) -> Result<(Outcome, Report)> {
    let dir = shared_dir()?;
    let file = dir.path().join("report.json");
    run.args(["run", "-o"]).arg(&file).args(options);
    run.arg("--").args(command);
    let outcome = finish(&mut run)?;
    let report = Report::read(&file).with_context(|| outcome.stderr.clone())?;
    Ok((outcome, report))
}

/// Time that the host has taken from this machine's CPUs so far, ns, in ticks of
/// 10 ms (`steal` in proc_stat(5)).
pub fn stolen_ns() -> Result<u64> {
    let stat = fs::read_to_string("/proc/stat").context("/proc/stat")?;
    let all = stat.lines().next().unwrap_or_default();
    let ticks = all
        .split_ascii_whitespace()
        .nth(8)
        .context("no steal in /proc/stat")?;
    Ok(ticks.parse::<u64>()? * 10_000_000)
}
