//! Where what is recorded goes: one file; parts of a long run, each a file that replays by
//! itself; or memory, which has the last of it and is written when that is wanted.
//!
//! A part begins as an account behind a delay does ([`Fact::Begin`]): with every task as it
//! is, and with what user space has found out by then. Its end is written when all records up
//! to there have come; until then they go to the next part, too.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    recording::{
        Writer,
        output::{self, Pending},
    },
    wire::session::{Batch, End, Fact, LossSum, Start},
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
#[derive(Debug, Default)]
pub struct Opening {
    /// The account's beginning, and what counters say there.
    pub facts: Vec<Fact>,
    /// Records lost by then, by class.
    pub lost: Vec<(String, u64)>,
    /// What was added up of lost records by then.
    pub loss_sums: Vec<LossSum>,
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
    ending: Option<(Part, End)>,
    /// Bytes of the present part.
    bytes: Arc<AtomicU64>,
    notice: fn(&str),
}

enum Sink {
    File(Box<Part>),
    Memory(VecDeque<Chunk>),
}

/// A file being written.
struct Part {
    path: PathBuf,
    writer: Writer<File>,
    pending: Pending,
    before: Opening,
}

/// A part of what is kept in memory.
struct Chunk {
    /// Facts that its records need and do not bring, and its opening.
    opening: Opening,
    /// When it began, monotonic ns; 0 of the run's first.
    opened_ns: u64,
    writer: Writer<Vec<u8>>,
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
            sink: Sink::Memory(VecDeque::new()),
            ending: None,
            bytes: Arc::default(),
            notice,
        };
        match recording.keep {
            Keep::Whole => {
                let part = recorder.part(recording.path.clone(), Opening::default())?;
                recorder.sink = Sink::File(Box::new(part));
            }
            Keep::Parts { .. } | Keep::Last { .. } => recorder.begin_part()?,
        }
        Ok(recorder)
    }

    /// Bytes of the part, or of the piece in memory, that is being written.
    pub fn bytes(&self) -> Arc<AtomicU64> {
        self.bytes.clone()
    }

    fn part(&self, path: PathBuf, before: Opening) -> io::Result<Part> {
        let (file, pending) = output::create(&path)?;
        for left in &pending.left {
            let sentence = "is what an interrupted recording has left, and is kept";
            (self.notice)(&format!("{} {sentence}", left.display()));
        }
        let writer = match Writer::new(file, &self.start) {
            Ok(writer) => writer,
            Err(error) => {
                // That it could not be written says more.
                let _left = pending.discard();
                return Err(error);
            }
        };
        Ok(Part {
            writer,
            path,
            pending,
            before,
        })
    }

    fn next_path(&mut self) -> PathBuf {
        let path = output::part(&self.recording.path, self.number);
        self.number += 1;
        path
    }

    /// Appends one drain of the rings.
    pub fn batch(&mut self, batch: &Batch) -> io::Result<()> {
        self.known.learn(&batch.facts);
        if let Some((part, end)) = &mut self.ending {
            part.writer.batch(batch)?;
            if batch.watermark_ns >= end.ended_ns {
                self.finish_ending()?;
            }
        }
        let bytes = match &mut self.sink {
            Sink::File(part) => {
                part.writer.batch(batch)?;
                part.writer.written()
            }
            Sink::Memory(chunks) => match chunks.back_mut() {
                Some(chunk) => {
                    chunk.writer.batch(batch)?;
                    chunk.writer.written()
                }
                None => 0,
            },
        };
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// The next part begins behind what was recorded so far. With an `end` what there is by
    /// now becomes a file.
    pub fn next(&mut self, end: Option<End>) -> io::Result<()> {
        if let Some(end) = end {
            self.finish_ending()?;
            let path = self.next_path_of_end();
            let part = self.take_part(path)?;
            self.ending = Some((part, end));
        }
        self.begin_part()
    }

    /// The present part has its name already, what is in memory gets one.
    fn next_path_of_end(&mut self) -> PathBuf {
        match &self.sink {
            Sink::File(part) => part.path.clone(),
            Sink::Memory(_) => self.next_path(),
        }
    }

    fn begin_part(&mut self) -> io::Result<()> {
        if let Keep::Last { max_bytes, .. } = self.recording.keep {
            let writer = Writer::without_header(Vec::new())?;
            let chunk = Chunk {
                opening: Opening {
                    facts: self.known.facts(),
                    ..Opening::default()
                },
                opened_ns: 0,
                writer,
            };
            if let Sink::Memory(chunks) = &mut self.sink {
                chunks.push_back(chunk);
                let held = |chunks: &VecDeque<Chunk>| -> u64 {
                    chunks.iter().map(|chunk| chunk.writer.written()).sum()
                };
                while chunks.len() > 1 && held(chunks) > max_bytes {
                    chunks.pop_front();
                }
            }
            return Ok(());
        }
        let path = self.next_path();
        let mut part = self.part(path, Opening::default())?;
        part.writer.batch(&of_facts(self.known.facts()))?;
        self.sink = Sink::File(Box::new(part));
        Ok(())
    }

    /// What the part that has begun last begins with.
    pub fn opened(&mut self, opening: Opening, at_ns: u64) -> io::Result<()> {
        match &mut self.sink {
            Sink::File(part) => {
                part.writer.batch(&of_facts(opening.facts.clone()))?;
                part.before = opening;
            }
            Sink::Memory(chunks) => {
                if let Some(chunk) = chunks.back_mut() {
                    chunk.opened_ns = at_ns;
                    chunk.opening.facts.extend(opening.facts);
                    chunk.opening.lost = opening.lost;
                    chunk.opening.loss_sums = opening.loss_sums;
                }
                let Keep::Last { time, .. } = self.recording.keep else {
                    return Ok(());
                };
                // What begins with the second is long enough.
                let time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
                let from_ns = at_ns.saturating_sub(time_ns);
                while chunks
                    .get(1)
                    .is_some_and(|second| second.opened_ns <= from_ns)
                {
                    chunks.pop_front();
                }
            }
        }
        Ok(())
    }

    /// What there is by now, as a file without an end.
    fn take_part(&mut self, path: PathBuf) -> io::Result<Part> {
        let empty = Sink::Memory(VecDeque::new());
        let mut chunks = match std::mem::replace(&mut self.sink, empty) {
            Sink::File(part) => return Ok(*part),
            Sink::Memory(chunks) => chunks,
        };
        let opening = chunks
            .front_mut()
            .map(|chunk| std::mem::take(&mut chunk.opening));
        let opening = opening.unwrap_or_default();
        let mut part = self.part(path, Opening::default())?;
        if !opening.facts.is_empty() {
            part.writer.batch(&of_facts(opening.facts.clone()))?;
        }
        part.before = opening;
        for chunk in chunks {
            part.writer.frames(&chunk.writer.into_output())?;
        }
        Ok(part)
    }

    fn finish_ending(&mut self) -> io::Result<()> {
        let Some((mut part, end)) = self.ending.take() else {
            return Ok(());
        };
        part.writer.end(&part.own(end))?;
        part.pending.finish()?;
        if matches!(self.recording.keep, Keep::Last { .. }) {
            (self.notice)(&format!("what was last is in {}", part.path.display()));
        }
        self.parts.push_back(part.path);
        self.remove_old()
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
        if matches!(self.sink, Sink::Memory(_)) {
            let part = self.take_part(self.recording.path.clone())?;
            self.sink = Sink::File(Box::new(part));
        }
        match &mut self.sink {
            Sink::File(part) => part.writer.end(&part.own(end.clone())),
            Sink::Memory(_) => Ok(()),
        }
    }

    /// Puts other final counters in the place of those; says whether it could.
    pub fn replace_end(&mut self, end: &End) -> io::Result<bool> {
        match &mut self.sink {
            Sink::File(part) => part.writer.replace_end(&part.own(end.clone())),
            Sink::Memory(_) => Ok(false),
        }
    }

    /// The recording is whole, and gets its name.
    pub fn finish(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::File(part) => part.pending.finish(),
            Sink::Memory(_) => Ok(()),
        }
    }

    /// There is nothing to record: leaves nothing.
    pub fn discard(self) -> io::Result<()> {
        match self.sink {
            Sink::File(part) => part.pending.discard(),
            Sink::Memory(_) => Ok(()),
        }
    }

    /// Where a recording that is not whole is, unless it has its name.
    pub fn partial(&self) -> Option<&Path> {
        match &self.sink {
            Sink::File(part) => part.pending.partial(),
            Sink::Memory(_) => None,
        }
    }
}

impl Part {
    /// Counters of the part alone, of those of the whole run.
    fn own(&self, mut end: End) -> End {
        for (class, count) in &mut end.lost {
            let before = self.before.lost.iter().find(|(before, _)| before == class);
            *count = count.saturating_sub(before.map_or(0, |(_, count)| *count));
        }
        for sum in &mut end.loss_sums {
            let is_same = |before: &&LossSum| before.is_of(sum);
            if let Some(before) = self.before.loss_sums.iter().find(is_same) {
                let (count, ns) = (before.count, before.ns);
                sum.count = sum.count.saturating_sub(count);
                sum.ns = sum.ns.saturating_sub(ns);
            }
        }
        end.loss_sums.retain(|sum| sum.count > 0);
        end
    }
}

fn of_facts(facts: Vec<Fact>) -> Batch {
    Batch {
        facts,
        ..Batch::default()
    }
}

/// What user space has found out, and finds out once only.
#[derive(Default)]
struct Known {
    /// Symbols and disks.
    names: Vec<Fact>,
    /// Arguments by process.
    argv: BTreeMap<u32, Fact>,
    /// Interpreters, by process: that of its latest exec.
    pythons: BTreeMap<u32, Fact>,
    watching: Option<Fact>,
}

impl Known {
    fn learn(&mut self, facts: &[Fact]) {
        for fact in facts {
            match fact {
                Fact::Symbol { .. } | Fact::Disk { .. } => self.names.push(fact.clone()),
                Fact::Argv { pid, .. } => _ = self.argv.insert(*pid, fact.clone()),
                Fact::Python { pid, .. } => _ = self.pythons.insert(*pid, fact.clone()),
                Fact::Watching { .. } => self.watching = Some(fact.clone()),
                // Of an instant.
                Fact::Begin { .. }
                | Fact::Lost { .. }
                | Fact::Memory { .. }
                | Fact::CpuTimes(_)
                | Fact::Netstat(_) => {}
            }
        }
    }

    fn facts(&self) -> Vec<Fact> {
        let processes = self.argv.values().chain(self.pythons.values());
        let all = self.names.iter().chain(processes).chain(&self.watching);
        all.cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{Item, Reader};

    fn symbol(addr: u64) -> Fact {
        Fact::Symbol {
            addr,
            name: format!("f{addr}"),
            sched: false,
        }
    }

    fn batch(watermark_ns: u64, facts: Vec<Fact>) -> Batch {
        Batch {
            watermark_ns,
            facts,
            records: Vec::new(),
        }
    }

    fn begin(at_ns: u64) -> Opening {
        Opening {
            facts: vec![Fact::Begin { at_ns, root: None }],
            lost: vec![("switch".into(), at_ns)],
            ..Opening::default()
        }
    }

    fn end(ended_ns: u64) -> End {
        End {
            ended_ns,
            lost: vec![("switch".into(), 100)],
            ..End::default()
        }
    }

    /// Watermarks and facts in the order of the file, and records lost by its end.
    fn contents(path: &Path) -> (Vec<u64>, Vec<Fact>, Option<u64>) {
        let (_, reader) = Reader::open(File::open(path).unwrap()).unwrap();
        let (mut watermarks, mut facts, mut lost) = (Vec::new(), Vec::new(), None);
        for item in reader {
            match item.unwrap() {
                Item::Batch(batch) => {
                    watermarks.extend(Some(batch.watermark_ns).filter(|&ns| ns > 0));
                    facts.extend(batch.facts);
                }
                Item::End(end) => lost = Some(end.lost[0].1),
            }
        }
        (watermarks, facts, lost)
    }

    fn recorder(dir: &Path, keep: Keep) -> Recorder {
        let recording = Recording {
            keep,
            ..Recording::whole(dir.join("run.wsc"))
        };
        Recorder::create(&recording, &Start::default(), |_| {}).unwrap()
    }

    #[test]
    fn recorder_a_part_has_what_is_known_and_ends_with_its_last_records() {
        let dir = tempfile::tempdir().unwrap();
        let keep = Keep::Parts {
            max_bytes: 1,
            max_files: None,
        };
        let mut recorder = recorder(dir.path(), keep);
        recorder.batch(&batch(10, vec![symbol(1)])).unwrap();
        recorder.next(Some(end(30))).unwrap();
        recorder.opened(begin(31), 31).unwrap();
        for (watermark_ns, addr) in [(20, 2), (30, 3), (40, 4)] {
            let batch = batch(watermark_ns, vec![symbol(addr)]);
            recorder.batch(&batch).unwrap();
        }
        recorder.end(&end(50)).unwrap();
        recorder.finish().unwrap();
        let path = |number| output::part(&dir.path().join("run.wsc"), number);
        let first = (vec![10, 20, 30], vec![symbol(1), symbol(2), symbol(3)]);
        assert_eq!(contents(&path(1)), (first.0, first.1, Some(100)));
        let mut facts = vec![
            symbol(1),
            Fact::Begin {
                at_ns: 31,
                root: None,
            },
        ];
        facts.extend([symbol(2), symbol(3), symbol(4)]);
        assert_eq!(contents(&path(2)), (vec![20, 30, 40], facts, Some(69)));
    }

    #[test]
    fn recorder_of_what_was_last_keeps_the_pieces_that_are_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let keep = Keep::Last {
            time: Duration::from_nanos(25),
            max_bytes: 1 << 20,
            signal: 12,
        };
        let mut recorder = recorder(dir.path(), keep);
        for number in 0..5 {
            recorder
                .batch(&batch(1 + 10 * number, vec![symbol(number)]))
                .unwrap();
            recorder.next(None).unwrap();
            let at_ns = 10 + 10 * number;
            recorder.opened(begin(at_ns), at_ns).unwrap();
        }
        recorder.batch(&batch(51, Vec::new())).unwrap();
        assert!(!dir.path().join("run.wsc").exists());
        recorder.end(&end(60)).unwrap();
        recorder.finish().unwrap();
        // The piece of 20 is the last that leaves 25 ns behind it.
        let mut facts: Vec<Fact> = (0..2).map(symbol).collect();
        facts.push(Fact::Begin {
            at_ns: 20,
            root: None,
        });
        facts.extend((2..5).map(symbol));
        let file = dir.path().join("run.wsc");
        assert_eq!(contents(&file), (vec![21, 31, 41, 51], facts, Some(80)));
    }

    #[test]
    fn recorder_of_what_was_last_gives_up_pieces_for_want_of_memory() {
        let dir = tempfile::tempdir().unwrap();
        let keep = Keep::Last {
            time: Duration::from_secs(1),
            max_bytes: 400,
            signal: 12,
        };
        let mut recorder = recorder(dir.path(), keep);
        for at_ns in 1..100 {
            recorder.batch(&batch(at_ns, Vec::new())).unwrap();
            recorder.next(None).unwrap();
            recorder.opened(begin(at_ns), at_ns).unwrap();
        }
        recorder.end(&end(100)).unwrap();
        let (watermarks, _, _) = contents(&dir.path().join("run.wsc"));
        assert!((5..50).contains(&watermarks.len()), "{watermarks:?}");
        assert_eq!(watermarks.last(), Some(&99));
    }
}
