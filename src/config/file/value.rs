//! Values of a configuration file as words of a command line.

use std::any::TypeId;

use clap::{Arg, ArgAction};
use toml::de::DeValue;

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
    match (is_number(option), value) {
        (_, DeValue::String(text)) if text.is_empty() => Ok(None),
        (false, DeValue::String(text)) => Ok(Some(text.clone().into_owned())),
        (false, _) => Err("a string"),
        (true, DeValue::Integer(number)) => i64::from_str_radix(number.as_str(), number.radix())
            .map(|number| Some(number.to_string()))
            .map_err(|_| "a number"),
        (true, DeValue::Float(number)) => Ok(Some(number.as_str().into())),
        (true, _) => Err("a number"),
    }
}

fn is_number(option: &Arg) -> bool {
    let own = option.get_value_parser().type_id();
    let numbers = [
        TypeId::of::<u8>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
        TypeId::of::<f64>(),
    ];
    numbers.iter().any(|number| own == *number)
}
