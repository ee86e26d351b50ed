//! Small runs as the switches that are written of them.

use std::sync::Arc;

use super::{
    cpus::gap_tid,
    proto::{Data, Event, TracePacket},
};
use crate::{
    document::{
        Document, Thread,
        trace::{Interval, Lane, Switches, ThreadSwitches, Trace, TraceState, What},
    },
    switch_log::{self, Entry, SwitchLog},
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
    let mut bytes = Vec::new();
    super::write(&document, &mut bytes).unwrap();
    written(&bytes)
}

/// `when CPU: prev (state) > next`
fn written(mut bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    while !bytes.is_empty() {
        assert_eq!(bytes[0], super::packets::PACKET);
        bytes = &bytes[1..];
        let packet = TracePacket::decode_length_delimited(&mut bytes).unwrap();
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
