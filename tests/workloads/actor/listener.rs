//! A listener whose accept queue overflows.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use super::check;

/// Connections that an accept queue of this length holds one more of
/// (`sk_acceptq_is_full`).
const BACKLOG: i32 = 2;
/// Connects at once: of the last, no request is answered.
const CLIENTS: usize = 5;
/// The kernel sends an unanswered request again after a second.
const TIME: Duration = Duration::from_millis(600);

/// Connects without accepting, and writes port and overflows as JSON.
pub(crate) fn overflow(out: &str) -> io::Result<u8> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    // SAFETY: plain integers. The standard library has listened with more.
    check(unsafe { libc::listen(listener.as_raw_fd(), BACKLOG) })?;
    let address = listener.local_addr()?;
    let before = overflows()?;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| thread::spawn(move || connect(&address)))
        .collect();
    let connected = clients
        .into_iter()
        .filter_map(|client| client.join().ok()?.ok())
        .count();
    let told = serde_json::json!({
        "port": address.port(),
        "connected": connected,
        "overflows": overflows()? - before,
        "limit": BACKLOG,
    });
    serde_json::to_writer(File::create(out)?, &told)?;
    Ok(0)
}

/// All begin at once and give up together, before any request is sent again.
fn connect(address: &SocketAddr) -> io::Result<TcpStream> {
    let begin = Instant::now();
    let stream = TcpStream::connect_timeout(address, TIME);
    thread::sleep(TIME.saturating_sub(begin.elapsed()));
    stream
}

/// `TcpExtListenOverflows`
fn overflows() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/net/netstat")?;
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (lines.next(), lines.next());
    let pairs = names.zip(values).ok_or(io::ErrorKind::NotFound)?;
    let (names, mut values) = (pairs.0.split(' '), pairs.1.split(' '));
    let at = names.into_iter().position(|name| name == "ListenOverflows");
    let value = at.and_then(|at| values.nth(at));
    value
        .ok_or(io::ErrorKind::NotFound)?
        .parse()
        .map_err(io::Error::other)
}
