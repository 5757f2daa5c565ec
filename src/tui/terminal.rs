//! The terminal itself: taken, and given back whatever happens.

use std::io::{self, BufWriter, IsTerminal as _, Stdout, stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{DisableMouseCapture, EnableMouseCapture, read};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    self, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::Input;
use crate::error::{Context as _, Error, Result};

/// The thread that waits for keys.
pub const KEYS: &str = "somno-keys";
/// The thread that waits for signals.
pub const SIGNALS: &str = "somno-signals";

/// Whether the terminal is ours at the moment.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Where the interface is drawn.
pub type Screen = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// The terminal, given back when this is dropped.
#[derive(Debug)]
pub struct Taken(());

impl Taken {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When there is none: see [`check`].
    pub fn take() -> Result<Self> {
        take().context(|| "take the terminal".into())?;
        Ok(Self(()))
    }

    /// Makes something to draw on.
    ///
    /// # Errors
    /// When the terminal does not answer.
    pub fn screen(&self) -> Result<Screen> {
        let backend = CrosstermBackend::new(BufWriter::new(stdout()));
        Terminal::new(backend).context(|| "draw on the terminal".into())
    }

    /// Stops this process as Ctrl-Z does, and returns when it is continued.
    ///
    /// # Errors
    /// When the terminal cannot be taken again.
    pub fn suspend(&self) -> Result<()> {
        give_back();
        low_level::emulate_default_handler(SIGTSTP).context(|| "suspend".into())?;
        take().context(|| "take the terminal again".into())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whether there is a terminal to draw on and to read keys from; `otherwise` is what does without.
///
/// # Errors
/// What is none.
pub fn check(otherwise: &str) -> Result<()> {
    for (what, is_terminal) in [
        ("standard output", stdout().is_terminal()),
        ("standard input", io::stdin().is_terminal()),
    ] {
        if !is_terminal {
            let error = format!("failed to show anything: {what} is not a terminal");
            return Err(Error::failed(error).with_hint(otherwise));
        }
    }
    Ok(())
}

/// How many columns and rows the terminal has.
#[must_use]
pub fn size() -> (u16, u16) {
    // what every terminal can show
    terminal::size().unwrap_or((80, 24))
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    IS_TAKEN.store(true, Ordering::SeqCst);
    execute!(stdout(), EnterAlternateScreen, EnableMouseCapture)
}

/// Gives the terminal back, if it is ours. What fails here cannot be mended.
fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(stdout(), DisableMouseCapture, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Gives the terminal back before a panic is told, but for panics of threads of this
/// name, which are caught.
pub fn give_back_on_panic(caught: &'static str) {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().name() == Some(caught) {
            if !IS_TAKEN.load(Ordering::SeqCst) {
                tell(panic);
            }
            return;
        }
        give_back();
        tell(panic);
    }));
}

/// Sends what comes from the terminal, on a thread of its own.
///
/// # Errors
/// When the kernel gives no thread.
pub fn read_keys(to: Sender<Input>) -> Result<()> {
    let run = move || {
        loop {
            let input = read().map_or(Input::End, Input::Terminal);
            let is_end = matches!(input, Input::End);
            if to.send(input).is_err() || is_end {
                return;
            }
        }
    };
    let thread = thread::Builder::new().name(KEYS.into());
    thread.spawn(run).context(|| "start a thread".into())?;
    Ok(())
}

/// Sends what signals ask for, on a thread of its own. The second signal to end gives
/// the terminal back and ends the process, whatever it is at.
///
/// # Errors
/// When signals cannot be handled.
pub fn read_signals(to: Sender<Input>, ignored: impl Fn(i32) -> bool) -> Result<()> {
    let wanted = [SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT];
    let wanted = wanted.into_iter().filter(|&signal| !ignored(signal));
    let mut signals = Signals::new(wanted).context(|| "handle signals".into())?;
    let run = move || {
        let mut is_ending = false;
        for signal in &mut signals {
            let input = match signal {
                SIGTSTP => Input::Suspend,
                SIGCONT => Input::Continued,
                _ if is_ending => {
                    give_back();
                    low_level::exit(128 + signal);
                }
                _ => {
                    is_ending = true;
                    Input::End
                }
            };
            // where nobody draws any more, the rest ends by itself
            let _ = to.send(input);
        }
    };
    let thread = thread::Builder::new().name(SIGNALS.into());
    thread.spawn(run).context(|| "start a thread".into())?;
    Ok(())
}
