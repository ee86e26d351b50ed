//! A process's memory map, `/proc/PID/maps`, as bytes: paths need not be text.

/// A piece of a file, mapped for execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code<'a> {
    /// Its first address.
    pub start: u64,
    /// The first one behind it.
    pub end: u64,
    /// Where in the file it begins, bytes.
    pub offset: u64,
    /// The file's inode number.
    pub inode: u64,
    /// The file, in the process's mount namespace.
    pub path: &'a [u8],
}

/// Executable pieces of files in order of address; other lines, and such as are
/// not understood, are left out.
pub fn code(maps: &[u8]) -> impl Iterator<Item = Code<'_>> {
    maps.split(|&b| b == b'\n').filter_map(line)
}

/// `7f084f2c1000-7f084f4a2000 r-xp 000c1000 fe:00 1311  /usr/lib/libpython3.11.so.1.0`
fn line(line: &[u8]) -> Option<Code<'_>> {
    let mut rest = line;
    let mut field = || {
        let end = rest.iter().position(|&b| b == b' ')?;
        let (field, behind) = rest.split_at(end);
        rest = behind.get(1..)?;
        str::from_utf8(field).ok()
    };
    let (start, end) = field()?.split_once('-')?;
    let rights = field()?;
    let (offset, _device, inode) = (field()?, field()?, field()?);
    let path = rest.trim_ascii_start();
    let code = Code {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        offset: u64::from_str_radix(offset, 16).ok()?,
        inode: inode.parse().ok()?,
        path,
    };
    (rights.as_bytes().get(2) == Some(&b'x') && path.starts_with(b"/")).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &[u8] = b"\
00400000-0041f000 r--p 00000000 fe:00 1442                               /usr/bin/python3.11
0041f000-006c8000 r-xp 0001f000 fe:00 1442                               /usr/bin/python3.11
00a5b000-00ba7000 rw-p 00000000 00:00 0 
7f0000000000-7f0000001000 r-xp 00000000 00:00 0 
7f0000001000-7f0000002000 r-xp 0000c000 fe:00 77  /opt/a \xff b/libpython3.8.so (deleted)
7ffc1d5f2000-7ffc1d5f4000 r-xp 00000000 00:00 0                          [vdso]
nonsense r-xp 0 0 0 /x
7f00-7f01 r-xp";

    #[test]
    fn executable_files_are_listed_with_their_raw_paths() {
        let found: Vec<_> = code(MAPS).collect();
        let python = Code {
            start: 0x41_f000,
            end: 0x6c_8000,
            offset: 0x1_f000,
            inode: 1442,
            path: b"/usr/bin/python3.11",
        };
        let library = Code {
            start: 0x7f00_0000_1000,
            end: 0x7f00_0000_2000,
            offset: 0xc000,
            inode: 77,
            path: b"/opt/a \xff b/libpython3.8.so (deleted)",
        };
        assert_eq!(found, [python, library]);
    }
}
