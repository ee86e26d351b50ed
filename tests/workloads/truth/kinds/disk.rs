//! `disk`: reads that bypass the page cache, and reads of pages just dropped
//! from it. `sync`: fsync after a write.
//!
//! All use little CPU: with steal time accounted, a virtual machine's kernel
//! counts less CPU time than passes on the clock while a thread runs.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::case::{Case, Job, Setting};
use crate::sys::check;

pub const CASES: &[Case] = &[
    Case {
        name: "disk-direct",
        kind: "disk",
        functions: &[
            "__iomap_dio_rw",
            "iomap_dio_rw",
            "blk_io_schedule",
            "__blkdev_direct_IO",
            "ext4_file_read_iter",
        ],
        sources: &["block-io"],
        has_waker: false,
        prepare: |setting| reads(setting, "direct", &DIRECT),
    },
    Case {
        name: "disk-cached",
        kind: "disk",
        functions: &[
            "folio_wait_bit_common",
            "folio_wait_bit_killable",
            "folio_wait_locked_killable",
            "__folio_lock_killable",
            "wait_on_page_bit_common",
            "__lock_page_killable",
            "filemap_get_pages",
            "filemap_update_page",
            "filemap_read",
            "generic_file_buffered_read",
            "generic_file_read_iter",
        ],
        sources: &["block-io"],
        has_waker: false,
        prepare: |setting| reads(setting, "cached", &CACHED),
    },
    Case {
        name: "fsync",
        kind: "sync",
        functions: &[
            "jbd2_log_wait_commit",
            "jbd2_complete_transaction",
            "jbd2_fc_wait_bufs",
            "jbd2_fc_begin_commit",
            "ext4_fc_commit",
            "ext4_sync_file",
            "ext4_write_inode",
            "__sync_dirty_buffer",
            "__wait_on_buffer",
            "fsync_buffers_list",
            "osync_buffers_list",
            "sync_mapping_buffers",
            "sync_dirty_buffer",
            "submit_bio_wait",
            "blkdev_issue_flush",
            "folio_wait_bit_common",
            "folio_wait_bit",
            "folio_wait_writeback",
            "wait_on_page_bit_common",
            "wait_on_page_bit",
            "wait_on_page_writeback",
            "__filemap_fdatawait_range",
            "filemap_fdatawait_range",
            "file_write_and_wait_range",
            "blk_io_schedule",
            "wbt_wait",
            "rq_qos_wait",
            "blk_mq_get_tag",
            "do_get_write_access",
            "wait_transaction_locked",
        ],
        sources: &["block-io", "kthread", "task"],
        has_waker: false,
        prepare: sync,
    },
];

/// What O_DIRECT demands of a buffer's address and length.
#[derive(Clone)]
#[repr(C, align(4096))]
struct Block([u8; BLOCK_BYTES]);
const BLOCK_BYTES: usize = 4096;

/// A way to read `bytes` at an offset, so many that it takes about a
/// millisecond or longer.
struct Way {
    flags: libc::c_int,
    bytes: usize,
    /// Blocks of the buffer.
    buffer: usize,
    read: fn(&File, &mut [Block], u64) -> io::Result<()>,
}

const DIRECT: Way = Way {
    flags: libc::O_DIRECT,
    bytes: 2 << 20,
    buffer: (2 << 20) / BLOCK_BYTES,
    read: |file, blocks, offset| file.read_exact_at(bytes_of(blocks), offset),
};

/// Starts to read all of it ahead, then waits for the last block.
const CACHED: Way = Way {
    flags: 0,
    bytes: AHEAD_BYTES,
    buffer: 1,
    read: |file, blocks, offset| {
        advise(file, offset, AHEAD_BYTES, libc::POSIX_FADV_WILLNEED)?;
        let last = offset + (AHEAD_BYTES - BLOCK_BYTES) as u64;
        file.read_exact_at(bytes_of(blocks), last)
    },
};
const AHEAD_BYTES: usize = 1 << 20;

fn reads(setting: &Setting, name: &str, way: &'static Way) -> io::Result<Job> {
    let path = setting
        .dir
        .join(format!("truth-{}.{name}", std::process::id()));
    // Each round reads a place of its own, never in the page cache.
    let rounds = setting.rounds.div_ceil(2) as usize;
    let file = lay_down(&path, rounds * way.bytes).and_then(|()| {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(way.flags).open(&path)
    });
    std::fs::remove_file(&path)?;
    let file = file?;
    Job::alone(move |meter| {
        let mut blocks = vec![Block([0; BLOCK_BYTES]); way.buffer];
        for round in 0..rounds {
            let offset = (round * way.bytes) as u64;
            meter.block(|| (way.read)(&file, &mut blocks, offset))?;
        }
        Ok(())
    })
}

fn bytes_of(blocks: &mut [Block]) -> &mut [u8] {
    // SAFETY: a Block is plain bytes without padding, any value is valid.
    unsafe { std::slice::from_raw_parts_mut(blocks.as_mut_ptr().cast(), size_of_val(blocks)) }
}

fn lay_down(path: &Path, bytes: usize) -> io::Result<()> {
    let mut file = File::create(path)?;
    on_disk(&file)?;
    file.write_all(&vec![1; bytes])?;
    file.sync_all()?;
    advise(&file, 0, 0, libc::POSIX_FADV_DONTNEED)
}

/// A length of 0 means: to the end.
fn advise(file: &File, offset: u64, length: usize, advice: libc::c_int) -> io::Result<()> {
    let (offset, length) = (offset.cast_signed(), length.cast_signed() as i64);
    // SAFETY: no pointers.
    match unsafe { libc::posix_fadvise(file.as_raw_fd(), offset, length, advice) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

const RAMFS_MAGIC: libc::c_long = 0x8584_58f6;

/// A file system in memory has nothing to wait for.
fn on_disk(file: &File) -> io::Result<()> {
    let mut about = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: `about` is writable.
    check(unsafe { libc::fstatfs(file.as_raw_fd(), about.as_mut_ptr()) })?;
    // SAFETY: fstatfs succeeded and filled it in.
    let about = unsafe { about.assume_init() };
    match about.f_type {
        libc::TMPFS_MAGIC | RAMFS_MAGIC => Err(io::Error::other("the directory is in memory")),
        _ => Ok(()),
    }
}

fn sync(setting: &Setting) -> io::Result<Job> {
    let path = setting
        .dir
        .join(format!("truth-{}.sync", std::process::id()));
    let mut file = File::create(&path)?;
    std::fs::remove_file(&path)?;
    on_disk(&file)?;
    Job::alone(move |meter| {
        let chunk = vec![1; 16 << 10];
        // One fsync is several sleeps.
        for _ in 0..meter.rounds().div_ceil(3) {
            file.write_all(&chunk)?;
            meter.block(|| file.sync_all())?;
        }
        Ok(())
    })
}
