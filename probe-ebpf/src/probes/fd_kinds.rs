//! What the descriptors of a table are: counted by kind and, on demand, one by one.

use probe_common::{
    fd_table::{KINDS_OF, Kinds, of_kind, why},
    uapi::{S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK},
};

use super::{
    fd::fd_object,
    fd_table::{find, seen},
};
use crate::{
    emit,
    maps::EVENTS,
    offsets::{self, Constant as _, known},
    read::{probe, probe_at},
    shared::{Shared, address, load, store},
};

/// Names of anonymous files that are [`of_kind::EVENT`]: the first eight bytes, as those give
/// them that make such files (`anon_inode_getfd`).
const EVENTS_OF: [u64; 6] = [
    name(*b"[eventfd"),
    name(*b"[signalf"),
    name(*b"[fanotif"),
    name(*b"[userfau"),
    name(*b"[perf_ev"),
    name(*b"inotify\0"),
];
const PIDFD: u64 = name(*b"[pidfd]\0");
const TIMERFD: u64 = name(*b"[timerfd");
const EPOLL: u64 = name(*b"[eventpo");

const fn name(bytes: [u8; 8]) -> u64 {
    u64::from_ne_bytes(bytes)
}

// Global to the verifier: see [`super::fd_table`].

/// Says what the descriptors are, if all are within what is looked at, and on demand more
/// of each.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn fd_kinds(
    files: u64,
    tid: u32,
    ts_ns: u64,
    occasion: u16,
    open: u32,
) -> u32 {
    if files == 0 || !known(&offsets::FDT_OPEN_FDS) {
        return 0;
    }
    let Some(seen) = seen(files) else {
        return 0;
    };
    // Every thread that uses it comes here.
    if occasion == why::FINAL && load!(seen.described) == files {
        return 0;
    }
    let recorded = emit_kinds(files, tid, ts_ns, occasion, open);
    if recorded && occasion == why::FINAL {
        store!(seen.described = files);
    }
    0
}

/// Descriptors that [`fd_kinds_of_some`] looks at: the verifier walks through so many, and
/// through so many calls as make all, once for each way that leads there.
const AT_ONCE: u32 = 16;
/// Bits that a kind has in what [`fd_kinds_of_some`] returns.
const COUNT_BITS: usize = 64 / of_kind::COUNT;
const _: () = assert!((AT_ONCE as u64) < 1 << COUNT_BITS);

#[inline(always)]
fn emit_kinds(files: u64, tid: u32, ts_ns: u64, occasion: u16, open: u32) -> bool {
    let max = find(files).max;
    let mut flags = occasion;
    if max > KINDS_OF {
        flags |= why::CUT;
    }
    if describes(occasion) {
        flags |= why::DESCRIBED;
    }
    emit::record(&EVENTS, flags, ts_ns, |to: Shared<Kinds>| {
        store!(to.files = files);
        store!(to.tid = tid);
        store!(to.open = open);
        let counts = address!(to.counts).cast::<u32>();
        // SAFETY: a kind is an index of the field.
        let slot = |kind| unsafe { counts.add(kind) };
        for kind in 0..of_kind::COUNT {
            // SAFETY: inside the field.
            unsafe { slot(kind).write(0) };
        }
        for part in 0..KINDS_OF / AT_ONCE {
            if part * AT_ONCE >= max {
                break;
            }
            let found = fd_kinds_of_some(files, part * AT_ONCE, tid, ts_ns, occasion);
            for kind in 0..of_kind::COUNT {
                let more = found >> (kind * COUNT_BITS) & ((1 << COUNT_BITS) - 1);
                // SAFETY: inside the field.
                unsafe { slot(kind).write_volatile(slot(kind).read_volatile() + more as u32) };
            }
        }
    })
}

#[inline(always)]
fn describes(occasion: u16) -> bool {
    offsets::DESCRIBES_OPEN.load() != 0 && occasion != why::SEED
}

/// How many of the descriptors from this one on are of each kind, [`COUNT_BITS`] a kind; on
/// demand more is said of each.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fd_kinds_of_some(files: u64, from: u32, tid: u32, ts_ns: u64, occasion: u16) -> u64 {
    if !known(&offsets::FDT_OPEN_FDS) {
        return 0;
    }
    let table = find(files);
    // Not looked at in the loop, through which the verifier would go twice.
    let close_on_exec: u64 = if describes(occasion) {
        probe(
            probe(files, &offsets::FILES_FDT),
            &offsets::FDT_CLOSE_ON_EXEC,
        )
    } else {
        0
    };
    let mut found = 0;
    for fd in 0..AT_ONCE {
        let fd = from + fd;
        if fd >= table.max {
            break;
        }
        let file: u64 = probe_at(table.array.wrapping_add(u64::from(fd) * 8));
        if file != 0 {
            found += 1 << (fd_kind(file) as usize * COUNT_BITS);
            if offsets::DESCRIBES_OPEN.load() != 0 {
                fd_object(file, fd, tid, ts_ns, close_on_exec);
            }
        }
    }
    found
}

/// As `world::object::descriptor_kind` in user space.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn fd_kind(file: u64) -> u32 {
    if !known(&offsets::FDT_OPEN_FDS) {
        return 0;
    }
    kind_of(file) as u32
}

#[inline(always)]
fn kind_of(file: u64) -> usize {
    let inode: u64 = probe(file, &offsets::FILE_INODE);
    let mode = u32::from(probe::<u16>(inode, &offsets::INODE_MODE));
    match mode & S_IFMT {
        S_IFSOCK => of_kind::SOCKET,
        S_IFIFO => of_kind::PIPE,
        S_IFDIR | S_IFBLK => of_kind::FILE,
        S_IFCHR => match probe::<u32>(inode, &offsets::INODE_RDEV) >> 20 {
            4 | 5 | 136..=143 | 204 => of_kind::TTY,
            _ => of_kind::OTHER,
        },
        _ => named(file, mode),
    }
}

/// A file without a type, which on 6.17 and later is a regular one.
#[inline(always)]
fn named(file: u64, mode: u32) -> usize {
    let dentry: u64 = probe(file, &offsets::FILE_DENTRY);
    let text: u64 = probe(dentry, &offsets::DENTRY_NAME_PTR);
    let name: u64 = probe_at(text);
    if name == EPOLL {
        return of_kind::EPOLL;
    }
    if name == TIMERFD {
        return of_kind::TIMER;
    }
    for event in EVENTS_OF {
        if name == event {
            return of_kind::EVENT;
        }
    }
    // From 6.9 on a pidfd is the file "/" of a file system of its own, as namespaces are.
    if name == PIDFD || name & 0xffff == u64::from(b'/') && mode & 0o7777 == 0o700 {
        return of_kind::EVENT;
    }
    // An anonymous one of another sort, on 6.17 and later.
    if mode & S_IFMT == S_IFREG && name & 0xff != u64::from(b'[') {
        of_kind::FILE
    } else {
        of_kind::OTHER
    }
}
