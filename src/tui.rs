//! The terminal interface: [`model`] is what it knows, [`message`] what can happen,
//! [`mod@update`] what follows from that, and [`view`] what is seen of it. Only [`run`] waits,
//! and it knows a terminal as a [`Backend`] only.

pub mod cursor;
pub mod keys;
pub mod layout;
pub mod list;
pub mod message;
pub mod model;
pub mod names;
pub mod prompt;
pub mod screen;
pub mod search;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod text;
pub mod theme;
pub mod update;
pub mod view;

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::crossterm::event::Event;
use rustix::time::{ClockId, clock_gettime};

use self::message::{ExportFormat, Message, News};
use self::model::Model;
use self::update::{Effect, update};
use crate::error::{Context as _, Result};
use crate::time::Timestamp;

/// How often news are shown.
const FRAME: Duration = Duration::from_millis(250);
/// What part of a CPU may go into showing them: they come less often where it takes
/// longer. Keys are answered at once all the same.
const PART: u32 = 20;
/// How long news wait at most, or there would be too much of them to keep.
const FRAME_MAX: Duration = Duration::from_secs(2);

/// What comes to the interface by itself.
#[derive(Debug)]
pub enum Input {
    /// A key, the mouse, another size.
    Terminal(Event),
    /// It is to end.
    End,
    /// It is to stop, as a shell asks by a signal.
    Suspend,
    /// It was continued, and the terminal may show anything.
    Continued,
}

/// What the interface runs on.
pub trait Host {
    /// Tells what became known since the last time.
    fn news(&mut self) -> Option<News>;

    /// Tells the time.
    fn now(&self) -> Timestamp;

    /// Writes what is shown; tells where, or why not.
    fn export(&mut self, model: &Model, format: ExportFormat) -> String;

    /// Stops the process, and returns when it is continued.
    ///
    /// # Errors
    /// When the terminal cannot be had again.
    fn suspend(&mut self) -> Result<()>;

    /// Takes notice of the size of the screen.
    fn resized(&mut self, columns: u16, rows: u16);
}

/// Runs the interface until it is left.
///
/// # Errors
/// When the terminal cannot be drawn on.
pub fn run<B: Backend>(
    terminal: &mut Terminal<B>,
    model: &mut Model,
    inputs: &Receiver<Input>,
    host: &mut dyn Host,
) -> Result<()> {
    let size = terminal
        .size()
        .context(|| "ask for the terminal's size".into())?;
    update(model, Message::Resize(size.width, size.height));
    let mut next = Instant::now();
    loop {
        let now = Instant::now();
        if now >= next {
            let before = own_cpu();
            if let Some(news) = host.news() {
                update(model, Message::News(Box::new(news)));
            }
            update(model, Message::Tick(host.now()));
            host.resized(model.size.width, model.areas().body.height);
            draw(terminal, model)?;
            let took = own_cpu().saturating_sub(before);
            next = Instant::now() + (took * PART).clamp(FRAME, FRAME_MAX);
            continue;
        }
        let input = match inputs.recv_timeout(next - now) {
            Ok(input) => input,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        // What came meanwhile is drawn once.
        for input in std::iter::once(input).chain(inputs.try_iter()) {
            if take(terminal, model, input, host)? {
                return Ok(());
            }
        }
        draw(terminal, model)?;
    }
}

/// CPU time of this thread: on a busy machine what it takes by the clock says little.
fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.cast_unsigned(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// Takes an input; tells whether it was the last one.
fn take<B: Backend>(
    terminal: &mut Terminal<B>,
    model: &mut Model,
    input: Input,
    host: &mut dyn Host,
) -> Result<bool> {
    let message = match input {
        Input::End => return Ok(true),
        Input::Suspend => Some(Message::Suspend),
        Input::Continued => {
            clear(terminal)?;
            None
        }
        Input::Terminal(event) => keys::message(&event, model.mode()),
    };
    let Some(message) = message else {
        return Ok(false);
    };
    match update(model, message) {
        Effect::None => {}
        Effect::Quit => return Ok(true),
        Effect::Suspend => {
            host.suspend()?;
            clear(terminal)?;
        }
        Effect::Export(format) => {
            let said = host.export(model, format);
            update(model, Message::Say(said));
        }
    }
    Ok(false)
}

/// Has everything drawn anew. The terminal's own way asks where the cursor is, and the
/// answer would go to whoever reads keys.
fn clear<B: Backend>(terminal: &mut Terminal<B>) -> Result<()> {
    terminal.swap_buffers();
    let cleared = terminal.backend_mut().clear();
    cleared.context(|| "clear the terminal".into())
}

/// Draws the model, of the size that the terminal has by now: it may be another one before we
/// are told so.
fn draw<B: Backend>(terminal: &mut Terminal<B>, model: &mut Model) -> Result<()> {
    loop {
        let mut size = model.size;
        let drawn = terminal.draw(|frame| {
            size = frame.area().as_size();
            if size == model.size {
                view::draw(model, frame.buffer_mut());
            }
        });
        drawn.context(|| "draw on the terminal".into())?;
        if size == model.size {
            return Ok(());
        }
        update(model, Message::Resize(size.width, size.height));
    }
}
