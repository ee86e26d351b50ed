//! ELF files made here, right and wrong.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

impl Source for Vec<u8> {
    fn read(&self, offset: u64, len: usize) -> Option<Vec<u8>> {
        let from = usize::try_from(offset).ok()?;
        Some(self.get(from..from.checked_add(len)?)?.to_vec())
    }
}

const NAME: &[u8] = b"_PyRuntime";
/// `STB_GLOBAL`, `STT_OBJECT`
const GLOBAL_OBJECT: u8 = 1 << 4 | STT_OBJECT;
/// Offsets in the file made here.
const SYMBOLS_AT: u64 = 0x200;
const NAMES_AT: u64 = 0x300;
const SECTIONS_AT: u64 = 0x400;

/// A symbol's name, kind and section; its value and size are those of Debian's
/// python3.11.
type Symbol = (&'static str, u8, u16);

fn put(file: &mut [u8], at: u64, bytes: &[u8]) {
    file[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
}

/// A program with a read-only and a code segment.
fn file(symbols: &[Symbol]) -> Vec<u8> {
    let mut file = vec![0; 0x500];
    put(&mut file, 0, b"\x7fELF\x02\x01\x01");
    put(&mut file, 32, &64_u64.to_le_bytes());
    put(&mut file, 40, &SECTIONS_AT.to_le_bytes());
    put(&mut file, 56, &2_u16.to_le_bytes());
    put(&mut file, 60, &3_u16.to_le_bytes());
    for (index, (flags, offset, address)) in
        [(4_u32, 0_u64, 0x40_0000_u64), (5, 0x1_f010, 0x41_f010)]
            .into_iter()
            .enumerate()
    {
        let at = 64 + 56 * index as u64;
        put(&mut file, at, &PT_LOAD.to_le_bytes());
        put(&mut file, at + 4, &flags.to_le_bytes());
        put(&mut file, at + 8, &offset.to_le_bytes());
        put(&mut file, at + 16, &address.to_le_bytes());
        put(&mut file, at + 32, &0x1000_u64.to_le_bytes());
    }
    let mut names = vec![0];
    for (index, &(name, info, section)) in symbols.iter().enumerate() {
        let at = SYMBOLS_AT + 24 * index as u64;
        put(&mut file, at, &(names.len() as u32).to_le_bytes());
        put(&mut file, at + 4, &[info]);
        put(&mut file, at + 6, &section.to_le_bytes());
        put(&mut file, at + 8, &0xa5_b740_u64.to_le_bytes());
        put(&mut file, at + 16, &0x2_8b20_u64.to_le_bytes());
        names.extend(name.as_bytes());
        names.push(0);
    }
    put(&mut file, NAMES_AT, &names);
    section(&mut file, 1, SHT_DYNSYM, SYMBOLS_AT, 24 * symbols.len());
    section(&mut file, 2, 3, NAMES_AT, names.len());
    file
}

/// A section whose link is the third one.
fn section(file: &mut [u8], index: u64, kind: u32, offset: u64, size: usize) {
    let at = SECTIONS_AT + 64 * index;
    put(file, at + 4, &kind.to_le_bytes());
    put(file, at + 24, &offset.to_le_bytes());
    put(file, at + 32, &(size as u64).to_le_bytes());
    put(file, at + 40, &2_u32.to_le_bytes());
}

fn python() -> Vec<u8> {
    file(&[
        ("_PyRuntimeState_Init", GLOBAL_OBJECT, 26),
        ("_PyRuntime", GLOBAL_OBJECT, 26),
    ])
}

#[test]
fn code_has_the_addresses_that_its_symbols_have() {
    let code = Code::of(&python()).unwrap();
    let cases = [
        (0, None),
        (0x1_f00f, None),
        (0x1_f010, Some(0x41_f010)),
        (0x2_000f, Some(0x42_000f)),
        (0x2_0010, None),
        (u64::MAX, None),
    ];
    for (offset, address) in cases {
        assert_eq!(code.address(offset), address, "{offset:#x}");
    }
}

#[test]
fn the_object_is_found_where_the_code_is_mapped() {
    let object = Object::find(&python(), NAME).unwrap();
    // A program at its own addresses; the mapping begins on a page.
    let fixed = object.mapped(0x41_f000, 0x1_f000);
    assert_eq!(fixed, Some(0xa5_b740..0xa8_4260));
    let moved = object.mapped(0x7f00_0001_f000, 0x1_f000);
    assert_eq!(moved, Some(0x7f00_0065_b740..0x7f00_0068_4260));
    // Another part of the file.
    assert_eq!(object.mapped(0x41_f000, 0), None);
    assert_eq!(object.mapped(0x41_f000, 0x2_0000), None);
    // It does not fit into the address space.
    assert_eq!(object.mapped(0u64.wrapping_sub(0x65_0000), 0x1_f000), None);
}

#[test]
fn only_a_defined_object_of_that_very_name_counts() {
    for symbol in [
        ("_PyRuntime_", GLOBAL_OBJECT, 26),
        ("PyRuntime", GLOBAL_OBJECT, 26),
        ("_PyRuntime", GLOBAL_OBJECT, 0),
        ("_PyRuntime", 1 << 4 | 2, 26),
    ] {
        assert_eq!(Object::find(&file(&[symbol]), NAME), None, "{symbol:?}");
    }
    assert_eq!(Object::find(&file(&[]), NAME), None);
}

#[test]
fn what_is_no_64_bit_little_endian_elf_has_no_symbols() {
    for (at, byte) in [(0, b'#'), (4, 1), (5, 2)] {
        let mut other = python();
        other[at] = byte;
        assert_eq!(Object::find(&other, NAME), None, "byte {at}");
    }
}

/// A source as large as it likes to be.
struct Endless(Vec<u8>);

impl Source for Endless {
    fn read(&self, offset: u64, len: usize) -> Option<Vec<u8>> {
        assert!(len as u64 <= MOST, "{len} bytes asked for");
        let mut bytes = vec![0; len];
        for (at, byte) in (offset..).zip(&mut bytes) {
            *byte = *self.0.get(at as usize).unwrap_or(&0);
        }
        Some(bytes)
    }
}

#[test]
fn a_table_of_impossible_size_is_not_read() {
    let mut huge = python();
    section(&mut huge, 1, SHT_DYNSYM, SYMBOLS_AT, MOST as usize + 1);
    assert_eq!(Object::find(&Endless(huge), NAME), None);
}

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(
        changes in vec((any::<Index>(), any::<u8>()), 0..40),
        notes in vec(any::<u8>(), 0..40),
        length in any::<Index>(),
        at in any::<(u64, u64)>(),
    ) {
        let _id = build_id_in(&notes);
        let mut bytes = python();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(object) = Object::find(&bytes, NAME) {
            let _range = object.mapped(at.0, at.1);
        }
        bytes.truncate(length.index(bytes.len()));
        let _object = Object::find(&bytes, NAME);
        let _is_there = has_section(&bytes, b".go.buildinfo");
        let _build_id = build_id(&bytes);
    }
}

#[test]
fn a_section_is_found_by_its_name() {
    let path = std::env::current_exe().unwrap();
    let own = std::fs::File::open(path).unwrap();
    assert!(has_section(&own, b".text"));
    for name in [&b".go.buildinfo"[..], b".tex", b".text.", b""] {
        assert_eq!(has_section(&own, name), name.is_empty(), "{name:?}");
    }
    assert!(!has_section(&b"\x7fELF".to_vec(), b".text"));
}

/// A note, whose parts fill whole words.
fn note(name: &[u8], kind: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = [name.len() as u32, content.len() as u32, kind]
        .map(u32::to_le_bytes)
        .concat();
    for part in [name, content] {
        bytes.extend(part);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

#[test]
fn the_build_id_is_the_first_note_of_its_kind() {
    let id = |bytes: &[u8]| note(b"GNU\0", NT_GNU_BUILD_ID, bytes);
    let cases = [
        (id(b"abcde"), Some("abcde")),
        (
            [note(b"odd", 3, b"odd"), id(b"a"), id(b"b")].concat(),
            Some("a"),
        ),
        ([note(b"GNU\0", 1, b"abi"), id(b"a")].concat(), Some("a")),
        (id(b""), None),
        // It ends in the middle.
        (id(b"abcdefgh")[..20].to_vec(), None),
        (note(b"GNU\0", 5, b"property"), None),
        (vec![0xff; 40], None),
        (Vec::new(), None),
    ];
    for (notes, expect) in cases {
        let found = build_id_in(&notes);
        assert_eq!(found.as_deref(), expect.map(str::as_bytes), "{notes:?}");
        // In a segment, and in a section.
        for is_section in [false, true] {
            let mut file = file(&[]);
            put(&mut file, NAMES_AT, &notes);
            match is_section {
                true => section(&mut file, 1, SHT_NOTE, NAMES_AT, notes.len()),
                false => {
                    put(&mut file, 64, &PT_NOTE.to_le_bytes());
                    put(&mut file, 64 + 8, &NAMES_AT.to_le_bytes());
                    put(&mut file, 64 + 32, &notes.len().to_le_bytes());
                }
            }
            assert_eq!(build_id(&file), found);
        }
    }
}
