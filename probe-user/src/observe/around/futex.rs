//! Whom a thread waits for at a futex, where the memory says so.
//!
//! - glibc's mutexes (`pthread_mutex_t`): the word at which waiters sleep has the value 2,
//!   and eight bytes behind it stands the tid of the owner (`struct __pthread_mutex_s`:
//!   `__lock`, `__count`, `__owner`).
//! - Robust, priority-inheriting and musl's ones: the word itself has the owner's tid and a
//!   bit for waiters (futex(2), `FUTEX_WAITERS`; musl: the sign).
//! - glibc's read-write locks: they have the tid of the thread that writes
//!   (`struct __pthread_rwlock_arch_t`: `__readers`, `__writers`, `__wrphase_futex`,
//!   `__writers_futex`, two of padding, `__cur_writer`).
//! - The end of a thread (pthread_join(3) of glibc): the word has its tid until the kernel
//!   takes it away (`CLONE_CHILD_CLEARTID`), which wakes only those that wait for any process.
//!
//! What stands there is believed only if it is the tid of a thread of the process, in whose
//! namespace that is; or of another process that shares the memory with it, if the call is
//! one for several processes. It may be the waiter itself, which then waits for ever.

use std::{fs, path::Path};

use nix::libc;

use super::{call::Call, read};
use crate::document::top::Why;

/// The value of a lock that somebody waits for (`lll_lock`).
const CONTENDED: u32 = 2;
/// The same of a read-write lock that is written: `1 | PTHREAD_RWLOCK_FUTEX_USED`.
const WRITTEN: u32 = 3;
/// `PTHREAD_RWLOCK_WRPHASE | PTHREAD_RWLOCK_WRLOCKED`, in `__readers`.
const IS_WRITTEN: u32 = 3;
/// `FUTEX_TID_MASK`.
const TID: u32 = 0x3fff_ffff;
/// `FUTEX_WAITERS`.
const WAITERS: u32 = 0x8000_0000;
/// Words before and behind the one that is slept at which are looked at.
const BEFORE: usize = 3;
const ALL: usize = 8;

/// The thread that a thread of a process waits for, and why.
pub fn awaited(pid: u32, tid: u32, word: u64) -> Option<(u32, Why)> {
    let words = words::<3>(pid, word)?;
    if let Some(owner) = owner(&words) {
        let holder = thread_of(pid, owner).or_else(|| sharer(pid, tid, word, owner));
        return Some((holder?, Why::LockHolder));
    }
    match words[0] {
        WRITTEN => {
            let around = word.checked_sub(4 * BEFORE as u64)?;
            let writer = writer(&self::words::<ALL>(pid, around)?)?;
            Some((thread_of(pid, writer)?, Why::LockHolder))
        }
        number if number > WRITTEN && number <= TID => {
            is_for_all(pid, tid, word, number).then_some(())?;
            Some((thread_of(pid, number)?, Why::ThreadExit))
        }
        _ => None,
    }
}

fn words<const N: usize>(pid: u32, address: u64) -> Option<[u32; N]> {
    let mut bytes = [0; 4 * ALL];
    let bytes = bytes.get_mut(..4 * N)?;
    read(pid, address, bytes).ok()?;
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    Some(words)
}

/// Whom the memory of a mutex names.
fn owner(words: &[u32; 3]) -> Option<u32> {
    match words[0] {
        CONTENDED => Some(words[2]).filter(|&tid| tid != 0 && tid <= TID),
        lock if lock & WAITERS != 0 => Some(lock & TID).filter(|&tid| tid != 0),
        _ => None,
    }
}

/// Who writes, by the words around `__wrphase_futex`, where readers wait, or
/// `__writers_futex`, where writers do.
fn writer(words: &[u32; ALL]) -> Option<u32> {
    let [_before, readers, _writers, at, _, _, _, writer] = *words;
    let for_readers = (readers, at, writer);
    let [readers, _writers, _phase, at, _, _, writer, _behind] = *words;
    let for_writers = (readers, at, writer);
    [for_readers, for_writers]
        .into_iter()
        .find_map(|(readers, at, writer)| {
            let is_written = at == WRITTEN && readers & IS_WRITTEN == IS_WRITTEN;
            (is_written && writer != 0 && writer <= TID).then_some(writer)
        })
}

/// A thread waits there for this value to go, whichever process takes it away.
fn is_for_all(pid: u32, tid: u32, word: u64, value: u32) -> bool {
    let is_so = |call: Call| {
        let [at, how, of, ..] = call.args;
        call.nr == libc::SYS_futex
            && at == word
            && how & libc::FUTEX_PRIVATE_FLAG as u64 == 0
            && of as u32 == value
    };
    Call::of(pid, tid).is_some_and(is_so)
}

/// A thread waits there without a time limit, and only threads of its process can wake it: it
/// is a futex of that alone, or the end of one of its threads.
pub fn is_inside(pid: u32, tid: u32, word: u64, is_join: bool) -> bool {
    let is_so = |call: Call| {
        let [at, how, _, limit, ..] = call.args;
        let operation = how as i32 & libc::FUTEX_CMD_MASK;
        let waits = [libc::FUTEX_WAIT, libc::FUTEX_WAIT_BITSET];
        call.nr == libc::SYS_futex
            && at == word
            && waits.contains(&operation)
            && (is_join || how & libc::FUTEX_PRIVATE_FLAG as u64 != 0)
            && limit == 0
    };
    Call::of(pid, tid).is_some_and(is_so)
}

/// A thread of a process by what it is called in there.
fn thread_of(pid: u32, number: u32) -> Option<u32> {
    if Path::new(&format!("/proc/{pid}/task/{number}")).exists() {
        return Some(number);
    }
    let namespace = |of: &str| fs::read_link(format!("/proc/{of}/ns/pid")).ok();
    if namespace("self") == namespace(&pid.to_string()) {
        return None;
    }
    let is_it = |tid: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/task/{tid}/status"));
        let status = status.unwrap_or_default();
        let mut lines = status.lines();
        let names = lines.find_map(|line| line.strip_prefix("NSpid:"));
        let inside = names.and_then(|names| names.split_whitespace().last());
        inside.and_then(|inside| inside.parse().ok()) == Some(number)
    };
    super::descriptors::numbers(&format!("/proc/{pid}/task"))
        .into_iter()
        .find(is_it)
}

/// A thread of another process that has the same memory.
fn sharer(pid: u32, tid: u32, word: u64, owner: u32) -> Option<u32> {
    let [at, how, ..] = Call::of(pid, tid)?.args;
    if at != word || how & libc::FUTEX_PRIVATE_FLAG as u64 != 0 {
        return None;
    }
    let maps = |of| fs::read_to_string(format!("/proc/{of}/maps")).ok();
    let own = maps(pid)?;
    let file = own
        .lines()
        .filter_map(shared)
        .find(|shared| shared.has(word))?
        .file;
    let theirs = maps(owner)?;
    let mut shared = theirs.lines().filter_map(shared);
    shared.any(|shared| shared.file == file).then_some(owner)
}

/// Memory of a file that processes share.
struct Shared<'a> {
    first: u64,
    end: u64,
    /// Device and inode number.
    file: (&'a str, &'a str),
}

impl Shared<'_> {
    fn has(&self, address: u64) -> bool {
        (self.first..self.end).contains(&address)
    }
}

/// `7f00-7f01 rw-s 00000000 00:01 4711 /dev/shm/x`
fn shared(line: &str) -> Option<Shared<'_>> {
    let mut words = line.split_whitespace();
    let (first, end) = words.next()?.split_once('-')?;
    words.next()?.ends_with('s').then_some(())?;
    let (device, inode) = (words.nth(1)?, words.next()?);
    Some(Shared {
        first: u64::from_str_radix(first, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        file: (device, inode),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_name_their_owners_only_while_somebody_waits() {
        assert_eq!(owner(&[2, 1, 4711]), Some(4711));
        assert_eq!(owner(&[1, 1, 4711]), None);
        assert_eq!(owner(&[0, 0, 0]), None);
        assert_eq!(owner(&[2, 0, 0]), None);
        assert_eq!(owner(&[WAITERS | 4711, 0, 9]), Some(4711));
        assert_eq!(owner(&[4711, 0, 9]), None);
    }

    #[test]
    fn locks_that_are_written_name_the_writer() {
        // readers, writers, phase, writers' futex, two of padding, writer, shared
        let reader_waits = [9, 7, 0, 3, 0, 0, 0, 4711];
        assert_eq!(writer(&reader_waits), Some(4711));
        let writer_waits = [3, 1, 1, 3, 0, 0, 4711, 0];
        assert_eq!(writer(&writer_waits), Some(4711));
        // Somebody reads; it is being given back; it is something else.
        assert_eq!(writer(&[9, 12, 1, 2, 0, 0, 0, 4711]), None);
        assert_eq!(writer(&[9, 7, 0, 3, 0, 0, 0, 0]), None);
        assert_eq!(writer(&[0; ALL]), None);
        assert_eq!(writer(&[u32::MAX; ALL]), None);
    }

    #[test]
    fn memory_that_is_shared_is_known_by_its_file() {
        let line = "7f00-7f10 rw-s 00000000 00:01 4711      /dev/shm/with spaces";
        let found = shared(line).unwrap();
        assert_eq!(found.file, ("00:01", "4711"));
        assert!(found.has(0x7f0f) && !found.has(0x7f10));
        assert!(shared("7f00-7f10 rw-p 00000000 00:01 4711 /lib/x").is_none());
        assert!(shared("").is_none());
    }
}
