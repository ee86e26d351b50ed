//! Memory whose missing pages are reported to user space.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;

use crate::sys::{check, own};

const PAGE: usize = 4096;
const API: u64 = 0xAA;
const MODE_MISSING: u64 = 1;
const EVENT_PAGEFAULT: u8 = 0x12;
/// `_IOWR(0xAA, 0x3F, struct uffdio_api)`.
const UFFDIO_API: libc::c_ulong = 0xc018_aa3f;
/// `_IOWR(0xAA, 0x00, struct uffdio_register)`.
const UFFDIO_REGISTER: libc::c_ulong = 0xc020_aa00;
/// `_IOWR(0xAA, 0x03, struct uffdio_copy)`.
const UFFDIO_COPY: libc::c_ulong = 0xc028_aa03;

/// The registered memory and the descriptor that reports its faults. It is
/// never unmapped.
pub struct Region {
    faults: File,
    pages: Pages,
}

/// The memory alone.
#[derive(Clone, Copy)]
pub struct Pages {
    start: usize,
    count: usize,
}

impl Region {
    /// `count` pages, all missing.
    pub fn new(count: usize) -> io::Result<Region> {
        // SAFETY: no pointers.
        let fd = unsafe { libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC) };
        let faults = File::from(own(i32::try_from(fd).unwrap_or(-1))?);
        let mut api = [API, 0, 0];
        // SAFETY: `api` is a whole uffdio_api.
        check(unsafe { libc::ioctl(faults.as_raw_fd(), UFFDIO_API, &raw mut api) })?;
        let pages = Pages::map(count)?;
        let mut register = [pages.start as u64, (count * PAGE) as u64, MODE_MISSING, 0];
        // SAFETY: `register` is a whole uffdio_register.
        check(unsafe { libc::ioctl(faults.as_raw_fd(), UFFDIO_REGISTER, &raw mut register) })?;
        Ok(Region { faults, pages })
    }

    /// The memory.
    pub fn pages(&self) -> Pages {
        self.pages
    }

    /// Waits for the next fault and returns its page.
    pub fn next_fault(&self) -> io::Result<usize> {
        let mut message = [0u8; 32];
        (&self.faults).read_exact(&mut message)?;
        if message[0] != EVENT_PAGEFAULT {
            return Err(io::Error::other("an event that is no page fault"));
        }
        let mut address = [0; 8];
        address.copy_from_slice(&message[16..24]);
        Ok(usize::from_ne_bytes(address) & !(PAGE - 1))
    }

    /// Brings the page in, which wakes its waiter.
    pub fn fill(&self, address: usize) -> io::Result<()> {
        let source = [1u8; PAGE];
        let from = source.as_ptr().expose_provenance() as u64;
        let mut copy = [address as u64, from, PAGE as u64, 0, 0];
        // SAFETY: `copy` is a whole uffdio_copy, `source` outlives it.
        check(unsafe { libc::ioctl(self.faults.as_raw_fd(), UFFDIO_COPY, &raw mut copy) })?;
        Ok(())
    }
}

impl Pages {
    fn map(count: usize) -> io::Result<Pages> {
        // SAFETY: a fresh anonymous mapping.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                count * PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = memory.expose_provenance();
        Ok(Pages { start, count })
    }

    /// Reads a byte of a page, which faults while the page is missing.
    pub fn touch(self, page: usize) -> io::Result<u8> {
        if page >= self.count {
            return Err(io::Error::other("no such page"));
        }
        let address = std::ptr::with_exposed_provenance::<u8>(self.start + page * PAGE);
        // SAFETY: inside the mapping, which is never unmapped.
        Ok(unsafe { address.read_volatile() })
    }

    /// Address of a page, for system calls that read it.
    pub fn address(self, page: usize) -> *const libc::c_void {
        std::ptr::with_exposed_provenance(self.start + page * PAGE)
    }
}
