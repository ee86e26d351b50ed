//! Small runs as the switches that are written of them.

use std::sync::Arc;

use proptest::prelude::*;

use super::{
    MOST_TEXT,
    cpus::gap_tid,
    proto::{Data, Event, TracePacket},
};
use crate::{
    document::{
        Document, Thread, Wake,
        trace::{Interval, Lane, Site, Switches, ThreadSwitches, Trace, TraceState, What},
    },
    switch_log::{self, Entry, SwitchLog},
    view::{
        sanitize,
        testing::{filled, hostile_texts},
    },
    vocabulary::WaitKind,
};
use prost::Message as _;

const STATES: [TraceState; 3] = [TraceState::OnCpu, TraceState::RunQueue, TraceState::Unknown];

/// A run of one thread that does these (numbers in [`STATES`]) for so long, and then lives on.
fn run(intervals: &[(u64, u32)], log: &[(u64, switch_log::What)]) -> Vec<String> {
    let what = |state| What {
        state,
        cause: None,
        site: None,
        wake: None,
        by: false,
    };
    let mut lane = Lane::new(0);
    for &(ns, what) in intervals {
        lane.push(Interval { ns, what, by: None });
    }
    let mut switches = SwitchLog::default();
    for &(at_ns, what) in log {
        switches.push(Entry { at_ns, what });
    }
    let trace = Trace {
        whats: STATES.into_iter().map(what).collect(),
        lanes: vec![lane],
        switches: Some(Switches {
            threads: vec![ThreadSwitches {
                log: switches,
                first_tid: None,
                lives: true,
            }],
            tasks: Vec::new(),
        }),
        ..Trace::default()
    };
    let document = Document {
        threads: vec![Thread {
            pid: Some(7),
            tid: 7,
            end_ns: 100,
            ..Thread::default()
        }],
        trace: Some(Arc::new(trace)),
        ..Document::default()
    };
    written(packets(&document))
}

fn packets(document: &Document) -> Vec<TracePacket> {
    let mut bytes = Vec::new();
    super::write(document, &mut bytes).unwrap();
    let mut bytes = &*bytes;
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        assert_eq!(bytes[0], super::packets::PACKET);
        bytes = &bytes[1..];
        packets.push(TracePacket::decode_length_delimited(&mut bytes).unwrap());
    }
    packets
}

/// `when CPU: prev (state) > next`
fn written(packets: Vec<TracePacket>) -> Vec<String> {
    let mut lines = Vec::new();
    for packet in packets {
        let Some(Data::FtraceEvents(bundle)) = packet.data else {
            continue;
        };
        for event in bundle.event {
            let Some(Event::SchedSwitch(switch)) = event.event else {
                continue;
            };
            lines.push(format!(
                "{} {}: {} ({:#x}) > {}",
                event.timestamp.unwrap(),
                bundle.cpu.unwrap(),
                task(switch.prev_pid.unwrap()),
                switch.prev_state.unwrap(),
                task(switch.next_pid.unwrap()),
            ));
        }
    }
    lines
}

fn task(tid: i32) -> String {
    match tid {
        _ if (0..4).any(|cpu| tid == gap_tid(cpu, true)) => "outside".to_owned(),
        _ if (0..4).any(|cpu| tid == gap_tid(cpu, false)) => "?".to_owned(),
        tid => tid.to_string(),
    }
}

#[test]
fn perfetto_gaps_of_a_cpu_are_outside_only_where_that_is_known() {
    let on = |cpu, outside_ns| switch_log::What::In { cpu, outside_ns };
    let off = switch_log::What::Out {
        cpu: 1,
        state: 0,
        runnable: true,
    };
    let intervals = [(10, 0), (10, 1), (10, 0), (10, 1), (10, 0)];
    let log = [
        (0, on(1, 0)),
        (10, off),
        (20, on(1, 10)),
        (30, off),
        (40, on(1, 4)),
    ];
    let expected = [
        "0 1: ? (0x0) > 7",
        "10 1: 7 (0x100) > outside",
        "20 1: outside (0x0) > 7",
        "30 1: 7 (0x100) > ?",
        "36 1: ? (0x0) > outside",
        "40 1: outside (0x0) > 7",
    ];
    assert_eq!(run(&intervals, &log), expected);
}

#[test]
fn perfetto_lost_time_is_neither_sleep_nor_running() {
    let on = switch_log::What::In {
        cpu: 2,
        outside_ns: 0,
    };
    // Its switch-out was lost, and then its switch-in, too.
    let expected = [
        "0 2: ? (0x0) > 7",
        "10 2: 7 (0x40) > ?",
        "20 2: ? (0x0) > 7",
    ];
    let intervals = [(10, 0), (10, 2), (10, 0)];
    assert_eq!(run(&intervals, &[(0, on), (20, on)]), expected);
}

/// A run of a thread that waits, in which every text is one of these.
fn with(texts: &[String]) -> Document {
    let mut of_others = texts.iter().cycle().cloned();
    let mut text = || of_others.next();
    let what = What {
        state: TraceState::Wait,
        cause: None,
        site: Some(0),
        wake: Some(0),
        by: false,
    };
    let mut lane = Lane::new(0);
    lane.push(Interval {
        ns: 10,
        what: 0,
        by: None,
    });
    let site = Site {
        kind: WaitKind::Futex,
        syscall: text(),
        function: text(),
        object: text(),
        stack: text().into_iter().collect(),
        user_stack: None,
    };
    let wake = Wake {
        comm: text(),
        ..Wake::default()
    };
    let trace = Trace {
        whats: vec![what],
        lanes: vec![lane],
        sites: vec![site],
        wakes: vec![wake],
        switches: Some(Switches {
            threads: vec![ThreadSwitches {
                log: SwitchLog::default(),
                first_tid: None,
                lives: true,
            }],
            tasks: Vec::new(),
        }),
        ..Trace::default()
    };
    let mut document = filled(texts, 100);
    document.threads.truncate(1);
    document.trace = Some(Arc::new(trace));
    document
}

/// Every text in a packet.
fn texts(packet: TracePacket) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(interned) = packet.interned_data {
        let lists = [
            interned.event_categories,
            interned.event_names,
            interned.debug_annotation_names,
            interned.debug_annotation_string_values,
        ];
        texts.extend(lists.into_iter().flatten().filter_map(|it| it.text));
    }
    match packet.data {
        Some(Data::ProcessTree(tree)) => {
            texts.extend(tree.processes.into_iter().flat_map(|it| it.cmdline));
            texts.extend(tree.threads.into_iter().filter_map(|it| it.name));
        }
        Some(Data::TrackDescriptor(track)) => {
            texts.extend(track.name);
            texts.extend(track.thread.and_then(|it| it.thread_name));
        }
        Some(Data::SystemInfo(info)) => {
            let name = info.utsname.unwrap();
            texts.extend(name.release.into_iter().chain(name.machine));
        }
        Some(Data::FtraceEvents(bundle)) => {
            for event in bundle.event {
                if let Some(Event::TaskNewtask(task)) = event.event {
                    texts.extend(task.comm);
                }
            }
        }
        Some(Data::TrackEvent(_)) | None => {}
    }
    texts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn perfetto_texts_of_others_are_shown_and_nothing_else(of_others in hostile_texts()) {
        let plain = packets(&with(&["x".to_owned()]));
        let packets = packets(&with(&of_others));
        prop_assert_eq!(packets.len(), plain.len());
        let all: Vec<String> = packets.into_iter().flat_map(texts).collect();
        prop_assert!(all.len() > 8);
        for text in all {
            prop_assert!(!text.chars().any(sanitize::is_hostile), "{:?}", text);
            prop_assert!(sanitize::width(&text) <= MOST_TEXT, "{:?}", text);
        }
    }
}
