//! A listening socket.

use std::net::IpAddr;

use serde::Serialize;

use crate::document;

#[derive(Serialize)]
pub(super) struct Listener {
    address: Option<IpAddr>,
    port: u16,
    family: u16,
    requests: u64,
    accept_queue_max: u32,
    accept_limit: u32,
    overflows: u64,
    syn_queue_max: u32,
    syn_full: u64,
    syn_at_limit: u64,
    first_ns: u64,
    last_ns: u64,
}

impl From<&document::Listener> for Listener {
    fn from(listener: &document::Listener) -> Listener {
        let document::Listener {
            address,
            port,
            family,
            requests,
            accept_queue_max,
            accept_limit,
            overflows,
            syn_queue_max,
            syn_full,
            syn_at_limit,
            first_ns,
            last_ns,
        } = *listener;
        Listener {
            address,
            port,
            family,
            requests,
            accept_queue_max,
            accept_limit,
            overflows,
            syn_queue_max,
            syn_full,
            syn_at_limit,
            first_ns,
            last_ns,
        }
    }
}
