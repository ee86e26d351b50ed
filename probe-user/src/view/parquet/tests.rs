//! Tables read back: against the document that they are of, with any text, and what
//! `docs/parquet.md` says of them.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use parquet::{
    data_type::ByteArray,
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, Row},
};

use super::{Partition, TABLES, Table, VERSION};
use crate::{
    document::{
        Document, Started, Sums, Thread, UserFrame, WaitSite,
        trace::{Interval, Lane, Site, Trace, TraceState, What},
    },
    metrics::Wanted,
    view::testing::{HOSTILE, documents},
    vocabulary::{CauseKind, WaitKind},
    world::tests::recorded::replayed,
};

fn of(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(file)
}

fn recorded(name: &str) -> Document {
    replayed(&of("tests/recordings").join(name), |analysis| {
        analysis.keep(Wanted {
            trace: true,
            ..Wanted::default()
        });
    })
}

fn table(name: &str) -> &'static Table {
    TABLES.iter().find(|table| table.name == name).unwrap()
}

fn file(name: &str, document: &Document) -> SerializedFileReader<bytes::Bytes> {
    let mut bytes = Vec::new();
    table(name).write(document, &mut bytes).unwrap();
    SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap()
}

fn rows(name: &str, document: &Document) -> Vec<Row> {
    let file = file(name, document);
    let rows = file.get_row_iter(None).unwrap();
    rows.map(Result::unwrap).collect()
}

fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
    let mut columns = row.get_column_iter();
    columns.find(|(column, _)| *column == name).unwrap().1
}

/// `None` for NULL.
fn int(row: &Row, name: &str) -> Option<i64> {
    match field(row, name) {
        Field::Null => None,
        Field::Long(number) => Some(*number),
        other => panic!("{name}: {other:?}"),
    }
}

fn text(row: &Row, name: &str) -> Option<String> {
    match field(row, name) {
        Field::Null => None,
        Field::Str(text) => Some(text.clone()),
        other => panic!("{name}: {other:?}"),
    }
}

fn texts(row: &Row, name: &str) -> Option<Vec<String>> {
    match field(row, name) {
        Field::Null => None,
        Field::ListInternal(list) => {
            let texts = list.elements().iter().map(|element| match element {
                Field::Str(text) => text.clone(),
                other => panic!("{name}: {other:?}"),
            });
            Some(texts.collect())
        }
        other => panic!("{name}: {other:?}"),
    }
}

/// State, kind of wait, ns.
type Budget = BTreeMap<(String, Option<String>), i64>;

fn budget(sums: &Sums) -> Budget {
    let mut budget = Budget::new();
    let mut add = |state: &str, kind: Option<&str>, ns: u64| {
        let key = (state.to_owned(), kind.map(str::to_owned));
        *budget.entry(key).or_default() += i64::try_from(ns).unwrap();
    };
    add("on-cpu", None, sums.on_cpu_ns);
    add("runqueue", None, sums.runqueue_ns);
    add("unknown", None, sums.unknown_ns);
    for wait in &sums.waits {
        add("wait", Some(wait.kind.as_str()), wait.total_ns);
    }
    for open in &sums.open {
        add("open", Some(open.kind.as_str()), open.so_far_ns);
    }
    budget.retain(|_, ns| *ns > 0);
    budget
}

fn assert_intervals(name: &str, document: &Document) {
    let mut ends: BTreeMap<i64, i64> = BTreeMap::new();
    let mut budgets: BTreeMap<i64, Budget> = BTreeMap::new();
    let mut waits = 0;
    for row in rows("intervals", document) {
        let thread = int(&row, "thread").unwrap();
        let of_thread = &document.threads[usize::try_from(thread).unwrap()];
        assert_eq!(int(&row, "tid"), Some(i64::from(of_thread.tid)));
        let [from_ns, to_ns, ns] = ["from_ns", "to_ns", "ns"].map(|it| int(&row, it).unwrap());
        assert_eq!(to_ns - from_ns, ns);
        let start_ns = i64::try_from(of_thread.start_ns).unwrap();
        let before = ends.insert(thread, to_ns).unwrap_or(start_ns);
        assert_eq!(before, from_ns, "{name}: end to end");
        let state = text(&row, "state").unwrap();
        waits += usize::from(state == "wait");
        let key = (state, text(&row, "kind"));
        *budgets.entry(thread).or_default().entry(key).or_default() += ns;
    }
    for (number, thread) in document.threads.iter().enumerate() {
        let found = budgets.remove(&i64::try_from(number).unwrap());
        let found = found.unwrap_or_default();
        assert_eq!(found, budget(&thread.sums), "{name}: {}", thread.comm);
    }
    let wakes = rows("wakes", document);
    assert_eq!(wakes.len(), waits, "{name}");
    for wake in wakes {
        if let Some(waker) = int(&wake, "waker_thread") {
            let waker = &document.threads[usize::try_from(waker).unwrap()];
            assert_eq!(int(&wake, "waker_tid"), Some(i64::from(waker.tid)));
        }
    }
}

fn assert_threads(document: &Document) {
    let threads = rows("threads", document);
    assert_eq!(threads.len(), document.threads.len());
    for (row, thread) in threads.iter().zip(&document.threads) {
        assert_eq!(text(row, "comm").as_ref(), Some(&thread.comm));
        let argv = texts(row, "argv").unwrap_or_default();
        assert_eq!(argv, thread.argv);
        let ns = |name: &str| u64::try_from(int(row, name).unwrap()).unwrap();
        let parts = ["on_cpu", "runqueue", "waits", "open", "unknown", "left_out"];
        let sum: u64 = parts.map(|part| ns(&format!("{part}_ns"))).iter().sum();
        assert_eq!(sum, ns("lifetime_ns"));
        assert_eq!(ns("lifetime_ns"), thread.sums.lifetime_ns);
        assert_eq!(ns("idle_ns"), thread.sums.idle_ns);
    }
    let waits = rows("waits", document);
    let of_threads = document
        .threads
        .iter()
        .flat_map(|thread| &thread.sums.waits);
    let of_threads: Vec<i64> = of_threads.map(|wait| wait.total_ns as i64).collect();
    let total = |row: &Row| int(row, "total_ns").unwrap();
    assert_eq!(waits.iter().map(total).collect::<Vec<_>>(), of_threads);
    let processes = rows("processes", document);
    assert_eq!(processes.len(), document.processes);
    let threads_of = |row: &Row| int(row, "threads").unwrap();
    let of_processes: i64 = processes.iter().map(threads_of).sum();
    assert_eq!(of_processes, i64::try_from(threads.len()).unwrap());
}

fn assert_rest(document: &Document) {
    let groups = rows("groups", document);
    let names: Vec<_> = groups.iter().map(|row| text(row, "group_name")).collect();
    let expect = document.groups.iter().map(|group| Some(group.name.clone()));
    assert_eq!(names, expect.collect::<Vec<_>>());
    let hops = rows("hops", document);
    let path = document.critical_path.iter();
    let expect: Vec<u64> = path.flat_map(|it| &it.hops).map(|it| it.from_ns).collect();
    let from = hops.iter().map(|hop| int(hop, "from_ns").unwrap() as u64);
    assert_eq!(from.collect::<Vec<_>>(), expect);
    let listeners = document.listeners.as_ref().map_or(0, Vec::len);
    let connections = document.connections.as_ref().map_or(0, Vec::len);
    assert_eq!(rows("sockets", document).len(), listeners + connections);
    let tables = document.fd_tables.as_ref().map_or(0, Vec::len);
    assert_eq!(rows("descriptors", document).len(), tables);
    let lost: i64 = rows("losses", document)
        .iter()
        .filter_map(|row| int(row, "count"))
        .sum();
    assert_eq!(lost as u64, document.coverage.lost_total());
    let runs = rows("runs", document);
    let [run] = runs.as_slice() else {
        panic!("{} rows", runs.len());
    };
    assert_eq!(texts(run, "command"), Some(document.command.clone()));
    assert_eq!(text(run, "hostname"), document.host.name);
    assert_eq!(int(run, "schema_version"), Some(i64::from(VERSION)));
    assert_eq!(int(run, "wall_ns"), Some(document.wall_ns as i64));
}

#[test]
fn parquet_tables_of_stored_recordings_are_what_their_reports_say() {
    for name in ["gitsync-threads.wsc", "postgres.wsc", "node.wsc", "go.wsc"] {
        let document = recorded(name);
        assert!(!document.threads.is_empty());
        assert_intervals(name, &document);
        assert_threads(&document);
        assert_rest(&document);
    }
}

#[test]
fn parquet_tables_are_there_where_nothing_is_in_them() {
    for (_, document) in documents() {
        for table in TABLES {
            rows(table.name, &document);
        }
    }
    assert_eq!(rows("intervals", &Document::default()).len(), 0);
}

#[test]
fn parquet_partition_of_a_recording_is_its_own_and_stays() {
    let [one, same, other] =
        ["go.wsc", "go.wsc", "node.wsc"].map(|name| Partition::of(&recorded(name)).unwrap());
    assert_eq!(one, same);
    assert_ne!(one, other);
    assert_eq!(one.host, "unknown");
    assert_eq!(Partition::of(&Document::default()), None);
    let mut named = recorded("go.wsc");
    named.host.name = Some("../../tmp\n".to_owned());
    let folder = Partition::of(&named).unwrap().folder();
    assert!(folder.starts_with("host=..%2F..%2Ftmp%0A"), "{folder:?}");
    assert_eq!(folder.components().count(), 2);
}

#[test]
fn parquet_texts_of_other_processes_are_values_and_nothing_else() {
    let long = "é".repeat(2048);
    for text_of_others in HOSTILE.iter().copied().chain([&*long]) {
        let hostile_text = text_of_others.to_owned();
        let mut document = Document {
            command: vec![hostile_text.clone(), String::new()],
            started: Some(Started::default()),
            threads: vec![Thread {
                comm: hostile_text.clone(),
                argv: vec![hostile_text.clone(); 2],
                ..Thread::default()
            }],
            ..Document::default()
        };
        document.host.name = Some(hostile_text.clone());
        let [thread] = rows("threads", &document).try_into().unwrap();
        assert_eq!(text(&thread, "comm").as_ref(), Some(&hostile_text));
        assert_eq!(texts(&thread, "argv"), Some(vec![hostile_text.clone(); 2]));
        let [run] = rows("runs", &document).try_into().unwrap();
        assert_eq!(text(&run, "hostname"), Some(hostile_text));
        assert_eq!(texts(&run, "command"), Some(document.command.clone()));
        let folder = Partition::of(&document).unwrap().folder();
        let folder = folder.to_str().unwrap();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-%=/".contains(c);
        assert!(folder.chars().all(is_plain), "{folder}");
        assert!(folder.len() < 255 && folder.matches('/').count() == 1);
    }
}

/// One thread with so many intervals.
fn long_lane(intervals: usize) -> Document {
    let mut lane = Lane::new(0);
    for place in 0..intervals {
        let ns = 1 + place as u64 % 100;
        lane.push(Interval {
            ns,
            what: 0,
            by: None,
        });
    }
    let trace = Trace {
        whats: vec![What {
            state: TraceState::OnCpu,
            cause: Some(0),
            site: None,
            wake: None,
            by: false,
        }],
        causes: vec![(CauseKind::Computing, Some("many".to_owned()))],
        lanes: vec![lane],
        ..Trace::default()
    };
    Document {
        threads: vec![Thread::default()],
        trace: Some(Arc::new(trace)),
        ..Document::default()
    }
}

#[test]
fn parquet_user_stacks_are_lists_of_names() {
    let site = |user_stack: Option<&[u32]>| WaitSite {
        kind: WaitKind::Futex,
        syscall: None,
        function: None,
        object: None,
        user_stack: user_stack.map(Into::into),
    };
    let stacks: [Option<&[u32]>; 4] = [None, Some(&[2, 1, 1, 0]), Some(&[]), Some(&[2])];
    let mut lane = Lane::new(0);
    (0..stacks.len() as u32).for_each(|what| {
        lane.push(Interval {
            ns: 1,
            what,
            by: None,
        });
    });
    let what = |site| What {
        state: TraceState::Wait,
        cause: None,
        site: Some(site),
        wake: None,
        by: false,
    };
    let trace = Trace {
        whats: (0..stacks.len() as u32).map(what).collect(),
        sites: stacks.map(|stack| Site::from(site(stack))).into(),
        lanes: vec![lane],
        ..Trace::default()
    };
    let frame = |name: &str| UserFrame {
        function: Some(name.into()),
        ..UserFrame::default()
    };
    let document = Document {
        threads: vec![Thread::default()],
        trace: Some(Arc::new(trace)),
        user_frames: ["main", "loop", "read"].map(frame).into(),
        ..Document::default()
    };
    let rows = rows("intervals", &document);
    let found: Vec<_> = rows.iter().map(|row| texts(row, "user_stack")).collect();
    let expect: [Option<&[&str]>; 4] = [
        None,
        Some(&["read", "loop", "loop", "main"]),
        Some(&[]),
        Some(&["read"]),
    ];
    let expect = expect.map(|list| list.map(|names| names.iter().map(|&it| it.into()).collect()));
    assert_eq!(found, expect);
}

#[test]
fn parquet_row_groups_are_of_bounded_size() {
    let file = file("intervals", &long_lane(300_000));
    let groups = file.metadata().row_groups();
    let sizes: Vec<i64> = groups.iter().map(|group| group.num_rows()).collect();
    assert_eq!(sizes, [131_072, 131_072, 37_856]);
    let versions = file.metadata().file_metadata().key_value_metadata();
    let version = versions
        .unwrap()
        .iter()
        .find(|it| it.key == "waitscope.schema");
    assert_eq!(version.unwrap().value, Some(VERSION.to_string()));
    let name = ByteArray::from("cause");
    let columns = groups[0].columns().iter();
    let mut cause =
        columns.filter(|column| column.column_path().string() == name.as_utf8().unwrap());
    let cause = cause.next().unwrap();
    assert!(cause.dictionary_page_offset().is_some());
    assert!(matches!(
        cause.compression(),
        parquet::basic::Compression::ZSTD(_)
    ));
}

/// Names and types of columns by table, as the page has them.
fn documented() -> Vec<(String, Vec<(String, String)>)> {
    let page = std::fs::read_to_string(of("docs/parquet.md")).unwrap();
    let mut tables: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in page.lines() {
        if let Some(name) = line.strip_prefix("### `") {
            tables.push((name.trim_end_matches('`').to_owned(), Vec::new()));
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let (Some((_, columns)), ["", name, kind, meaning, ..]) =
            (tables.last_mut(), cells.as_slice())
            && let Some(name) = name.strip_prefix('`')
        {
            assert!(!meaning.is_empty(), "{line}");
            columns.push((name.trim_end_matches('`').to_owned(), (*kind).to_owned()));
        }
    }
    tables
}

#[test]
fn parquet_page_has_every_column_as_it_is() {
    let own = |text: &str| text.to_owned();
    let tables = TABLES.iter().map(|table| {
        let columns = (table.columns)().into_iter();
        let columns = columns.map(|(name, kind)| (own(name), own(kind)));
        (own(table.name), columns.collect::<Vec<_>>())
    });
    assert_eq!(documented(), tables.collect::<Vec<_>>());
}
