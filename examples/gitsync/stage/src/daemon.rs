//! A git server on the loopback interface, ended with its guard.

use std::ffi::OsString;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::delay::Delay;
use crate::git::Surroundings;

const TIME_TO_LISTEN: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// Another process may take a port between our look and the daemon's bind.
const ATTEMPTS: usize = 3;

/// A running `git daemon`; dropping it ends the server.
pub struct GitDaemon {
    child: Child,
    address: SocketAddr,
}

impl GitDaemon {
    /// Serves every repository under `base`, each connection after the delay; the
    /// server's complaints go to `log`.
    pub(crate) fn start(
        around: &Surroundings,
        base: &Path,
        log: &Path,
        delay: Option<&Delay>,
    ) -> Result<Self> {
        for _ in 0..ATTEMPTS {
            let mut daemon = Self::spawn(around, base, log, delay)?;
            if daemon.listens()? {
                return Ok(daemon);
            }
        }
        bail!(
            "git daemon does not listen; it says why in {}",
            log.display()
        )
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("git://{}/{name}", self.address)
    }

    fn spawn(
        around: &Surroundings,
        base: &Path,
        log: &Path,
        delay: Option<&Delay>,
    ) -> Result<Self> {
        let address = free_address()?;
        let log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut base_path = OsString::from("--base-path=");
        base_path.push(base);
        let mut command = around.daemon()?;
        command
            .args(["--reuseaddr", "--export-all"])
            .arg(format!("--listen={}", address.ip()))
            .arg(format!("--port={}", address.port()))
            // As many as there are jobs; the default is 32, and drops those above.
            .arg("--max-connections=0")
            .arg(base_path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        if let Some(delay) = delay {
            delay.apply(&mut command);
        }
        let child = command.spawn().context("cannot start git daemon")?;
        Ok(Self { child, address })
    }

    /// Waits until the server accepts; false when it ended or never does.
    fn listens(&mut self) -> Result<bool> {
        let begin = Instant::now();
        while begin.elapsed() < TIME_TO_LISTEN {
            if self.child.try_wait()?.is_some() {
                return Ok(false);
            }
            if TcpStream::connect_timeout(&self.address, TIME_TO_LISTEN).is_ok() {
                return Ok(true);
            }
            thread::sleep(BETWEEN_LOOKS);
        }
        Ok(false)
    }
}

impl Drop for GitDaemon {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}
