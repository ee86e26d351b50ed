//! Track events: what threads waited for, as slices on their own tracks, each with what is
//! known of the wait as arguments, and flows from whatever thread woke them.
//!
//! Texts are written once and then named by number. Who woke a thread is known at the end of
//! its wait only, and stands in the slice's end.

use std::io;

use rustc_hash::FxHashMap;

use super::{
    super::frames,
    packets::{Packets, SEQUENCE},
    plain,
    proto::{
        Data, DebugAnnotation, Interned, InternedData, SEQ_NEEDS_INCREMENTAL_STATE, TYPE_INSTANT,
        TYPE_SLICE_BEGIN, TYPE_SLICE_END, ThreadDescriptor, TracePacket, TrackDescriptor,
        TrackEvent,
    },
};
use crate::document::{
    Document,
    trace::{Interval, Trace, TraceState, What},
};

/// Uuids of threads' tracks begin here.
const THREADS: u64 = 1 << 32;

/// Texts by number, of one kind; what has not been written yet.
#[derive(Default)]
struct Texts {
    known: FxHashMap<String, u64>,
    new: Vec<Interned>,
}

impl Texts {
    fn number(&mut self, text: &str) -> u64 {
        if let Some(&known) = self.known.get(text) {
            return known;
        }
        let number = self.known.len() as u64 + 1;
        self.known.insert(text.to_owned(), number);
        self.new.push(Interned {
            iid: Some(number),
            text: Some(text.to_owned()),
        });
        number
    }
}

/// The tracks of threads.
pub struct Tracks<'a> {
    document: &'a Document,
    trace: &'a Trace,
    categories: Texts,
    names: Texts,
    keys: Texts,
    values: Texts,
    /// Of each thread, what its open slice is of; `None`: it has none.
    open: Vec<Option<Interval>>,
    /// Of each thread, the flow that ends where its wait does.
    flows: Vec<Option<u64>>,
    last_flow: u64,
}

impl<'a> Tracks<'a> {
    /// Without an event.
    pub fn new(document: &'a Document, trace: &'a Trace) -> Tracks<'a> {
        let threads = document.threads.len();
        Tracks {
            document,
            trace,
            categories: Texts::default(),
            names: Texts::default(),
            keys: Texts::default(),
            values: Texts::default(),
            open: vec![None; threads],
            flows: vec![None; threads],
            last_flow: 0,
        }
    }

    /// The track of a thread with these numbers, and its name.
    pub fn describe(&self, row: usize, pid: i32, tid: i32, name: &str) -> TrackDescriptor {
        TrackDescriptor {
            uuid: Some(uuid(row)),
            thread: Some(ThreadDescriptor {
                pid: Some(pid),
                tid: Some(tid.into()),
                thread_name: Some(plain(name)),
            }),
            ..TrackDescriptor::default()
        }
    }

    /// A thread is woken by another of the tree.
    pub fn woken_by(
        &mut self,
        at_ns: u64,
        row: usize,
        by: usize,
        packets: &mut Packets<'_>,
    ) -> io::Result<()> {
        self.last_flow += 1;
        let flow = self.last_flow;
        let mut wakes = self.event(TYPE_INSTANT, by, Some("wakes"));
        wakes.flow_ids.push(flow);
        self.write(at_ns, wakes, packets)?;
        if self.open[row].is_some() {
            self.flows[row] = Some(flow);
            return Ok(());
        }
        // It had been woken as it was about to sleep.
        let mut woken = self.event(TYPE_INSTANT, row, Some("woken before it slept"));
        woken.terminating_flow_ids.push(flow);
        self.write(at_ns, woken, packets)
    }

    /// An interval of a thread ends, and another one begins. `woken_by` is what ended it.
    pub fn next(
        &mut self,
        at_ns: u64,
        row: usize,
        next: Option<Interval>,
        woken_by: Option<&str>,
        packets: &mut Packets<'_>,
    ) -> io::Result<()> {
        if let Some(interval) = self.open[row].take() {
            let mut end = self.event(TYPE_SLICE_END, row, None);
            end.terminating_flow_ids.extend(self.flows[row].take());
            if let Some(what) = self.trace.whats.get(interval.what as usize) {
                self.add_end(&mut end, what, woken_by);
            }
            self.write(at_ns, end, packets)?;
        }
        let Some(interval) = next else {
            return Ok(());
        };
        let Some(what) = self.trace.whats.get(interval.what as usize) else {
            return Ok(());
        };
        let name = match what.state {
            TraceState::Wait | TraceState::Open => self.kind(what),
            TraceState::Unknown => "unknown",
            TraceState::OnCpu | TraceState::RunQueue | TraceState::Together => return Ok(()),
        };
        let mut begin = self.event(TYPE_SLICE_BEGIN, row, Some(name));
        self.add_begin(&mut begin, what, interval);
        self.open[row] = Some(interval);
        self.write(at_ns, begin, packets)
    }

    fn kind(&self, what: &What) -> &'static str {
        let site = what.site.and_then(|at| self.trace.sites.get(at as usize));
        site.map_or("wait", |site| site.kind.as_str())
    }

    /// What a wait is for.
    fn add_begin(&mut self, event: &mut TrackEvent, what: &What, interval: Interval) {
        let Trace { sites, causes, .. } = self.trace;
        if let Some(site) = what.site.and_then(|at| sites.get(at as usize)) {
            self.add(event, "kind", Some(site.kind.as_str()));
            self.add(event, "syscall", site.syscall.as_deref());
            self.add(event, "function", site.function.as_deref());
            self.add(event, "object", site.object.as_deref());
            if !site.stack.is_empty() {
                self.add(event, "stack", Some(&site.stack.join(" < ")));
            }
            if let Some(stack) = &site.user_stack {
                let names = stack.iter().map(|&at| frames::user_name(self.document, at));
                let names: Vec<_> = names.collect();
                self.add(event, "user stack", Some(&names.join(" < ")));
            }
        }
        if what.state != TraceState::Wait {
            return;
        }
        // Whom it was waited for, which need not be who woke it.
        if let Some(by) = interval.by {
            let name = name_of(self.document, by as usize);
            self.add(event, "waited for", Some(&name));
        } else if let Some((cause, detail)) = what.cause.and_then(|at| causes.get(at as usize)) {
            let detail = detail.as_deref().unwrap_or_default();
            let text = format!("{} {detail}", cause.as_str());
            self.add(event, "waited for", Some(text.trim_end()));
        }
    }

    /// What has ended it.
    fn add_end(&mut self, event: &mut TrackEvent, what: &What, woken_by: Option<&str>) {
        let wakes = &self.trace.wakes;
        if let Some(wake) = what.wake.and_then(|at| wakes.get(at as usize)) {
            self.add(event, "wake source", Some(wake.source.as_str()));
            self.add(event, "waker's syscall", wake.syscall.as_deref());
            let signal = wake.signal.as_ref();
            self.add(event, "signal", signal.map(|signal| signal.name.as_str()));
        }
        self.add(event, "woken by", woken_by);
    }

    fn add(&mut self, event: &mut TrackEvent, key: &str, value: Option<&str>) {
        let Some(value) = value else {
            return;
        };
        event.debug_annotations.push(DebugAnnotation {
            name_iid: Some(self.keys.number(key)),
            string_value_iid: Some(self.values.number(&plain(value))),
        });
    }

    fn event(&mut self, kind: i32, row: usize, name: Option<&str>) -> TrackEvent {
        let category = name.map(|_| self.categories.number("waitscope"));
        TrackEvent {
            r#type: Some(kind),
            track_uuid: Some(uuid(row)),
            category_iids: category.into_iter().collect(),
            name_iid: name.map(|name| self.names.number(name)),
            ..TrackEvent::default()
        }
    }

    fn write(
        &mut self,
        at_ns: u64,
        event: TrackEvent,
        packets: &mut Packets<'_>,
    ) -> io::Result<()> {
        let take = |texts: &mut Texts| std::mem::take(&mut texts.new);
        let interned = InternedData {
            event_categories: take(&mut self.categories),
            event_names: take(&mut self.names),
            debug_annotation_names: take(&mut self.keys),
            debug_annotation_string_values: take(&mut self.values),
        };
        packets.write(&TracePacket {
            timestamp: Some(at_ns),
            trusted_packet_sequence_id: Some(SEQUENCE),
            interned_data: (interned != InternedData::default()).then(|| Box::new(interned)),
            sequence_flags: Some(SEQ_NEEDS_INCREMENTAL_STATE),
            data: Some(Data::TrackEvent(event)),
        })
    }
}

fn uuid(row: usize) -> u64 {
    THREADS + row as u64
}

/// A thread of the tree, for people.
pub fn name_of(document: &Document, row: usize) -> String {
    let thread = document.threads.get(row);
    thread.map_or_else(String::new, |thread| {
        format!("{} {}", thread.comm, thread.tid)
    })
}
