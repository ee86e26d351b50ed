//! Follows a guest to its end: shows and keeps its console, reads its results, and
//! ends one that is done or takes too long.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use waitscope_guest::{Ended, GuestLine};

use crate::run::Shown;
use crate::vm::files;

/// Lines to show again when a guest ends without a result.
const TAIL: usize = 40;
/// Lines of a program to show again when it failed.
const EXCERPT: usize = 200;
/// Between looks at whether a guest is done.
const PERIOD: Duration = Duration::from_millis(100);

/// What was seen of a guest.
pub(crate) struct Seen {
    /// Its results, up to what cannot be read.
    pub(crate) lines: Vec<GuestLine>,
    /// Legible, in order.
    pub(crate) console: Vec<String>,
    pub(crate) timed_out: bool,
    /// From QEMU's start to its end.
    pub(crate) total: Duration,
}

/// The kernel's word for a breakpoint that is none of its own.
const BROKEN: &str = "Oops: int3: ";

/// Ends QEMU whatever ends us in order.
struct Emulator(Child);

impl Emulator {
    /// Waits until the guest is done or has ended; `false` when it is neither at `until`.
    fn is_over(&mut self, results: &Path, until: Instant) -> Result<bool> {
        while self.0.try_wait()?.is_none() && !is_done(results) {
            if Instant::now() >= until {
                return Ok(false);
            }
            thread::sleep(PERIOD);
        }
        Ok(true)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a guest and follows it until it has reported its last result, its end, or
/// `limit`. The console's lines go as they are to the file `log`, and to `shown`
/// after `label`; the guest's second port writes the file `results`.
pub(crate) fn follow(
    command: &mut Command,
    label: &str,
    shown: impl Write + Send,
    log: &Path,
    results: &Path,
    limit: Duration,
) -> Result<Seen> {
    files::place_bytes(log, b"")?;
    files::place_bytes(results, b"")?;
    let log = File::options().append(true).open(log)?;
    let begin = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", Shown(command)))?;
    let console = child.stdout.take().context("QEMU has no stdout")?;
    let mut emulator = Emulator(child);
    thread::scope(|scope| {
        let reader = scope.spawn(|| copy(console, label, shown, log));
        let timed_out = !emulator.is_over(results, begin + limit)?;
        drop(emulator);
        let console = reader.join().ok().context("the console's reader failed")?;
        Ok(Seen {
            lines: read(results),
            console: console.context("cannot write the console's log")?,
            timed_out,
            total: begin.elapsed(),
        })
    })
}

impl Seen {
    /// The last lines of the console.
    pub(crate) fn tail(&self) -> &[String] {
        last(&self.console, TAIL)
    }

    /// The emulator has let a CPU run into a breakpoint of another, which was just
    /// rewriting the kernel's text: no real machine does that.
    pub(crate) fn is_broken(&self) -> bool {
        self.console.iter().any(|line| line.contains(BROKEN))
    }

    /// The last lines of each program that failed.
    pub(crate) fn failed(&self) -> Vec<String> {
        let ended = self.lines.iter().filter_map(|line| match line {
            GuestLine::End(ended) if ended.status != 0 => Some(self.excerpt(ended)),
            _ => None,
        });
        ended.flatten().cloned().collect()
    }

    fn excerpt(&self, ended: &Ended) -> &[String] {
        let name = ended.name.clone();
        let (begin, end) = (GuestLine::Begin { name }, GuestLine::End(ended.clone()));
        // A program's last line may lack its end, and then stands before ours.
        let find = |line: GuestLine| {
            let text = line.to_string();
            let mut lines = self.console.iter();
            lines.rposition(|line| line.ends_with(&text))
        };
        let from = find(begin).map_or(0, |at| at + 1);
        let to = find(end).map_or(self.console.len(), |at| at + 1);
        last(self.console.get(from..to).unwrap_or_default(), EXCERPT)
    }
}

fn last(lines: &[String], most: usize) -> &[String] {
    &lines[lines.len().saturating_sub(most)..]
}

/// What cannot be read ends the results, and so the last one is missing.
fn read(results: &Path) -> Vec<GuestLine> {
    let text = fs::read(results).unwrap_or_default();
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines
        .map_while(|line| serde_json::from_slice(line).ok())
        .collect()
}

fn is_done(results: &Path) -> bool {
    matches!(read(results).last(), Some(GuestLine::Exit { .. }))
}

fn copy(
    console: impl Read,
    label: &str,
    mut shown: impl Write,
    mut log: File,
) -> std::io::Result<Vec<String>> {
    let mut console = BufReader::new(console);
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while console.read_until(b'\n', &mut line)? > 0 {
        log.write_all(&line)?;
        let text = legible(&line);
        // A closed stdout is no reason to stop.
        let _ = writeln!(shown, "{label} | {text}");
        lines.push(text);
        line.clear();
    }
    Ok(lines)
}

/// Without what could move the cursor or change colours.
fn legible(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut out = String::with_capacity(text.len());
    for c in text.trim_end_matches(['\r', '\n']).chars() {
        if c != '\t' && (c.is_control() || is_direction(c)) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that turn the direction of the text around them.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A guest that is this script, which finds its port's file in `$RESULTS`.
    fn followed(script: &str, limit: Duration) -> (Seen, Vec<u8>) {
        let folder = files::testing::scratch(&format!("console-{}", script.len()));
        let (log, results) = (folder.join("log"), folder.join("results"));
        let mut shown = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("RESULTS", &results);
        let seen = follow(&mut command, "test", &mut shown, &log, &results, limit).unwrap();
        let expect: String = seen
            .console
            .iter()
            .map(|line| format!("test | {line}\n"))
            .collect();
        assert_eq!(String::from_utf8(shown).unwrap(), expect);
        let kept = files::read(&log).unwrap();
        files::remove(&folder).unwrap();
        (seen, kept)
    }

    const LONG: Duration = Duration::from_secs(60);
    const EXIT: GuestLine = GuestLine::Exit { status: 3 };

    #[test]
    fn a_fault_of_the_emulator_is_one_that_the_kernel_names() {
        let seen = |text: &str| followed(&format!("echo '[  4.2] {text}'"), LONG).0;
        assert!(seen("Oops: int3: 0000 [#1] SMP NOPTI").is_broken());
        assert!(!seen("Oops: general protection fault").is_broken());
    }

    #[test]
    fn a_console_is_kept_as_it_is_and_read_as_text() {
        let (seen, kept) = followed(r"printf 'boot\033[2J\r\nlast'", LONG);
        assert_eq!(kept, b"boot\x1b[2J\r\nlast");
        assert_eq!(seen.console, [r"boot\u{1b}[2J", "last"]);
        assert_eq!(seen.lines, []);
        assert!(!seen.timed_out);
    }

    #[test]
    fn a_guest_is_done_when_it_says_so() {
        let script = r#"printf '{"exit":{"status":3}}\r\n' >> $RESULTS; exec sleep 60"#;
        let (seen, _) = followed(script, LONG);
        assert_eq!(seen.lines, [EXIT]);
        assert!(!seen.timed_out);
        assert!(seen.total < LONG);
    }

    #[test]
    fn what_cannot_be_read_ends_the_results() {
        for damage in ["x", r#"{"exit""#, "[ 1.0] BUG: x", r#"{"later":{}}"#] {
            let script = format!(
                "printf '%s\\n' '{{\"begin\":{{\"name\":\"a\"}}}}' '{damage}' \
                 '{{\"exit\":{{\"status\":0}}}}' >> $RESULTS"
            );
            let (seen, _) = followed(&script, LONG);
            assert_eq!(seen.lines, [GuestLine::Begin { name: "a".into() }]);
        }
    }

    #[test]
    fn what_a_failed_program_said_is_kept() {
        let ended = |name: &str, status| {
            GuestLine::End(Ended {
                name: name.into(),
                status,
                milliseconds: 1,
                tainted: false,
                output: None,
            })
        };
        let console = "waitscope-guest: begin good\nwell\nwaitscope-guest: end good 0\n\
            waitscope-guest: begin bad\nill\nno endwaitscope-guest: end bad 101\nafter";
        let seen = Seen {
            lines: vec![ended("good", 0), ended("bad", 101)],
            console: console.lines().map(str::to_owned).collect(),
            timed_out: false,
            total: Duration::ZERO,
        };
        assert_eq!(seen.failed(), ["ill", "no endwaitscope-guest: end bad 101"]);
    }

    #[test]
    fn one_that_hangs_is_ended() {
        let (seen, _) = followed("echo begun; exec sleep 60", Duration::from_millis(300));
        assert!(seen.timed_out);
        assert_eq!(seen.console, ["begun"]);
        assert!(seen.total >= Duration::from_millis(300));
        assert!(seen.total < Duration::from_secs(30));
    }

    #[test]
    fn only_the_last_lines_are_shown_again() {
        let (seen, kept) = followed("seq 100", LONG);
        assert_eq!(seen.tail().len(), TAIL);
        assert_eq!(seen.tail()[0], "61");
        assert!(kept.starts_with(b"1\n2\n"));
    }

    #[test]
    fn text_cannot_turn_around() {
        assert_eq!(
            legible("a\u{202e}b\tc\u{7}\n".as_bytes()),
            "a\\u{202e}b\tc\\u{7}"
        );
    }
}
