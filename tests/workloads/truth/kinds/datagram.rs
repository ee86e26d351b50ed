//! `socket-recv` of datagrams.

use std::net::UdpSocket;

use crate::case::{Case, Job, until_done};

pub const CASES: &[Case] = &[Case {
    name: "recv-udp",
    kind: "socket-recv",
    functions: &[
        "__skb_wait_for_more_packets",
        "__skb_recv_udp",
        "udp_recvmsg",
    ],
    sources: &["net-rx"],
    has_waker: true,
    prepare: |_| {
        let reader = UdpSocket::bind("127.0.0.1:0")?;
        let writer = UdpSocket::bind("127.0.0.1:0")?;
        writer.connect(reader.local_addr()?)?;
        Job::pair(
            move |meter| {
                meter.repeat(|_| reader.recv(&mut [0]))?;
                std::mem::forget(reader);
                Ok(())
            },
            move |slot| until_done(slot, || writer.send(&[1]).map(drop)),
        )
    },
}];
