//! Bytes → events: length-checked field reads, no transmute, kinds matched as
//! integers. Unknown kinds are skipped by their length, so that recordings of
//! newer probes stay readable.

use probe_common::{
    disk, fd,
    header::kind,
    kernel_return::{self, function},
    listen,
    sched::{self, flag, waker},
    stack::{self, role},
    task::{self, snapshot},
};

use super::{
    event::{
        Event, Exec, Fork, Function, KernelReturn, Object, Off, On, Request, Snapshot, Stranger,
        Syscall, Waking, What,
    },
    fields::{Fields, Head},
};

/// Records that could not be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// Of a kind, or about a function, that this version does not know.
    pub unknown: u64,
    /// Whose length is not that of their kind, or that end in the middle.
    pub malformed: u64,
}

/// Decodes back-to-back records, in the order they stand.
pub fn decode(bytes: &[u8], problems: &mut Problems, mut each: impl FnMut(Event)) {
    let mut records = Records(bytes);
    for (head, fields) in &mut records {
        match one(&head, fields, &mut each) {
            Decoded::Done => {}
            Decoded::Unknown => problems.unknown += 1,
            Decoded::Malformed => problems.malformed += 1,
        }
    }
    if !records.0.is_empty() {
        problems.malformed += 1;
    }
}

/// Calls `each` with every address of every stack, without decoding the rest.
pub fn each_stack_address(bytes: &[u8], mut each: impl FnMut(u64)) {
    for (head, mut fields) in Records(bytes) {
        if head.kind == kind::STACK && head.size == size_of::<stack::Stack>() {
            let (_tid, len) = (fields.u32(), fields.u32() as usize);
            (0..len.min(stack::FRAMES)).for_each(|_| each(fields.u64()));
        }
    }
}

/// Calls `each` with every disk's number.
pub fn each_disk(bytes: &[u8], mut each: impl FnMut(u32)) {
    for (head, mut fields) in Records(bytes) {
        if head.kind == kind::DISK && head.size == size_of::<disk::Disk>() {
            let _sleeper = fields.u32();
            each(fields.u32());
        }
    }
}

/// Decodes births, program changes and snapshots, and skips the rest.
pub fn each_life(bytes: &[u8], mut each: impl FnMut(Event)) {
    for (head, fields) in Records(bytes) {
        if matches!(head.kind, kind::FORK | kind::EXEC | kind::SNAPSHOT) {
            // What cannot be used is counted where everything is decoded.
            let _counted = one(&head, fields, &mut each);
        }
    }
}

/// Back-to-back records, up to one whose size leads nowhere.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = (Head, Fields<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let head = Head::read(self.0)?;
        let (record, rest) = self.0.split_at(head.size);
        self.0 = rest;
        Some((head, Fields::behind_header(record)))
    }
}

enum Decoded {
    Done,
    Unknown,
    Malformed,
}

fn one(head: &Head, fields: Fields<'_>, each: &mut impl FnMut(Event)) -> Decoded {
    let expected = match head.kind {
        kind::SWITCH => size_of::<sched::Switch>(),
        kind::WAKER => size_of::<sched::Waker>(),
        kind::STACK => size_of::<stack::Stack>(),
        kind::OBJECT => size_of::<fd::Object>(),
        kind::FORK => size_of::<task::Fork>(),
        kind::EXEC => size_of::<task::Exec>(),
        kind::EXIT => size_of::<task::Exit>(),
        kind::RENAME => size_of::<task::Rename>(),
        kind::SNAPSHOT => size_of::<task::Snapshot>(),
        kind::KERNEL_RETURN => size_of::<kernel_return::KernelReturn>(),
        kind::REQUEST => size_of::<listen::Request>(),
        kind::DISK => size_of::<disk::Disk>(),
        _ => return Decoded::Unknown,
    };
    if head.size != expected {
        return Decoded::Malformed;
    }
    match head.kind {
        kind::SWITCH => switch(head, fields, each),
        kind::WAKER => each(stranger(head, fields)),
        kind::STACK => each(stack_of(head, fields)),
        kind::OBJECT => each(object(head, fields)),
        kind::FORK => each(fork(head, fields)),
        kind::EXEC => each(exec(head, fields)),
        kind::EXIT => each(exit(head, fields)),
        kind::RENAME => each(rename(head, fields)),
        kind::SNAPSHOT => each(snapshot_of(head, fields)),
        kind::KERNEL_RETURN => match called(head, fields) {
            Some(event) => each(event),
            None => return Decoded::Unknown,
        },
        kind::DISK => each(disk_of(head, fields)),
        _ => each(request(head, fields)),
    }
    Decoded::Done
}

fn switch(head: &Head, mut f: Fields<'_>, each: &mut impl FnMut(Event)) {
    let (prev_tid, next_tid) = (f.u32(), f.u32());
    let (state, nr) = (f.u16(), f.i16());
    let (prev_seq, next_seq) = (f.u16(), f.u16());
    let (arg0, arg1) = (f.u64(), f.u64());
    if head.flags & flag::HAS_PREV != 0 {
        let off = off_of(head.flags, prev_seq, state, Args { nr, arg0, arg1 });
        each(head.event(prev_tid, What::Off(off)));
    }
    if head.flags & flag::HAS_NEXT != 0 {
        let wake = waking(&mut f);
        let recovered = head.flags & flag::RECOVERED != 0;
        each(head.event(
            next_tid,
            What::On(On {
                seq: next_seq,
                wake,
                recovered,
            }),
        ));
    }
}

struct Args {
    nr: i16,
    arg0: u64,
    arg1: u64,
}

fn off_of(flags: u16, seq: u16, state: u16, args: Args) -> Off {
    Off {
        seq,
        state,
        preempted: flags & flag::PREEMPT != 0,
        io_wait: flags & flag::IOWAIT != 0,
        on_lock: flags & flag::LOCK != 0,
        has_object: flags & flag::OBJECT != 0,
        call: Syscall {
            nr: args.nr,
            compat: flags & flag::COMPAT != 0,
            kernel: flags & flag::KERNEL != 0,
            arg0: args.arg0,
            arg1: args.arg1,
        },
    }
}

/// Time, thread, call and flags of a waking; `None` when none was seen.
fn waking(f: &mut Fields<'_>) -> Option<Waking> {
    let ts_ns = f.u64();
    let wake = Waking {
        ts_ns,
        tid: f.u32(),
        nr: f.i16(),
        flags: f.u16(),
    };
    (ts_ns != 0).then_some(wake)
}

fn stranger(head: &Head, mut f: Fields<'_>) -> Event {
    let sleeper = f.u32();
    let (tid, pid, _pad) = (f.u32(), f.u32(), f.u32());
    head.event(
        sleeper,
        What::Waker(Stranger {
            tid,
            pid,
            comm: f.text::<16>(),
        }),
    )
}

fn stack_of(head: &Head, mut f: Fields<'_>) -> Event {
    let tid = f.u32();
    let len = (f.u32() as usize).min(stack::FRAMES);
    let frames: Box<[u64]> = (0..len).map(|_| f.u64()).collect();
    let what = if head.flags == role::WAKER {
        What::WakerStack(frames)
    } else {
        What::SleeperStack(frames)
    };
    head.event(tid, what)
}

fn disk_of(head: &Head, mut f: Fields<'_>) -> Event {
    head.event(f.u32(), What::Disk(f.u32()))
}

fn object(head: &Head, mut f: Fields<'_>) -> Event {
    let tid = f.u32();
    let (fd, ino, mode, rdev) = (f.i32(), f.u64(), f.u32(), f.u32());
    let (family, sock_type, protocol) = (f.u16(), f.u16(), f.u16());
    let (sock_state, _pad) = (f.u8(), f.u8());
    let (local_port, remote_port, _pad2) = (f.u16(), f.u16(), f.u32());
    let (local_addr, remote_addr) = (f.take(), f.take());
    let name = f.text::<32>();
    let object = Object {
        fd,
        ino,
        mode,
        rdev,
        family,
        sock_type,
        protocol,
        sock_state,
        local_port,
        remote_port,
        local_addr,
        remote_addr,
        name,
    };
    head.event(tid, What::Object(Box::new(object)))
}

fn fork(head: &Head, mut f: Fields<'_>) -> Event {
    let (creator_tid, tid, pid, ppid) = (f.u32(), f.u32(), f.u32(), f.u32());
    let (clone_flags, _start_ns) = (f.u64(), f.u64());
    let comm = f.text::<16>();
    head.event(
        tid,
        What::Fork(Fork {
            creator_tid,
            pid,
            ppid,
            clone_flags,
            comm,
        }),
    )
}

fn exec(head: &Head, mut f: Fields<'_>) -> Event {
    let (tid, old_tid) = (f.u32(), f.u32());
    let comm = f.text::<16>();
    let len = (f.u32() as usize).min(task::ARGV_BYTES);
    let _pad = f.u32();
    let argv = f.bytes(len).into();
    head.event(
        tid,
        What::Exec(Exec {
            old_tid,
            comm,
            argv,
        }),
    )
}

fn exit(head: &Head, mut f: Fields<'_>) -> Event {
    let (tid, status, migrations) = (f.u32(), f.i32(), f.u32());
    let known = head.flags & task::exit::STATUS_UNKNOWN == 0;
    let status = known.then_some(status);
    head.event(tid, What::Exit { status, migrations })
}

fn rename(head: &Head, mut f: Fields<'_>) -> Event {
    let (tid, _pad) = (f.u32(), f.u32());
    head.event(tid, What::Rename(f.text::<16>()))
}

fn snapshot_of(head: &Head, mut f: Fields<'_>) -> Event {
    let (tid, pid, ppid, migrations) = (f.u32(), f.u32(), f.u32(), f.u32());
    let (state, nr, seq, waker_flags) = (f.u16(), f.i16(), f.u16(), f.u16());
    let (arg0, arg1, _start_ns) = (f.u64(), f.u64(), f.u64());
    let (wake_ns, waker_tid, waker_nr, _pad) = (f.u64(), f.u32(), f.i16(), f.u16());
    let wake = Waking {
        ts_ns: wake_ns,
        tid: waker_tid,
        nr: waker_nr,
        flags: waker_flags,
    };
    let taken = Snapshot {
        last: head.flags & snapshot::FINAL != 0,
        held: head.flags & snapshot::HELD != 0,
        on_cpu: head.flags & snapshot::ON_CPU != 0,
        pid,
        ppid,
        migrations,
        off: off_of(head.flags, seq, state, Args { nr, arg0, arg1 }),
        wake: (wake_ns != 0).then_some(wake),
        comm: f.text::<16>(),
    };
    head.event(tid, What::Snapshot(Box::new(taken)))
}

/// `None` for a function that this version does not know.
fn called(head: &Head, mut f: Fields<'_>) -> Option<Event> {
    let function = match head.flags {
        function::DO_WAIT => Function::DoWait,
        function::EPOLL => Function::Epoll,
        _ => return None,
    };
    let (tid, result, entered_ns) = (f.u32(), f.i32(), f.u64());
    let called = KernelReturn {
        function,
        result,
        entered_ns: (entered_ns != 0).then_some(entered_ns),
    };
    Some(head.event(tid, What::KernelReturn(called)))
}

fn request(head: &Head, mut f: Fields<'_>) -> Event {
    let request = Request {
        sock: f.u64(),
        accept_queue: f.u32(),
        accept_limit: f.u32(),
        syn_queue: f.u32(),
        family: f.u16(),
        port: f.u16(),
        addr: f.take(),
    };
    head.event(0, What::Request(request))
}

/// Whether a waking's context bits say that an interrupt did it.
pub fn in_interrupt(flags: u16) -> bool {
    flags & (waker::HARDIRQ | waker::SOFTIRQ | waker::IDLE) != 0
}
