//! What went wrong, why, and what to do next.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};

use crate::text;

/// A result whose error a person will read.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is: it decides the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An operation failed (exit status 1).
    Failed,
    /// The arguments cannot be used (2).
    Usage,
    /// The command cannot be executed (126).
    NotExecutable,
    /// The command was not found (127).
    NotFound,
}

impl Kind {
    /// The exit status, as a shell would give it.
    #[must_use]
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
        }
    }
}

/// A failure: "failed to do this: because of that", and perhaps the next step.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    hint: Option<String>,
}

impl Error {
    /// Makes an error of an operation that failed.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// Makes an error of arguments that cannot be used.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Makes an error of any kind.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: text::clean(&message.into()),
            hint: None,
        }
    }

    /// Adds the next step for whoever reads it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(text::clean(&hint.into()));
        self
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the next step, where one is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {}

/// Says what was being done when something failed.
pub trait Context<T> {
    /// Turns the failure into "failed to {operation}: {why}".
    ///
    /// # Errors
    /// The failure, with its context.
    fn context(self, operation: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: StdError> Context<T> for std::result::Result<T, E> {
    fn context(self, operation: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| {
            let mut message = format!("failed to {}: {error}", operation());
            let mut cause = error.source();
            while let Some(inner) = cause {
                write!(message, ": {inner}").expect("a string takes everything");
                cause = inner.source();
            }
            Error::failed(message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// Check that a message says what was tried and why it failed.
    #[test]
    fn context_names_operation_and_cause() {
        let error = Err::<(), _>(io::Error::other("no such thing"))
            .context(|| "open `x`".into())
            .expect_err("it is an error");
        assert_eq!(error.to_string(), "failed to open `x`: no such thing");
        assert_eq!(error.kind().exit_status(), 1);
    }
}
