//! What `w` writes: files in the folder where waitscope was started, named by the time of day.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
    rc::Rc,
};

use anyhow::{Context as _, Result};
use nix::libc;

use super::terminal::Wanted;
use crate::document::top::Tick;

/// Writes what is wanted into a file of its own. Returns a sentence with its name; and with that
/// of the recording, where all that is seen goes.
pub fn write(wanted: &Wanted<'_>, recording: Option<&Path>) -> Result<String> {
    let date = now().context("the time of day is not known")?;
    match wanted {
        Wanted::Screen(text) => {
            let name = format!("waitscope-top-{date}.txt");
            let file = File::create_new(&name).and_then(|mut file| file.write_all(text.as_bytes()));
            file.with_context(|| format!("cannot write {name}"))?;
            Ok(format!("written to {name}"))
        }
        Wanted::Window(ticks) => {
            let name = format!("waitscope-top-{date}.jsonl");
            lines(&name, ticks).with_context(|| format!("cannot write {name}"))?;
            let also = recording.map(|path| format!("; --record: {}", path.display()));
            let count = ticks.len();
            Ok(format!(
                "{count} ticks written to {name} (top --replay shows them){}",
                also.unwrap_or_default()
            ))
        }
    }
}

/// Ticks as `--format json` writes them.
fn lines(name: &str, ticks: &[Rc<Tick>]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create_new(name)?);
    for tick in ticks {
        serde_json::to_writer(&mut file, &**tick)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

/// The time of day as a name: `20261130-140058`.
fn now() -> Option<String> {
    // SAFETY: all-zero bytes are a valid value; both calls are given room for theirs.
    let at = unsafe {
        let mut at: libc::tm = std::mem::zeroed();
        let seconds = libc::time(std::ptr::null_mut());
        (!libc::localtime_r(&raw const seconds, &raw mut at).is_null()).then_some(at)
    }?;
    Some(format!(
        "{:04}{:02}{:02}-{:02}{:02}{:02}",
        at.tm_year + 1900,
        at.tm_mon + 1,
        at.tm_mday,
        at.tm_hour,
        at.tm_min,
        at.tm_sec
    ))
}
