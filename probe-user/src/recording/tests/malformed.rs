//! Files that waitscope never wrote, or that another waitscope wrote.

use super::super::format::{FrameHeader, MAX_JSON, MAX_PACKED, MAX_RAW, SKIPPABLE, ZSTD};
use super::*;

/// A frame with the right checksum.
fn frame(frame_type: u16, flags: u16, raw: u32, payload: &[u8]) -> Vec<u8> {
    let mut header = FrameHeader {
        length: payload.len() as u32,
        frame_type,
        flags,
        raw,
        crc: 0,
    };
    header.crc = header.checksum(payload);
    [&header.encode()[..], payload].concat()
}

fn stored(frame_type: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    frame(frame_type, flags, payload.len() as u32, payload)
}

/// A good header with `change` made to its bytes and the checksum made right.
fn header(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut file = written(&start(), &[]);
    change(&mut file);
    let length = file.len() as u32 - 24;
    file[16..20].copy_from_slice(&length.to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&file[..20]), &file[24..]);
    file[20..24].copy_from_slice(&crc.to_le_bytes());
    file
}

fn with_json(json: &str) -> Vec<u8> {
    header(|file| {
        file.truncate(24);
        file.extend_from_slice(json.as_bytes());
    })
}

#[test]
fn headers_from_elsewhere_are_refused_in_one_sentence() {
    let long = {
        let mut file = written(&start(), &[]);
        file[16..20].copy_from_slice(&(MAX_JSON + 1).to_le_bytes());
        file
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "not a waitscope recording"),
        (
            b"{\"schema\": \"waitscope.report/1\"}".to_vec(),
            "not a waitscope recording",
        ),
        (header(|file| file[4] = b'\n'), "not a waitscope recording"),
        (
            header(|file| file[8] = 2),
            "format version 2.3, this waitscope reads 1.x",
        ),
        (header(|file| file[8] = 0), "format version 0.3"),
        // Of another major nothing behind the version is looked at.
        (
            b"\x89WSC\r\n\x1a\n\xff\xff\x03\0".to_vec(),
            "format version 65535.3",
        ),
        (
            header(|file| file[12..14].fill(0xff)),
            "layout version 65535, this waitscope reads",
        ),
        (header(|file| file[14..16].reverse()), "other byte order"),
        (header(|file| file[14] = 9), "byte order mark"),
        (long, "impossible length"),
        (with_json(""), "JSON"),
        (with_json("[]"), "JSON"),
        (with_json("{\"command\": []}"), "JSON"),
        (with_json(&"[".repeat(1 << 20)), "JSON"),
    ];
    for (file, expect) in cases {
        let problem = read(&file).map(|_| ()).unwrap_err().to_string();
        assert!(problem.contains(expect), "{problem:?} lacks {expect:?}");
        assert!(
            !problem.contains(char::is_control) && !problem.ends_with('.'),
            "{problem:?}"
        );
    }
}

#[test]
fn a_newer_minor_version_is_read_as_far_as_it_is_known() {
    let mut file = header(|file| {
        file[10..12].copy_from_slice(&9u16.to_le_bytes());
        let json = String::from_utf8(file.split_off(24)).unwrap();
        let json = json
            .replacen('{', "{\"new\":{\"a\":[1,null]},", 1)
            .replace("\"host\":{", "\"host\":{\"new\":0,");
        file.extend_from_slice(json.as_bytes());
    });
    let facts =
        br#"[{"fact":"weather","sun":[{}]},{"fact":"lost","class":"x","count":1,"why":null},
             {"fact":"looked","pid":1,"from_ns":2,"found":{"look":"pypy","start":3}}]"#;
    file.extend(stored(900, SKIPPABLE, b"index"));
    file.extend(stored(2, 0, facts));
    file.extend(stored(1, 1 << 3 | SKIPPABLE, b"known type, unknown flag"));
    file.extend(stored(1, SKIPPABLE, &[1, 0, 0, 0, 0, 0, 0, 0, 42]));
    file.extend(stored(
        3,
        0,
        br#"{"ended_ns":1,"exit":null,"lost":[],"probe_runs":2,"probe_ns":3,"tool_cpu_ns":4,"tool_peak_bytes":5,"new":6}"#,
    ));
    file.extend(stored(901, SKIPPABLE, b"footer"));
    let (read_start, items, problem) = read(&file).unwrap();
    assert_eq!(read_start, start());
    assert!(problem.is_none(), "{problem:?}");
    let facts = vec![Fact::Lost {
        class: "x".into(),
        count: 1,
    }];
    assert_eq!(
        items[0],
        Item::Batch(Batch {
            watermark_ns: 1,
            facts,
            records: vec![42]
        })
    );
    assert!(matches!(
        &items[1..],
        [Item::End(End {
            tool_peak_bytes: 5,
            ..
        })]
    ));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_frames_stop_the_reader_in_front_of_them() {
    let packed = |raw: &[u8]| zstd::bulk::compress(raw, 1).unwrap();
    let bomb = packed(&vec![0; 64 << 20]);
    assert!(bomb.len() < 16 << 10);
    let end = written(&start(), &items()[3..])[written(&start(), &[]).len()..].to_vec();
    let claim = |length, raw| {
        FrameHeader {
            length,
            frame_type: 1,
            flags: ZSTD,
            raw,
            crc: 0,
        }
        .encode()
        .to_vec()
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (claim(MAX_PACKED + 1, 10), "impossible length"),
        (claim(u32::MAX, u32::MAX), "impossible length"),
        (claim(10, MAX_RAW + 1), "impossible length"),
        (claim(MAX_PACKED, MAX_RAW), "in the middle of a frame"),
        (frame(1, ZSTD, 1000, &bomb), "does not decompress"),
        (frame(1, ZSTD, 0, &bomb), "does not decompress"),
        (frame(1, ZSTD, MAX_RAW, &packed(&[0; 64])), "another length"),
        (frame(1, ZSTD, 63, &packed(&[0; 64])), "does not decompress"),
        (frame(1, ZSTD, 64, &[0; 64]), "does not decompress"),
        (frame(1, ZSTD, 0, b""), "too short"),
        (frame(1, 0, 65, &[0; 64]), "another length"),
        (frame(1, 0, 63, &[0; 64]), "another length"),
        (stored(1, 0, &[0; 7]), "too short"),
        (
            frame(2, ZSTD, MAX_JSON + 1, &packed(b"[]")),
            "impossible length",
        ),
        (stored(2, 0, b""), "facts"),
        (stored(2, 0, b"{}"), "facts"),
        (stored(2, 0, b"[{\"fact\":\"lost\"}]"), "facts"),
        (
            stored(
                2,
                0,
                br#"[{"fact":"looked","pid":1,"from_ns":2,"found":{"look":"runtime"}}]"#,
            ),
            "facts",
        ),
        (stored(2, 0, &b"[".repeat(100_000)), "facts"),
        (stored(3, 0, b"\xff"), "counters"),
        (stored(3, 0, b"{}"), "counters"),
        (
            stored(4, 0, b""),
            "type 4, flags 0x0) needs a newer waitscope",
        ),
        (
            stored(1, 1 << 1, &[0; 64]),
            "type 1, flags 0x2) needs a newer waitscope",
        ),
    ];
    let good = written(&start(), &items()[..2]);
    for (bad, expect) in cases {
        let (read_items, problem) = read_items(&[&good[..], &bad, &end].concat());
        let problem = problem.unwrap().to_string();
        assert!(problem.contains(expect), "{problem:?} lacks {expect:?}");
        assert!(
            !problem.contains(char::is_control) && !problem.ends_with('.'),
            "{problem:?}"
        );
        assert_eq!(read_items, items()[..2], "{expect}");
    }
}

#[test]
fn nothing_but_skippable_frames_follows_the_end() {
    let file = written(&start(), &items());
    let again = [&file[..], &stored(1, 0, &[0; 64])].concat();
    let (read_items, problem) = read_items(&again);
    assert_eq!(read_items, items());
    assert!(
        problem
            .unwrap()
            .to_string()
            .contains("follows the end frame")
    );
}

#[test]
fn a_failing_disk_is_told_from_a_cut() {
    struct Failing<'a>(&'a [u8]);
    impl std::io::Read for Failing<'_> {
        fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(bytes) {
                Ok(0) => Err(std::io::Error::from_raw_os_error(5)),
                outcome => outcome,
            }
        }
    }
    let file = written(&start(), &items()[..1]);
    let (_, mut reader) = Reader::open(Failing(&file)).unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), items()[0]);
    match reader.next() {
        Some(Err(Problem::Io { at_bytes, .. })) => assert_eq!(at_bytes, file.len() as u64),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        Reader::open(Failing(&file[..20])),
        Err(Problem::Io { .. })
    ));
}
