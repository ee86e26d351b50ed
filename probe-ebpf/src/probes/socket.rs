//! A `struct sock`, read as its pointer allows.

use aya_ebpf::helpers;
use probe_common::uapi::AF_INET;

use crate::{
    offsets::{self, Constant, known},
    read,
};

/// A socket of TCP.
pub trait Socket {
    /// Its address.
    fn address(&self) -> u64;
    /// A member of it, or of the structures that begin with it.
    fn get<T: Copy>(&self, offset: &impl Constant) -> T;
    /// A member of its network namespace.
    fn of_net<T: Copy>(&self, offset: &impl Constant) -> T;
}

/// Its type is known to the verifier.
pub struct Typed(*const u8);

impl Typed {
    /// As a `struct tcp_sock`: what lies beyond `struct sock` is in the structures that
    /// begin with it. `None` of what is no full socket of TCP.
    #[inline(always)]
    pub fn tcp(sock: *const u8) -> Option<Typed> {
        // SAFETY: `sock` is a BTF-typed pointer to a socket, as the helper demands.
        let tcp = unsafe { helpers::generated::bpf_skc_to_tcp_sock(sock.cast_mut().cast()) };
        (!tcp.is_null()).then_some(Typed(tcp.cast()))
    }
}

impl Socket for Typed {
    #[inline(always)]
    fn address(&self) -> u64 {
        self.0 as u64
    }
    #[inline(always)]
    fn get<T: Copy>(&self, offset: &impl Constant) -> T {
        read::field(self.0, offset)
    }
    #[inline(always)]
    fn of_net<T: Copy>(&self, offset: &impl Constant) -> T {
        read::field(self.get::<*const u8>(&offsets::SOCK_NET), offset)
    }
}

/// A bare address.
pub struct Untyped(pub u64);

impl Socket for Untyped {
    #[inline(always)]
    fn address(&self) -> u64 {
        self.0
    }
    #[inline(always)]
    fn get<T: Copy>(&self, offset: &impl Constant) -> T {
        read::probe(self.0, offset)
    }
    #[inline(always)]
    fn of_net<T: Copy>(&self, offset: &impl Constant) -> T {
        read::probe(self.get(&offsets::SOCK_NET), offset)
    }
}

/// Inode number of its network namespace; 0 where that is not known.
#[inline(always)]
pub fn netns(socket: &impl Socket) -> u32 {
    if known(&offsets::SOCK_NET) {
        socket.of_net(&offsets::NET_INUM)
    } else {
        0
    }
}

/// Its own address; IPv4 in the first half of the first word.
#[inline(always)]
pub fn local(socket: &impl Socket, family: u16) -> [u64; 2] {
    if family == AF_INET {
        return [u64::from(socket.get::<u32>(&offsets::SOCK_LADDR4)), 0];
    }
    if known(&offsets::SOCK_LADDR6) {
        return socket.get(&offsets::SOCK_LADDR6);
    }
    [0, 0]
}

/// The address at its other end, in the same way.
#[inline(always)]
pub fn remote(socket: &impl Socket, family: u16) -> [u64; 2] {
    if family == AF_INET {
        return [u64::from(socket.get::<u32>(&offsets::SOCK_RADDR4)), 0];
    }
    if known(&offsets::SOCK_LADDR6) {
        return socket.get(&offsets::SOCK_RADDR6);
    }
    [0, 0]
}
