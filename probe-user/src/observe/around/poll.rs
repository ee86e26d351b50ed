//! What a poll(2) or select(2) of a few descriptors waits for.

use super::{
    call::Call,
    descriptors::{self, Target},
    read,
};
use crate::metrics::top::around::On;

/// Most descriptors that are looked into.
const MOST: usize = 16;
/// `FD_SETSIZE`.
const SET: usize = 1024;

/// What could end it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Sockets and pipes.
    pub on: Vec<On>,
    /// It has other descriptors than one.
    pub is_several: bool,
}

/// Of an array of `struct pollfd`; nothing if anything else could end it as well, but for
/// eventfds, by which other threads of the process interrupt it.
pub fn polled(pid: u32, array: u64, count: u64) -> Option<Polled> {
    // struct pollfd { int fd; short events; short revents; };
    let mut bytes = [0; 8 * MOST];
    let count = usize::try_from(count).ok().filter(|&count| count <= MOST)?;
    let bytes = bytes.get_mut(..count * 8)?;
    read(pid, array, bytes).ok()?;
    let fds = bytes.chunks_exact(8).filter_map(|one| {
        let fd = i32::from_ne_bytes([one[0], one[1], one[2], one[3]]);
        let events = i16::from_ne_bytes([one[4], one[5]]);
        // A negative one is left out.
        Some((u32::try_from(fd).ok()?, events & nix::libc::POLLIN != 0))
    });
    of(pid, &fds.collect::<Vec<_>>())
}

/// Of the sets of the select(2) that a thread is in.
pub fn selected(pid: u32, tid: u32) -> Option<Polled> {
    let [count, reads, writes, ..] = Call::of(pid, tid)?.args;
    let count = usize::try_from(count).ok().filter(|&count| count <= SET)?;
    let set = |address: u64| {
        let mut bytes = [0; SET / 8];
        let words = count.div_ceil(64) * 8;
        match address {
            0 => Some(bytes),
            _ => read(pid, address, bytes.get_mut(..words)?)
                .ok()
                .map(|()| bytes),
        }
    };
    of(pid, &members(count, &set(reads)?, &set(writes)?)?)
}

/// The descriptors of two sets, and whether each is to be read; nothing if they are many.
fn members(count: usize, reads: &[u8], writes: &[u8]) -> Option<Vec<(u32, bool)>> {
    let has = |set: &[u8], fd: usize| {
        set.get(fd / 8)
            .is_some_and(|byte| byte >> (fd % 8) & 1 != 0)
    };
    let fds = (0..count).filter(|&fd| has(reads, fd) || has(writes, fd));
    let fds: Vec<usize> = fds.take(MOST + 1).collect();
    let members = fds
        .iter()
        .map(|&fd| Some((u32::try_from(fd).ok()?, has(reads, fd))));
    members
        .collect::<Option<Vec<_>>>()
        .filter(|fds| fds.len() <= MOST)
}

fn of(pid: u32, fds: &[(u32, bool)]) -> Option<Polled> {
    let mut polled = Polled {
        is_several: fds.len() > 1,
        ..Polled::default()
    };
    for &(fd, reads) in fds {
        polled.on.push(match descriptors::target(pid, fd)? {
            Target::Socket(inode) => On::Socket(inode),
            Target::Pipe(inode) if reads => On::PipeRead(inode),
            Target::Pipe(inode) => On::PipeWrite(inode),
            Target::Wakeup => continue,
            Target::Other => return None,
        });
    }
    Some(polled)
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        os::{fd::AsRawFd as _, unix::net::UnixStream},
    };

    use super::*;

    #[test]
    fn sets_have_their_members() {
        let check = |count, reads: &[u8], writes: &[u8], expected| {
            assert_eq!(members(count, reads, writes), expected);
        };
        let both = vec![(1, true), (9, true), (10, false)];
        check(11, &[2, 2], &[0, 4], Some(both));
        check(10, &[2, 2], &[0, 4], Some(vec![(1, true), (9, true)]));
        check(16, &[0, 0], &[0, 0], Some(vec![]));
        check(
            16,
            &[0xff, 0xff],
            &[0, 0],
            Some((0..16).map(|fd| (fd, true)).collect()),
        );
        check(17, &[0xff, 0xff, 1], &[0, 0, 0], None);
    }

    #[test]
    fn polls_are_for_all_their_descriptors_or_for_none() {
        let own = std::process::id();
        let (socket, _far) = UnixStream::pair().unwrap();
        let (pipe, _to) = io::pipe().unwrap();
        let file = std::fs::File::open("/proc/self/stat").unwrap();
        let [socket, pipe, file] = [socket.as_raw_fd(), pipe.as_raw_fd(), file.as_raw_fd()];
        let poll = |fds: &[i32]| {
            let array: Vec<nix::libc::pollfd> = fds
                .iter()
                .map(|&fd| nix::libc::pollfd {
                    fd,
                    events: nix::libc::POLLIN,
                    revents: 0,
                })
                .collect();
            polled(own, array.as_ptr() as u64, array.len() as u64)
        };
        let found = poll(&[socket, -1, pipe]).unwrap();
        assert!(matches!(found.on[..], [On::Socket(_), On::PipeRead(_)]));
        assert!(found.is_several && !poll(&[socket, -1]).unwrap().is_several);
        assert_eq!(poll(&[socket, file]), None);
        assert_eq!(poll(&[socket; 17]), None);
    }
}
