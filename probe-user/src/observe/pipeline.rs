//! The thread behind the drain: names the addresses in new stacks, looks for
//! Pythons, keeps the recording, feeds the analysis. What is live here is what `report` replays.

use std::{
    collections::HashSet,
    io,
    sync::{
        LazyLock,
        mpsc::{Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use anyhow::{Context as _, Error, Result, anyhow};
use rustc_hash::FxBuildHasher;

use super::{Observed, Options, host, python_scan::PythonScan, queue::Queue};
use crate::{
    analysis::Analysis,
    document::Document,
    recording::Writer,
    symbol::{disk, kernel::KernelSymbols},
    wire::{
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
}

enum Message {
    Batch(Batch),
    /// An interim report is wanted.
    Report(Sender<Document>),
    End(End),
}

struct Worker {
    analysis: Analysis,
    look_ups: LookUps,
    recording: Option<Writer>,
    recording_result: Result<()>,
}

/// What user space finds out about what events name, each once.
struct LookUps {
    symbols: Symbols,
    addresses: HashSet<u64, FxBuildHasher>,
    disks: HashSet<u32, FxBuildHasher>,
    python_scan: PythonScan,
}

type Loader = Box<dyn FnOnce() -> KernelSymbols + Send>;

/// The kernel's symbols, which take a while to read: nobody waits for them before
/// the first stack. Unreadable ones are a lower grade, reported before the run.
pub struct Symbols(LazyLock<KernelSymbols, Loader>);

impl Symbols {
    /// Begins to read them.
    pub fn soon() -> Symbols {
        let loading = thread::spawn(KernelSymbols::load);
        Symbols(LazyLock::new(Box::new(move || {
            loading.join().ok().and_then(Result::ok).unwrap_or_default()
        })))
    }
}

impl Pipeline {
    /// Starts the thread. The recording must be creatable before anything runs.
    pub fn start(start: Start, symbols: Symbols, options: &Options) -> Result<Pipeline> {
        let recording = options.recording.as_ref().map(|path| {
            Writer::create(path, &start)
                .with_context(|| format!("cannot create the recording {}", path.display()))
        });
        let mut worker = Worker {
            analysis: Analysis::with(start, &options.analysis)?,
            look_ups: LookUps {
                symbols,
                addresses: HashSet::default(),
                disks: HashSet::default(),
                python_scan: PythonScan::default(),
            },
            recording: recording.transpose()?,
            recording_result: Ok(()),
        };
        let held_back = if options.reports.any() { HELD_BACK } else { 0 };
        let (queue, receiver) = Queue::new(IN_FLIGHT, held_back);
        let thread = thread::spawn(move || {
            host::hurry();
            worker.take_all(&receiver);
            Observed {
                document: worker.analysis.document(),
                recording: worker.recording_result,
            }
        });
        Ok(Pipeline { queue, thread })
    }

    /// Hands a batch over.
    pub fn batch(&mut self, batch: Batch) -> Result<()> {
        let bytes = batch.records.len();
        let sent = self.queue.send(Message::Batch(batch), bytes);
        sent.map_err(|_| ended())
    }

    /// Asks for an interim report of what was handed over so far.
    pub fn report(&mut self, reply: Sender<Document>) -> Result<()> {
        let sent = self.queue.send(Message::Report(reply), 0);
        sent.map_err(|_| ended())
    }

    /// Hands the end over and waits for the report.
    pub fn finish(self, end: End) -> Result<Observed> {
        let sent = self.queue.finish(Message::End(end));
        sent.map_err(|_| ended())?;
        self.thread.join().map_err(|_| ended())
    }
}

fn ended() -> Error {
    anyhow!("the analysis ended unexpectedly")
}

impl Worker {
    fn take_all(&mut self, receiver: &Receiver<Message>) {
        for message in receiver {
            match message {
                Message::Batch(batch) => self.batch(batch),
                Message::Report(reply) => {
                    // Nobody takes it where delivering it has panicked.
                    let _untaken = reply.send(self.analysis.report());
                }
                Message::End(end) => {
                    self.record(|writer| writer.end(&end));
                    self.analysis.end(end);
                }
            }
        }
    }

    fn batch(&mut self, mut batch: Batch) {
        let Batch { facts, records, .. } = &mut batch;
        let look_ups = &mut self.look_ups;
        self.analysis
            .decode(records, |event| look_ups.event(event, facts));
        self.record(|writer| writer.batch(&batch));
        self.analysis.advance(&batch.facts, batch.watermark_ns);
    }

    /// After the first failure the run goes on without a recording.
    fn record(&mut self, write: impl FnOnce(&mut Writer) -> io::Result<()>) {
        let Some(writer) = &mut self.recording else {
            return;
        };
        if let Err(error) = write(writer) {
            self.recording = None;
            self.recording_result =
                Err(error).context("the recording is incomplete: it could not be written on");
        }
    }
}

impl LookUps {
    fn event(&mut self, event: &Event, facts: &mut Vec<Fact>) {
        match &event.what {
            What::SleeperStack(frames) | What::WakerStack(frames) => {
                frames.iter().for_each(|&addr| self.address(addr, facts));
            }
            &What::Disk(dev) => self.disk(dev, facts),
            _ => facts.extend(self.python_scan.event(event)),
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

    fn disk(&mut self, dev: u32, facts: &mut Vec<Fact>) {
        if self.disks.insert(dev) {
            facts.extend(disk::name(dev).map(|name| Fact::Disk { dev, name }));
        }
    }
}
