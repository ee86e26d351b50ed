//! A thread as /proc shows it: state, parent, name, system call.

use std::{fs, io::Read as _};

use probe_common::sched::state;

/// What a thread's stat says, as a record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Bits of [`state`].
    pub state: u16,
    /// Its parent process.
    pub ppid: u32,
    /// NUL-padded.
    pub comm: [u8; 16],
}

/// A system call that a thread sleeps in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number.
    pub nr: i16,
    /// First argument.
    pub arg0: u64,
    /// Second argument.
    pub arg1: u64,
}

/// Threads of a process; none when it is gone.
pub fn threads(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let tid = |name: std::ffi::OsString| name.to_str()?.parse().ok();
    entries.filter_map(|e| tid(e.ok()?.file_name())).collect()
}

/// A thread's stat; `None` when it is gone.
pub fn stat(pid: u32, tid: u32) -> Option<Stat> {
    recorded(&proc_stat::Stat::of_thread(pid, tid).ok()?)
}

pub(super) fn recorded(stat: &proc_stat::Stat) -> Option<Stat> {
    let mut comm = [0; 16];
    // The kernel keeps 15 bytes; longer ones stand in /proc for kernel workers only.
    let len = stat.comm.len().min(15);
    comm[..len].copy_from_slice(&stat.comm[..len]);
    Some(Stat {
        state: state_of(stat.state)?,
        ppid: stat.ppid,
        comm,
    })
}

/// The system call a thread sleeps in; `None` when it is in none, or the number
/// may belong to another table than ours.
pub fn call(pid: u32, tid: u32) -> Option<Call> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall")).ok()?;
    parse_call(&text).filter(|_| is_64_bit(pid))
}

/// Whether the process runs a 64-bit program.
fn is_64_bit(pid: u32) -> bool {
    const ELF_64: &[u8] = b"\x7fELF\x02";
    let mut head = [0; ELF_64.len()];
    let read = fs::File::open(format!("/proc/{pid}/exe")).and_then(|mut f| f.read_exact(&mut head));
    read.is_ok() && head == ELF_64
}

fn state_of(letter: char) -> Option<u16> {
    Some(match letter {
        'R' => state::RUNNING,
        'S' => state::INTERRUPTIBLE,
        'D' | 'I' => state::UNINTERRUPTIBLE,
        'T' => state::STOPPED,
        't' => state::TRACED,
        'Z' | 'X' => state::DEAD,
        _ => return None,
    })
}

/// `NR 0xARG0 0xARG1 … 0xSP 0xPC`, `-1 0xSP 0xPC` or `running`.
pub(super) fn parse_call(text: &str) -> Option<Call> {
    let mut words = text.split_ascii_whitespace();
    let nr = words.next()?.parse().ok().filter(|&nr| nr >= 0)?;
    let mut argument = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    Some(Call {
        nr,
        arg0: argument()?,
        arg1: argument()?,
    })
}
