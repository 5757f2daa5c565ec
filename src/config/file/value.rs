//! Values of a configuration file as words of a command line.

use std::any::TypeId;
use std::time::Duration;

use clap::{Arg, ArgAction};
use toml::de::DeValue;

use crate::config::rotation::Rotation;

/// Options whose words may be numbers, beside durations.
const NUMBERED: [&str; 2] = ["cpu", "uid"];

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Numbers,
    Words,
    Both,
}

impl Takes {
    fn of(option: &Arg) -> Self {
        let own = option.get_value_parser().type_id();
        let is_one_of = |types: &[TypeId]| types.iter().any(|other| own == *other);
        let numbers = [
            TypeId::of::<u8>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
            TypeId::of::<f64>(),
        ];
        let times = [TypeId::of::<Duration>(), TypeId::of::<Rotation>()];
        let long = option.get_long();
        if is_one_of(&numbers) {
            Self::Numbers
        } else if is_one_of(&times) || long.is_some_and(|long| NUMBERED.contains(&long)) {
            Self::Both
        } else {
            Self::Words
        }
    }

    /// Says it.
    fn name(self) -> &'static str {
        match self {
            Self::Numbers => "a number",
            Self::Words => "a string",
            Self::Both => "a string or a number",
        }
    }
}

/// Reads the value of an option: none where it is to have its default.
///
/// # Errors
/// What it should be, in words.
pub(super) fn read(option: &Arg, value: &DeValue<'_>) -> Result<Vec<String>, &'static str> {
    match (option.get_action(), value) {
        (ArgAction::SetTrue, DeValue::Boolean(true)) => Ok(vec!["true".into()]),
        (ArgAction::SetTrue, DeValue::Boolean(false)) => Ok(Vec::new()),
        (ArgAction::SetTrue, _) => Err("true or false"),
        (ArgAction::Count, DeValue::Integer(times)) => match times.as_str() {
            "0" => Ok(Vec::new()),
            times @ ("1" | "2") => Ok(vec![times.into()]),
            _ => Err("0, 1 or 2"),
        },
        (ArgAction::Count, _) => Err("0, 1 or 2"),
        (ArgAction::Append, DeValue::Array(values)) => {
            let words = values.iter().map(|value| word(option, value.get_ref()));
            let words: Result<Vec<_>, _> = words.collect();
            Ok(words?.into_iter().flatten().collect())
        }
        (ArgAction::Append, value) => match word(option, value) {
            Ok(word) => Ok(word.into_iter().collect()),
            Err("a number") => Err("a number or a list of numbers"),
            Err(_) => Err("a string or a list of strings"),
        },
        (_, value) => Ok(word(option, value)?.into_iter().collect()),
    }
}

/// One value; the empty string stands for the default.
fn word(option: &Arg, value: &DeValue<'_>) -> Result<Option<String>, &'static str> {
    let takes = Takes::of(option);
    match (takes, value) {
        (_, DeValue::String(text)) if text.is_empty() => Ok(None),
        (Takes::Words | Takes::Both, DeValue::String(text)) => Ok(Some(text.clone().into_owned())),
        (Takes::Numbers | Takes::Both, DeValue::Integer(number)) => {
            i64::from_str_radix(number.as_str(), number.radix())
                .map(|number| Some(number.to_string()))
                .map_err(|_| takes.name())
        }
        (Takes::Numbers | Takes::Both, DeValue::Float(number)) => Ok(Some(number.as_str().into())),
        _ => Err(takes.name()),
    }
}
