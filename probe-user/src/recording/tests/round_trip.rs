//! What was written comes back, whatever it is and however large.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::format::{MINOR, SPLIT};
use super::*;
use crate::wire::event::{BUILD_ID, BuildId, UserFrame, UserFrames};
use crate::world::tests::recorded::recordings;

#[test]
fn a_recording_gives_back_what_was_written() {
    let (read_start, read_items, problem) = read(&written(&start(), &items())).unwrap();
    assert_eq!(read_start, start());
    assert_eq!(read_items, items());
    assert!(problem.is_none(), "{problem:?}");
}

/// Their reports are golden: a version that is added has a recording added.
#[test]
fn a_recording_of_every_version_is_stored() {
    let minor = |path| {
        let bytes = fs::read(path).unwrap();
        u16::from_le_bytes([bytes[10], bytes[11]])
    };
    let stored: BTreeSet<u16> = recordings().into_iter().map(minor).collect();
    assert_eq!(stored, (0..=MINOR).collect());
}

/// The layout is final: these bytes were written by version 1.0.
#[test]
fn the_layout_does_not_change() {
    let file = written(
        &start(),
        &[Item::Batch(Batch {
            watermark_ns: 0x0807_0605_0403_0201,
            facts: vec![],
            records: vec![9, 10],
        })],
    );
    let json = r#"{"command":["gitsync","--jobs\t\u001b[31m","ü"],"attached":[1,4294967295],"host":{"kernel":"6.18.44","arch":"x86_64","cpus":2},"tier":"raw","clocks":{"monotonic_ns":18446744073709551615,"realtime_ns":1763700000000000001},"settings":{"stack_threshold_ns":1000000,"exact_descriptors":true},"syscall_table":"x86_64","problems":["no \"symbols\""]}"#.as_bytes();
    let frame = b"\x0a\0\0\0\x01\0\0\0\x0a\0\0\0CRC!\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a";
    assert_eq!(file[..8], *b"\x89WSC\r\n\x1a\n");
    assert_eq!(file[8..12], [1, 0, 3, 0]);
    assert_eq!(file[12..14], probe_common::ABI_VERSION.to_le_bytes());
    assert_eq!(file[14..16], 0x0102u16.to_ne_bytes());
    assert_eq!(file[16..20], (json.len() as u32).to_le_bytes());
    assert_eq!(file[24..24 + json.len()], json[..]);
    let tail = &file[24 + json.len()..];
    assert_eq!((&tail[..12], &tail[16..]), (&frame[..12], &frame[16..]));
    let crc = crc32c::crc32c(&[&frame[..12], &frame[16..]].concat());
    assert_eq!(tail[12..16], crc.to_le_bytes());
}

#[test]
fn a_large_batch_makes_progress_only_at_its_end() {
    let record = record(280, 3);
    let batch = Batch {
        watermark_ns: 77,
        facts: items_of_first_batch(),
        records: record.repeat(3 * (SPLIT / record.len())),
    };
    let file = written(&start(), &[Item::Batch(batch.clone())]);
    let (items, _) = read_items(&file);
    assert_eq!(items.len(), 3);
    let mut records = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let Item::Batch(part) = item else {
            panic!("{item:?}")
        };
        assert_eq!(part.watermark_ns, if i == 2 { 77 } else { 0 });
        assert_eq!(
            part.facts,
            if i == 0 { batch.facts.clone() } else { vec![] }
        );
        assert_eq!(part.records.len() % record.len(), 0);
        records.extend_from_slice(&part.records);
    }
    assert!(records == batch.records);
}

fn items_of_first_batch() -> Vec<Fact> {
    match items().swap_remove(0) {
        Item::Batch(batch) => batch.facts,
        Item::End(_) => Vec::new(),
    }
}

#[test]
fn many_facts_come_before_the_records_they_belong_to() {
    let facts: Vec<_> = (0..60_000u64)
        .map(|addr| Fact::Symbol {
            addr,
            name: format!("{:0>150}", addr),
            sched: false,
        })
        .collect();
    let batch = Batch {
        watermark_ns: 8,
        facts: facts.clone(),
        records: record(64, 1),
    };
    let (items, _) = read_items(&written(&start(), &[Item::Batch(batch)]));
    let mut seen = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let Item::Batch(part) = item else {
            panic!("{item:?}")
        };
        let last = i + 1 == items.len();
        assert_eq!(
            (part.watermark_ns, part.records.is_empty()),
            if last { (8, false) } else { (0, true) }
        );
        seen.extend_from_slice(&part.facts);
    }
    assert!(items.len() > 2 && seen == facts);
}

#[test]
fn bytes_that_are_no_records_are_kept_whole() {
    let records = vec![0; SPLIT + 1];
    let item = Item::Batch(Batch {
        watermark_ns: 1,
        facts: vec![],
        records,
    });
    let (items, _) = read_items(&written(&start(), std::slice::from_ref(&item)));
    assert!(items == [item]);
}

#[test]
fn a_full_disk_is_reported_once_and_leaves_a_readable_file() {
    struct Disk<'a>(&'a mut Vec<u8>, usize);
    impl Write for Disk<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = self.1.saturating_sub(self.0.len()).min(bytes.len());
            if room == 0 && !bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.write(&bytes[..room])
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let Item::Batch(batch) = items().swap_remove(0) else {
        unreachable!()
    };
    let whole = written(&start(), &[Item::Batch(batch.clone())]).len();
    let mut file = Vec::new();
    let mut writer = Writer::new(Disk(&mut file, whole + 30), &start()).unwrap();
    writer.batch(&batch).unwrap();
    assert_eq!(
        writer.batch(&batch).unwrap_err().kind(),
        io::ErrorKind::StorageFull
    );
    writer.batch(&batch).unwrap();
    writer.end(&End::default()).unwrap();
    drop(writer);
    let (items, problem) = read_items(&file);
    assert_eq!(items, [Item::Batch(batch)]);
    assert!(matches!(problem, Some(Problem::Cut { at_bytes }) if at_bytes == whole as u64 + 30));
}

#[test]
fn a_file_is_created_and_a_full_device_refused() {
    let path = std::env::temp_dir().join(format!("waitscope-recording-{}.wsc", std::process::id()));
    let mut writer = Writer::new(fs::File::create(&path).unwrap(), &start()).unwrap();
    for item in items() {
        match item {
            Item::Batch(batch) => writer.batch(&batch).unwrap(),
            Item::End(end) => writer.end(&end).unwrap(),
        }
    }
    let file = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(file, written(&start(), &items()));

    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = Writer::new(full, &start()).err().map(|error| error.kind());
    assert_eq!(error, Some(io::ErrorKind::StorageFull));
}

fn any_of_user_stacks() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (any::<[u8; BUILD_ID]>(), any::<String>()).prop_map(|(build_id, path)| Fact::Module {
            build_id: BuildId(build_id),
            path,
        }),
        (
            any::<u64>(),
            vec((any::<[u8; BUILD_ID]>(), any::<u64>(), any::<bool>()), 0..4)
        )
            .prop_map(|(stack, frames)| {
                let frame = |(build_id, at, is_in_file)| match is_in_file {
                    true => UserFrame::InFile {
                        build_id: BuildId(build_id),
                        offset: at,
                    },
                    false => UserFrame::Address(at),
                };
                Fact::UserFrames(UserFrames {
                    stack,
                    frames: frames.into_iter().map(frame).collect(),
                })
            }),
    ]
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (any::<u64>(), any::<String>(), any::<bool>())
            .prop_map(|(addr, name, sched)| Fact::Symbol { addr, name, sched }),
        (
            any::<u32>(),
            vec(any::<String>(), 0..4),
            option::of(any::<String>())
        )
            .prop_map(|(pid, argv, file)| Fact::Argv { pid, argv, file }),
        (any::<String>(), any::<u64>()).prop_map(|(class, count)| Fact::Lost { class, count }),
        (any::<u64>(), any::<Option<u32>>()).prop_map(|(at_ns, root)| Fact::Begin { at_ns, root }),
        (any::<u32>(), any::<String>()).prop_map(|(dev, name)| Fact::Disk { dev, name }),
        any_of_user_stacks(),
        any::<(u32, Option<u64>, Option<u64>)>().prop_map(
            |(pid, rss_peak_bytes, private_bytes)| {
                Fact::Memory {
                    pid,
                    rss_peak_bytes,
                    private_bytes,
                }
            }
        ),
        any::<[u64; 5]>().prop_map(
            |[at_ns, task_ns, irq_ns, steal_ns, idle_ns]| Fact::CpuTimes(
                crate::wire::session::CpuTimes {
                    at_ns,
                    task_ns,
                    irq_ns,
                    steal_ns,
                    idle_ns,
                }
            )
        ),
        (
            any::<u32>(),
            any::<u64>(),
            vec((any::<String>(), any::<u64>()), 0..4)
        )
            .prop_map(|(netns, at_ns, counters)| Fact::Netstat(
                crate::wire::session::NetCounters {
                    netns,
                    at_ns,
                    counters,
                }
            )),
        (any::<u32>(), any::<u64>(), any_scan_result()).prop_map(|(pid, from_ns, found)| {
            Fact::Python {
                pid,
                from_ns,
                found,
            }
        }),
    ]
}

fn any_scan_result() -> impl Strategy<Value = ScanResult> {
    prop_oneof![
        any::<(u64, u64)>().prop_map(|(start, end)| ScanResult::Runtime { start, end }),
        any::<String>().prop_map(|file| ScanResult::Symbolless { file }),
        any::<String>().prop_map(|file| ScanResult::Unreadable { file }),
        any::<String>().prop_map(|file| ScanResult::OtherLibc { file }),
        Just(ScanResult::NoPython),
        Just(ScanResult::Go),
        Just(ScanResult::Gone),
        Just(ScanResult::Refused),
    ]
}

fn any_batch() -> impl Strategy<Value = Batch> {
    (
        any::<u64>(),
        vec(any_fact(), 0..5),
        vec(any::<u8>(), 0..600),
    )
        .prop_map(|(watermark_ns, facts, records)| Batch {
            watermark_ns,
            facts,
            records,
        })
}

fn any_start() -> impl Strategy<Value = Start> {
    let tier = prop_oneof![Just(Tier::Full), Just(Tier::Tracepoint), Just(Tier::Raw)];
    let name = option::of(any::<String>());
    let host = (name, any::<String>(), any::<String>(), any::<u32>());
    let host = host.prop_map(|(name, kernel, arch, cpus)| Host {
        name,
        kernel,
        arch,
        cpus,
    });
    let times = any::<(u64, u64, u64)>();
    let strings = || vec(any::<String>(), 0..4);
    (
        strings(),
        vec(any::<u32>(), 0..3),
        host,
        tier,
        times,
        any::<String>(),
        strings(),
        any::<(bool, bool)>(),
    )
        .prop_map(
            |(command, attached, host, tier, times, syscall_table, problems, sees)| Start {
                exact_descriptors: times.0 % 2 == 1,
                describes_descriptors: times.1 % 2 == 1,
                user_stacks: times.0 % 3 == 1,
                command,
                attached,
                host,
                tier,
                started_ns: times.0,
                started_realtime_ns: times.1,
                stack_threshold_ns: times.2,
                syscall_table,
                problems,
                sees_connections: sees.0,
                sees_listeners: sees.1,
            },
        )
}

fn any_loss_sum() -> impl Strategy<Value = LossSum> {
    any::<(u32, u16, u16, i16, u16, u32, u64, u64)>().prop_map(
        |(tid, what, state, nr, flags, mode, count, ns)| LossSum {
            tid,
            what,
            state,
            nr,
            flags,
            mode,
            count,
            ns,
        },
    )
}

fn any_end() -> impl Strategy<Value = End> {
    let exit = prop_oneof![
        Just(None),
        any::<i32>().prop_map(|code| Some(Exit::Code(code))),
        any::<i32>().prop_map(|signal| Some(Exit::Signal(signal))),
    ];
    let lost = vec((any::<String>(), any::<u64>()), 0..4);
    let skipped = lost.clone();
    let counts = any::<(u64, u64, Option<u64>, u64, u64)>();
    let loss_sums = vec(any_loss_sum(), 0..3);
    let cost = any::<(String, u64, u64)>();
    let cost = cost.prop_map(|(program, runs, ns)| ProgramCost { program, runs, ns });
    let costs = vec(cost, 0..3);
    (exit, lost, skipped, loss_sums, costs, counts).prop_map(
        |(exit, lost, skipped, loss_sums, costs, counts)| End {
            ended_ns: counts.0,
            exit,
            lost,
            skipped,
            loss_sums,
            probe_runs: counts.1,
            probe_ns: counts.2,
            costs,
            tool_cpu_ns: counts.3,
            tool_peak_bytes: counts.4,
        },
    )
}

proptest! {
    #[test]
    fn any_recording_gives_back_what_was_written(
        start in any_start(),
        batches in vec(any_batch(), 0..6),
        end in option::of(any_end()),
    ) {
        let complete = end.is_some();
        let items: Vec<_> = batches.into_iter().map(Item::Batch).chain(end.map(Item::End)).collect();
        let (read_start, read_items, problem) = read(&written(&start, &items)).unwrap();
        prop_assert_eq!(read_start, start);
        prop_assert_eq!(read_items, items);
        prop_assert_eq!(matches!(problem, Some(Problem::Unfinished { .. })), !complete);
        prop_assert_eq!(problem.is_none(), complete);
    }

    #[test]
    fn no_bytes_at_all_make_the_reader_panic(tail in vec(any::<u8>(), 0..400), frame in any::<(u16, u16)>()) {
        let mut file = written(&start(), &[]);
        let header = super::super::format::FrameHeader {
            length: tail.len() as u32,
            frame_type: frame.0 % 5,
            flags: frame.1 & 0x8001,
            raw: 400,
            crc: 0,
        };
        let header = super::super::format::FrameHeader { crc: header.checksum(&tail), ..header };
        let _ = read(&[&file[..], &tail[..]].concat());
        let _ = read(&tail);
        file.extend_from_slice(&header.encode());
        file.extend_from_slice(&tail);
        let _ = read(&file);
    }
}
