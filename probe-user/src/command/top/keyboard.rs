//! What is typed, and what the mouse does, on a thread of its own.

use std::{
    fs::File,
    io::{self, IsTerminal as _},
    os::fd::{AsFd as _, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ratatui::crossterm::event::{self, Event};

use super::{signals, terminal::PAUSE};

/// Between two looks at whether they are read no more.
const LOOK: Duration = Duration::from_millis(5);

/// What crossterm reads keys from.
fn keyboard() -> io::Result<OwnedFd> {
    if io::stdin().is_terminal() {
        return io::stdin().as_fd().try_clone_to_owned();
    }
    Ok(File::open("/dev/tty")?.into())
}

/// Keys and the mouse, on a thread of their own: crossterm waits for the rest of what it takes
/// for the beginning of a key. It ends with this: what is typed from then on is not ours.
pub(super) struct Keys {
    keyboard: OwnedFd,
    pub(super) events: Receiver<Event>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Keys {
    pub(super) fn read() -> io::Result<Keys> {
        let keyboard = keyboard()?;
        // crossterm forgets a key that comes with a SIGWINCH until there is another.
        signals::keep_sizes_out()?;
        let (sender, events) = mpsc::channel();
        let is_over = Arc::<AtomicBool>::default();
        let ends = is_over.clone();
        let read = move || {
            while !ends.load(Ordering::Relaxed) {
                let read = event::poll(PAUSE).and_then(|any| any.then(event::read).transpose());
                let is_taken = read.map(|event| event.is_none_or(|it| sender.send(it).is_ok()));
                if !is_taken.unwrap_or(false) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("keyboard".to_owned());
        Ok(Keys {
            keyboard,
            events,
            is_over,
            thread: thread.spawn(read)?,
        })
    }

    /// crossterm would try to read from a terminal that is gone, again and again.
    pub(super) fn is_hung_up(&self) -> bool {
        let mut keyboard = [PollFd::new(self.keyboard.as_fd(), PollFlags::empty())];
        let is_polled = poll(&mut keyboard, PollTimeout::ZERO).is_ok();
        is_polled
            && keyboard[0]
                .revents()
                .is_some_and(|events| !events.is_empty())
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // The terminal may go away meanwhile, too: then it does not end.
        while !self.thread.is_finished() && !self.is_hung_up() {
            thread::sleep(LOOK);
        }
    }
}
