//! Connections whose fates are known, each kind in a network namespace of its own, so
//! that its counters are theirs alone.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::mem;
use std::net::{Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::linux::fs::MetadataExt;
use std::thread;
use std::time::Duration;

use super::{check, listener};

/// What a server sends: more than the peer of an early end.
const ANSWER: usize = 8192;
/// The kernel sends an unanswered request again after a second.
const PATIENCE: Duration = Duration::from_millis(1300);
/// From here on the server accepts.
const BUSY: Duration = Duration::from_millis(1600);
/// Who looks at listeners must have seen it.
const SEEN: Duration = Duration::from_millis(200);

/// What became of the connections to one listener.
#[derive(Default, serde::Serialize)]
struct Truth {
    name: &'static str,
    netns: u64,
    port: u16,
    family: u16,
    served: u64,
    refused: u64,
    unanswered: u64,
    closed_early: u64,
    reset_early: u64,
    overflows: u64,
    syn_retransmits: u64,
    /// The same as the clients' sockets say it: the kernel's counter has in it what a
    /// server sends again, too, when it drops the third packet of a handshake.
    #[serde(skip)]
    by_clients: Option<u64>,
    /// Who called accept(2).
    acceptor: u32,
    /// Whether that slept in there.
    slept: bool,
}

/// Makes them, all kinds at once, and writes what became of them as JSON.
pub(crate) fn make(out: &str) -> io::Result<u8> {
    let kinds: [fn() -> io::Result<Truth>; 6] = [
        || apart(|| full("full", "127.0.0.1:7001")),
        || apart(|| full("full-v6", "[::1]:7002")),
        || apart(|| burst("127.0.0.1:7003")),
        || apart(mapped),
        || apart(closes),
        throttles,
    ];
    let mut threads = Vec::new();
    for kind in kinds {
        threads.push(thread::spawn(kind));
    }
    let mut truths = vec![resets()?];
    for thread in threads {
        truths.push(join(thread)?);
    }
    serde_json::to_writer(File::create(out)?, &truths)?;
    Ok(0)
}

fn join<T>(thread: thread::JoinHandle<io::Result<T>>) -> io::Result<T> {
    thread
        .join()
        .map_err(|_| io::Error::other("a thread panicked"))?
}

/// In a network namespace of this thread's own, and with what that counted meanwhile.
fn apart(make: impl FnOnce() -> io::Result<Truth>) -> io::Result<Truth> {
    // SAFETY: of this thread only.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET) })?;
    raise_loopback()?;
    let before = (count("ListenOverflows")?, count("TCPSynRetrans")?);
    let truth = make()?;
    let counted = count("TCPSynRetrans")? - before.1;
    let again = truth.by_clients.unwrap_or(counted);
    if again > counted {
        return Err(io::Error::other(format!("{again} sent, {counted} counted")));
    }
    Ok(Truth {
        overflows: count("ListenOverflows")? - before.0,
        syn_retransmits: again,
        ..truth
    })
}

fn count(name: &str) -> io::Result<u64> {
    listener::counter("/proc/thread-self/net/netstat", name)
}

fn raise_loopback() -> io::Result<()> {
    // SAFETY: plain integers, and a structure of which zeros are one.
    unsafe {
        let socket = check(libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0))?;
        let mut request: libc::ifreq = mem::zeroed();
        for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
            *to = from.cast_signed();
        }
        request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
        let raised = check(libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request));
        libc::close(socket);
        raised.map(|_| ())
    }
}

fn netns() -> io::Result<u64> {
    Ok(fs::metadata("/proc/thread-self/ns/net")?.st_ino())
}

fn tid() -> u32 {
    // SAFETY: no precondition.
    unsafe { libc::gettid() }.cast_unsigned()
}

fn listen(at: &str, backlog: i32) -> io::Result<(TcpListener, Truth)> {
    let listener = TcpListener::bind(at)?;
    set_backlog(&listener, backlog)?;
    thread::sleep(SEEN);
    let address = listener.local_addr()?;
    let truth = Truth {
        netns: netns()?,
        port: address.port(),
        family: if address.is_ipv4() { 2 } else { 10 },
        ..Truth::default()
    };
    Ok((listener, truth))
}

fn set_backlog(listener: &TcpListener, backlog: i32) -> io::Result<()> {
    // SAFETY: plain integers.
    check(unsafe { libc::listen(listener.as_raw_fd(), backlog) }).map(|_| ())
}

/// A client that is served, and how often its first segment was sent again. It has something to send: where a full queue has dropped the
/// third packet of a handshake that was answered with a cookie, the server knows nothing
/// of it, and only what the client sends again makes it a connection.
fn client(address: SocketAddr) -> thread::JoinHandle<io::Result<u64>> {
    thread::spawn(move || {
        let mut answer = Vec::new();
        let mut stream = TcpStream::connect(address)?;
        let again = sent_again(&stream)?;
        stream.write_all(b"?")?;
        stream.read_to_end(&mut answer)?;
        if answer.len() == ANSWER {
            Ok(again)
        } else {
            Err(io::Error::other("cut short"))
        }
    })
}

/// Segments that a connection has sent again: the first one, while it has sent no other.
fn sent_again(stream: &TcpStream) -> io::Result<u64> {
    // SAFETY: plain integers, of which zeros are some.
    let mut info: libc::tcp_info = unsafe { mem::zeroed() };
    let mut length = size_of_val(&info) as libc::socklen_t;
    let (fd, to) = (stream.as_raw_fd(), (&raw mut info).cast());
    // SAFETY: `to` has that many bytes.
    check(unsafe { libc::getsockopt(fd, libc::SOL_TCP, libc::TCP_INFO, to, &raw mut length) })?;
    Ok(u64::from(info.tcpi_total_retrans))
}

/// Is busy, then serves so many.
fn serve(listener: &TcpListener, clients: u64) -> io::Result<()> {
    thread::sleep(BUSY);
    // What is sent again shall find room.
    set_backlog(listener, 64)?;
    answer(listener, clients)
}

fn answer(listener: &TcpListener, clients: u64) -> io::Result<()> {
    for _ in 0..clients {
        let (mut stream, _) = listener.accept()?;
        stream.write_all(&[7; ANSWER])?;
        stream.shutdown(Shutdown::Write)?;
        // Its end, so that nothing is left unread.
        stream.read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

/// A queue of one, which two fill; of the rest some are patient.
fn full(name: &'static str, at: &str) -> io::Result<Truth> {
    const PATIENT: u64 = 14;
    const IMPATIENT: u64 = 4;
    let (listener, truth) = listen(at, 1)?;
    let address = listener.local_addr()?;
    let mut patient = Vec::new();
    for length in 1..=2 {
        patient.push(client(address));
        while listener::accept_queue(&address)? < length {
            thread::sleep(Duration::from_millis(1));
        }
    }
    patient.extend((0..PATIENT).map(|_| client(address)));
    let impatient: Vec<_> = (0..IMPATIENT)
        .map(|_| thread::spawn(move || Ok(TcpStream::connect_timeout(&address, PATIENCE))))
        .collect();
    serve(&listener, PATIENT + 2)?;
    for client in patient {
        join(client)?;
    }
    for client in impatient {
        if join(client)?.is_ok() {
            return Err(io::Error::other("connected to a full queue"));
        }
    }
    Ok(Truth {
        name,
        served: PATIENT + 2,
        unanswered: IMPATIENT,
        acceptor: tid(),
        slept: true,
        ..truth
    })
}

/// All at once: some find the queue full only with the third packet of the handshake.
fn burst(at: &str) -> io::Result<Truth> {
    const CLIENTS: u64 = 12;
    let (listener, truth) = listen(at, 1)?;
    let address = listener.local_addr()?;
    let clients: Vec<_> = (0..CLIENTS).map(|_| client(address)).collect();
    serve(&listener, CLIENTS)?;
    let mut again = 0;
    for client in clients {
        again += join(client)?;
    }
    Ok(Truth {
        name: "burst",
        by_clients: Some(again),
        served: CLIENTS,
        acceptor: tid(),
        slept: true,
        ..truth
    })
}

/// IPv4 in IPv6, at a listener of both; one client does not block.
fn mapped() -> io::Result<Truth> {
    let (listener, truth) = listen("[::]:7004", 16)?;
    let ip = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1);
    let address = SocketAddr::from((ip, 7004));
    let blocking = client(address);
    let other = thread::spawn(move || -> io::Result<()> {
        let limit = Duration::from_secs(20);
        let mut stream = TcpStream::connect_timeout(&address, limit)?;
        stream.read_to_end(&mut Vec::new())?;
        Ok(())
    });
    answer(&listener, 2)?;
    join(blocking)?;
    join(other)?;
    Ok(Truth {
        name: "mapped",
        family: 2,
        served: 2,
        acceptor: tid(),
        ..truth
    })
}

/// Serves four and closes.
fn closes() -> io::Result<Truth> {
    let (listener, truth) = listen("127.0.0.1:7005", 16)?;
    let address = listener.local_addr()?;
    let clients: Vec<_> = (0..4).map(|_| client(address)).collect();
    answer(&listener, 4)?;
    for client in clients {
        join(client)?;
    }
    drop(listener);
    for _ in 0..3 {
        match TcpStream::connect(address) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            other => return Err(io::Error::other(format!("{other:?}"))),
        }
    }
    Ok(Truth {
        name: "closes",
        served: 4,
        refused: 3,
        acceptor: tid(),
        ..truth
    })
}

/// Accepts and closes at once, as sshd does beyond its MaxStartups.
fn throttles() -> io::Result<Truth> {
    let (listener, truth) = listen("127.0.0.1:0", 16)?;
    let address = listener.local_addr()?;
    for _ in 0..5 {
        let mut stream = TcpStream::connect(address)?;
        drop(listener.accept()?);
        stream.read_to_end(&mut Vec::new())?;
    }
    Ok(Truth {
        name: "throttles",
        closed_early: 5,
        acceptor: tid(),
        ..truth
    })
}

/// Closes with something unread.
fn resets() -> io::Result<Truth> {
    let (listener, truth) = listen("127.0.0.1:0", 16)?;
    let address = listener.local_addr()?;
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"hello")?;
        let (accepted, _) = listener.accept()?;
        accepted.peek(&mut [0])?;
        drop(accepted);
        match stream.read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            other => return Err(io::Error::other(format!("{other:?}"))),
        }
    }
    Ok(Truth {
        name: "resets",
        reset_early: 3,
        acceptor: tid(),
        ..truth
    })
}
