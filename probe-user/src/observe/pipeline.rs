//! The thread behind the drain: names the addresses in new stacks, looks for
//! Pythons, keeps the recording, feeds the analysis. What is live here is what `report` replays.

use std::{
    collections::HashSet,
    fs, io,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
        mpsc::Receiver,
    },
    thread::{self, JoinHandle},
};

use anyhow::{Context as _, Error, Result, anyhow};
use rustc_hash::FxBuildHasher;
use tokio::sync::Notify;

use super::{
    Incomplete, Observed, Options, host, memory,
    netstat::Netstat,
    python_scan::PythonScan,
    queue::Queue,
    recorder::{Keep, Opening, Recorder, Recording, Size},
    reports::Look,
};
use crate::{
    analysis::Analysis,
    document::Document,
    symbol::{disk, kernel::KernelSymbols, modules::Modules},
    wire::{
        decode::{Problems, decode},
        event::{Event, What},
        session::{Batch, End, Fact, Start},
    },
};

/// Batches in flight: when the analysis falls behind further, the drain waits,
/// the ring fills, and the kernel counts what it loses.
const IN_FLIGHT: usize = 16;

/// Bytes of records that are held back beside those while the analysis makes an interim
/// report, which may take longer than the rings take to fill: as much as they hold.
const HELD_BACK: usize = 256 << 20;

/// Hands batches to the thread.
pub struct Pipeline {
    queue: Queue<Message>,
    thread: JoinHandle<Observed>,
    stop: Stop,
    /// Of the present part of the recording.
    size: Arc<Size>,
}

/// Ends the analysis before it has taken everything in. What is not taken in is recorded
/// all the same.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends it with the batch that is being taken in.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

enum Message {
    Batch(Batch),
    /// Something is to be made of what is known by now.
    Look(Look),
    /// The next part of the recording begins; and whether the one before is over.
    NextPart(bool),
    /// What it begins with.
    Opened(Box<Opening>),
    End(Last),
    /// Nothing has begun that could be recorded.
    Discard,
}

/// The end, and what its peak of memory has of the kernel's.
struct Last {
    end: End,
    kernel_bytes: u64,
}

struct Worker {
    analysis: Analysis,
    look_ups: LookUps,
    recording: Option<Recorder>,
    recording_result: Result<()>,
    stop: Stop,
    /// There is to be a report in the end.
    is_reported: bool,
    /// It was stopped before everything was taken in.
    is_short: bool,
    last: Option<Last>,
    /// Ends the observation, where that is for a recording alone.
    only_recorded: Option<Arc<Notify>>,
    notice: fn(&str),
}

/// What user space finds out about what events name, each once.
struct LookUps {
    symbols: Symbols,
    addresses: HashSet<u64, FxBuildHasher>,
    disks: HashSet<u32, FxBuildHasher>,
    modules: Modules,
    python_scan: PythonScan,
    netstat: Netstat,
    memory: memory::AtEnd,
}

type Loader = Box<dyn FnOnce() -> KernelSymbols + Send>;

/// The kernel's symbols, which take a while to read: nobody waits for them before
/// the first stack. Unreadable ones are a lower grade, reported before the run.
pub struct Symbols(LazyLock<KernelSymbols, Loader>);

impl Symbols {
    /// Begins to read them.
    pub fn soon() -> Symbols {
        let loading = thread::spawn(|| {
            // On a busy machine all else would wait for it: a program may be over before
            // it can be looked into.
            host::hurry();
            KernelSymbols::load()
        });
        Symbols(LazyLock::new(Box::new(move || {
            loading.join().ok().and_then(Result::ok).unwrap_or_default()
        })))
    }
}

impl Pipeline {
    /// Starts the thread. The recording must be creatable before anything runs.
    pub fn start(
        start: Start,
        symbols: Symbols,
        netstat: Netstat,
        options: &Options,
    ) -> Result<Pipeline> {
        // What can fail without leaving a file comes first.
        let analysis = Analysis::with(start.clone(), &options.analysis)?;
        let recording = options.recording.as_ref().map(|recording| {
            let path = recording.path.display();
            Recorder::create(recording, &start, options.notice)
                .with_context(|| format!("cannot create the recording {path}"))
        });
        let recording = recording.transpose()?;
        let size = recording.as_ref().map(Recorder::size).unwrap_or_default();
        let mut worker = Worker {
            analysis,
            look_ups: LookUps {
                symbols,
                addresses: HashSet::default(),
                disks: HashSet::default(),
                modules: Modules::default(),
                python_scan: PythonScan::default(),
                netstat,
                memory: memory::AtEnd::default(),
            },
            recording,
            recording_result: Ok(()),
            stop: Stop::default(),
            is_reported: options.is_reported,
            is_short: !options.is_analysed,
            last: None,
            only_recorded: (!options.is_reported && !options.is_analysed)
                .then(|| options.enough.clone()),
            notice: options.notice,
        };
        let is_divided = |recording: &Recording| recording.keep != Keep::Whole;
        if options.recording.as_ref().is_some_and(is_divided) {
            worker.analysis.skip_last_looks();
        }
        let stop = worker.stop.clone();
        let held_back = if options.reports.any() { HELD_BACK } else { 0 };
        let (queue, receiver) = Queue::new(IN_FLIGHT, held_back);
        let thread = thread::spawn(move || {
            host::hurry();
            worker.take_all(&receiver);
            worker.observed()
        });
        Ok(Pipeline {
            queue,
            thread,
            stop,
            size,
        })
    }

    /// Hands a batch over.
    pub fn batch(&mut self, batch: Batch) -> Result<()> {
        let bytes = batch.records.len();
        let sent = self.queue.send(Message::Batch(batch), bytes);
        sent.map_err(|_| ended())
    }

    /// Has a look at what was handed over so far.
    pub fn look(&mut self, look: Look) -> Result<()> {
        let sent = self.queue.send(Message::Look(look), 0);
        sent.map_err(|_| ended())
    }

    /// Begins the next part of the recording; and whether the one before is over.
    pub fn next_part(&mut self, ends: bool) -> Result<()> {
        let sent = self.queue.send(Message::NextPart(ends), 0);
        sent.map_err(|_| ended())
    }

    /// Says what it begins with, at the end of the one before.
    pub fn opened(&mut self, opening: Opening) -> Result<()> {
        let sent = self.queue.send(Message::Opened(Box::new(opening)), 0);
        sent.map_err(|_| ended())
    }

    /// How large the present part of the recording is.
    pub fn recorded(&self) -> Arc<Size> {
        self.size.clone()
    }

    /// Ends the analysis when it is wanted.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Nothing has begun: what would have been recorded leaves no file.
    pub fn discard(self) {
        // Its thread may have ended by itself, and there is an error already.
        let _ended = self.queue.finish(Message::Discard);
        let _ended = self.thread.join();
    }

    /// Hands the end over and waits for the report. Of the peak of memory at the end so
    /// much is the kernel's; the rest, and the CPU time, are looked up again when the
    /// report is there.
    pub fn finish(self, end: End, kernel_bytes: u64) -> Result<Observed> {
        let sent = self.queue.finish(Message::End(Last { end, kernel_bytes }));
        sent.map_err(|_| ended())?;
        self.thread.join().map_err(|_| ended())
    }
}

/// The thread of the analysis has panicked.
pub const NO_ANALYSIS: &str = "the analysis ended unexpectedly";

fn ended() -> Error {
    anyhow!(NO_ANALYSIS)
}

impl Worker {
    fn take_all(&mut self, receiver: &Receiver<Message>) {
        for message in receiver {
            match message {
                Message::Batch(batch) => self.batch(batch),
                Message::Look(look) => look(&mut self.analysis),
                Message::NextPart(ends) => {
                    if ends {
                        self.learn_memory();
                    }
                    self.record(|recorder| recorder.next(ends));
                }
                Message::Opened(opening) => {
                    self.record(|recorder| recorder.opened(*opening));
                }
                Message::Discard => {
                    self.is_reported = false;
                    if let Some(Err(error)) = self.recording.take().map(Recorder::discard) {
                        let sentence = "an empty recording is left, which could not be removed";
                        (self.notice)(&format!("{sentence}: {error}"));
                    }
                }
                Message::End(last) => {
                    self.learn_memory();
                    // Also for what may go wrong from here on.
                    self.record(|writer| writer.end(&last.end));
                    let end = last.end.clone();
                    if self.is_short {
                        self.analysis.end_early(end);
                    } else {
                        self.analysis.end(end);
                    }
                    self.last = Some(last);
                }
            }
        }
    }

    /// The report, with what it has cost itself.
    fn observed(mut self) -> Observed {
        let mut document = match self.is_reported {
            true => self.analysis.report_at_end(),
            false => Document {
                exit: self.last.as_ref().and_then(|last| last.end.exit),
                ..Document::default()
            },
        };
        if let Some(Last { end, kernel_bytes }) = self.last.take() {
            let end = End {
                tool_cpu_ns: host::own_cpu_ns(),
                tool_peak_bytes: host::own_peak_bytes() + kernel_bytes,
                ..end
            };
            let mut is_kept = true;
            self.record(|writer| {
                is_kept = writer.replace_end(&end)?;
                writer.finish()
            });
            // What a replay says, too.
            if is_kept {
                document.overhead.tool_cpu_ns = Some(end.tool_cpu_ns);
                document.overhead.tool_peak_bytes = Some(end.tool_peak_bytes);
            }
        }
        Observed {
            document,
            recording: self.recording_result,
        }
    }

    /// What is not taken in is recorded as if it were.
    fn record_only(&mut self, mut batch: Batch) {
        if self.recording.is_none() {
            return;
        }
        let Batch { facts, records, .. } = &mut batch;
        let look_ups = &mut self.look_ups;
        decode(records, &mut Problems::default(), |event| {
            look_ups.event(&event, facts);
        });
        self.record(|writer| writer.batch(&batch));
    }

    fn batch(&mut self, mut batch: Batch) {
        self.is_short |= self.stop.is_wanted();
        if self.is_short {
            return self.record_only(batch);
        }
        let Batch { facts, records, .. } = &mut batch;
        let look_ups = &mut self.look_ups;
        self.analysis
            .decode(records, |event| look_ups.event(event, facts));
        self.record(|writer| writer.batch(&batch));
        self.analysis.advance(&batch.facts, batch.watermark_ns);
    }

    /// What processes that live on have in memory, now that all of them are known.
    fn learn_memory(&mut self) {
        let batch = Batch {
            facts: std::mem::take(&mut self.look_ups.memory).facts(),
            ..Batch::default()
        };
        if !batch.facts.is_empty() {
            self.record(|writer| writer.batch(&batch));
            self.analysis.advance(&batch.facts, batch.watermark_ns);
        }
    }

    /// After the first failure, which is said at once, the run goes on without a recording;
    /// where there is nothing else to observe for it is over.
    fn record(&mut self, write: impl FnOnce(&mut Recorder) -> io::Result<()>) {
        let Some(mut recorder) = self.recording.take() else {
            return;
        };
        match write(&mut recorder) {
            Ok(()) => self.recording = Some(recorder),
            Err(error) => {
                (self.notice)(&recorder.give_up(&error));
                self.recording_result = Err(Incomplete.into());
                if let Some(enough) = &self.only_recorded {
                    enough.notify_one();
                }
            }
        }
    }
}

/// What a process runs that was there before us.
fn found(pid: u32) -> Option<Fact> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    let argv = text.split(|&b| b == 0);
    let argv = argv.map(|arg| String::from_utf8_lossy(arg).into_owned());
    let file = file_of(pid);
    (file.is_some() || !text.is_empty()).then(|| Fact::Argv {
        pid,
        argv: argv.collect(),
        file,
    })
}

/// The name of the file that a process runs.
fn file_of(pid: u32) -> Option<String> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let name = path.file_name()?.to_string_lossy();
    // The kernel's mark on a path that leads to it no more.
    Some(name.strip_suffix(" (deleted)").unwrap_or(&name).to_owned())
}

impl LookUps {
    fn event(&mut self, event: &Event, facts: &mut Vec<Fact>) {
        match &event.what {
            What::SleeperStack(frames) | What::WakerStack(frames) | What::Victim(frames) => {
                frames.iter().for_each(|&addr| self.address(addr, facts));
            }
            What::UserFrames(frames) => {
                facts.extend(self.modules.of(event.tid, frames));
                facts.push(Fact::UserFrames((**frames).clone()));
            }
            &What::Disk(dev) => self.disk(dev, facts),
            What::Connect(connect) => self.network(connect.netns, event.tid, facts),
            What::Accept(accept) => self.network(accept.netns, event.tid, facts),
            What::Listening(listening) => {
                let owner = listening.owner.as_ref().filter(|owner| owner.is_traced);
                let tid = owner.map_or(0, |owner| owner.tid);
                self.network(listening.netns, tid, facts);
            }
            what => {
                if let What::Snapshot(seen) = what
                    && seen.pid == event.tid
                    && !(seen.last || seen.held)
                {
                    facts.extend(found(seen.pid));
                }
                if let What::Snapshot(seen) = what
                    && seen.pid == event.tid
                    && seen.last
                {
                    self.memory.note(seen.pid);
                }
                facts.extend(self.python_scan.event(event));
            }
        }
    }

    fn address(&mut self, addr: u64, facts: &mut Vec<Fact>) {
        if !self.addresses.insert(addr) {
            return;
        }
        let resolved = self.symbols.0.resolve(addr);
        facts.push(Fact::Symbol {
            addr,
            name: resolved.map(|r| r.name.to_owned()).unwrap_or_default(),
            sched: resolved.is_some_and(|r| r.sched),
        });
    }

    /// A namespace of the tree, which may have been made since, or come to.
    fn network(&mut self, netns: Option<u32>, tid: u32, facts: &mut Vec<Fact>) {
        if tid != 0 && netns.is_some_and(|netns| !self.netstat.knows(netns)) {
            facts.extend(self.netstat.of_thread(tid));
        }
    }

    fn disk(&mut self, dev: u32, facts: &mut Vec<Fact>) {
        if self.disks.insert(dev) {
            facts.extend(disk::name(dev).map(|name| Fact::Disk { dev, name }));
        }
    }
}
