//! What a descriptor is: pipe, socket with its addresses, file, terminal, …

use core::hint::cold_path;

use aya_ebpf::helpers;
use probe_common::{
    fd::{CLOEXEC, OPEN, Object, SECOND},
    uapi::{AF_INET, AF_INET6, S_IFIFO, S_IFMT, S_IFSOCK},
};

use crate::{
    emit,
    filter::Entry,
    maps::EVENTS,
    offsets::{self, Constant as _, known},
    read::{self, Task, probe, probe_at},
    shared::{Shared, address, load, store, store_words},
};

/// Room for [`Object::name`].
const NAME_BYTES: u32 = 32;

/// Describes the file behind `fd` unless user space knows it already.
/// Returns whether user space now knows it.
#[inline(always)]
pub fn describe(task: Task, entry: Entry, fd: i32, ts_ns: u64) -> bool {
    let Some(file) = file_of(task, fd) else {
        store!(entry.file = 0);
        store!(entry.mode = 0);
        return false;
    };
    let inode: u64 = probe(file, &offsets::FILE_INODE);
    let ino: u64 = probe(inode, &offsets::INODE_INO);
    let same = load!(entry.file) == file && load!(entry.ino) == ino && load!(entry.fd) == fd;
    // The most frequent ones, and nothing about them changes.
    if same && u32::from(load!(entry.mode)) == S_IFIFO {
        return true;
    }
    let file_op: u64 = probe(file, &offsets::FILE_OP);
    let mode = u32::from(probe::<u16>(inode, &offsets::INODE_MODE));
    let kind = mode & S_IFMT;
    store!(entry.mode = kind as u16);
    let sock = if kind == S_IFSOCK { sock_of(file) } else { 0 };
    let remote = remote_of(sock);
    if same && load!(entry.file_op) == file_op && load!(entry.remote) == remote {
        return true;
    }
    cold_path();
    if !emit_object(&File {
        tid: load!(entry.tid),
        flags: 0,
        fd,
        address: file,
        inode,
        mode,
        sock,
        ts_ns,
    }) {
        store!(entry.file = 0);
        return false;
    }
    store!(entry.file = file);
    store!(entry.ino = ino);
    store!(entry.fd = fd);
    store!(entry.file_op = file_op);
    store!(entry.remote = remote);
    true
}

/// The same for the other descriptor of a call that moves data from one to the other.
#[inline(always)]
pub fn describe_second(task: Task, entry: Entry, fd: i32, ts_ns: u64) -> bool {
    let Some(file) = file_of(task, fd) else {
        return false;
    };
    let inode: u64 = probe(file, &offsets::FILE_INODE);
    let ino: u64 = probe(inode, &offsets::INODE_INO);
    let hash = file ^ ino.rotate_left(16) ^ (fd as u64).rotate_left(48);
    if load!(entry.second) == hash {
        return true;
    }
    cold_path();
    let mode = u32::from(probe::<u16>(inode, &offsets::INODE_MODE));
    let sock = if mode & S_IFMT == S_IFSOCK {
        sock_of(file)
    } else {
        0
    };
    let emitted = emit_object(&File {
        tid: load!(entry.tid),
        flags: SECOND,
        fd,
        address: file,
        inode,
        mode,
        sock,
        ts_ns,
    });
    store!(entry.second = if emitted { hash } else { 0 });
    emitted
}

/// Describes a descriptor of a table that has this bitmap of those that an exec closes; 0: does
/// not. Global to the verifier: see [`super::fd_table`].
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn fd_object(
    file: u64,
    fd: u32,
    tid: u32,
    ts_ns: u64,
    close_on_exec: u64,
) -> u32 {
    let is_wanted = offsets::DESCRIBES_OPEN.load() != 0 && close_on_exec != 0;
    if !is_wanted || !known(&offsets::FDT_OPEN_FDS) {
        return 0;
    }
    let inode: u64 = probe(file, &offsets::FILE_INODE);
    let mode = u32::from(probe::<u16>(inode, &offsets::INODE_MODE));
    let word: u64 = probe_at(close_on_exec.wrapping_add(u64::from(fd / 64) * 8));
    let closes = word >> (fd % 64) & 1;
    emit_object(&File {
        tid,
        flags: if closes != 0 { OPEN | CLOEXEC } else { OPEN },
        fd: fd as i32,
        address: file,
        inode,
        mode,
        sock: if mode & S_IFMT == S_IFSOCK {
            sock_of(file)
        } else {
            0
        },
        ts_ns,
    });
    0
}

/// To whom a socket is connected, hashed to one word: enough to see a change.
#[inline(always)]
fn remote_of(sock: u64) -> u64 {
    if sock == 0 {
        return 0;
    }
    let port: u16 = probe(sock, &offsets::SOCK_RPORT);
    let address: u32 = probe(sock, &offsets::SOCK_RADDR4);
    let mut remote = u64::from(port) << 32 | u64::from(address);
    if known(&offsets::SOCK_RADDR6) {
        let begin: u64 = probe(sock, &offsets::SOCK_RADDR6);
        let end: u64 = probe(sock.wrapping_add(8), &offsets::SOCK_RADDR6);
        remote ^= begin ^ end.rotate_left(1);
    }
    remote
}

/// `task->files->fdt->fd[fd]`
#[inline(always)]
fn file_of(task: Task, fd: i32) -> Option<u64> {
    if !known(&offsets::TASK_FILES) || fd < 0 {
        return None;
    }
    let files = read::chase(task, &offsets::TASK_FILES);
    let table = read::chase(files, &offsets::FILES_FDT);
    let max: u32 = read::chase(table, &offsets::FDT_MAX_FDS);
    if fd as u32 >= max {
        return None;
    }
    let array: u64 = read::chase(table, &offsets::FDT_FD);
    let file: u64 = probe_at(array.wrapping_add(fd as u64 * 8));
    (file != 0).then_some(file)
}

#[inline(always)]
fn sock_of(file: u64) -> u64 {
    if !known(&offsets::SOCKET_SK) {
        return 0;
    }
    let socket: u64 = probe(file, &offsets::FILE_PRIVATE);
    probe(socket, &offsets::SOCKET_SK)
}

/// A file to be emitted.
struct File {
    tid: u32,
    /// Those of an [`Object`].
    flags: u16,
    fd: i32,
    address: u64,
    inode: u64,
    mode: u32,
    sock: u64,
    ts_ns: u64,
}

/// In a function of its own: it is called from several places, and the verifier forgets on
/// the way back by which of its ways it came.
#[inline(never)]
fn emit_object(file: &File) -> bool {
    emit::record(&EVENTS, file.flags, file.ts_ns, |to: Shared<Object>| {
        store!(to.tid = file.tid);
        store!(to.fd = file.fd);
        store!(to.ino = probe(file.inode, &offsets::INODE_INO));
        store!(to.mode = file.mode);
        store!(to.rdev = probe(file.inode, &offsets::INODE_RDEV));
        write_socket(to, file.sock);
        write_name(to, file.address);
    })
}

#[inline(always)]
fn write_socket(to: Shared<Object>, sock: u64) {
    // A sock address of zero makes every read below fail, and so give zero.
    let family: u16 = if sock == 0 {
        0
    } else {
        probe(sock, &offsets::SOCK_FAMILY)
    };
    let inet = family == AF_INET || family == AF_INET6;
    let (local_port, remote_port) = if inet {
        (
            probe(sock, &offsets::SOCK_LPORT),
            u16::from_be(probe(sock, &offsets::SOCK_RPORT)),
        )
    } else {
        (0_u16, 0)
    };
    store!(to.family = family);
    store!(
        to.sock_type = if family == 0 {
            0
        } else {
            probe(sock, &offsets::SOCK_TYPE)
        }
    );
    store!(
        to.protocol = if family == 0 {
            0
        } else {
            probe(sock, &offsets::SOCK_PROTOCOL)
        }
    );
    store!(
        to.sock_state = if family == 0 {
            0
        } else {
            probe(sock, &offsets::SOCK_STATE)
        }
    );
    store!(to.pad = 0);
    store!(to.local_port = local_port);
    store!(to.remote_port = remote_port);
    store!(to.pad2 = 0);
    let (local, remote) = addresses(sock, family);
    store_words!(to.local_addr = local);
    store_words!(to.remote_addr = remote);
}

#[inline(always)]
fn addresses(sock: u64, family: u16) -> ([u64; 2], [u64; 2]) {
    if family == AF_INET {
        let local: u32 = probe(sock, &offsets::SOCK_LADDR4);
        let remote: u32 = probe(sock, &offsets::SOCK_RADDR4);
        return ([u64::from(local), 0], [u64::from(remote), 0]);
    }
    // Without IPv6 in the kernel its offsets are unknown, but then so is the family.
    if family == AF_INET6 && known(&offsets::SOCK_LADDR6) {
        return (
            probe(sock, &offsets::SOCK_LADDR6),
            probe(sock, &offsets::SOCK_RADDR6),
        );
    }
    ([0, 0], [0, 0])
}

#[inline(always)]
fn write_name(to: Shared<Object>, file: u64) {
    let dentry: u64 = probe(file, &offsets::FILE_DENTRY);
    let name: u64 = probe(dentry, &offsets::DENTRY_NAME_PTR);
    store_words!(to.name = [0; 4]);
    let to_name = address!(to.name).cast();
    // SAFETY: there is room for as many bytes; the helper checks the source itself.
    unsafe {
        let _cut = helpers::generated::bpf_probe_read_kernel_str(
            to_name,
            NAME_BYTES,
            name as *const core::ffi::c_void,
        );
    }
}
