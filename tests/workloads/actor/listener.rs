//! A listener whose accept queue overflows.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use super::check;

/// Limit of the accept queue; it holds one more (`sk_acceptq_is_full`).
const BACKLOG: u32 = 2;
/// Connects to the full queue, whose requests are not answered.
const DROPPED: usize = 2;
/// The kernel sends an unanswered request again after a second.
const TIME: Duration = Duration::from_millis(600);

/// Connects without accepting, and writes port and overflows as JSON.
pub(crate) fn overflow(out: &str) -> io::Result<u8> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    // SAFETY: plain integers. The standard library has listened with more.
    check(unsafe { libc::listen(listener.as_raw_fd(), BACKLOG.cast_signed()) })?;
    let address = listener.local_addr()?;
    // Who looks at listeners must have seen it.
    thread::sleep(Duration::from_millis(200));
    let before = overflows()?;
    let connected = fill(&address)?;
    drop_requests(&address)?;
    let facts = serde_json::json!({
        "port": address.port(),
        "connected": connected.len(),
        "overflows": overflows()? - before,
        "limit": BACKLOG,
    });
    serde_json::to_writer(File::create(out)?, &facts)?;
    Ok(0)
}

/// One after the other: a handshake that ends when the queue is full already
/// overflows as well, and no request shows it.
fn fill(address: &SocketAddr) -> io::Result<Vec<TcpStream>> {
    let mut streams = Vec::new();
    for length in 1..=BACKLOG + 1 {
        streams.push(TcpStream::connect(address)?);
        while accept_queue(address)? < length {
            thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(streams)
}

/// All begin at once and give up together, before any request is sent again.
fn drop_requests(address: &SocketAddr) -> io::Result<()> {
    let clients: Vec<_> = (0..DROPPED)
        .map(|_| {
            let address = *address;
            thread::spawn(move || TcpStream::connect_timeout(&address, TIME))
        })
        .collect();
    for client in clients {
        if matches!(client.join(), Ok(Ok(_))) {
            return Err(io::Error::other("connected to a full queue"));
        }
    }
    Ok(())
}

/// Of the listener at an address (`rx_queue` in proc_net_tcp).
pub(crate) fn accept_queue(address: &SocketAddr) -> io::Result<u32> {
    const LISTEN: &str = "0A";
    let file = match address {
        SocketAddr::V4(_) => "/proc/thread-self/net/tcp",
        SocketAddr::V6(_) => "/proc/thread-self/net/tcp6",
    };
    let place = format!(":{:04X}", address.port());
    let text = fs::read_to_string(file)?;
    let mut rows = text.lines().map(|line| line.split_ascii_whitespace());
    let length = rows.find_map(|mut row| {
        let (local, state) = (row.nth(1)?, row.nth(1)?);
        let (_, received) = row.next()?.split_once(':')?;
        (local.ends_with(&place) && state == LISTEN).then_some(received)
    });
    let length = length.ok_or(io::ErrorKind::NotFound)?;
    u32::from_str_radix(length, 16).map_err(io::Error::other)
}

/// A counter of `TcpExt`.
pub(crate) fn counter(file: &str, wanted: &str) -> io::Result<u64> {
    let text = fs::read_to_string(file)?;
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (lines.next(), lines.next());
    let pairs = names.zip(values).ok_or(io::ErrorKind::NotFound)?;
    let (mut names, mut values) = (pairs.0.split(' '), pairs.1.split(' '));
    let at = names.position(|name| name == wanted);
    let value = at.and_then(|at| values.nth(at));
    value
        .ok_or(io::ErrorKind::NotFound)?
        .parse()
        .map_err(io::Error::other)
}

/// `TcpExtListenOverflows`
fn overflows() -> io::Result<u64> {
    counter("/proc/net/netstat", "ListenOverflows")
}
