//! Every case, by family.

mod child;
mod connection;
mod datagram;
mod disk;
mod event;
mod freezer;
mod futex;
mod inode;
mod ipc;
mod lock;
mod pipe;
mod ready;
mod region;
mod ring;
mod signal;
mod sleep;
mod stop;
mod stream;
mod tty;
mod uffd;
mod vfork;

use crate::case::Case;

const FAMILIES: &[&[Case]] = &[
    child::CASES,
    vfork::CASES,
    ready::CASES,
    futex::CASES,
    pipe::CASES,
    stream::CASES,
    datagram::CASES,
    connection::CASES,
    sleep::CASES,
    event::CASES,
    signal::CASES,
    lock::CASES,
    ipc::CASES,
    tty::CASES,
    ring::CASES,
    stop::CASES,
    freezer::CASES,
    uffd::CASES,
    inode::CASES,
    disk::CASES,
];

/// All of them, processes and threads mixed.
pub fn all() -> impl Iterator<Item = &'static Case> {
    FAMILIES.iter().copied().flatten()
}
