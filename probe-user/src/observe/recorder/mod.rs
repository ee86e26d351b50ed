//! Where what is recorded goes: one file; parts of a long run, each a file that replays by
//! itself; or memory, which has the last of it and is written when that is wanted.
//!
//! A part begins as an account behind a delay does ([`Fact::Begin`]): with every task as it
//! is, and with what user space has found out by then: at the instant at which the part before
//! ends, so that they add up. The end is written when all records up to there have come; until
//! then they go to both.

mod known;
mod memory;
mod part;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use self::{known::Known, memory::Memory, part::Part};
use crate::{
    recording::{Writer, output},
    wire::session::{Batch, End, Fact, Start},
};

/// What is kept of a run, and where.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The file; parts have a number in their names.
    pub path: PathBuf,
    /// How much of the run.
    pub keep: Keep,
    /// What is kept in memory is to be written now.
    pub asked: Arc<AtomicBool>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All, in one file.
    Whole,
    /// All, in files of about so many bytes; or the newest of them.
    Parts {
        /// A part ends when it has so many.
        max_bytes: u64,
        /// Older ones are removed.
        max_files: Option<usize>,
    },
    /// What was last.
    Last {
        /// For so long at least.
        time: Duration,
        /// In so much memory at most.
        max_bytes: u64,
        /// It is written whenever this signal comes, too.
        signal: i32,
    },
}

impl Recording {
    /// Everything in one file.
    pub fn whole(path: PathBuf) -> Recording {
        Recording {
            path,
            keep: Keep::Whole,
            asked: Arc::default(),
        }
    }
}

/// What a part begins with.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// The account's beginning.
    pub facts: Vec<Fact>,
    /// What the counters say at that instant, which is the end of the part before.
    pub counted: End,
}

/// How large the present part is, or the piece in memory, bytes.
#[derive(Debug, Default)]
pub struct Size {
    /// All of it.
    pub bytes: AtomicU64,
    /// What it begins with; as many as there can be until that is known.
    pub beginning: AtomicU64,
}

/// Writes one run.
pub struct Recorder {
    start: Start,
    recording: Recording,
    known: Known,
    /// The number of the next part.
    number: usize,
    /// Parts that are whole, the oldest first.
    parts: VecDeque<PathBuf>,
    sink: Sink,
    /// A part that is waiting for its last records.
    ending: Option<Ending>,
    size: Arc<Size>,
    /// It was said that parts are larger than is asked for.
    is_large: bool,
    notice: fn(&str),
}

enum Sink {
    File(Box<Part>),
    Memory(Memory),
}

/// What is over, and goes on until all its records have come.
struct Ending {
    what: Over,
    /// Its end, once that is known.
    end: Option<End>,
}

enum Over {
    File(Box<Part>),
    /// And what has come since.
    Memory(Memory, Writer<Vec<u8>>),
}

impl Recorder {
    /// Begins. In memory there is nothing of a file yet, but it must be possible to make it.
    pub fn create(recording: &Recording, start: &Start, notice: fn(&str)) -> io::Result<Recorder> {
        let mut recorder = Recorder {
            start: start.clone(),
            number: output::next_part(&recording.path),
            recording: recording.clone(),
            known: Known::default(),
            parts: VecDeque::new(),
            sink: Sink::Memory(Memory::default()),
            ending: None,
            size: Arc::default(),
            is_large: false,
            notice,
        };
        match recording.keep {
            Keep::Whole => {
                let part = recorder.part(recording.path.clone())?;
                recorder.sink = Sink::File(Box::new(part));
            }
            Keep::Parts { .. } => recorder.begin_part()?,
            Keep::Last { .. } => {
                let is_other = fs::metadata(&recording.path).is_ok_and(|there| !there.is_file());
                if !is_other {
                    Part::create(recording.path.clone(), start)?.discard()?;
                }
                recorder.begin_part()?;
            }
        }
        Ok(recorder)
    }

    /// How large the part is, or the piece in memory, that is being written.
    pub fn size(&self) -> Arc<Size> {
        self.size.clone()
    }

    fn part(&self, path: PathBuf) -> io::Result<Part> {
        let part = Part::create(path, &self.start)?;
        for left in part.left() {
            let sentence = "is what an interrupted recording has left, and is kept";
            (self.notice)(&format!("{} {sentence}", left.display()));
        }
        Ok(part)
    }

    /// Appends one drain of the rings.
    pub fn batch(&mut self, batch: &Batch) -> io::Result<()> {
        self.known.learn(&batch.facts);
        self.batch_of_ending(batch)?;
        let bytes = match &mut self.sink {
            Sink::File(part) => {
                part.batch(batch)?;
                part.written()
            }
            Sink::Memory(memory) => memory.batch(batch)?,
        };
        self.size.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// The same to what is over. Nothing behind its end is to be applied.
    fn batch_of_ending(&mut self, batch: &Batch) -> io::Result<()> {
        let Some(ending) = &mut self.ending else {
            return Ok(());
        };
        let ended_ns = ending.end.as_ref().map_or(u64::MAX, |end| end.ended_ns);
        let own = Batch {
            watermark_ns: batch.watermark_ns.min(ended_ns),
            ..batch.clone()
        };
        match &mut ending.what {
            Over::File(part) => part.batch(&own)?,
            Over::Memory(_, behind) => behind.batch(&own)?,
        }
        match batch.watermark_ns >= ended_ns {
            true => self.finish_ending(),
            false => Ok(()),
        }
    }

    /// The next part begins behind what was recorded so far. With `ends` what there is by now
    /// becomes a file.
    pub fn next(&mut self, ends: bool) -> io::Result<()> {
        if ends {
            self.finish_ending()?;
            let sink = std::mem::replace(&mut self.sink, Sink::Memory(Memory::default()));
            let what = match sink {
                Sink::File(part) => Over::File(part),
                Sink::Memory(memory) => Over::Memory(memory, Writer::without_header(Vec::new())?),
            };
            self.ending = Some(Ending { what, end: None });
        }
        self.begin_part()
    }

    fn begin_part(&mut self) -> io::Result<()> {
        self.size.beginning.store(u64::MAX, Ordering::Relaxed);
        if let (Keep::Last { max_bytes, .. }, Sink::Memory(memory)) =
            (self.recording.keep, &mut self.sink)
        {
            memory.begin(self.known.facts(), max_bytes)?;
        } else {
            let mut part = self.part(output::part(&self.recording.path, self.number))?;
            self.number += 1;
            part.facts(self.known.facts())?;
            self.sink = Sink::File(Box::new(part));
        }
        if self.parts.is_empty() && self.ending.is_none() {
            // The run's first begins with nothing.
            self.size.beginning.store(0, Ordering::Relaxed);
        }
        Ok(())
    }

    /// What the part that has begun last begins with: the one before ends there.
    pub fn opened(&mut self, opening: Opening) -> io::Result<()> {
        if let Some(ending) = &mut self.ending {
            ending.end.get_or_insert_with(|| opening.counted.clone());
        }
        let beginning = match (&mut self.sink, self.recording.keep) {
            (Sink::Memory(memory), Keep::Last { time, .. }) => memory.opened(opening, time),
            (Sink::File(part), _) => {
                part.facts(opening.facts)?;
                part.counts_from(opening.counted);
                part.written()
            }
            (Sink::Memory(_), _) => 0,
        };
        self.size.beginning.store(beginning, Ordering::Relaxed);
        self.say_if_large(beginning);
        Ok(())
    }

    /// Parts that would consist of their beginnings are larger than is asked for.
    fn say_if_large(&mut self, beginning: u64) {
        let Keep::Parts { max_bytes, .. } = self.recording.keep else {
            return;
        };
        if least_bytes(beginning) > max_bytes && !std::mem::replace(&mut self.is_large, true) {
            (self.notice)(&format!(
                "parts of {} become larger than {max_bytes} bytes: what all threads do as one begins \
                 takes {beginning}, and as much again is of the run",
                self.recording.path.display()
            ));
        }
    }

    fn finish_ending(&mut self) -> io::Result<()> {
        let Some(Ending { what, end }) = self.ending.take() else {
            return Ok(());
        };
        let end = end.unwrap_or_default();
        let path = match what {
            Over::File(mut part) => {
                part.end(&end)?;
                part.finish()?;
                part.path
            }
            Over::Memory(memory, behind) => {
                let path = output::part(&self.recording.path, self.number);
                match self.dump(path.clone(), &memory, behind.output(), &end) {
                    Ok(()) => (self.notice)(&format!("what was last is in {}", path.display())),
                    Err(error) => {
                        self.keep_on(memory, &path, &error);
                        return Ok(());
                    }
                }
                self.number += 1;
                path
            }
        };
        self.parts.push_back(path);
        self.remove_old()
    }

    /// Writes what is in memory to a file, or leaves none.
    fn dump(&self, path: PathBuf, memory: &Memory, behind: &[u8], end: &End) -> io::Result<()> {
        let mut part = self.part(path)?;
        let written = memory
            .write_to(&mut part)
            .and_then(|()| part.frames(behind))
            .and_then(|()| part.end(end))
            .and_then(|()| part.finish());
        if written.is_err() {
            // It is in memory still.
            let _left = part.discard();
        }
        written
    }

    /// What could not be written stays in memory. What has come since is there, too.
    fn keep_on(&mut self, older: Memory, path: &Path, error: &io::Error) {
        if let Sink::Memory(memory) = &mut self.sink {
            memory.put_back(older);
        }
        (self.notice)(&format!(
            "cannot write what was last to {}: {error}; it stays in memory, recording goes on, and \
             the next signal tries again",
            path.display()
        ));
    }

    fn remove_old(&mut self) -> io::Result<()> {
        let Keep::Parts {
            max_files: Some(most),
            ..
        } = self.recording.keep
        else {
            return Ok(());
        };
        // The one that is being written is one of them.
        while self.parts.len() >= most.max(1) {
            let Some(oldest) = self.parts.pop_front() else {
                break;
            };
            match fs::remove_file(oldest) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        Ok(())
    }

    /// Appends the final counters.
    pub fn end(&mut self, end: &End) -> io::Result<()> {
        self.finish_ending()?;
        if let Sink::Memory(memory) = &self.sink {
            let mut part = self.part(self.recording.path.clone())?;
            let written = memory.write_to(&mut part);
            self.sink = Sink::File(Box::new(part));
            written?;
        }
        match &mut self.sink {
            Sink::File(part) => part.end(end),
            Sink::Memory(_) => Ok(()),
        }
    }

    /// Puts other final counters in the place of those; says whether it could.
    pub fn replace_end(&mut self, end: &End) -> io::Result<bool> {
        match &mut self.sink {
            Sink::File(part) => part.replace_end(end),
            Sink::Memory(_) => Ok(false),
        }
    }

    /// The recording is whole, and gets its name.
    pub fn finish(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::File(part) => part.finish(),
            Sink::Memory(_) => Ok(()),
        }
    }

    /// It could not be written on. Says what is there, for a sentence.
    pub fn give_up(self, error: &io::Error) -> String {
        let path = self.recording.path.display();
        let ending = self.ending.and_then(|ending| match ending.what {
            Over::File(part) => Some(part.give_up()),
            Over::Memory(..) => None,
        });
        let there = match self.sink {
            Sink::File(part) => Some(part.give_up()),
            Sink::Memory(_) => ending,
        };
        let Some((file, is_own)) = there else {
            return format!("cannot write the recording {path}: {error}");
        };
        let before = match is_own {
            true => "",
            false => ", and the one before is as it was",
        };
        format!(
            "cannot write on the recording {path}: {error}; it ends here, and what there is of it can be \
             reported ({}{before}); for the next one make room, or choose another place",
            file.display()
        )
    }

    /// There is nothing to record: leaves nothing.
    pub fn discard(self) -> io::Result<()> {
        match self.sink {
            Sink::File(part) => part.discard(),
            Sink::Memory(_) => Ok(()),
        }
    }
}

/// A part has as much of the run as it begins with, bytes.
pub fn least_bytes(beginning: u64) -> u64 {
    beginning.saturating_mul(2)
}

fn of_facts(facts: Vec<Fact>) -> Batch {
    Batch {
        facts,
        ..Batch::default()
    }
}
