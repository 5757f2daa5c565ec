//! A line of text that is asked for.

/// Letters of an answer.
const LETTERS_MAX: usize = 200;

/// What is asked for, and what was typed so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What for.
    pub purpose: Purpose,
    /// What was typed.
    pub text: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To search functions.
    Search,
    /// To see nothing but some.
    Filter(FilterBy),
}

/// What a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterBy {
    /// Stacks with a function.
    Function,
    /// Processes, by name or number.
    Process,
    /// Threads, by name or number.
    Thread,
}

impl Prompt {
    /// Asks, with an answer to begin with.
    #[must_use]
    pub fn new(purpose: Purpose, text: &str) -> Self {
        Self {
            purpose,
            text: text.into(),
            error: None,
        }
    }

    /// Takes a letter.
    pub fn push(&mut self, letter: char) {
        if !letter.is_control() && self.text.chars().count() < LETTERS_MAX {
            self.text.push(letter);
            self.error = None;
        }
    }

    /// Gives the last letter back.
    pub fn pop(&mut self) {
        self.text.pop();
        self.error = None;
    }

    /// Gives all letters back.
    pub fn clear(&mut self) {
        self.text.clear();
        self.error = None;
    }

    /// What is asked, in a few words.
    #[must_use]
    pub fn question(&self) -> String {
        match self.purpose {
            Purpose::Search => "/".into(),
            Purpose::Filter(by) => format!("filter by {} (Tab: another): ", by.word()),
        }
    }
}

impl FilterBy {
    /// The next one, in a circle.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Function => Self::Process,
            Self::Process => Self::Thread,
            Self::Thread => Self::Function,
        }
    }

    /// What it looks at, in a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Process => "process",
            Self::Thread => "thread",
        }
    }
}
