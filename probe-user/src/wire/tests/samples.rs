//! One record of each family, every field set to something of its own.

use probe_common::{
    cgroup,
    connection::{self, accept, listening, step},
    disk, families, fd,
    fd_table::{self, of_kind, why},
    kernel_return::{self, function},
    listen, memory, oom,
    sched::{self, flag, state, waker},
    signal,
    stack::{self, FRAMES, role},
    task::{self, snapshot},
    user_stack::{self, status},
};

use super::bytes::{at, padded, seal};

pub(super) const CPU: u16 = 3;
pub(super) const NOW: u64 = 1_000_000_007;

/// A family's record for the tests with malformed bytes.
trait Sample {
    fn sample() -> Self;
}

macro_rules! samples {
    ($($kind:ident = $number:literal: $module:ident::$record:ident,
       $size:literal bytes, lost as $loss:ident;)+) => {
        /// One of each family of the list, in the order of their numbers.
        pub(super) fn every_kind() -> Vec<Vec<u8>> {
            vec![$(seal($module::$record::sample()),)+]
        }
    };
}

families!(samples);

macro_rules! sample {
    ($($module:ident::$record:ident: $sample:expr,)+) => {
        $(impl Sample for $module::$record {
            fn sample() -> Self {
                $sample
            }
        })+
    };
}

sample! {
    sched::Switch: switch(flag::HAS_PREV | flag::HAS_NEXT),
    sched::Waker: stranger(),
    stack::Stack: stack_of(role::SLEEPER, 3),
    fd::Object: object(),
    task::Fork: fork(),
    task::Exec: exec(b"git\0fetch\0"),
    task::Exit: exit(),
    task::Rename: rename(),
    task::Snapshot: snapshot_of(snapshot::FINAL | snapshot::ON_CPU),
    kernel_return::KernelReturn: call_of(function::EPOLL),
    listen::Request: request(),
    disk::Disk: disk(),
    sched::Migration: migration(),
    signal::Pending: pending(),
    signal::Sent: sent(),
    oom::Victim: victim(2),
    cgroup::Cgroup: cgroup(),
    fd_table::Look: fd_look(why::EXIT | why::CUT),
    fd_table::Kinds: fd_kinds(why::EXEC),
    memory::Peak: peak(),
    user_stack::UserStack: user_stack(),
    user_stack::UserFrames: user_frames(),
    connection::Connect: connect(),
    connection::Step: step_to(step::PEER_CLOSED),
    connection::Listening: listening_by(11),
    connection::Accept: accept_as(accept::CALL),
}

pub(super) fn switch(flags: u16) -> sched::Switch {
    sched::Switch {
        header: at(NOW, CPU, flags),
        prev_tid: 11,
        next_tid: 12,
        prev_state: state::UNINTERRUPTIBLE,
        prev_nr: 202,
        prev_seq: u16::MAX,
        next_seq: 4,
        prev_arg0: u64::MAX - 1,
        prev_arg1: 128,
        wake_ns: NOW - 5,
        waker_tid: 13,
        waker_nr: -1,
        waker_flags: waker::CONTEXT_KNOWN | waker::HARDIRQ,
    }
}

pub(super) fn migration() -> sched::Migration {
    sched::Migration {
        header: at(NOW, CPU, 0),
        tid: 11,
        from_cpu: 2,
        to_cpu: CPU,
        idle_until_ns: NOW - 9,
    }
}

pub(super) fn stranger() -> sched::Waker {
    sched::Waker {
        header: at(NOW, CPU, 0),
        tid: 11,
        waker_tid: 99,
        waker_tgid: 98,
        pad: 0,
        comm: *b"exactly-16-bytes",
    }
}

pub(super) fn stack_of(whose: u16, len: u32) -> stack::Stack {
    let mut frames = [0xdead; FRAMES];
    for (place, frame) in frames.iter_mut().enumerate().take(len as usize) {
        *frame = 0xffff_ffff_8100_0000 + place as u64;
    }
    stack::Stack {
        header: at(NOW, CPU, whose),
        tid: 11,
        len,
        frames,
    }
}

pub(super) fn object() -> fd::Object {
    fd::Object {
        header: at(NOW, CPU, 0),
        tid: 11,
        fd: -1,
        ino: 1 << 40,
        mode: 0o140_777,
        rdev: 5,
        family: 2,
        sock_type: 1,
        protocol: 6,
        sock_state: 10,
        pad: 0xff,
        local_port: 9418,
        remote_port: 40_222,
        pad2: u32::MAX,
        local_addr: padded(&[127, 0, 0, 1]),
        remote_addr: padded(&[10, 0, 0, 5]),
        name: padded(b"TCP"),
    }
}

pub(super) fn fork() -> task::Fork {
    task::Fork {
        header: at(NOW, CPU, 0),
        creator_tid: 10,
        tid: 11,
        tgid: 9,
        ppid: 1,
        clone_flags: 0x0001_0000,
        start_ns: NOW - 1,
        comm: padded(b"worker\xff"),
    }
}

pub(super) fn exec(argv: &[u8]) -> task::Exec {
    task::Exec {
        header: at(NOW, CPU, 0),
        tid: 11,
        old_tid: 12,
        comm: padded(b"git"),
        argv_len: argv.len() as u32,
        pad: 0,
        argv: padded(argv),
    }
}

pub(super) fn exit() -> task::Exit {
    task::Exit {
        header: at(NOW, CPU, 0),
        tid: 11,
        exit_code: -1,
        migrations: 77,
        pad: 0,
    }
}

pub(super) fn rename() -> task::Rename {
    task::Rename {
        header: at(NOW, CPU, 0),
        tid: 11,
        pad: 0,
        comm: padded(b"pool-1"),
    }
}

pub(super) fn snapshot_of(flags: u16) -> task::Snapshot {
    task::Snapshot {
        header: at(NOW, CPU, flags),
        tid: 11,
        tgid: 9,
        ppid: 1,
        migrations: 8,
        state: state::INTERRUPTIBLE,
        nr: 61,
        seq: 5,
        waker_flags: waker::TRACED,
        arg0: 2,
        arg1: 3,
        start_ns: 4,
        wake_ns: NOW - 9,
        waker_tid: 13,
        waker_nr: 1,
        pad: 0,
        comm: padded(b"sh"),
    }
}

pub(super) fn call_of(function: u16) -> kernel_return::KernelReturn {
    kernel_return::KernelReturn {
        header: at(NOW, CPU, function),
        tid: 11,
        result: -4,
        entered_ns: NOW - 1_000,
    }
}

pub(super) fn request() -> listen::Request {
    listen::Request {
        header: at(NOW, CPU, 0),
        sock: 0xffff_8881_0000_1000,
        accept_queue: 33,
        accept_limit: 32,
        syn_queue: 7,
        family: 2,
        port: 9418,
        addr: padded(&[127, 0, 0, 1]),
    }
}

pub(super) fn disk() -> disk::Disk {
    disk::Disk {
        header: at(NOW, CPU, 0),
        tid: 11,
        dev: 254 << 20 | 16,
    }
}

pub(super) fn pending() -> signal::Pending {
    signal::Pending {
        header: at(NOW, CPU, 0),
        tid: 11,
        exit_code: 15,
        own: 1 << 8,
        shared: 1 << 14 | 1 << 63,
    }
}

pub(super) fn fd_look(flags: u16) -> fd_table::Look {
    fd_table::Look {
        header: at(NOW, CPU, flags),
        tid: 11,
        open: 47,
        files: 0xffff_8881_0000_2000,
        limit: 1024,
    }
}

pub(super) fn fd_kinds(flags: u16) -> fd_table::Kinds {
    let mut counts = [0; of_kind::COUNT];
    for (n, count) in (1..).zip(&mut counts) {
        *count = n;
    }
    fd_table::Kinds {
        header: at(NOW, CPU, flags),
        files: 0xffff_8881_0000_2000,
        tid: 11,
        open: 37,
        counts,
    }
}

pub(super) fn peak() -> memory::Peak {
    memory::Peak {
        header: at(NOW, CPU, 0),
        tid: 11,
        kernel_stack: 16_384,
        rss_bytes: 48 << 20,
    }
}

pub(super) fn user_stack() -> user_stack::UserStack {
    user_stack::UserStack {
        header: at(NOW, CPU, 0),
        tid: 11,
        pad: 0,
        stack: 0x1234_5678_9abc_def1,
    }
}

/// One in a file, one at an address, and one of which nothing was written.
pub(super) fn user_frames() -> user_stack::UserFrames {
    let word = |status: u32| {
        u64::from_ne_bytes({
            let mut bytes = [7; 8];
            bytes[..4].copy_from_slice(&status.to_ne_bytes());
            bytes
        })
    };
    let id = u64::from_ne_bytes([7; 8]);
    let mut frames = [[0; user_stack::FRAME_WORDS]; user_stack::FRAMES];
    frames[0] = [word(status::VALID), id, id, 0x1139];
    frames[1] = [word(status::IP), id, id, 0x7fff_0000_1000];
    user_stack::UserFrames {
        header: at(NOW, CPU, 0),
        tid: 11,
        len: 3,
        stack: 0x1234_5678_9abc_def1,
        frames,
    }
}

pub(super) fn connect() -> connection::Connect {
    connection::Connect {
        header: at(NOW, CPU, 0),
        sock: 0xffff_8881_0000_2000,
        tid: 11,
        netns: 4_026_531_840,
        family: 10,
        port: 9418,
        pad: 0,
        local_addr: padded(&[0xfd, 1]),
        addr: padded(&[0xfd, 2]),
    }
}

pub(super) fn step_to(to: u16) -> connection::Step {
    connection::Step {
        header: at(NOW, CPU, to),
        sock: 0xffff_8881_0000_2000,
        received: 1 << 40,
        sent: 3,
        error: 104,
        local_port: 40_222,
        state: 1,
        again: 2,
    }
}

pub(super) fn listening_by(tid: u32) -> connection::Listening {
    connection::Listening {
        header: at(NOW, CPU, listening::TRACED),
        sock: 0xffff_8881_0000_1000,
        tid,
        tgid: 9,
        netns: 4_026_531_840,
        family: 2,
        port: 9418,
        addr: padded(&[127, 0, 0, 1]),
        comm: padded(b"daemon"),
    }
}

pub(super) fn accept_as(what: u16) -> connection::Accept {
    connection::Accept {
        header: at(NOW, CPU, what),
        sock: 0xffff_8881_0000_1000,
        tid: 11,
        netns: 4_026_531_840,
        queue: 2,
        family: 2,
        port: 9418,
        addr: padded(&[127, 0, 0, 1]),
    }
}

pub(super) fn sent() -> signal::Sent {
    signal::Sent {
        header: at(NOW, CPU, 0),
        tid: 11,
        signal: 15,
        code: -6,
        sender_tgid: 98,
        comm: padded(b"killer"),
        addr: 1,
        sp: 2,
        ip: 3,
        stack_start: 4,
        stack_limit: 8 << 20,
    }
}

pub(super) fn victim(len: u32) -> oom::Victim {
    oom::Victim {
        header: at(NOW, CPU, 0),
        tid: 11,
        len,
        frames: std::array::from_fn(|place| 0xffff_ffff_8100_0000 + place as u64),
    }
}

pub(super) fn cgroup() -> cgroup::Cgroup {
    cgroup::Cgroup {
        header: at(NOW, CPU, 0),
        id: 1 << 32 | 7,
        quota_ns: 20_000_000,
        period_ns: 100_000_000,
        name: padded(b"batch\0behind it"),
    }
}
