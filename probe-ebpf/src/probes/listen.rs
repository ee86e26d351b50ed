//! The full tier: connection requests and the queues of their listeners.

use core::ffi::c_void;

use aya_ebpf::{
    helpers,
    macros::{fentry, kprobe},
    programs::{FEntryContext, ProbeContext},
};
use probe_common::{listen::Request, loss::Program, uapi::AF_INET};

use crate::{
    emit,
    maps::EVENTS,
    offsets::{self, Constant, known},
    read,
    shared::{Shared, store, store_words},
};

/// The listening socket, read as its pointer allows.
trait Listener {
    fn address(&self) -> u64;
    fn get<T: Copy>(&self, offset: &impl Constant) -> T;
}

/// Its type is known to the verifier.
struct Typed(*const u8);

impl Listener for Typed {
    #[inline(always)]
    fn address(&self) -> u64 {
        self.0 as u64
    }
    #[inline(always)]
    fn get<T: Copy>(&self, offset: &impl Constant) -> T {
        read::field(self.0, offset)
    }
}

/// A bare address.
struct Untyped(u64);

impl Listener for Untyped {
    #[inline(always)]
    fn address(&self) -> u64 {
        self.0
    }
    #[inline(always)]
    fn get<T: Copy>(&self, offset: &impl Constant) -> T {
        read::probe(self.0, offset)
    }
}

// int tcp_conn_request(struct request_sock_ops *rsk_ops,
//                      const struct tcp_request_sock_ops *af_ops,
//                      struct sock *sk, struct sk_buff *skb)
#[fentry]
pub fn conn_request_fentry(ctx: FEntryContext) -> i32 {
    let sock: *mut c_void = ctx.arg(2);
    // The queue of handshakes lies beyond `struct sock`, in the structure that
    // begins with it.
    // SAFETY: `sock` is a BTF-typed pointer to a socket, as the helper demands.
    let tcp_sock = unsafe { helpers::generated::bpf_skc_to_tcp_sock(sock) };
    if tcp_sock.is_null() {
        return 0;
    }
    requested(&Typed(tcp_sock.cast::<u8>()))
}

#[kprobe]
pub fn conn_request_kprobe(ctx: ProbeContext) -> i32 {
    match ctx.arg::<u64>(2) {
        Some(sock) => requested(&Untyped(sock)),
        None => 0,
    }
}

#[inline(always)]
fn requested(listener: &impl Listener) -> i32 {
    emit::ran(Program::ConnRequest);
    if !known(&offsets::SOCK_ACK_BACKLOG) {
        return 0;
    }
    let family: u16 = listener.get(&offsets::SOCK_FAMILY);
    emit::record(&EVENTS, 0, read::now(), |to: Shared<Request>| {
        store!(to.sock = listener.address());
        store!(to.accept_queue = listener.get(&offsets::SOCK_ACK_BACKLOG));
        store!(to.accept_limit = listener.get(&offsets::SOCK_MAX_ACK_BACKLOG));
        store!(to.syn_queue = listener.get(&offsets::ICSK_QUEUE_LEN));
        store!(to.family = family);
        store!(to.port = listener.get(&offsets::SOCK_LPORT));
        store_words!(to.addr = address(listener, family));
    });
    0
}

#[inline(always)]
fn address(listener: &impl Listener, family: u16) -> [u64; 2] {
    if family == AF_INET {
        return [u64::from(listener.get::<u32>(&offsets::SOCK_LADDR4)), 0];
    }
    if known(&offsets::SOCK_LADDR6) {
        return listener.get(&offsets::SOCK_LADDR6);
    }
    [0, 0]
}
