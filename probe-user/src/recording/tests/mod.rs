//! What a recording must survive, and what every test starts from.

mod damage;
mod malformed;
mod round_trip;

use super::{Item, Problem, Reader, Writer};
use crate::wire::session::{Batch, End, Fact, LossSum, ScanResult, Start};
use crate::wire::session::{Exit, Host, ProgramCost, Tier};

fn start() -> Start {
    Start {
        exact_descriptors: true,
        describes_descriptors: false,
        user_stacks: false,
        command: vec!["gitsync".into(), "--jobs\t\u{1b}[31m".into(), "ü".into()],
        attached: vec![1, u32::MAX],
        host: Host {
            name: None,
            kernel: "6.18.44".into(),
            arch: "x86_64".into(),
            cpus: 2,
        },
        tier: Tier::Raw,
        started_ns: u64::MAX,
        started_realtime_ns: 1_763_700_000_000_000_001,
        stack_threshold_ns: 1_000_000,
        syscall_table: "x86_64".into(),
        problems: vec!["no \"symbols\"".into()],
        sees_connections: false,
        sees_listeners: false,
    }
}

#[expect(clippy::too_many_lines, reason = "a list")]
fn items() -> Vec<Item> {
    vec![
        Item::Batch(Batch {
            watermark_ns: 5,
            facts: vec![
                Fact::Symbol {
                    addr: u64::MAX - 1,
                    name: "do_wait".into(),
                    sched: true,
                },
                Fact::Argv {
                    pid: 7,
                    argv: vec!["git".into(), String::new()],
                    file: Some("git".into()),
                },
                Fact::Watching { at_ns: 7 },
                Fact::Lost {
                    class: "switch".into(),
                    count: 3,
                },
                Fact::Python {
                    pid: 7,
                    from_ns: u64::MAX,
                    found: ScanResult::Runtime {
                        start: 0xa5_b740,
                        end: u64::MAX,
                    },
                },
            ],
            records: record(64, 1),
        }),
        Item::Batch(Batch::default()),
        Item::Batch(Batch {
            watermark_ns: u64::MAX,
            facts: vec![Fact::Lost {
                class: "switch".into(),
                count: 4,
            }],
            records: [record(280, 9), record(16, 2)].concat(),
        }),
        Item::End(End {
            ended_ns: 9,
            exit: Some(Exit::Signal(15)),
            lost: vec![("switch".into(), 4), ("task".into(), 0)],
            skipped: vec![("sched_process_exit".into(), 1)],
            loss_sums: vec![LossSum {
                tid: 7,
                what: 2,
                state: 1,
                nr: -1,
                flags: 8,
                mode: 0o010_000,
                count: 3,
                ns: 4,
            }],
            probe_runs: u64::MAX,
            probe_ns: None,
            costs: vec![ProgramCost {
                program: "sched_switch".into(),
                runs: 5,
                ns: 6,
            }],
            tool_cpu_ns: 11,
            tool_peak_bytes: 12,
        }),
    ]
}

/// A wire record that does not compress well.
fn record(size: u16, seed: u8) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..size)
        .map(|i| (i as u8).wrapping_mul(seed).wrapping_mul(37) ^ (i >> 3) as u8)
        .collect();
    bytes[2..4].copy_from_slice(&size.to_ne_bytes());
    bytes
}

fn written(start: &Start, items: &[Item]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, start).unwrap();
    for item in items {
        match item {
            Item::Batch(batch) => writer.batch(batch).unwrap(),
            Item::End(end) => writer.end(end).unwrap(),
        }
    }
    drop(writer);
    file
}

/// The items up to the problem, if there is one; nothing may follow it.
fn read(file: &[u8]) -> Result<(Start, Vec<Item>, Option<Problem>), Problem> {
    let (start, mut reader) = Reader::open(file)?;
    let mut items = Vec::new();
    let problem = loop {
        match reader.next() {
            Some(Ok(item)) => items.push(item),
            Some(Err(problem)) => break Some(problem),
            None => break None,
        }
    };
    assert!(reader.next().is_none() && reader.next().is_none());
    Ok((start, items, problem))
}

/// Reads a file whose header is good.
fn read_items(file: &[u8]) -> (Vec<Item>, Option<Problem>) {
    let (_, items, problem) = read(file).unwrap();
    (items, problem)
}
