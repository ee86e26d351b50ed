//! How far a long work is: shown on a terminal once a second is over, gone behind it, and
//! never in a pipe or a file.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use waitscope_tests::{live, tmux::Tmux};

/// Half of a recording, and the rest three seconds later.
const SLOWLY: &str = "(head -c 20000 run.wsc; sleep 3; tail -c +20001 run.wsc) > slow.fifo &";

#[test]
fn progress_is_on_a_terminal_after_a_second_and_leaves_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    let recording = recordings.join("gitsync-threads.wsc");
    fs::copy(&recording, folder.path().join("run.wsc"))?;
    let report = format!("{} report", live::binary()?.display());
    let tmux = Tmux::shell("progress", folder.path(), 100, 30)?;
    tmux.command("mkfifo slow.fifo")?;
    // A short work shows nothing.
    tmux.command(&format!(
        "clear; {report} run.wsc > quick.txt; echo quick-$((1+1))"
    ))?;
    let screen = tmux.wait_for("quick-2")?;
    ensure!(!screen.contains("reading"), "{screen}");
    let slow = format!("clear; {SLOWLY} {report} slow.fifo");
    tmux.command(&format!("{slow} > slow.txt; echo slow-$((1+1))"))?;
    tmux.wait_for("reading slow.fifo")?;
    let screen = tmux.wait_for("slow-2")?;
    ensure!(!screen.contains("reading slow.fifo"), "{screen}");
    // Into a file goes nothing.
    tmux.command(&format!(
        "{slow} > piped.txt 2> errors.txt; echo piped-$((1+1))"
    ))?;
    let screen = tmux.wait_for("piped-2")?;
    ensure!(!screen.contains("reading slow.fifo"), "{screen}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name));
    ensure!(read("errors.txt")?.is_empty(), "{:?}", read("errors.txt"));
    ensure!(read("quick.txt")? == read("slow.txt")?, "slow.txt differs");
    ensure!(
        read("quick.txt")? == read("piped.txt")?,
        "piped.txt differs"
    );
    Ok(())
}
