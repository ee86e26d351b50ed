//! `execve` by a thread that is not its process's first: the kernel ends all
//! others and gives it the process id.

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Runs itself as deep as that; the last one naps.
pub fn nest(depth: u32) -> io::Result<u8> {
    match depth.checked_sub(1) {
        None => thread::sleep(Duration::from_millis(10)),
        Some(rest) => {
            let mut actor = Command::new(env::current_exe()?);
            actor.args(["nest", &rest.to_string()]).status()?;
        }
    }
    Ok(0)
}

/// A second thread becomes `actor naps 4 50000`, which exits with 0; two others
/// sleep for good meanwhile.
pub fn by_thread() -> io::Result<u8> {
    let forever = || thread::sleep(Duration::from_secs(300));
    thread::Builder::new()
        .name("bystander".into())
        .spawn(forever)?;
    let program = env::current_exe()?;
    let other = thread::Builder::new()
        .name("execer".into())
        .spawn(move || {
            thread::sleep(Duration::from_millis(50));
            Command::new(program).args(["naps", "4", "50000"]).exec()
        })?;
    forever();
    let error = other.join();
    Err(error.unwrap_or_else(|_| io::Error::other("panicked")))
}
