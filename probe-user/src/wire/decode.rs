//! Bytes → events: kinds matched as integers, each record as long as its kind is.
//! Unknown kinds are skipped by their length, so that recordings of newer probes
//! stay readable.

use probe_common::{
    cgroup,
    connection::{self, accept, listening, step},
    disk, families, fd, fd_table,
    header::Header,
    kernel_return::{self, function},
    listen::{self, request},
    memory, oom,
    sched::{self, flag, waker},
    signal,
    stack::{self, role},
    task::{self, snapshot},
    user_stack,
};
use zerocopy::{FromBytes as _, IntoBytes as _};

use super::event::{
    Accept, BUILD_ID, Before, BuildId, Cgroup, Connect, Event, Exec, FdKinds, FdLook, Fork,
    Function, KernelReturn, Listening, Migration, Object, Occasion, Off, On, Open, Owner, Peak,
    Pending, Prev, Request, Sent, Snapshot, Step, Stepped, Stranger, Syscall, UserFrame,
    UserFrames, Waking, What,
};

/// Records that could not be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// Of a kind, or about a function, that this version does not know.
    pub unknown: u64,
    /// Whose length is not that of their kind, or that end in the middle.
    pub malformed: u64,
}

impl Problems {
    /// Adds those of another batch.
    pub fn add(&mut self, other: Problems) {
        self.unknown += other.unknown;
        self.malformed += other.malformed;
    }
}

/// Decodes back-to-back records, in the order they stand.
pub fn decode(mut bytes: &[u8], problems: &mut Problems, mut each: impl FnMut(Event)) {
    while let Some((header, record, rest)) = first(bytes) {
        bytes = rest;
        let event = |tid, what| {
            each(Event {
                ts_ns: header.ts_ns,
                cpu: header.cpu,
                tid,
                what,
            });
        };
        match one(header.kind, record, event) {
            Decoded::Done => {}
            Decoded::Unknown => problems.unknown += 1,
            Decoded::Malformed => problems.malformed += 1,
        }
    }
    if !bytes.is_empty() {
        problems.malformed += 1;
    }
}

/// The first record, and what is behind it; `None` when its size leads nowhere.
fn first(bytes: &[u8]) -> Option<(Header, &[u8], &[u8])> {
    let (header, _) = Header::read_from_prefix(bytes).ok()?;
    let size = usize::from(header.size);
    if size < size_of::<Header>() {
        return None;
    }
    let (record, rest) = bytes.split_at_checked(size)?;
    Some((header, record, rest))
}

enum Decoded {
    Done,
    Unknown,
    Malformed,
}

/// How a family's record becomes events.
trait Decode {
    /// Hands each event to `event`: the thread that it is about, and what happened.
    fn decode(&self, event: impl FnMut(u32, What)) -> Decoded;
}

macro_rules! dispatch {
    ($($kind:ident = $number:literal: $module:ident::$record:ident,
       $size:literal bytes, lost as $loss:ident;)+) => {
        fn one(kind: u16, record: &[u8], event: impl FnMut(u32, What)) -> Decoded {
            match kind {
                $($number => match $module::$record::read_from_bytes(record) {
                    Ok(record) => record.decode(event),
                    Err(_) => Decoded::Malformed,
                },)+
                _ => Decoded::Unknown,
            }
        }
    };
}

families!(dispatch);

impl Decode for sched::Switch {
    #[inline]
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let flags = self.header.flags;
        if flags & flag::HAS_PREV != 0 {
            let call = syscall(flags, self.prev_nr, self.prev_arg0, self.prev_arg1);
            let off = off(flags, self.prev_seq, self.prev_state, call);
            event(self.prev_tid, What::Off(off));
        }
        if flags & flag::HAS_NEXT != 0 {
            let wake = Waking {
                ts_ns: self.wake_ns,
                tid: self.waker_tid,
                nr: self.waker_nr,
                flags: self.waker_flags,
            };
            let on = On {
                seq: self.next_seq,
                wake: seen(wake),
                recovered: flags & flag::RECOVERED != 0,
                before: before(self),
                moves_known: flags & flag::MOVES_KNOWN != 0,
            };
            event(self.next_tid, What::On(on));
        }
        Decoded::Done
    }
}

/// The half of an untraced `prev` says what the CPU did before.
fn before(switch: &sched::Switch) -> Before {
    if switch.header.flags & flag::HAS_PREV != 0 {
        return Before {
            prev: Prev::Traced,
            ..Before::default()
        };
    }
    if switch.prev_arg0 == 0 {
        return Before::default();
    }
    let steady_ns = switch.header.ts_ns.saturating_sub(switch.prev_arg0);
    Before {
        prev: match switch.prev_tid {
            0 => Prev::Idle,
            _ => Prev::Outside,
        },
        lost: switch.prev_seq,
        steady_ns: u32::try_from(steady_ns).unwrap_or(u32::MAX),
    }
}

fn syscall(flags: u16, nr: i16, arg0: u64, arg1: u64) -> Syscall {
    Syscall {
        nr,
        compat: flags & flag::COMPAT != 0,
        kernel: flags & flag::KERNEL != 0,
        looked_up: flags & flag::LOOKED_UP != 0,
        arg0,
        arg1,
    }
}

fn off(flags: u16, seq: u16, state: u16, call: Syscall) -> Off {
    Off {
        seq,
        state,
        preempted: flags & flag::PREEMPT != 0,
        io_wait: flags & flag::IOWAIT != 0,
        on_lock: flags & flag::LOCK != 0,
        throttled: flags & flag::THROTTLED != 0,
        has_object: flags & flag::OBJECT != 0,
        has_second: flags & flag::SECOND_OBJECT != 0,
        call,
    }
}

/// `None` when no waking was seen.
fn seen(wake: Waking) -> Option<Waking> {
    (wake.ts_ns != 0).then_some(wake)
}

impl Decode for sched::Migration {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let running_idle = self.idle_until_ns == u64::MAX;
        let migration = Migration {
            from_cpu: self.from_cpu,
            to_cpu: self.to_cpu,
            idle_until_ns: (!running_idle).then_some(self.idle_until_ns),
        };
        event(self.tid, What::Migration(migration));
        Decoded::Done
    }
}

impl Decode for sched::Waker {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let stranger = Stranger {
            tid: self.waker_tid,
            pid: self.waker_tgid,
            comm: text(&self.comm),
        };
        event(self.tid, What::Waker(stranger));
        Decoded::Done
    }
}

impl Decode for stack::Stack {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let len = (self.len as usize).min(stack::FRAMES);
        let frames = self.frames[..len].into();
        let what = if self.header.flags == role::WAKER {
            What::WakerStack(frames)
        } else {
            What::SleeperStack(frames)
        };
        event(self.tid, what);
        Decoded::Done
    }
}

impl Decode for fd::Object {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let object = Object {
            fd: self.fd,
            ino: self.ino,
            mode: self.mode,
            rdev: self.rdev,
            family: self.family,
            sock_type: self.sock_type,
            protocol: self.protocol,
            sock_state: self.sock_state,
            local_port: self.local_port,
            remote_port: self.remote_port,
            local_addr: self.local_addr,
            remote_addr: self.remote_addr,
            name: text(&self.name),
        };
        let has = |flag| self.header.flags & flag != 0;
        let what = if has(fd::OPEN) {
            let cloexec = has(fd::CLOEXEC);
            What::Open(Box::new(Open { cloexec, object }))
        } else if has(fd::SECOND) {
            What::SecondObject(Box::new(object))
        } else {
            What::Object(Box::new(object))
        };
        event(self.tid, what);
        Decoded::Done
    }
}

impl Decode for fd_table::Look {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let Some(occasion) = occasion(self.header.flags) else {
            return Decoded::Unknown;
        };
        let look = FdLook {
            occasion,
            files: self.files,
            open: self.open,
            cut: self.header.flags & fd_table::why::CUT != 0,
            limit: (self.limit != 0).then_some(self.limit),
        };
        event(self.tid, What::FdTable(look));
        Decoded::Done
    }
}

impl Decode for fd_table::Kinds {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let Some(occasion) = occasion(self.header.flags) else {
            return Decoded::Unknown;
        };
        let kinds = FdKinds {
            occasion,
            files: self.files,
            counts: (self.header.flags & fd_table::why::CUT == 0).then_some(self.counts),
            open: self.open,
            described: self.header.flags & fd_table::why::DESCRIBED != 0,
        };
        event(self.tid, What::FdKinds(Box::new(kinds)));
        Decoded::Done
    }
}

fn occasion(flags: u16) -> Option<Occasion> {
    use fd_table::why;
    Some(match flags & why::MASK {
        why::SWITCH | why::CALL => Occasion::Now,
        why::BIRTH => Occasion::Birth,
        why::EXEC => Occasion::Exec,
        why::EXIT => Occasion::Exit,
        why::SEED => Occasion::Seed,
        why::FINAL => Occasion::Final,
        _ => return None,
    })
}

impl Decode for task::Fork {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let fork = Fork {
            creator_tid: self.creator_tid,
            pid: self.tgid,
            ppid: self.ppid,
            clone_flags: self.clone_flags,
            comm: text(&self.comm),
        };
        event(self.tid, What::Fork(fork));
        Decoded::Done
    }
}

impl Decode for task::Exec {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let len = self.argv_len as usize;
        let argv = &self.argv[..len.min(task::ARGV_BYTES)];
        // What ends with NUL is whole.
        let argv = match len > task::ARGV_BYTES {
            true => argv.strip_suffix(b"\0").unwrap_or(argv),
            false => argv,
        };
        let exec = Exec {
            old_tid: self.old_tid,
            comm: text(&self.comm),
            argv: argv.into(),
        };
        event(self.tid, What::Exec(exec));
        Decoded::Done
    }
}

impl Decode for task::Exit {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let known = self.header.flags & task::exit::STATUS_UNKNOWN == 0;
        let exit = What::Exit {
            status: known.then_some(self.exit_code),
            migrations: self.migrations,
        };
        event(self.tid, exit);
        Decoded::Done
    }
}

impl Decode for task::Rename {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        event(self.tid, What::Rename(text(&self.comm)));
        Decoded::Done
    }
}

impl Decode for task::Snapshot {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let flags = self.header.flags;
        let call = syscall(flags, self.nr, self.arg0, self.arg1);
        let taken = Snapshot {
            last: flags & snapshot::FINAL != 0,
            held: flags & snapshot::HELD != 0,
            on_cpu: flags & snapshot::ON_CPU != 0,
            pid: self.tgid,
            ppid: self.ppid,
            migrations: self.migrations,
            off: off(flags, self.seq, self.state, call),
            wake: seen(Waking {
                ts_ns: self.wake_ns,
                tid: self.waker_tid,
                nr: self.waker_nr,
                flags: self.waker_flags,
            }),
            comm: text(&self.comm),
        };
        event(self.tid, What::Snapshot(Box::new(taken)));
        Decoded::Done
    }
}

impl Decode for kernel_return::KernelReturn {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let function = match self.header.flags {
            function::DO_WAIT => Function::DoWait,
            function::EPOLL => Function::Epoll,
            _ => return Decoded::Unknown,
        };
        let returned = KernelReturn {
            function,
            result: self.result,
            entered_ns: (self.entered_ns != 0).then_some(self.entered_ns),
        };
        event(self.tid, What::KernelReturn(returned));
        Decoded::Done
    }
}

impl Decode for listen::Request {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let flags = self.header.flags;
        let request = Request {
            sock: self.sock,
            accept_queue: self.accept_queue,
            accept_limit: self.accept_limit,
            syn_queue: self.syn_queue,
            family: self.family,
            port: self.port,
            addr: self.addr,
            ends_handshake: flags & request::HANDSHAKE_END != 0,
            cookies: match flags & (request::COOKIES | request::NO_COOKIES) {
                request::COOKIES => Some(true),
                request::NO_COOKIES => Some(false),
                _ => None,
            },
        };
        event(0, What::Request(request));
        Decoded::Done
    }
}

impl Decode for memory::Peak {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let peak = Peak {
            before: self.header.flags & memory::BEFORE != 0,
            rss_bytes: self.rss_bytes,
            kernel_stack: (self.kernel_stack != 0).then_some(self.kernel_stack),
        };
        event(self.tid, What::Peak(peak));
        Decoded::Done
    }
}

impl Decode for user_stack::UserStack {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        event(self.tid, What::UserStack(self.stack));
        Decoded::Done
    }
}

impl Decode for user_stack::UserFrames {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let len = (self.len as usize).min(user_stack::FRAMES);
        let frames = UserFrames {
            stack: self.stack,
            frames: self.frames[..len].iter().filter_map(user_frame).collect(),
        };
        event(self.tid, What::UserFrames(Box::new(frames)));
        Decoded::Done
    }
}

/// `struct bpf_stack_build_id`
fn user_frame(words: &[u64; user_stack::FRAME_WORDS]) -> Option<UserFrame> {
    let bytes = words.as_bytes();
    let (status, bytes) = bytes.split_first_chunk::<4>()?;
    let (build_id, _) = bytes.split_first_chunk::<BUILD_ID>()?;
    let offset = words[user_stack::FRAME_WORDS - 1];
    match u32::from_ne_bytes(*status) {
        user_stack::status::VALID => Some(UserFrame::InFile {
            build_id: BuildId(*build_id),
            offset,
        }),
        user_stack::status::IP => Some(UserFrame::Address(offset)),
        _ => None,
    }
}

impl Decode for connection::Connect {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let connect = Connect {
            sock: self.sock,
            netns: known(self.netns),
            family: self.family,
            port: self.port,
            local_addr: self.local_addr,
            addr: self.addr,
        };
        event(self.tid, What::Connect(Box::new(connect)));
        Decoded::Done
    }
}

impl Decode for connection::Step {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let to = match self.header.flags {
            step::ESTABLISHED => Stepped::Established,
            step::PEER_CLOSED => Stepped::PeerClosed,
            step::CLOSED => Stepped::Closed,
            step::AGAIN => Stepped::Again,
            _ => return Decoded::Unknown,
        };
        let taken = Step {
            sock: self.sock,
            to,
            received: self.received,
            sent: self.sent,
            error: self.error,
            local_port: self.local_port,
            state: self.state,
            again: self.again,
        };
        event(0, What::Step(taken));
        Decoded::Done
    }
}

impl Decode for connection::Listening {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let owner = || Owner {
            tid: self.tid,
            pid: self.tgid,
            comm: text(&self.comm),
            is_traced: self.header.flags & listening::TRACED != 0,
        };
        let found = Listening {
            sock: self.sock,
            owner: (self.tid != 0).then(owner),
            netns: known(self.netns),
            family: self.family,
            port: self.port,
            addr: self.addr,
        };
        event(0, What::Listening(Box::new(found)));
        Decoded::Done
    }
}

impl Decode for connection::Accept {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let sock = match self.header.flags {
            accept::CALL => Some(self.sock),
            accept::END => None,
            _ => return Decoded::Unknown,
        };
        let accept = Accept {
            sock,
            netns: known(self.netns),
            queue: self.queue,
            family: self.family,
            port: self.port,
            addr: self.addr,
        };
        event(self.tid, What::Accept(accept));
        Decoded::Done
    }
}

/// A number of which 0 says that it is not known.
fn known(number: u32) -> Option<u32> {
    (number != 0).then_some(number)
}

impl Decode for disk::Disk {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        event(self.tid, What::Disk(self.dev));
        Decoded::Done
    }
}

impl Decode for signal::Pending {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let pending = Pending {
            own: self.own,
            shared: self.shared,
            exit_code: self.exit_code,
        };
        event(self.tid, What::Signals(pending));
        Decoded::Done
    }
}

impl Decode for signal::Sent {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let sent = Sent {
            signal: self.signal,
            code: self.code,
            sender: (self.sender_tgid != 0).then(|| (self.sender_tgid, text(&self.comm))),
            addr: self.addr,
            sp: self.sp,
            ip: self.ip,
            stack_start: self.stack_start,
            stack_limit: self.stack_limit,
        };
        event(self.tid, What::Sent(Box::new(sent)));
        Decoded::Done
    }
}

impl Decode for oom::Victim {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let len = (self.len as usize).min(oom::FRAMES);
        event(self.tid, What::Victim(self.frames[..len].into()));
        Decoded::Done
    }
}

impl Decode for cgroup::Cgroup {
    fn decode(&self, mut event: impl FnMut(u32, What)) -> Decoded {
        let found = Cgroup {
            id: self.id,
            quota_ns: self.quota_ns,
            period_ns: self.period_ns,
            name: text(&self.name),
        };
        event(0, What::Cgroup(Box::new(found)));
        Decoded::Done
    }
}

/// Text up to the first NUL.
fn text(bytes: &[u8]) -> Box<[u8]> {
    let len = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    bytes[..len].into()
}

/// Whether a waking's context bits say that an interrupt did it.
pub fn in_interrupt(flags: u16) -> bool {
    flags & (waker::HARDIRQ | waker::SOFTIRQ | waker::IDLE) != 0
}
