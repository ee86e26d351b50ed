//! Writes cpio archives in the `newc` format, the one the kernel unpacks.

use std::io::{self, Write};

use nix::libc::{S_IFDIR, S_IFLNK, S_IFREG};

const MAGIC: &str = "070701";
const LAST_NAME: &str = "TRAILER!!!";
/// Names and contents are padded to a multiple of this.
const ALIGNMENT: usize = 4;
/// The header's length: the magic and 13 numbers of 8 hexadecimal digits.
const HEADER: usize = 110;

/// An archive being written. All that is in it belongs to root and dates from 1970,
/// so that equal contents give equal archives.
pub(crate) struct Archive<W> {
    out: W,
    entries: u32,
}

impl<W: Write> Archive<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, entries: 0 }
    }

    /// Names are relative to the root and come after their directory's.
    pub(crate) fn directory(&mut self, name: &str, permissions: u32) -> io::Result<()> {
        self.entry(name, S_IFDIR | permissions, &[])
    }

    pub(crate) fn file(&mut self, name: &str, permissions: u32, data: &[u8]) -> io::Result<()> {
        self.entry(name, S_IFREG | permissions, data)
    }

    pub(crate) fn link(&mut self, name: &str, target: &str) -> io::Result<()> {
        self.entry(name, S_IFLNK | 0o777, target.as_bytes())
    }

    /// Ends the archive; without this the kernel refuses it.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.entry(LAST_NAME, 0, &[])?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn entry(&mut self, name: &str, mode: u32, data: &[u8]) -> io::Result<()> {
        self.entries += 1;
        let links = 1;
        // Inode, mode, uid, gid, links, time, size, device, device of the node,
        // length of the name with its NUL, checksum (none in this format).
        let numbers = [
            self.entries,
            mode,
            0,
            0,
            links,
            0,
            size(data.len())?,
            0,
            0,
            0,
            0,
            size(name.len() + 1)?,
            0,
        ];
        self.out.write_all(MAGIC.as_bytes())?;
        for number in numbers {
            write!(self.out, "{number:08X}")?;
        }
        self.out.write_all(name.as_bytes())?;
        self.out.write_all(b"\0")?;
        self.pad(HEADER + name.len() + 1)?;
        self.out.write_all(data)?;
        self.pad(data.len())
    }

    fn pad(&mut self, written: usize) -> io::Result<()> {
        let missing = written.next_multiple_of(ALIGNMENT) - written;
        self.out.write_all(&[0; ALIGNMENT][..missing])
    }
}

fn size(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(|_| io::Error::other("a cpio archive holds no file of 4 GiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One header as text: magic, then the numbers by name order of the format.
    fn header(numbers: [u32; 13]) -> String {
        let digits: String = numbers.iter().map(|n| format!("{n:08X}")).collect();
        format!("070701{digits}")
    }

    #[test]
    fn an_archive_is_exactly_this() {
        let mut archive = Archive::new(Vec::new());
        archive.directory("etc", 0o755).unwrap();
        archive.file("etc/name", 0o644, b"guest").unwrap();
        archive.link("lib", "usr/lib").unwrap();
        let written = archive.finish().unwrap();
        let expect = [
            header([1, 0o040_755, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4, 0]),
            "etc\0\0\0".into(),
            header([2, 0o100_644, 0, 0, 1, 0, 5, 0, 0, 0, 0, 9, 0]),
            "etc/name\0\0guest\0\0\0".into(),
            header([3, 0o120_777, 0, 0, 1, 0, 7, 0, 0, 0, 0, 4, 0]),
            "lib\0\0\0usr/lib\0".into(),
            header([4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 11, 0]),
            "TRAILER!!!\0\0\0\0".into(),
        ];
        assert_eq!(String::from_utf8(written).unwrap(), expect.concat());
    }

    #[test]
    fn every_part_is_aligned_whatever_its_length() {
        for length in 1..=9 {
            let name = "n".repeat(length);
            let data = vec![b'd'; length];
            let mut archive = Archive::new(Vec::new());
            archive.file(&name, 0o600, &data).unwrap();
            let written = archive.finish().unwrap();
            assert_eq!(written.len() % ALIGNMENT, 0, "{length}");
            let start = (HEADER + length + 1).next_multiple_of(ALIGNMENT);
            assert_eq!(written[start..start + length], data, "{length}");
            let next = (start + length).next_multiple_of(ALIGNMENT);
            assert_eq!(&written[next..next + MAGIC.len()], MAGIC.as_bytes());
        }
    }

    #[test]
    fn a_size_that_does_not_fit_is_refused() {
        assert!(size(u32::MAX as usize).is_ok());
        assert!(size(u32::MAX as usize + 1).is_err());
    }
}
