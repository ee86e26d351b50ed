//! Follows a guest's serial console: shows it, keeps it, reads what the guest
//! tells, and ends a guest that takes too long.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use waitscope_guest::GuestLine;

use crate::run::Shown;
use crate::vm::files;

/// Lines to show again when a guest ends without a result.
const TAIL: usize = 40;
/// Lines of a program to show again when it failed.
const WORDS: usize = 200;
/// How long switching off may take once the result is known.
const FAREWELL: Duration = Duration::from_secs(15);

/// What was seen of a guest.
pub(crate) struct Seen {
    /// With the time since QEMU's start.
    pub(crate) told: Vec<(Duration, GuestLine)>,
    /// The last lines of its console, without pieces of output.
    pub(crate) tail: VecDeque<String>,
    /// The last lines of each program that failed.
    pub(crate) failed: Vec<String>,
    pub(crate) timed_out: bool,
    pub(crate) total: Duration,
}

/// Ends QEMU whatever ends us in order.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a guest and follows it to its end, at the latest after `limit`. Every
/// line goes as it is to the file `log`, and all but pieces of output go to
/// `shown` after `label`.
pub(crate) fn follow(
    command: &mut Command,
    label: &str,
    mut shown: impl Write,
    log: &Path,
    limit: Duration,
) -> Result<Seen> {
    files::place_bytes(log, b"")?;
    let mut log = File::options().append(true).open(log)?;
    let begin = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", Shown(command)))?;
    let console = child.stdout.take().context("QEMU has no stdout")?;
    let emulator = Emulator(child);
    let lines = lines_of(console);
    let mut seen = Seen {
        told: Vec::new(),
        tail: VecDeque::new(),
        failed: Vec::new(),
        timed_out: false,
        total: Duration::ZERO,
    };
    // Of the program that runs.
    let mut words = VecDeque::new();
    let mut deadline = begin + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left) {
            Ok(line) => {
                log.write_all(&line)
                    .context("cannot write the console's log")?;
                let line = legible(&line);
                let told = GuestLine::parse(&line);
                if !matches!(told, Some(GuestLine::Output(_))) {
                    // A closed stdout is no reason to stop.
                    let _ = writeln!(shown, "{label} | {line}");
                    keep(&mut words, WORDS, line.clone());
                    keep(&mut seen.tail, TAIL, line);
                }
                match &told {
                    Some(GuestLine::Begin { .. }) => words.clear(),
                    Some(GuestLine::End(ended)) if ended.status != 0 => {
                        seen.failed.extend(words.drain(..));
                    }
                    _ => {}
                }
                if matches!(told, Some(GuestLine::Exit { .. })) {
                    deadline = deadline.min(Instant::now() + FAREWELL);
                }
                seen.told.extend(told.map(|told| (begin.elapsed(), told)));
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                seen.timed_out = true;
                break;
            }
        }
    }
    drop(emulator);
    seen.total = begin.elapsed();
    Ok(seen)
}

fn keep(lines: &mut VecDeque<String>, most: usize, line: String) {
    if lines.len() == most {
        lines.pop_front();
    }
    lines.push_back(line);
}

/// The lines as they come; the channel closes with the console.
fn lines_of(console: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut console = BufReader::new(console);
        loop {
            let mut line = Vec::new();
            let length = console.read_until(b'\n', &mut line);
            if !matches!(length, Ok(1..)) || sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
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

    fn followed(script: &str, limit: Duration) -> (Seen, Vec<u8>) {
        let folder = files::testing::scratch(&format!("console-{}", script.len()));
        let log = folder.join("log");
        let mut shown = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let seen = follow(&mut command, "test", &mut shown, &log, limit).unwrap();
        let expect: String = seen
            .tail
            .iter()
            .map(|line| format!("test | {line}\n"))
            .collect();
        assert!(String::from_utf8(shown).unwrap().ends_with(&expect));
        let kept = files::read(&log).unwrap();
        files::remove(&folder).unwrap();
        (seen, kept)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_console_is_kept_as_it_is_and_read_as_text() {
        let (seen, kept) = followed(
            r"printf 'boot\033[2J\r\nwaitscope-guest: exit 3\r\nlast'",
            LONG,
        );
        assert_eq!(kept, b"boot\x1b[2J\r\nwaitscope-guest: exit 3\r\nlast");
        assert_eq!(
            seen.tail,
            [r"boot\u{1b}[2J", "waitscope-guest: exit 3", "last"]
        );
        assert_eq!(seen.told.len(), 1);
        assert_eq!(seen.told[0].1, GuestLine::Exit { status: 3 });
        assert!(!seen.timed_out);
    }

    #[test]
    fn pieces_of_output_are_read_and_not_shown() {
        let script = "echo before; echo waitscope-guest: output doctor 1 0 0 61; echo after";
        let (seen, _) = followed(script, LONG);
        assert_eq!(seen.tail, ["before", "after"]);
        assert!(matches!(&seen.told[0].1, GuestLine::Output(piece) if piece.name == "doctor"));
    }

    #[test]
    fn what_a_failed_program_said_is_kept() {
        let script = "\
            echo waitscope-guest: begin good; echo well; echo waitscope-guest: end good 0 1; \
            echo waitscope-guest: begin bad; echo ill; echo waitscope-guest: end bad 101 1";
        let (seen, _) = followed(script, LONG);
        assert_eq!(seen.failed, ["ill", "waitscope-guest: end bad 101 1"]);
    }

    #[test]
    fn one_that_hangs_is_ended() {
        let begin = Instant::now();
        let (seen, _) = followed("echo begun; exec sleep 60", Duration::from_millis(300));
        assert!(seen.timed_out);
        assert_eq!(seen.tail, ["begun"]);
        assert!(seen.total >= Duration::from_millis(300));
        assert!(begin.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn only_the_last_lines_are_shown_again() {
        let (seen, kept) = followed("seq 100", LONG);
        assert_eq!(seen.tail.len(), TAIL);
        assert_eq!(seen.tail.front().map(String::as_str), Some("61"));
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
