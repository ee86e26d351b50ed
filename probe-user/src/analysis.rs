//! Batches → document. Live and replay are this same code: a run is its own
//! recording, read as it is made.

use std::{collections::BTreeMap, path::PathBuf};

use probe_common::loss::LOSS_NAMES;

use crate::{
    document::{Document, WaitFilter, top::Tick},
    metrics::{
        self, RunInfo, Wanted,
        top::{
            self, Sleeps, Span,
            around::{Around, Question},
        },
    },
    spill::SpillBudget,
    syscall::Table,
    vocabulary::Tier,
    wire::{
        decode::decode,
        event::Event,
        order::Order,
        session::{End, Fact, LossSum, Start, Wakings},
        sorted::Sorted,
    },
    world::{
        World,
        connection::Early,
        filter,
        process::ProcessId,
        switches::Switches,
        window::{Excerpt, Part, Window},
    },
};

/// How a run is taken in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it keeps in memory, bytes; more goes to a file without a name.
    pub memory_bytes: u64,
    /// Where that file is made when it is needed.
    pub spill_folder: PathBuf,
    /// Tids of threads whose stories are wanted.
    pub explain: Vec<u32>,
    /// A thread that was woken and waits at the same place again was woken for nothing if it
    /// ran for less, ns ([`metrics::SHORT_RUN_NS`]).
    pub short_run_ns: u64,
    /// Which end of a connection by the peer is early.
    pub early: Early,
    /// What goes into the document besides sums.
    pub wanted: Wanted,
    /// Whether it is found out behind what threads stand on run queues.
    pub divides_run_queues: bool,
    /// The part of the run that is reported; `None`: all of it.
    pub window: Option<Window>,
    /// Which waits are counted; `None`: all.
    pub filter: Option<WaitFilter>,
}

impl Settings {
    /// All of a run, with nothing but sums; so many bytes of it are kept in memory, and the rest
    /// in this folder.
    pub fn new(memory_bytes: u64, spill_folder: PathBuf) -> Settings {
        Settings {
            memory_bytes,
            spill_folder,
            explain: Vec::new(),
            short_run_ns: metrics::SHORT_RUN_NS,
            early: Early::default(),
            wanted: Wanted::default(),
            divides_run_queues: true,
            window: None,
            filter: None,
        }
    }
}

/// A run being taken in.
pub struct Analysis {
    info: RunInfo,
    order: Order,
    world: World,
    /// When the account is to begin, if it has not.
    begin: Option<Begin>,
    /// The part of the run that is reported.
    excerpt: Option<Excerpt>,
    /// Last looks at all threads are those of parts of the recording: the run goes on.
    skips_last_looks: bool,
    /// The latest watermark, ns.
    watermark_ns: u64,
}

/// The account begins behind a delay.
struct Begin {
    at_ns: u64,
    root: Option<u32>,
}

impl Analysis {
    /// Begins. Fails only for a system-call table this version does not have.
    pub fn new(start: Start) -> Result<Analysis, UnknownTable> {
        let table = Table::by_id(&start.syscall_table).ok_or_else(|| UnknownTable {
            id: start.syscall_table.clone(),
        })?;
        let lost = LOSS_NAMES
            .iter()
            .map(|&(_, name)| (name.to_owned(), 0))
            .collect();
        let info = RunInfo {
            start,
            lost,
            short_run_ns: metrics::SHORT_RUN_NS,
            ..RunInfo::default()
        };
        Ok(Analysis {
            info,
            order: Order::default(),
            world: World::new(table),
            begin: None,
            excerpt: None,
            skips_last_looks: false,
            watermark_ns: 0,
        })
    }

    /// Begins as it is set.
    pub fn with(start: Start, settings: &Settings) -> Result<Analysis, UnknownTable> {
        let mut analysis = Analysis::new(start)?;
        let bytes = usize::try_from(settings.memory_bytes).unwrap_or(usize::MAX);
        analysis.world.logs.budget = SpillBudget::limited(bytes, &settings.spill_folder);
        analysis.explain(&settings.explain);
        analysis.info.short_run_ns = settings.short_run_ns;
        analysis.keep(settings.wanted);
        analysis.world.connections.early = settings.early;
        if let Some(window) = settings.window {
            analysis.only(window);
        }
        if let Some(filter) = &settings.filter {
            analysis.count_only(filter.clone());
        }
        if !settings.divides_run_queues {
            analysis.world.run_queues = None;
        }
        Ok(analysis)
    }

    /// Bytes that its intervals take in memory.
    pub fn kept_bytes(&self) -> u64 {
        self.world.logs.budget.kept_bytes()
    }

    /// Takes in one drain of the rings.
    pub fn batch(&mut self, batch: impl Into<Sorted>) {
        let Sorted {
            mut events,
            problems,
            facts,
            watermark_ns,
        } = batch.into();
        if self.skips_last_looks {
            events.retain(|event| !event.what.is_of_last_look());
        }
        self.info.decoding.add(problems);
        self.order.push_all(events);
        self.advance(&facts, watermark_ns);
    }

    /// The first half of that: decodes records, and shows each event to `look` in the
    /// order of arrival, before anything is made of it.
    pub fn decode(&mut self, records: &[u8], mut look: impl FnMut(&Event)) {
        let Analysis {
            order,
            skips_last_looks,
            ..
        } = self;
        decode(records, &mut self.info.decoding, |event| {
            look(&event);
            if !(*skips_last_looks && event.what.is_of_last_look()) {
                order.push(event);
            }
        });
    }

    /// The second half: learns facts, which those events may have raised, and applies
    /// what is due.
    pub fn advance(&mut self, facts: &[Fact], watermark_ns: u64) {
        for fact in facts {
            match fact {
                Fact::Lost { class, count } => {
                    self.info.lost.insert(class.clone(), *count);
                }
                // Of these only the whole run's are known.
                Fact::CpuTimes(_) | Fact::Netstat(_) | Fact::Memory { .. }
                    if self.excerpt.is_some() =>
                {
                    continue;
                }
                Fact::CpuTimes(times) => self.info.cpu_times.push(*times),
                &Fact::Begin { at_ns, root } => self.begin = Some(Begin { at_ns, root }),
                _ => {}
            }
            self.world.learn(fact);
        }
        self.watermark_ns = self.watermark_ns.max(watermark_ns);
        self.release(watermark_ns);
        let has_ended = self.excerpt.as_ref().is_some_and(Excerpt::has_ended);
        if !has_ended {
            let world = &mut self.world;
            world.watermark_ns = world.watermark_ns.max(watermark_ns);
        }
    }

    /// The observation ended; what happened after `end` is left out.
    pub fn end(&mut self, end: End) {
        self.release(end.ended_ns);
        // Births and deaths are of the same class.
        let is_lost = |(class, count): &(String, u64)| class == "task" && *count > 0;
        let snapshot_is_whole = !end.lost.iter().any(is_lost);
        self.end_world(end.ended_ns, &end.loss_sums, snapshot_is_whole);
        self.info.lost.extend(end.lost.iter().cloned());
        self.info.end = Some(end);
    }

    fn end_world(&mut self, ended_ns: u64, sums: &[LossSum], snapshot_is_whole: bool) {
        let Analysis { world, excerpt, .. } = self;
        if let Some(excerpt) = excerpt {
            excerpt.pass(world, ended_ns);
        }
        match excerpt {
            Some(excerpt) if excerpt.has_ended() => world.end_behind(ended_ns, snapshot_is_whole),
            _ => world.end(ended_ns, sums, snapshot_is_whole),
        }
    }

    /// Where the part of the run lies that is reported.
    fn part(&self) -> Option<Part> {
        let ended_ns = self.info.end.as_ref().map(|end| end.ended_ns);
        let ended_ns = ended_ns.or(self.info.cut_ns);
        let excerpt = self.excerpt.as_ref()?;
        Some(excerpt.part(&self.world, ended_ns))
    }

    /// The observation ended, and what was not taken in by now is left out: the report
    /// is of the run up to the last watermark.
    pub fn end_early(&mut self, end: End) {
        self.info.ended_early = true;
        self.info.lost.extend(end.lost.iter().cloned());
        self.info.end = Some(end);
    }

    /// Passes over what says that the trace ends: parts of its recording do, and it goes on.
    pub fn skip_last_looks(&mut self) {
        self.skips_last_looks = true;
    }

    /// Adds a sentence to the report's coverage.
    pub fn problem(&mut self, sentence: String) {
        self.info.problems.push(sentence);
    }

    /// Asks for the stories of the threads with these tids.
    pub fn explain(&mut self, tids: &[u32]) {
        self.info.explain.extend_from_slice(tids);
    }

    /// Asks for more than sums, before anything is taken in.
    pub fn keep(&mut self, wanted: Wanted) {
        self.info.wanted = wanted;
        self.world.dictionaries.keeps_stacks = wanted.stacks;
        self.world.switches_kept = wanted.switches.then(Switches::default);
    }

    /// Reports a part of the run, of which nothing has been taken in yet.
    pub fn only(&mut self, window: Window) {
        self.excerpt = Some(Excerpt::new(window));
    }

    /// Counts only some of the waits; of those that have ended by now all are counted.
    pub fn count_only(&mut self, filter: WaitFilter) {
        let WaitFilter {
            kinds,
            min_ns,
            max_ns,
        } = &filter;
        self.world.logs.filter = Some(filter::WaitFilter::new(kinds, *min_ns, *max_ns));
        self.info.filter = Some(filter);
    }

    /// The report.
    pub fn document(mut self) -> Document {
        self.report_at_end()
    }

    /// The same while its memory is still taken.
    pub fn report_at_end(&mut self) -> Document {
        if self.info.end.is_none() {
            // Cut short: what is there is there, and up to the last watermark it is all.
            self.release(u64::MAX);
            let seen_ns = self.excerpt.as_ref().map(Excerpt::seen_ns);
            let seen_ns = seen_ns.unwrap_or(self.world.now_ns);
            self.info.cut_ns = Some(seen_ns.max(self.watermark_ns));
        }
        self.info.part = self.part();
        metrics::document(&self.world, &self.info)
    }

    /// An interim report, of everything up to the last watermark: a wait that has
    /// not ended by then is open. Nothing that follows is changed by it.
    pub fn report(&self) -> Document {
        Document {
            interim: true,
            cut: false,
            ..metrics::document(&self.world, &self.info)
        }
    }

    /// The present moment, up to the last watermark: see [`top::tick`].
    pub fn tick(
        &mut self,
        span: Span,
        kept: &mut top::Kept,
        look: impl FnOnce(&BTreeMap<u32, ProcessId>, &[Question]) -> Around,
    ) -> Tick {
        let sleeps = Sleeps {
            next: self.order.next_switch_ins(),
            wakings: self.info.wakings.clone(),
        };
        top::tick(&mut self.world, &self.info, &sleeps, span, kept, look)
    }

    /// Who has been woken by now and not run since.
    pub fn learn_wakings(&mut self, wakings: Wakings) {
        self.info.wakings = wakings;
    }

    /// Forgets what lies before an instant, ns.
    pub fn forget(&mut self, before_ns: u64) {
        self.world.forget(before_ns);
    }

    /// When the observation began, ns.
    pub fn begun_ns(&self) -> u64 {
        self.info.start.started_ns
    }

    /// What it is observed with.
    pub fn tier(&self) -> Tier {
        self.info.start.tier
    }

    /// Up to when all is seen, ns.
    pub fn now_ns(&self) -> u64 {
        self.world.seen_until_ns()
    }

    fn release(&mut self, watermark_ns: u64) {
        let is_due = |begin: &mut Begin| begin.at_ns <= watermark_ns;
        if let Some(Begin { at_ns, root }) = self.begin.take_if(is_due) {
            self.apply_until(at_ns);
            self.world.begin(at_ns, root);
            self.info.begun_ns = Some(at_ns);
            if let Some(excerpt) = &mut self.excerpt {
                excerpt.begin_anew(&mut self.world);
            }
        }
        self.apply_until(watermark_ns);
    }

    fn apply_until(&mut self, watermark_ns: u64) {
        let Analysis { world, excerpt, .. } = self;
        self.order
            .release(watermark_ns, |event: &Event| match excerpt {
                Some(excerpt) => excerpt.apply(world, event),
                None => world.apply(event),
            });
        self.info.late = self.order.late();
    }
}

/// The recording comes from an architecture this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the recording uses system-call table {id:?}, which this version of waitscope does not have"
)]
pub struct UnknownTable {
    /// The table's name in the recording.
    pub id: String,
}
