//! The terminal around the screen of `top`: put into its mode and back whatever happens, keys
//! and ticks as they come.

use std::{
    env,
    ffi::OsStr,
    io::{self, IsTerminal as _, Stdout, Write as _},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;
use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor,
        event::Event,
        execute,
        style::Print,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
    layout::{Position, Rect, Size},
};

use super::{keyboard::Keys, shown::Ending, signals};
use crate::{
    child::relay,
    document::top::Tick,
    observe::around::descriptors,
    view::top::{Action, Files, Model},
};

/// How long nothing but keys is looked for: a tick, another size, and what [`Control`] says,
/// wait no longer.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// Descriptors that a page lists: more would take longer than a key may.
const MOST_FILES: usize = 256;

/// Presses of buttons and the wheel, but no movements: nothing here follows those.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// There is no terminal for a screen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}: top --batch prints plain tables")]
pub struct NoScreen(&'static str);

/// Whether there is a terminal that a screen can be shown on.
pub fn check() -> Result<(), NoScreen> {
    refusal(io::stdout().is_terminal(), env::var_os("TERM").as_deref())
}

fn refusal(is_terminal: bool, term: Option<&OsStr>) -> Result<(), NoScreen> {
    match term.and_then(OsStr::to_str) {
        _ if !is_terminal => Err(NoScreen("stdout is not a terminal")),
        None | Some("") => Err(NoScreen("TERM does not say which terminal this is")),
        Some("dumb") => Err(NoScreen("this terminal (TERM=dumb) cannot show a screen")),
        Some(_) => Ok(()),
    }
}

/// The screen's ends from outside: of what observes, or of signals.
#[derive(Clone, Debug, Default)]
pub struct Control {
    flags: Arc<Flags>,
}

#[derive(Debug, Default)]
struct Flags {
    is_over: AtomicBool,
    is_ended: AtomicBool,
    is_stopped: AtomicBool,
    is_resumed: AtomicBool,
}

impl Control {
    /// No more ticks come: ends the screen, unless somebody holds it still.
    pub fn over(&self) {
        self.flags.is_over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.flags.is_over.load(Ordering::Relaxed)
    }

    /// Ends the screen.
    pub fn end(&self) {
        self.flags.is_ended.store(true, Ordering::Relaxed);
    }

    /// Stops waitscope, and nobody else.
    pub fn stop(&self) {
        self.flags.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Something has continued us: the terminal may be in another mode.
    pub fn resume(&self) {
        self.flags.is_resumed.store(true, Ordering::Relaxed);
    }

    fn next(&self) -> Action {
        let flags = &self.flags;
        if flags.is_ended.load(Ordering::Relaxed) {
            return Action::Quit;
        }
        if flags.is_stopped.swap(false, Ordering::Relaxed) {
            return Action::Stop;
        }
        match flags.is_resumed.swap(false, Ordering::Relaxed) {
            true => Action::Redraw,
            false => Action::Continue,
        }
    }
}

/// What is to be written (`w`).
pub enum Wanted<'a> {
    /// What is on the screen, as a text.
    Screen(&'a str),
    /// The ticks that are kept.
    Window(&'a [Rc<Tick>]),
}

/// What ticks are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An observation, which ends with the screen.
    Machine,
    /// A run: what the terminal would send for Ctrl-C and the like goes to it. It may go on
    /// without the screen.
    Run,
    /// A file. Behind its last tick one can still look at them.
    File,
}

/// Writes, and returns a sentence about it.
type Write<'a> = dyn FnMut(Wanted<'_>) -> Result<String> + 'a;

/// Shows ticks until somebody ends it, or no more can come (but of a [`Source::File`]).
/// `write` does what `w` asks for.
pub fn show(
    ticks: &Receiver<Tick>,
    source: Source,
    control: &Control,
    has_colors: bool,
    write: &mut Write<'_>,
) -> Result<Ending> {
    check()?;
    let keys = Keys::read().context("cannot read the keyboard")?;
    let _stops = Stops::to(control);
    let restore = Restore::enter().context("cannot take the terminal")?;
    let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
    let mut screen = Screen {
        source,
        model: match source {
            Source::File => Model::new(has_colors).replaying(),
            Source::Machine | Source::Run => Model::new(has_colors),
        },
        terminal,
        restore,
        keys,
        is_over: false,
    };
    let enough = screen.follow(ticks, control, write)?;
    let any = screen.model.tick().tick > 0;
    Ok(Ending { any, enough })
}

/// Stops of the process are left to the screen.
struct Stops;

impl Stops {
    fn to(control: &Control) -> Stops {
        let control = control.clone();
        relay::leave_stops_to(Some(Box::new(move || control.stop())));
        Stops
    }
}

impl Drop for Stops {
    fn drop(&mut self) {
        relay::leave_stops_to(None);
    }
}

struct Screen {
    source: Source,
    model: Model,
    terminal: Terminal<CrosstermBackend<Stdout>>,
    // Before the terminal echoes what is typed.
    keys: Keys,
    restore: Restore,
    /// That no more ticks come has been said.
    is_over: bool,
}

impl Screen {
    /// Until the end; says whether somebody asked for that.
    fn follow(
        &mut self,
        ticks: &Receiver<Tick>,
        control: &Control,
        write: &mut Write<'_>,
    ) -> Result<bool> {
        let mut size = self.draw()?;
        loop {
            let mut is_changed = match self.take(ticks, control) {
                Some(is_changed) => is_changed,
                None if self.model.is_held() && !signals::would_end() => self.say_it_is_over(),
                None => return Ok(false),
            };
            // Not by SIGWINCH: what observes may have blocked it.
            is_changed |= self.terminal.size()? != size;
            if is_changed {
                size = self.draw()?;
            }
            let mut actions = vec![control.next()];
            actions.extend(self.keys()?);
            for action in actions {
                if action == Action::Quit || action == Action::Interrupt && !self.is_run() {
                    return Ok(true);
                }
                self.act(action, write)?;
            }
        }
    }

    /// The ticks that have come: whether there were any. `None` when it ends with them.
    fn take(&mut self, ticks: &Receiver<Tick>, control: &Control) -> Option<bool> {
        let mut any = false;
        let is_over = control.is_over();
        loop {
            match ticks.try_recv() {
                Ok(tick) => self.model.push(tick),
                Err(_) if self.source == Source::File => return Some(any),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) if is_over => return None,
                Err(TryRecvError::Empty) => return Some(any),
            }
            any = true;
        }
    }

    /// Says so once; whether that was now.
    fn say_it_is_over(&mut self) -> bool {
        let is_new = !std::mem::replace(&mut self.is_over, true);
        if is_new {
            self.model
                .say("all that was followed has ended; q leaves".to_owned());
        }
        is_new
    }

    fn is_run(&self) -> bool {
        self.source == Source::Run
    }

    fn draw(&mut self) -> Result<Size> {
        let model = &mut self.model;
        if let Some((pid, tick)) = model.wants_files() {
            let (list, more) = descriptors::open(pid, MOST_FILES);
            model.learn_files(Files {
                pid,
                tick,
                list,
                more,
            });
        }
        self.terminal.draw(|frame| model.draw(frame))?;
        Ok(self.terminal.size()?)
    }

    /// Waits for keys, not for long; what they ask for. They are drawn when all have been
    /// looked at: holding a key down waits for no screen that is never seen.
    fn keys(&mut self) -> Result<Vec<Action>> {
        if self.keys.is_hung_up() {
            return Ok(vec![Action::Quit]);
        }
        let first = match self.keys.events.recv_timeout(PAUSE) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => return Ok(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => bail!("the keyboard cannot be read any more"),
        };
        let mut actions = Vec::new();
        for event in std::iter::once(first).chain(self.keys.events.try_iter()) {
            match event {
                Event::Key(key) => actions.push(self.model.on_key(key)),
                Event::Mouse(mouse) => self.model.on_mouse(mouse),
                _ => {}
            }
        }
        self.draw()?;
        Ok(actions)
    }

    fn act(&mut self, action: Action, write: &mut Write<'_>) -> Result<()> {
        match action {
            Action::Continue | Action::Quit => return Ok(()),
            Action::Redraw => self.anew()?,
            Action::Interrupt => signals::send_group(Signal::SIGINT)?,
            Action::Suspend | Action::Stop => {
                self.restore.leave();
                if action == Action::Suspend && self.is_run() {
                    signals::send_group(Signal::SIGTSTP)?;
                }
                signals::stop_here()?;
                self.anew()?;
            }
            Action::WriteScreen => {
                let columns = self.terminal.size()?.width.into();
                let report = self.model.report(columns);
                self.say(write(Wanted::Screen(&report)));
            }
            Action::WriteWindow => {
                self.say(write(Wanted::Window(&self.model.kept())));
            }
        }
        self.draw().map(|_| ())
    }

    /// The terminal may be in any mode, and show anything.
    fn anew(&mut self) -> Result<()> {
        self.restore.take()?;
        // `clear` would ask the terminal where its cursor is, and read the answer as keys.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))?;
        Ok(())
    }

    fn say(&mut self, written: Result<String>) {
        self.model
            .say(written.unwrap_or_else(|error| format!("{error:#}")));
    }
}

/// Gives the terminal back as it was: at the end, at an error, and before a panic is printed.
pub struct Restore {
    is_taken: Arc<AtomicBool>,
}

impl Restore {
    /// Takes the terminal: raw mode, alternate screen, mouse.
    pub fn enter() -> io::Result<Restore> {
        let restore = Restore {
            is_taken: Arc::default(),
        };
        let is_taken = restore.is_taken.clone();
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            give_back(&is_taken);
            print(info);
        }));
        restore.take()?;
        Ok(restore)
    }

    fn take(&self) -> io::Result<()> {
        self.is_taken.store(true, Ordering::SeqCst);
        // Raw mode that has been left without us is not entered where crossterm believes
        // that it is.
        disable_raw_mode()?;
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, Print(MOUSE_ON))
    }

    fn leave(&self) {
        give_back(&self.is_taken);
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        self.leave();
    }
}

fn give_back(is_taken: &AtomicBool) {
    if !is_taken.swap(false, Ordering::SeqCst) {
        return;
    }
    // A terminal that is gone needs nothing back.
    let _gone = disable_raw_mode();
    let mut out = io::stdout();
    let _gone = execute!(out, Print(MOUSE_OFF), LeaveAlternateScreen, cursor::Show);
    let _gone = out.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_without_a_screen_names_what_goes_without_one() {
        let check = |is_terminal, term: Option<&str>| {
            refusal(is_terminal, term.map(OsStr::new)).map_err(|error| error.to_string())
        };
        assert_eq!(check(true, Some("xterm-256color")), Ok(()));
        assert_eq!(check(true, Some("linux")), Ok(()));
        for (is_terminal, term) in [(false, Some("xterm")), (true, Some("dumb")), (true, None)] {
            let error = check(is_terminal, term).unwrap_err();
            assert!(error.contains("--batch"), "{error}");
        }
    }

    #[test]
    fn top_control_ends_and_says_each_other_thing_once() {
        let control = Control::default();
        let outside = control.clone();
        assert_eq!(control.next(), Action::Continue);
        outside.stop();
        outside.resume();
        let said = [control.next(), control.next(), control.next()];
        assert_eq!(said, [Action::Stop, Action::Redraw, Action::Continue]);
        outside.end();
        assert_eq!(
            [control.next(), control.next()],
            [Action::Quit, Action::Quit]
        );
    }
}
