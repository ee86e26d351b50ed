//! A stream of which every second byte is sent by a timer, beside threads that
//! send packets all the time.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::check;

/// As many as the machines of the tests have CPUs.
const CROWD: [&str; 2] = ["n-crowd0", "n-crowd1"];

/// `n-send` sends two bytes `rounds` times. The kernel keeps the second until the
/// first is acknowledged (Nagle, RFC 896), which `n-recv` leaves to the timer of
/// delayed acknowledgements: that timer's softirq brings about the second packet.
pub(crate) fn exchange(rounds: u32) -> io::Result<u8> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let far = listener.accept()?.0;
    let (acknowledge, acknowledged) = channel();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for name in CROWD {
            named(name).spawn_scoped(scope, || crowd(&done))?;
        }
        let receiver =
            named("n-recv").spawn_scoped(scope, move || receive(far, rounds, &acknowledge))?;
        let sender =
            named("n-send").spawn_scoped(scope, move || send(near, rounds, &acknowledged))?;
        let ended = [receiver.join(), sender.join()];
        done.store(true, Ordering::Relaxed);
        for thread in ended {
            thread.map_err(|_| io::Error::other("a thread panicked"))??;
        }
        Ok(0)
    })
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}

fn send(mut stream: TcpStream, rounds: u32, acknowledged: &Receiver<()>) -> io::Result<()> {
    for _ in 0..rounds {
        // The receiver falls asleep meanwhile.
        thread::sleep(Duration::from_millis(5));
        stream.write_all(b"1")?;
        stream.write_all(b"2")?;
        acknowledged.recv().map_err(io::Error::other)?;
    }
    Ok(())
}

fn receive(mut stream: TcpStream, rounds: u32, acknowledge: &Sender<()>) -> io::Result<()> {
    for _ in 0..rounds {
        for _ in 0..2 {
            delay_acknowledgements(&stream)?;
            stream.read_exact(&mut [0])?;
        }
        acknowledge.send(()).map_err(io::Error::other)?;
    }
    Ok(())
}

/// The kernel goes back to prompt ones now and then (`TCP_QUICKACK` in tcp(7)).
fn delay_acknowledgements(stream: &TcpStream) -> io::Result<()> {
    let off: libc::c_int = 0;
    let length = u32::try_from(size_of_val(&off)).map_err(io::Error::other)?;
    // SAFETY: the value is a whole int of `length` bytes.
    check(unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_QUICKACK,
            (&raw const off).cast(),
            length,
        )
    })?;
    Ok(())
}

/// Sends what nobody reads.
fn crowd(done: &AtomicBool) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let address = socket.local_addr()?;
    while !done.load(Ordering::Relaxed) {
        socket.send_to(b"1", address)?;
    }
    Ok(())
}
