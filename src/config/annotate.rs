//! What `somno annotate` is to do.

use std::path::PathBuf;

use regex::Regex;

use super::filters::expression;
use crate::cli::annotate::Annotate;
use crate::error::{Error, Result};

/// What `somno annotate` is to do.
#[derive(Clone, Debug)]
pub struct AnnotateConfig {
    /// The recording.
    pub file: PathBuf,
    /// Which functions.
    pub function: Regex,
}

impl AnnotateConfig {
    /// Validates what was typed.
    ///
    /// # Errors
    /// Usage errors that name the value.
    pub fn new(typed: Annotate) -> Result<Self> {
        let function = expression("FUNCTION-RE", Some(&typed.function))?;
        Ok(Self {
            file: typed.file,
            function: function.ok_or_else(|| Error::usage("FUNCTION-RE is missing"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that a bad expression is refused with exit status 2.
    #[test]
    fn expressions_are_checked() {
        let config = |function: &str| {
            AnnotateConfig::new(Annotate {
                file: "x.somno".into(),
                function: function.into(),
            })
        };
        assert!(config("^f$").is_ok());
        let error = config("(").expect_err("it is not closed");
        assert_eq!(error.kind().exit_status(), 2);
        assert!(error.to_string().contains("FUNCTION-RE"));
    }
}
