//! Who a process or thread is, from its stat file in /proc (proc_pid_stat(5)): for waitscope and for its tests,
//! so that names with spaces and parentheses are taken apart in one place.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// The fields that somebody needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its name: any bytes, and more than 15 only for the kernel's own workers.
    pub comm: Vec<u8>,
    /// `R`, `S`, `D`, `T`, `t`, `Z`, `X`, `I`, …
    pub state: char,
    /// Its parent process; 0 when it has none here.
    pub ppid: u32,
    /// It is the kernel's own and runs no program.
    pub is_kernel: bool,
    /// When it began, ns of `CLOCK_BOOTTIME`, rounded down to a tick.
    pub started_ns: u64,
    /// The CPU that it ran on last.
    pub cpu: Option<u32>,
}

/// `PF_KTHREAD` (include/linux/sched.h).
const KERNEL_THREAD: u32 = 0x0020_0000;

/// A tick of the times in a stat file, ns (`USER_HZ` is 100).
const TICK_NS: u64 = 10_000_000;

impl Stat {
    /// Of a process: its leader's name and state.
    pub fn of_process(pid: u32) -> io::Result<Stat> {
        Stat::in_folder(format!("/proc/{pid}"))
    }

    /// Of one thread of a process.
    pub fn of_thread(pid: u32, tid: u32) -> io::Result<Stat> {
        Stat::in_folder(format!("/proc/{pid}/task/{tid}"))
    }

    /// Of the process or thread that this folder of /proc is about.
    pub fn in_folder(folder: impl AsRef<Path>) -> io::Result<Stat> {
        let path = folder.as_ref().join("stat");
        let unknown = || io::Error::new(ErrorKind::InvalidData, format!("{}", path.display()));
        Stat::parse(&fs::read(&path)?).ok_or_else(unknown)
    }

    /// `PID (COMM) STATE PPID …`, where the name may hold anything, also `)`.
    fn parse(text: &[u8]) -> Option<Stat> {
        let open = text.iter().position(|&byte| byte == b'(')?;
        let close = text.iter().rposition(|&byte| byte == b')')?;
        let comm = text.get(open + 1..close)?.to_vec();
        let rest = str::from_utf8(text.get(close + 1..)?).ok()?;
        // From the third field on.
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.parse().ok()?;
        let ppid = fields.next()?.parse().ok()?;
        // The 9th.
        let flags: u32 = fields.nth(4)?.parse().ok()?;
        // The 22nd.
        let ticks: u64 = fields.nth(12)?.parse().ok()?;
        let started_ns = ticks.checked_mul(TICK_NS)?;
        // The 39th.
        let cpu = fields.nth(16).and_then(|field| field.parse().ok());
        Some(Stat {
            comm,
            state,
            ppid,
            is_kernel: flags & KERNEL_THREAD != 0,
            started_ns,
            cpu,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields 5 to 40 of a real one.
    const REST: &str = "12 7 0 -1 4194304 97 0 0 0 1 2 3 4 20 0 1 0 31415 3133440 287 9 9 9 9 9 9 9 \
        9 9 9 9 9 9 17 3 0";

    fn stat(head: &[u8]) -> Vec<u8> {
        [head, b" ", REST.as_bytes(), b"\n"].concat()
    }

    #[test]
    fn names_may_contain_anything() {
        let check = |head: &[u8], comm: &[u8], state, ppid| {
            let expected = Stat {
                comm: comm.to_vec(),
                state,
                ppid,
                is_kernel: false,
                started_ns: 314_150_000_000,
                cpu: Some(3),
            };
            assert_eq!(
                Stat::parse(&stat(head)),
                Some(expected),
                "{}",
                head.escape_ascii()
            );
        };
        check(b"12 (cat) R 7", b"cat", 'R', 7);
        check(b"12 (cat) t 0", b"cat", 't', 0);
        check(b"12 () S 7", b"", 'S', 7);
        check(b"12 (tmux: server) S 1", b"tmux: server", 'S', 1);
        check(b"12 ((sd-pam)) S 1", b"(sd-pam)", 'S', 1);
        check(b"12 (a) S 1) D 7", b"a) S 1", 'D', 7);
        check(b"12 (a) R 1 2 (b) S 7", b"a) R 1 2 (b", 'S', 7);
        check(b"12 (\n) Z 3\n) S 7", b"\n) Z 3\n", 'S', 7);
        // A name cut in the middle of a character.
        check(b"12 (\xff\xc3) S 7", b"\xff\xc3", 'S', 7);
        let worker = b"kworker/u8:4-events_unbound";
        check(&[b"9 (", &worker[..], b") I 2"].concat(), worker, 'I', 2);
    }

    #[test]
    fn threads_of_the_kernel_are_marked() {
        // A real one.
        let text = b"55 (kswapd0) S 2 0 0 0 -1 10758208 0 0 0 0 0 0 0 0 20 0 1 0 71 0 0";
        assert!(Stat::parse(text).unwrap().is_kernel);
    }

    #[test]
    fn what_is_broken_is_nothing() {
        let whole = stat(b"12 (cat) S 7");
        // Up to the last field that must be there.
        let behind = REST.split_once("31415").unwrap().1;
        let needed = whole.len() - behind.len() - "\n".len();
        for cut in 0..needed - "31415".len() {
            assert_eq!(Stat::parse(&whole[..cut]), None, "{cut}");
        }
        assert!(Stat::parse(&whole[..needed]).is_some());
        for head in [
            "12 )cat( S 7",
            "12 cat S 7",
            "12 (cat) SS 7",
            "12 (cat) S x",
            "12 (cat) S -1",
        ] {
            assert_eq!(Stat::parse(&stat(head.as_bytes())), None, "{head}");
        }
    }

    #[test]
    fn we_are_found() {
        let pid = std::process::id();
        let (process, thread) = (Stat::of_process(pid), Stat::of_thread(pid, pid));
        let process = process.unwrap();
        assert_eq!(process.ppid, std::os::unix::process::parent_id());
        assert_eq!(process.started_ns, thread.unwrap().started_ns);
        let gone = Stat::in_folder("/proc/self/task/0").unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
    }
}
