//! Connections that traced tasks make, from their first segment to their end. A task
//! begins one itself; what becomes of it shows in softirqs under whatever task runs, so
//! its socket is kept in a table until it is closed.

use aya_ebpf::{bindings::BPF_ANY, macros::btf_tracepoint, programs::BtfTracePointContext};
use probe_common::{
    connection::{Connect, Step, accept, step},
    loss::{Loss, Program},
    uapi::{AF_INET, IPPROTO_TCP, tcp_state as state},
};

use super::{
    listen,
    socket::{self, Socket, Typed},
};
use crate::{
    current::Current,
    emit,
    filter::Entry,
    maps::{EVENTS, SOCKETS},
    offsets::{self, known},
    read::{self, field},
    shared::{Shared, load, store, store_words},
};

// TP_PROTO(const struct sock *sk, const int oldstate, const int newstate)
#[btf_tracepoint(function = "inet_sock_set_state")]
pub fn inet_sock_set_state(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::InetSockSetState);
    let sock: *const u8 = ctx.arg(0);
    if !known(&offsets::SOCK_ERR) || field::<u16>(sock, &offsets::SOCK_PROTOCOL) != IPPROTO_TCP {
        return 0;
    }
    let (before, now) = (ctx.arg::<u32>(1) as u16, ctx.arg::<u32>(2) as u16);
    if before == state::LISTEN {
        listen::ends(sock as u64);
        return 0;
    }
    let what = match now {
        state::SYN_SENT => {
            begin(sock);
            return 0;
        }
        state::LISTEN => {
            if let Some(listener) = Typed::tcp(sock) {
                listen::begins(&listener);
            }
            return 0;
        }
        state::ESTABLISHED => step::ESTABLISHED,
        state::CLOSE_WAIT => step::PEER_CLOSED,
        state::CLOSE => step::CLOSED,
        state::FIN_WAIT1 | state::LAST_ACK => {
            end_accepted(sock);
            return 0;
        }
        _ => return 0,
    };
    if SOCKETS.get_ptr(sock as u64).is_none() {
        return 0;
    }
    emit_step(sock, what, before);
    if now == state::CLOSE {
        let _absent = SOCKETS.remove(sock as u64);
    }
    0
}

// TP_PROTO(const struct sock *sk, const struct sk_buff *skb, …)
#[btf_tracepoint(function = "tcp_retransmit_skb")]
pub fn tcp_retransmit_skb(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::TcpRetransmitSkb);
    let sock: *const u8 = ctx.arg(0);
    if known(&offsets::SOCK_ERR) && SOCKETS.get_ptr(sock as u64).is_some() {
        let state: u8 = field(sock, &offsets::SOCK_STATE);
        emit_step(sock, step::AGAIN, u16::from(state));
    }
    0
}

/// The running task connects a socket: its remote address is set, its local port may
/// not be yet.
#[inline(always)]
fn begin(sock: *const u8) {
    let Some(entry) = Current::get().entry() else {
        return;
    };
    let Some(socket) = Typed::tcp(sock) else {
        return;
    };
    let key = socket.address();
    if SOCKETS
        .insert(key, load!(entry.tid), u64::from(BPF_ANY))
        .is_err()
    {
        emit::lost(Loss::Connection);
        return;
    }
    if !emit_connect(entry, &socket) {
        let _absent = SOCKETS.remove(key);
    }
}

#[inline(always)]
fn emit_connect(entry: Entry, socket: &Typed) -> bool {
    let family: u16 = socket.get(&offsets::SOCK_FAMILY);
    let local = socket::local(socket, family);
    let remote = socket::remote(socket, family);
    if is_here(family, local, remote) {
        listen::want();
    }
    emit::record(&EVENTS, 0, read::now(), |to: Shared<Connect>| {
        store!(to.sock = socket.address());
        store!(to.tid = load!(entry.tid));
        store!(to.netns = socket::netns(socket));
        store!(to.family = family);
        store!(to.port = u16::from_be(socket.get(&offsets::SOCK_RPORT)));
        store!(to.pad = 0);
        store_words!(to.local_addr = local);
        store_words!(to.addr = remote);
    })
}

/// Whether the other end is on this machine: then it has the address that was chosen
/// for this end, or both are in 127.0.0.0/8.
#[inline(always)]
fn is_here(family: u16, local: [u64; 2], remote: [u64; 2]) -> bool {
    let last = if family == AF_INET {
        remote[0]
    } else {
        remote[1] >> 32
    };
    let is_v4 = family == AF_INET || remote[0] == 0 && remote[1] as u32 == MAPPED;
    local == remote || is_v4 && last as u8 == 127
}

/// The third word of an IPv4 address in IPv6 (`::ffff:0:0/96`), as it lies in memory.
const MAPPED: u32 = 0xffff_0000;

#[inline(always)]
fn emit_step(sock: *const u8, what: u16, before: u16) {
    let Some(socket) = Typed::tcp(sock) else {
        return;
    };
    emit::record(&EVENTS, what, read::now(), |to: Shared<Step>| {
        store!(to.sock = socket.address());
        store!(to.received = socket.get(&offsets::TCP_RECEIVED));
        store!(to.sent = socket.get(&offsets::TCP_SENT));
        store!(to.error = socket.get(&offsets::SOCK_ERR));
        store!(to.local_port = socket.get(&offsets::SOCK_LPORT));
        store!(to.state = before);
        store!(to.again = socket.get(&offsets::TCP_AGAIN));
    });
}

/// The running task ends its side of a connection: if it has not made that, it was
/// accepted.
#[inline(always)]
fn end_accepted(sock: *const u8) {
    let Some(entry) = Current::get().entry() else {
        return;
    };
    if SOCKETS.get_ptr(sock as u64).is_some() {
        return;
    }
    if let Some(socket) = Typed::tcp(sock) {
        listen::emit_accept(entry, &socket, accept::END);
    }
}
