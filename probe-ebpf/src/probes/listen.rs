//! Connection requests and the queues of their listeners. The full tier sees the
//! kernel's own functions judge them. The tracepoint tier sees packets that come to a
//! listener a moment before: a request that finds its accept queue full, or the third
//! packet of a handshake that does, is dropped by the same comparison
//! (`tcp_conn_request`, `tcp_v4_syn_recv_sock`, `tcp_v6_syn_recv_sock`).

use aya_ebpf::{
    macros::{cgroup_skb, fentry, kprobe},
    programs::{FEntryContext, ProbeContext, SkBuffContext},
};
use probe_common::{
    connection::{Accept, Listening, accept, listening},
    listen::{Request, request},
    loss::{Loss, Program},
    uapi::{AF_INET, AF_INET6, IPPROTO_TCP, tcp_state},
};

use super::socket::{self, Socket, Typed, Untyped};
use crate::{
    current::Current,
    emit,
    filter::Entry,
    maps::{EVENTS, LISTENERS, WANTED},
    offsets::{self, known},
    read,
    shared::{Shared, load, store, store_words},
};

// int tcp_conn_request(struct request_sock_ops *rsk_ops,
//                      const struct tcp_request_sock_ops *af_ops,
//                      struct sock *sk, struct sk_buff *skb)
#[fentry]
pub fn conn_request_fentry(ctx: FEntryContext) -> i32 {
    emit::ran(Program::ConnRequest);
    if let Some(listener) = Typed::tcp(ctx.arg(2)) {
        judged(&listener, 0);
    }
    0
}

#[kprobe]
pub fn conn_request_kprobe(ctx: ProbeContext) -> i32 {
    emit::ran(Program::ConnRequest);
    if let Some(sock) = ctx.arg::<u64>(2) {
        judged(&Untyped(sock), 0);
    }
    0
}

// struct sock *tcp_v4_syn_recv_sock(const struct sock *sk, struct sk_buff *skb,
//                                   struct request_sock *req, …)
#[fentry]
pub fn syn_recv_v4_fentry(ctx: FEntryContext) -> i32 {
    emit::ran(Program::SynRecvSock);
    if let Some(listener) = Typed::tcp(ctx.arg(0)) {
        ended(&listener, AF_INET);
    }
    0
}

#[kprobe]
pub fn syn_recv_v4_kprobe(ctx: ProbeContext) -> i32 {
    emit::ran(Program::SynRecvSock);
    if let Some(sock) = ctx.arg::<u64>(0) {
        ended(&Untyped(sock), AF_INET);
    }
    0
}

// The same of IPv6. For IPv4 at a listener of both it calls that of IPv4.
#[fentry]
pub fn syn_recv_v6_fentry(ctx: FEntryContext) -> i32 {
    emit::ran(Program::SynRecvSock);
    if let Some(listener) = Typed::tcp(ctx.arg(0)) {
        ended(&listener, AF_INET6);
    }
    0
}

#[kprobe]
pub fn syn_recv_v6_kprobe(ctx: ProbeContext) -> i32 {
    emit::ran(Program::SynRecvSock);
    if let Some(sock) = ctx.arg::<u64>(0) {
        ended(&Untyped(sock), AF_INET6);
    }
    0
}

// struct sock *inet_csk_accept(struct sock *sk, …)
#[fentry]
pub fn accept_fentry(ctx: FEntryContext) -> i32 {
    emit::ran(Program::InetCskAccept);
    if let (Some(entry), Some(listener)) = (Current::get().entry(), Typed::tcp(ctx.arg(0))) {
        emit_accept(entry, &listener, accept::CALL);
    }
    0
}

#[kprobe]
pub fn accept_kprobe(ctx: ProbeContext) -> i32 {
    emit::ran(Program::InetCskAccept);
    if let (Some(entry), Some(sock)) = (Current::get().entry(), ctx.arg::<u64>(0)) {
        emit_accept(entry, &Untyped(sock), accept::CALL);
    }
    0
}

/// `CGROUP_SKB_OK`: the packet goes on. Nothing here ever stops one.
const PASS: i32 = 1;

#[cgroup_skb(ingress)]
pub fn ingress(ctx: SkBuffContext) -> i32 {
    // SAFETY: the verifier checks the access to its context.
    let sock = unsafe { (*ctx.skb.skb).__bindgen_anon_2.sk };
    if sock.is_null() {
        return PASS;
    }
    // SAFETY: the verifier checks the access to what it knows as a socket.
    if unsafe { (*sock).state } != u32::from(tcp_state::LISTEN) {
        return PASS;
    }
    emit::ran(Program::Ingress);
    let Some(flags) = tcp_flags(&ctx) else {
        return PASS;
    };
    let Some(listener) = Typed::tcp(sock.cast()) else {
        return PASS;
    };
    match flags & (tcp::SYN | tcp::ACK | tcp::RST) {
        tcp::SYN => judged(&listener, 0),
        tcp::ACK => ended(&listener, listener.get(&offsets::SOCK_FAMILY)),
        _ => {}
    }
    PASS
}

/// Bits of a segment's byte of flags.
mod tcp {
    pub const SYN: u8 = 1 << 1;
    pub const RST: u8 = 1 << 2;
    pub const ACK: u8 = 1 << 4;
    /// Where that byte lies in a header.
    pub const FLAGS_AT: usize = 13;
}

/// Of a packet that begins with the header of its internet protocol; `None` of what is
/// not TCP, and of IPv6 with extension headers.
#[inline(always)]
fn tcp_flags(ctx: &SkBuffContext) -> Option<u8> {
    let first: u8 = ctx.load(0).ok()?;
    let (protocol_at, header) = match first >> 4 {
        4 => (9, usize::from(first & 0xf) * 4),
        6 => (6, 40),
        _ => return None,
    };
    let protocol: u8 = ctx.load(protocol_at).ok()?;
    if u16::from(protocol) != IPPROTO_TCP {
        return None;
    }
    ctx.load(header + tcp::FLAGS_AT).ok()
}

/// The third packet of a handshake has come to a listener.
#[inline(always)]
fn ended(listener: &impl Socket, family: u16) {
    if known(&offsets::SOCK_ACK_BACKLOG)
        && listener.get::<u16>(&offsets::SOCK_FAMILY) == family
        && queue(listener) > limit(listener)
    {
        judged(listener, request::HANDSHAKE_END);
    }
}

/// A request, or the end of a handshake, is about to be judged by the queues.
#[inline(always)]
fn judged(listener: &impl Socket, what: u16) {
    if !known(&offsets::SOCK_ACK_BACKLOG) {
        return;
    }
    let family: u16 = listener.get(&offsets::SOCK_FAMILY);
    let now_ns = read::now();
    let mut flags = what;
    if known(&offsets::SOCK_NET) && known(&offsets::NET_SYNCOOKIES) {
        let mode: u8 = listener.of_net(&offsets::NET_SYNCOOKIES);
        flags |= if mode == 0 {
            request::NO_COOKIES
        } else {
            request::COOKIES
        };
    }
    introduce(listener, family, now_ns);
    emit::record(&EVENTS, flags, now_ns, |to: Shared<Request>| {
        store!(to.sock = listener.address());
        store!(to.accept_queue = queue(listener));
        store!(to.accept_limit = limit(listener));
        store!(to.syn_queue = listener.get(&offsets::ICSK_QUEUE_LEN));
        store!(to.family = family);
        store!(to.port = listener.get(&offsets::SOCK_LPORT));
        store_words!(to.addr = socket::local(listener, family));
    });
}

#[inline(always)]
fn queue(listener: &impl Socket) -> u32 {
    listener.get(&offsets::SOCK_ACK_BACKLOG)
}

#[inline(always)]
fn limit(listener: &impl Socket) -> u32 {
    listener.get(&offsets::SOCK_MAX_ACK_BACKLOG)
}

/// Describes a listener of which nothing has been emitted.
#[inline(always)]
fn introduce(listener: &impl Socket, family: u16, now_ns: u64) {
    if LISTENERS.get_ptr(listener.address()).is_some() {
        return;
    }
    if emit_listening(listener, family, now_ns, &UNSEEN) {
        // Where there is no room it is described again and again.
        let _full = LISTENERS.insert(listener.address(), 1, 0);
    }
}

/// Who called listen(2).
struct Owner {
    flags: u16,
    tid: u32,
    tgid: u32,
    comm: [u64; 2],
}

const UNSEEN: Owner = Owner {
    flags: 0,
    tid: 0,
    tgid: 0,
    comm: [0; 2],
};

/// The running task has made a socket listen.
#[inline(always)]
pub fn begins(listener: &impl Socket) {
    let current = Current::get();
    let is_traced = current.entry().is_some();
    let owner = Owner {
        flags: if is_traced { listening::TRACED } else { 0 },
        tid: current.tid(),
        tgid: current.tgid(),
        comm: current.comm(),
    };
    let family: u16 = listener.get(&offsets::SOCK_FAMILY);
    if is_traced {
        want();
    }
    if emit_listening(listener, family, read::now(), &owner) {
        let _full = LISTENERS.insert(listener.address(), 1, 0);
    } else {
        emit::lost(Loss::Connection);
    }
}

/// A socket listens no more: its address may be that of another one.
#[inline(always)]
pub fn ends(listener: u64) {
    let _unknown = LISTENERS.remove(listener);
}

/// Asks user space to look at what comes to listeners, once.
#[inline(always)]
pub fn want() {
    let Some(asked) = WANTED.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: a word of the array. Another CPU may ask as well.
    unsafe { asked.write_volatile(1) };
}

#[inline(always)]
fn emit_listening(listener: &impl Socket, family: u16, now_ns: u64, owner: &Owner) -> bool {
    emit::record(&EVENTS, owner.flags, now_ns, |to: Shared<Listening>| {
        store!(to.sock = listener.address());
        store!(to.tid = owner.tid);
        store!(to.tgid = owner.tgid);
        store!(to.netns = socket::netns(listener));
        store!(to.family = family);
        store!(to.port = listener.get(&offsets::SOCK_LPORT));
        store_words!(to.addr = socket::local(listener, family));
        store_words!(to.comm = owner.comm);
    })
}

/// The running task has to do with what came to a socket: the listener itself, or one
/// that it has accepted.
#[inline(always)]
pub fn emit_accept(entry: Entry, from: &impl Socket, what: u16) {
    let family: u16 = from.get(&offsets::SOCK_FAMILY);
    let is_listener = what == accept::CALL;
    emit::record(&EVENTS, what, read::now(), |to: Shared<Accept>| {
        store!(to.sock = if is_listener { from.address() } else { 0 });
        store!(to.tid = load!(entry.tid));
        store!(to.netns = socket::netns(from));
        store!(to.queue = queue(from));
        store!(to.family = family);
        store!(to.port = from.get(&offsets::SOCK_LPORT));
        store_words!(to.addr = socket::local(from, family));
    });
}
