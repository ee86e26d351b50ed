//! A client that waits for the answers of a server that computes them, over a
//! real TCP connection on the loopback device.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::{clock, join, process, write_down};

const REQUESTS: u32 = 20;

pub(super) fn run(out: &str) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = process(out, "b-server", || {
        let (mut client, _) = listener.accept()?;
        client.set_nodelay(true)?;
        for _ in 0..REQUESTS {
            client.read_exact(&mut [0])?;
            clock::compute(Duration::from_millis(10));
            client.write_all(b"x")?;
        }
        write_down(out, "b-server", "computing", clock::cpu_ns())
    })?;
    let client = process(out, "b-client", || {
        let mut server = TcpStream::connect(address)?;
        server.set_nodelay(true)?;
        for _ in 0..REQUESTS {
            server.write_all(b"x")?;
            server.read_exact(&mut [0])?;
        }
        Ok(())
    })?;
    join(client)?;
    join(server)
}
