//! The second serial port, where results go.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::{Context as _, Result};
use nix::sys::termios::tcdrain;
use waitscope_guest::{GuestLine, PORT};

pub(crate) struct Port(File);

impl Port {
    pub(crate) fn open() -> Result<Self> {
        let mut options = File::options();
        // Not the controlling terminal of the session that this process leads.
        let options = options.write(true).custom_flags(libc::O_NOCTTY);
        Ok(Self(options.open(PORT).context(PORT)?))
    }

    /// After all that the console has been given, so that neither is cut short when
    /// the host ends the guest upon the last line.
    pub(crate) fn report(&mut self, line: &GuestLine) -> Result<()> {
        crate::say(line);
        // Fails when the console is no terminal, and then there is nothing to wait for.
        let _ = tcdrain(io::stdout());
        let text = serde_json::to_string(line)? + "\n";
        self.0.write_all(text.as_bytes()).context(PORT)?;
        tcdrain(&self.0).context(PORT)
    }
}
