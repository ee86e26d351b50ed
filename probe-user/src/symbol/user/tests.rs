//! Programs made here, whose frames are named, or are not where that could be wrong.

use std::{fs, path::PathBuf};

use nix::{sys::stat::Mode, unistd::mkfifo};
use tempfile::TempDir;

use super::*;

/// Where the code is in the file, and where its symbols say that it is.
const CODE_AT: u64 = 0x1000;
const ADDRESS: u64 = 0x40_1000;

const ID: [u8; 20] = [0xab; 20];
const OTHER_ID: [u8; 20] = [0xcd; 20];

/// A function's name, where its code begins behind [`CODE_AT`], and its size.
type Symbol<'a> = (&'a str, u64, u64);

const SYMBOLS: &[Symbol<'static>] = &[
    ("_ZN3foo3barEi", 0x00, 0x10),
    ("_RNvC6_123foo3bar", 0x10, 0x08),
    // What has no size only begins.
    ("label", 0x40, 0),
    // More than there can be.
    ("endless", 0x80, u64::MAX),
];

/// One of an ELF file's.
struct Section {
    name: u32,
    kind: u32,
    bytes: Vec<u8>,
    link: u32,
    entry: u64,
}

fn symbols(list: &[Symbol<'_>]) -> [Vec<u8>; 2] {
    let (mut table, mut names) = (vec![0; 24], vec![0]);
    for &(name, at, size) in list {
        table.extend((names.len() as u32).to_le_bytes());
        // A global function in the first section.
        table.extend([0x12, 0, 1, 0]);
        table.extend((ADDRESS + at).to_le_bytes());
        table.extend(size.to_le_bytes());
        names.extend(name.bytes().chain([0]));
    }
    [table, names]
}

/// A program with this build id.
fn program(list: &[Symbol<'_>], build_id: &[u8]) -> Vec<u8> {
    let [table, strings] = symbols(list);
    let mut note = [4, build_id.len() as u32, 3].map(u32::to_le_bytes).concat();
    note.extend(b"GNU\0");
    note.extend(build_id);
    let names = b"\0.note.gnu.build-id\0.symtab\0.strtab\0.shstrtab\0";
    let section = |name, kind, bytes, link, entry| Section {
        name,
        kind,
        bytes,
        link,
        entry,
    };
    let sections = [
        section(0, 0, Vec::new(), 0, 0),
        section(1, 7, note, 0, 0),
        section(20, 2, table, 3, 24),
        section(28, 3, strings, 0, 0),
        section(36, 3, names.to_vec(), 0, 0),
    ];
    let mut file = vec![0; CODE_AT as usize + 0x1000];
    let mut headers = Vec::new();
    for Section {
        name,
        kind,
        bytes,
        link,
        entry,
    } in sections
    {
        let at = file.len().next_multiple_of(8) as u64;
        file.resize(at as usize, 0);
        headers.extend([name, kind].map(u32::to_le_bytes).concat());
        headers.extend(
            [0, 0, at, bytes.len() as u64]
                .map(u64::to_le_bytes)
                .concat(),
        );
        headers.extend([link, 0].map(u32::to_le_bytes).concat());
        headers.extend([4, entry].map(u64::to_le_bytes).concat());
        file.extend(bytes);
    }
    let sections_at = file.len().next_multiple_of(8) as u64;
    file.resize(sections_at as usize, 0);
    file.extend(headers);
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"\x7fELF\x02\x01\x01");
    // Shared, x86_64.
    put(16, &[3, 0, 62, 0, 1]);
    put(32, &[64, sections_at].map(u64::to_le_bytes).concat());
    put(
        52,
        &[64_u16, 56, 1, 64, 5, 4].map(u16::to_le_bytes).concat(),
    );
    // Code.
    put(64, &[1_u32, 5].map(u32::to_le_bytes).concat());
    let segment = [CODE_AT, ADDRESS, ADDRESS, 0x1000, 0x1000, 0x1000];
    put(72, &segment.map(u64::to_le_bytes).concat());
    file
}

fn hex(build_id: &[u8]) -> String {
    build_id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A folder with a program, and one for what was stripped of it.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Files {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("program"), program(SYMBOLS, &ID)).unwrap();
        Files { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn debug(&self, file: &[u8]) {
        let name = hex(&ID);
        let folder = self.path(&format!("debug/.build-id/{}", &name[..2]));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}.debug", &name[2..])), file).unwrap();
    }

    /// The names of frames at these places of the code.
    fn named(&self, module: &str, build_id: &[u8], places: &[u64]) -> Vec<Option<String>> {
        let frame = |&place: &u64| UserFrame {
            module: Some(self.path(module).to_str().unwrap().into()),
            build_id: Some(hex(build_id).into()),
            offset: CODE_AT + place,
            function: None,
        };
        let mut frames: Vec<UserFrame> = places.iter().map(frame).collect();
        name_by(&mut frames, &self.path("debug"));
        let names = frames
            .iter()
            .map(|frame| frame.function.as_deref().map(str::to_owned));
        names.collect()
    }
}

fn some(name: &str) -> Option<String> {
    Some(name.to_owned())
}

#[test]
fn user_frames_have_the_name_of_the_function_that_is_before_them() {
    let places = [0x00, 0x01, 0x0f, 0x10, 0x11, 0x18, 0x19, 0x40, 0x42, 0x60];
    let expect = [
        // Nothing ends here: what begins.
        some("foo::bar(int)"),
        some("foo::bar(int)"),
        some("foo::bar(int)"),
        // One ends and another begins.
        None,
        some("123foo::bar"),
        // Behind its last byte.
        some("123foo::bar"),
        None,
        some("label"),
        None,
        None,
    ];
    let files = Files::new();
    assert_eq!(files.named("program", &ID, &places), expect);
    // Outside of the code.
    assert_eq!(
        files.named("program", &ID, &[0x1100, u64::MAX / 2]),
        [None, None]
    );
}

#[test]
fn user_frames_of_another_file_have_no_name() {
    let files = Files::new();
    assert_eq!(files.named("program", &OTHER_ID, &[1]), [None]);
    assert_eq!(files.named("program", &[], &[1]), [None]);
    assert_eq!(files.named("absent", &ID, &[1]), [None]);
    assert_eq!(files.named("", &ID, &[1]), [None]);
    mkfifo(&files.path("fifo"), Mode::S_IRWXU).unwrap();
    assert_eq!(files.named("fifo", &ID, &[1]), [None]);
    std::os::unix::fs::symlink("/dev/zero", files.path("device")).unwrap();
    assert_eq!(files.named("device", &ID, &[1]), [None]);
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("text", b"#!/bin/sh\n"),
        ("cut", b"\x7fELF\x02\x01\x01"),
    ] {
        fs::write(files.path(name), bytes).unwrap();
        assert_eq!(files.named(name, &ID, &[1]), [None], "{name}");
    }
    let mut relative = [UserFrame {
        module: Some("program".into()),
        build_id: Some(hex(&ID).into()),
        ..UserFrame::default()
    }];
    name_by(&mut relative, &files.path("debug"));
    assert_eq!(relative[0].function, None);
}

#[test]
fn user_frames_that_have_a_name_keep_it() {
    let files = Files::new();
    let mut frames = [UserFrame {
        module: Some(files.path("program").to_str().unwrap().into()),
        build_id: Some(hex(&ID).into()),
        offset: CODE_AT + 1,
        function: Some("as recorded".into()),
    }];
    name_by(&mut frames, &files.path("debug"));
    assert_eq!(frames[0].function.as_deref(), Some("as recorded"));
}

#[test]
fn what_was_stripped_is_found_by_its_build_id() {
    let files = Files::new();
    let more = [("_ZN5insideEv", 0x20, 0x10), ("inner", 0x30, 0x10)];
    files.debug(&program(&more, &OTHER_ID));
    assert_eq!(files.named("program", &ID, &[0x38]), [None]);
    files.debug(&program(&more, &ID));
    let expect = [some("foo::bar(int)"), some("inner")];
    assert_eq!(files.named("program", &ID, &[0x01, 0x38]), expect);
}

#[test]
fn a_short_build_id_fills_up() {
    let files = Files::new();
    fs::write(files.path("short"), program(SYMBOLS, &ID[..8])).unwrap();
    let mut seen = [0; 20];
    seen[..8].copy_from_slice(&ID[..8]);
    assert_eq!(files.named("short", &seen, &[1]), [some("foo::bar(int)")]);
}

#[test]
fn a_file_that_is_made_to_break_its_reader_names_nothing() {
    let files = Files::new();
    let _either = files.named("program", &ID, &[0x90]);
    // Any byte may be anything.
    let whole = program(SYMBOLS, &ID);
    let headers = whole.len() - 5 * 64..whole.len();
    for at in (0..0x80).chain(headers) {
        let mut file = whole.clone();
        file[at] = 0xff;
        fs::write(files.path("broken"), file).unwrap();
        let _either = files.named("broken", &ID, &[0x01, 0x90]);
    }
    for len in 0..whole.len() / 64 {
        fs::write(files.path("broken"), &whole[..64 * len]).unwrap();
        let _either = files.named("broken", &ID, &[0x01]);
    }
}

/// Of a program that a compiler has made: this one.
#[test]
fn user_frames_of_this_program_are_named() {
    let path = std::env::current_exe().unwrap();
    let Some(id) = blazesym::helper::read_elf_build_id(&path).unwrap() else {
        return;
    };
    let maps = fs::read("/proc/self/maps").unwrap();
    let address = user_frames_of_this_program_are_named as fn() as usize as u64;
    let own = path.to_str().unwrap().as_bytes();
    let mut code = crate::symbol::memory::code(&maps);
    let code = code.find(|code| code.path == own).unwrap();
    let mut frames = [UserFrame {
        module: Some(path.to_str().unwrap().into()),
        build_id: Some(hex(&id).into()),
        offset: address - code.start + code.offset + 1,
        function: None,
    }];
    name(&mut frames);
    let name = frames[0].function.as_deref().unwrap_or_default();
    assert!(
        name.ends_with("user_frames_of_this_program_are_named"),
        "{name}"
    );
}
