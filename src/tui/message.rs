//! Everything that can happen to the interface.

use super::screen::Screen;
use crate::live::batch::Batch;
use crate::profile::header::Header;
use crate::profile::names::Unnamed;
use crate::profile::tally::Tally;
use crate::profile::totals::Totals;
use crate::time::Timestamp;

/// Something happened.
#[derive(Debug)]
pub enum Message {
    /// The selection is to go somewhere.
    Move(Direction),
    /// Enter: zoom, open, take.
    Enter,
    /// Backspace: back to before.
    Back,
    /// Esc: close what is open.
    Escape,
    /// Another screen is wanted.
    Show(Screen),
    /// The screen to the right is wanted, or to the left.
    Turn(Turn),
    /// Upside down, or back.
    Icicle,
    /// Unfold the hottest path below.
    Unfold,
    /// Ask for something to search.
    Search,
    /// The next match, or the one before.
    Match(Turn),
    /// Ask for something to filter by.
    Filter,
    /// Stop the picture, or go on.
    Pause,
    /// Forget what was sampled so far.
    Reset,
    /// Another window of time.
    Window,
    /// Another order.
    Order,
    /// The same order, backwards.
    Reverse,
    /// Other groups.
    Group,
    /// With or without kernel functions.
    Kernel,
    /// Ask what to export.
    Export,
    /// Export it.
    ExportAs(ExportFormat),
    /// Lines and instructions of the selected function.
    Annotate,
    /// All keys.
    Help,
    /// Other colours.
    Theme,
    /// End.
    Quit,
    /// Stop the process, as Ctrl-Z does.
    Suspend,
    /// A letter was typed where text is asked for.
    Type(char),
    /// The last letter is to go.
    Erase,
    /// All letters are to go.
    EraseAll,
    /// Another kind of answer to what is asked.
    Alternate,
    /// The mouse did something, at a column and a row.
    Mouse(Mouse, u16, u16),
    /// The terminal has another size.
    Resize(u16, u16),
    /// Something became known.
    News(Box<News>),
    /// Time passed.
    Tick(Timestamp),
    /// Something is to be said.
    Say(String),
}

/// Where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the keys are called so")]
pub enum Direction {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
}

/// Forth or back in a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The next one.
    Forth,
    /// The one before.
    Back,
}

/// What a mouse does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// It is somewhere.
    Hover,
    /// The left button goes down.
    Press,
    /// It moves with the left button down.
    Drag,
    /// The left button goes up.
    Release,
    /// The right button goes down.
    PressRight,
    /// The wheel turns away from the hand.
    WheelUp,
    /// The wheel turns towards it.
    WheelDown,
}

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// A flame graph.
    Svg,
    /// Folded stacks.
    Folded,
    /// A recording.
    Recording,
}

/// What became known.
#[derive(Debug, Default)]
pub struct News {
    /// Samples and names.
    pub batches: Vec<Batch>,
    /// How sampling goes.
    pub health: Option<Health>,
    /// What the command wrote.
    pub output: Vec<u8>,
    /// Why nothing more will be sampled.
    pub ended: Option<String>,
    /// Lines to be said, the last one at least.
    pub said: Vec<String>,
    /// Samples that there was no room for while nobody could be shown anything.
    pub unshown: u64,
}

/// How sampling goes, or went.
#[derive(Clone, Debug)]
pub struct Health {
    /// How and where.
    pub header: Header,
    /// What became of the samples.
    pub tally: Tally,
    /// Losses and costs.
    pub totals: Totals,
    /// What a user should know about this way of sampling.
    pub notes: Vec<String>,
    /// CPU time of each of somno's threads, by what it does.
    pub threads: Vec<(String, std::time::Duration)>,
    /// Frames that have names.
    pub named: u64,
    /// Frames that have none, by reason.
    pub unnamed: Vec<(Unnamed, u64)>,
    /// Frames whose names are being looked for.
    pub naming: u64,
}
