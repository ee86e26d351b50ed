//! Debug messages from the probes' cold paths (feature `probe-log`), to stderr.

use anyhow::{Context as _, Result};
use aya::Ebpf;
use aya_log::EbpfLogger;
use log::{LevelFilter, Log, Metadata, Record};
use tokio::io::{Interest, unix::AsyncFd};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &Record<'_>) {
        crate::command::warn(&format!("probe: {}", record.args()));
    }
    fn flush(&self) {}
}

/// Starts a task that prints what the probes say until the runtime ends.
pub fn start(ebpf: &mut Ebpf) -> Result<()> {
    log::set_max_level(LevelFilter::Debug);
    let logger = EbpfLogger::init_with_logger(ebpf, &Stderr).context("starting the probes' log")?;
    // SAFETY: the logger owns its map's descriptor and gives it away to nobody.
    let logger = unsafe { AsyncFd::register_with_interest(logger, Interest::READABLE) };
    let mut logger = logger.context("watching the probes' log")?;
    tokio::spawn(async move {
        while let Ok(mut ready) = logger.readable_mut().await {
            ready.get_inner_mut().flush();
            ready.clear_ready();
        }
    });
    Ok(())
}
