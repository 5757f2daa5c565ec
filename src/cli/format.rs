//! How formats are spelled.

use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::config::output::OutputFormat;

impl ValueEnum for OutputFormat {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<OutputFormat>> = LazyLock::new(|| OutputFormat::all().collect());
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.description()))
    }
}

/// Reads the name of a format that a recording can be exported to.
pub(super) fn exported() -> impl TypedValueParser<Value = OutputFormat> {
    let values = OutputFormat::exported().filter_map(|format| format.to_possible_value());
    PossibleValuesParser::new(values).try_map(|name| OutputFormat::from_str(&name, false))
}
