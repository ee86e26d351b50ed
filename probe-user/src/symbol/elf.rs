//! One symbol of an ELF file: 64-bit, little-endian, from its table of dynamic
//! symbols, which survives stripping; which sections it has, where its code lies, and its build id. Files are not trusted: every offset is
//! checked by the read that follows it, and no read is larger than [`MOST`].

use std::ops::Range;

/// Largest table that is read, bytes; libpython's are below 1 MiB.
const MOST: u64 = 16 << 20;

/// A page may be larger than 4 KiB on other machines than this one.
const LARGEST_PAGE: u64 = 64 << 10;

const FILE_HEADER: u64 = 64;
const PROGRAM_HEADER: usize = 56;
const SECTION_HEADER: usize = 64;
const SYMBOL: usize = 24;

const NOTE_HEADER: usize = 12;

const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const PF_X: u32 = 1;
const SHT_NOTE: u32 = 7;
const SHT_DYNSYM: u32 = 11;
const STT_OBJECT: u8 = 1;
const NT_GNU_BUILD_ID: u32 = 3;

/// A data object, and what it takes to find it in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its address as the file has it.
    value: u64,
    /// Its size, bytes.
    size: u64,
    /// Executable segments.
    code: Vec<Segment>,
}

/// A part of the file that is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    offset: u64,
    address: u64,
    /// Of the file, bytes.
    size: u64,
}

/// Where a file's code lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code(Vec<Segment>);

impl Code {
    /// Of a file.
    pub fn of(file: &impl Source) -> Option<Code> {
        Some(Code(executable(file, &header(file)?)?))
    }

    /// The address of what is at an offset in the file, as its symbols have it.
    pub fn address(&self, offset: u64) -> Option<u64> {
        let inside = |segment: &Segment| {
            let inside = offset.checked_sub(segment.offset)?;
            (inside < segment.size).then_some(segment.address.wrapping_add(inside))
        };
        self.0.iter().find_map(inside)
    }
}

/// Reads `len` bytes at an offset; `None` when they are not all there.
pub trait Source {
    /// See there.
    fn read(&self, offset: u64, len: usize) -> Option<Vec<u8>>;
}

impl Object {
    /// Finds an object by name.
    pub fn find(file: &impl Source, name: &[u8]) -> Option<Object> {
        let header = header(file)?;
        let (value, size) = symbol(file, &header, name)?;
        let code = executable(file, &header)?;
        Some(Object { value, size, code })
    }

    /// Where it lies in a process that has mapped the file's code, from file
    /// offset `offset` on, at address `start`.
    pub fn mapped(&self, start: u64, offset: u64) -> Option<Range<u64>> {
        let ahead = |segment: &Segment| segment.offset.checked_sub(offset);
        let mut code = self.code.iter();
        let segment = code.find(|s| ahead(s).is_some_and(|bytes| bytes < LARGEST_PAGE))?;
        let bias = start
            .wrapping_add(ahead(segment)?)
            .wrapping_sub(segment.address);
        let first = self.value.wrapping_add(bias);
        Some(first..first.checked_add(self.size)?)
    }
}

/// The build id of a file, from the first note that has one: of its segments, as the kernel
/// reads it, or of its sections, which are all that a file of debug information has.
pub fn build_id(file: &impl Source) -> Option<Vec<u8>> {
    let header = header(file)?;
    let segments = segments(file, &header).unwrap_or_default();
    let sections = sections(file, &header).unwrap_or_default();
    let in_segments = segments
        .chunks_exact(PROGRAM_HEADER)
        .filter(|segment| u32_at(segment, 0) == Some(PT_NOTE))
        .filter_map(|segment| bytes(file, u64_at(segment, 8)?, u64_at(segment, 32)?));
    let in_sections = sections
        .chunks_exact(SECTION_HEADER)
        .filter(|section| u32_at(section, 4) == Some(SHT_NOTE))
        .filter_map(|section| content(file, section));
    let mut notes = in_segments.chain(in_sections);
    notes.find_map(|notes| build_id_in(&notes))
}

fn build_id_in(mut notes: &[u8]) -> Option<Vec<u8>> {
    while let (Some(name), Some(content)) = (u32_at(notes, 0), u32_at(notes, 4)) {
        let (name, content) = (name as usize, content as usize);
        let kind = u32_at(notes, 8)?;
        // Each fills whole words.
        let (own, rest) = notes.get(NOTE_HEADER..)?.split_at_checked(name)?;
        let rest = rest.get(name.next_multiple_of(4) - name..)?;
        let (bytes, rest) = rest.split_at_checked(content)?;
        if own == b"GNU\0" && kind == NT_GNU_BUILD_ID {
            return Some(bytes.to_vec()).filter(|bytes| !bytes.is_empty());
        }
        notes = rest.get(content.next_multiple_of(4) - content..)?;
    }
    None
}

/// Whether a file has a section called `name`.
pub fn has_section(file: &impl Source, name: &[u8]) -> bool {
    section(file, name).is_some()
}

/// The header of the section called `name`.
fn section(file: &impl Source, name: &[u8]) -> Option<Vec<u8>> {
    let header = header(file)?;
    let sections = sections(file, &header)?;
    let mut list = sections.chunks_exact(SECTION_HEADER);
    let names = content(file, list.clone().nth(u16_at(&header, 62)?.into())?)?;
    let is_so = |section: &&[u8]| {
        let from = u32_at(section, 0).and_then(|at| names.get(at as usize..));
        from.and_then(|text| text.strip_prefix(name)?.first()) == Some(&0)
    };
    list.find(is_so).map(<[u8]>::to_vec)
}

fn header(file: &impl Source) -> Option<Vec<u8>> {
    let header = file.read(0, FILE_HEADER as usize)?;
    header.starts_with(b"\x7fELF\x02\x01").then_some(header)
}

fn sections(file: &impl Source, header: &[u8]) -> Option<Vec<u8>> {
    table(
        file,
        u64_at(header, 40)?,
        u16_at(header, 60)?,
        SECTION_HEADER,
    )
}

/// Address and size of the dynamic object called `name`.
fn symbol(file: &impl Source, header: &[u8], name: &[u8]) -> Option<(u64, u64)> {
    let sections = sections(file, header)?;
    let section = |index: usize| sections.chunks_exact(SECTION_HEADER).nth(index);
    let kind = |section: &&[u8]| u32_at(section, 4) == Some(SHT_DYNSYM);
    let symbols = sections.chunks_exact(SECTION_HEADER).find(kind)?;
    let names = content(file, section(u32_at(symbols, 40)? as usize)?)?;
    let symbols = content(file, symbols)?;
    let mut symbols = symbols.chunks_exact(SYMBOL);
    let found = symbols.find(|symbol| is_object_called(symbol, &names, name))?;
    Some((u64_at(found, 8)?, u64_at(found, 16)?))
}

fn is_object_called(symbol: &[u8], names: &[u8], name: &[u8]) -> bool {
    let defined = u16_at(symbol, 6).is_some_and(|section| section != 0);
    let object = symbol.get(4).is_some_and(|info| info & 0xf == STT_OBJECT);
    let from = u32_at(symbol, 0).and_then(|at| names.get(at as usize..));
    let same = from.and_then(|text| text.strip_prefix(name)?.first());
    defined && object && same == Some(&0)
}

fn segments(file: &impl Source, header: &[u8]) -> Option<Vec<u8>> {
    table(
        file,
        u64_at(header, 32)?,
        u16_at(header, 56)?,
        PROGRAM_HEADER,
    )
}

fn executable(file: &impl Source, header: &[u8]) -> Option<Vec<Segment>> {
    let segments = segments(file, header)?;
    let code = segments.chunks_exact(PROGRAM_HEADER).filter(|segment| {
        let flags = u32_at(segment, 4).unwrap_or_default();
        u32_at(segment, 0) == Some(PT_LOAD) && flags & PF_X != 0
    });
    code.map(|segment| {
        Some(Segment {
            offset: u64_at(segment, 8)?,
            address: u64_at(segment, 16)?,
            size: u64_at(segment, 32)?,
        })
    })
    .collect()
}

fn table(file: &impl Source, offset: u64, entries: u16, size: usize) -> Option<Vec<u8>> {
    file.read(offset, usize::from(entries) * size)
}

/// What a section header points at.
fn content(file: &impl Source, section: &[u8]) -> Option<Vec<u8>> {
    bytes(file, u64_at(section, 24)?, u64_at(section, 32)?)
}

fn bytes(file: &impl Source, offset: u64, size: u64) -> Option<Vec<u8>> {
    let size = Some(size).filter(|&size| size <= MOST)?;
    file.read(offset, usize::try_from(size).ok()?)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
#[path = "tests/elf.rs"]
mod tests;
