//! Ticks that `top --format json` has written, shown again: on the screen at the pace at which
//! they came, or as tables at once.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal as _},
    iter,
    path::Path,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use super::{
    files,
    print::Printer,
    signals,
    terminal::{self, Control, Source, Wanted},
};
use crate::{
    cli::{Color, top::Top},
    command::destination::Destination,
    document::top::{SCHEMA, Tick},
};
use anyhow::{Context as _, Result, ensure};

/// The longest pause between two ticks.
const LONGEST: Duration = Duration::from_secs(10);

/// Shows the ticks of a file on the screen; as tables or lines where those are asked for or
/// there is no terminal.
pub fn show(file: &Path, arguments: &Top) -> Result<()> {
    let mut ticks = Ticks::open(file)?;
    let none = || format!("there is no tick in {}", file.display());
    let prints = arguments.batch || arguments.once || arguments.format.is_some();
    if prints || !io::stdout().is_terminal() {
        let printed = Printer::new(arguments).print(ticks)?;
        ensure!(printed > 0, none());
        return Ok(());
    }
    let first = ticks.next().with_context(none)??;
    terminal::check()?;
    let control = Control::default();
    signals::follow(&control).context("cannot receive signals")?;
    let colors = Destination::Stdout.is_colored(Color::Auto);
    let mut write = |wanted: Wanted<'_>| files::write(&wanted, None);
    let ticks = ticks.play(first)?;
    terminal::show(&ticks, Source::File, &control, colors, &mut write)?;
    Ok(())
}

/// The ticks of a file, one a line.
pub struct Ticks {
    lines: BufReader<File>,
    line: usize,
}

impl Ticks {
    /// Opens a file.
    pub fn open(path: &Path) -> Result<Ticks> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Ticks {
            lines: BufReader::new(file),
            line: 0,
        })
    }

    fn read(&mut self) -> Result<Option<Tick>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            self.line += 1;
            if self.lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            if !line.trim_ascii().is_empty() {
                return tick(&line).map(Some);
            }
        }
    }

    /// All that follow this one as they came, after it. A file that is damaged ends there.
    pub fn play(self, first: Tick) -> Result<Receiver<Tick>> {
        let (send, ticks) = sync_channel(1);
        let play = move || pace(first, self, &send);
        thread::Builder::new()
            .name("replay".to_owned())
            .spawn(play)?;
        Ok(ticks)
    }
}

/// A line, if it is of the contract: without that any object would be a tick without tasks.
fn tick(line: &[u8]) -> Result<Tick> {
    let value: serde_json::Value = serde_json::from_slice(line)?;
    ensure!(
        value.get("schema").and_then(|schema| schema.as_str()) == Some(SCHEMA),
        "its schema is not {SCHEMA}"
    );
    Ok(serde_json::from_value(value)?)
}

impl Iterator for Ticks {
    type Item = Result<Tick>;

    fn next(&mut self) -> Option<Result<Tick>> {
        let tick = self.read().transpose()?;
        Some(tick.with_context(|| format!("line {} is no tick of top --format json", self.line)))
    }
}

fn pace(first: Tick, others: Ticks, send: &SyncSender<Tick>) {
    let mut last_ns = first.at_ns;
    for tick in iter::once(first).chain(others.map_while(Result::ok)) {
        let pause = Duration::from_nanos(tick.at_ns.saturating_sub(last_ns));
        thread::sleep(pause.min(LONGEST));
        last_ns = tick.at_ns;
        if send.send(tick).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn top_replay_reads_back_what_was_written_and_names_a_wrong_line() {
        let tick = |at_ns| Tick {
            at_ns,
            ..Tick::default()
        };
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for tick in [tick(1), tick(2)] {
            serde_json::to_writer(&mut file, &tick).unwrap();
            file.write_all(b"\n\n").unwrap();
        }
        file.write_all(b"{\"schema\":\"waitscope.report/1\"}\n")
            .unwrap();
        let mut ticks = Ticks::open(file.path()).unwrap();
        assert_eq!(ticks.next().unwrap().unwrap(), tick(1));
        assert_eq!(ticks.next().unwrap().unwrap(), tick(2));
        let error = format!("{:#}", ticks.next().unwrap().unwrap_err());
        assert!(error.starts_with("line 5 is no tick"), "{error}");
        assert!(ticks.next().is_none());
        let played: Vec<Tick> = Ticks::open(file.path())
            .unwrap()
            .play(tick(0))
            .unwrap()
            .iter()
            .collect();
        assert_eq!(played, [tick(0), tick(1), tick(2)]);
    }
}
