//! The configuration file: options that are not typed.
//!
//! TOML (<https://toml.io/en/v1.0.0>): a table for each sub-command, whose keys are the long
//! names of its options; those of every sub-command stand before the first table. A file is
//! read against clap's own definitions, so that an option is spelled in one place, and what
//! it sets are defaults of theirs: what is typed wins.

#[cfg(test)]
mod tests;
mod value;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Id};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Result};

/// Options that no file sets: what to sample is typed, and so is whom a command runs as.
const TYPED_ONLY: [&str; 2] = ["as-root", "config"];
const TARGETS: &str = "Targets";

/// Pairs of which one that is typed silences the other one of the file, beside those that
/// clap knows to conflict.
const SILENCES: [(&str, &str); 4] = [
    ("verbose", "quiet"),
    ("output", "format"),
    ("tree", "format"),
    ("callers", "format"),
];

/// What a file sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// The sub-command; none for options of all of them.
    table: Option<String>,
    option: Id,
    long: String,
    values: Vec<String>,
    line: usize,
}

/// Whether a file may set an option.
#[must_use]
pub fn is_configurable(option: &Arg) -> bool {
    let is_target = option.get_help_heading() == Some(TARGETS);
    let long = option.get_long();
    !is_target && !option.is_hide_set() && long.is_some_and(|long| !TYPED_ONLY.contains(&long))
}

impl Settings {
    /// Reads the text of a file that messages call by this name.
    ///
    /// # Errors
    /// Usage errors that name the line: what is no TOML, unknown keys, and values that the
    /// option would not take.
    pub fn read(command: &Command, text: &str, name: &str) -> Result<Self> {
        let refuse = |line: usize, why: &str| Error::usage(format!("`{name}`, line {line}: {why}"));
        let table = DeTable::parse(text).map_err(|error| {
            let begin = error.span().map_or(0, |span| span.start);
            refuse(line_of(text, begin), error.message())
        })?;
        let mut reading = Reading {
            root: command,
            text,
            entries: Vec::new(),
        };
        reading
            .read_root(table.get_ref())
            .map_err(|(line, why)| refuse(line, &why))?;
        let settings = Self {
            entries: reading.entries,
        };
        settings
            .check(command)
            .map_err(|(line, why)| refuse(line, &why))?;
        Ok(settings)
    }

    /// Makes what the file sets defaults of the sub-command that was typed, but for options
    /// that were typed too, or that conflict with one that was.
    #[must_use]
    pub fn apply(&self, command: Command, typed: &ArgMatches) -> Command {
        let mut command = command;
        for entry in self.that_count(&command, typed) {
            let set = |option: Arg| option.default_values(&entry.values).required(false);
            command = match &entry.table {
                None => command.mut_arg(&entry.option, set),
                Some(table) => command.mut_subcommand(table, |sub| sub.mut_arg(&entry.option, set)),
            };
        }
        command
    }

    /// The options that the file sets for what was typed, as they would be typed.
    #[must_use]
    pub fn names(&self, command: &Command, typed: &ArgMatches) -> Vec<String> {
        let counting = self.that_count(command, typed);
        counting.map(|entry| format!("--{}", entry.long)).collect()
    }

    fn that_count<'a>(
        &'a self,
        command: &Command,
        typed: &ArgMatches,
    ) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let chosen = typed.subcommand();
        let counts = |entry: &&Entry| match (&entry.table, chosen) {
            (None, _) => !is_settled(command, typed, entry),
            (Some(table), Some((name, typed))) if table == name => command
                .find_subcommand(name)
                .is_some_and(|command| !is_settled(command, typed, entry)),
            _ => false,
        };
        let counting: Vec<_> = self.entries.iter().filter(counts).collect();
        counting.into_iter()
    }

    /// Has clap look at every table as if it had been typed.
    fn check(&self, command: &Command) -> Result<(), (usize, String)> {
        let command = without_requirements(command.clone());
        let tables = self.entries.iter().map(|entry| &entry.table);
        let mut tables: Vec<_> = tables.collect();
        tables.dedup();
        for table in tables {
            let entries = self.entries.iter().filter(|entry| entry.table == *table);
            let entries: Vec<_> = entries.collect();
            if try_typing(&command, &entries).is_ok() {
                continue;
            }
            for count in 1..=entries.len() {
                try_typing(&command, &entries[..count])
                    .map_err(|error| (entries[count - 1].line, explain(&error)))?;
            }
        }
        Ok(())
    }
}

/// A file that is being read.
struct Reading<'a> {
    root: &'a Command,
    text: &'a str,
    entries: Vec<Entry>,
}

type Refused = (usize, String);

impl Reading<'_> {
    fn read_root(&mut self, table: &DeTable<'_>) -> Result<(), Refused> {
        let root = self.root;
        for (key, value) in in_order(table) {
            let name = key.get_ref().as_ref();
            match (value.get_ref(), root.find_subcommand(name)) {
                (DeValue::Table(table), Some(sub)) => self.read_table(sub, table)?,
                (DeValue::Table(_), None) => {
                    return Err((self.line(key), format!("unknown table [{name}]")));
                }
                _ => self.read_entry(root, None, key, value)?,
            }
        }
        Ok(())
    }

    fn read_table(&mut self, command: &Command, table: &DeTable<'_>) -> Result<(), Refused> {
        for (key, value) in in_order(table) {
            self.read_entry(command, Some(command.get_name()), key, value)?;
        }
        Ok(())
    }

    fn read_entry(
        &mut self,
        command: &Command,
        table: Option<&str>,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), Refused> {
        let name = key.get_ref().as_ref();
        let line = self.line(key);
        let mut options = command.get_arguments();
        let known = options.find(|option| option.get_long() == Some(name));
        let Some(option) = known.filter(|option| is_configurable(option)) else {
            let place = table.map_or_else(|| "outside of tables".into(), |t| format!("in [{t}]"));
            // what this sub-command has, but takes from no file, is not sought elsewhere
            let home = known.map_or_else(|| self.home(name), |_| String::new());
            return Err((line, format!("unknown key `{name}` {place}{home}")));
        };
        let values = value::read(option, value.get_ref())
            .map_err(|expected| (line, format!("`{name}` must be {expected}")))?;
        if !values.is_empty() {
            self.entries.push(Entry {
                table: table.map(str::to_owned),
                option: option.get_id().clone(),
                long: name.to_owned(),
                values,
                line,
            });
        }
        Ok(())
    }

    /// Where a key would be known, in words; nothing where that is nowhere.
    fn home(&self, name: &str) -> String {
        let takes = |command: &Command| {
            let mut options = command.get_arguments();
            options.any(|option| option.get_long() == Some(name) && is_configurable(option))
        };
        if takes(self.root) {
            return "; it belongs before the first table".into();
        }
        let tables = self.root.get_subcommands().filter(|&sub| takes(sub));
        let tables: Vec<_> = tables.map(|sub| format!("[{}]", sub.get_name())).collect();
        if tables.is_empty() {
            return String::new();
        }
        format!("; it belongs in {}", tables.join(", "))
    }

    fn line<T>(&self, at: &Spanned<T>) -> usize {
        line_of(self.text, at.span().start)
    }
}

/// A table's entries as they stand in the file.
fn in_order<'a, 'i>(
    table: &'a DeTable<'i>,
) -> Vec<(
    &'a Spanned<toml::de::DeString<'i>>,
    &'a Spanned<DeValue<'i>>,
)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// The line of a byte, from 1 on.
fn line_of(text: &str, begin: usize) -> usize {
    let before = text.as_bytes().iter().take(begin);
    before.filter(|&&byte| byte == b'\n').count() + 1
}

/// Whether what was typed leaves no room for an entry.
fn is_settled(command: &Command, typed: &ArgMatches, entry: &Entry) -> bool {
    let find = |id: &Id| command.get_arguments().find(|option| option.get_id() == id);
    let Some(option) = find(&entry.option) else {
        return false;
    };
    let is_typed = |other: &&Arg| {
        typed.value_source(other.get_id().as_str()) == Some(ValueSource::CommandLine)
    };
    let mut others = command.get_arguments().filter(is_typed);
    others.any(|other| {
        other.get_id() == option.get_id()
            || command.get_arg_conflicts_with(option).contains(&other)
            || command.get_arg_conflicts_with(other).contains(&option)
            || is_silenced(other, option)
    })
}

fn is_silenced(typed: &Arg, option: &Arg) -> bool {
    let (Some(typed), Some(option)) = (typed.get_long(), option.get_long()) else {
        return false;
    };
    SILENCES.contains(&(typed, option)) || SILENCES.contains(&(option, typed))
}

/// The same command with nothing that has to be typed.
#[must_use]
pub fn without_requirements(command: Command) -> Command {
    let groups = command.get_groups().map(|group| group.get_id().clone());
    let groups: Vec<_> = groups.collect();
    let command = groups.into_iter().fold(command, |command, group| {
        command.mut_group(group, |group| group.required(false))
    });
    command
        .mut_args(|option| option.required(false))
        .mut_subcommands(without_requirements)
}

/// Parses entries of one table as if they had been typed.
fn try_typing(command: &Command, entries: &[&Entry]) -> Result<(), clap::Error> {
    let table = entries.first().and_then(|entry| entry.table.clone());
    let options = entries.iter().flat_map(|entry| entry.typed(command));
    let words = [command.get_name().to_owned()];
    // Options of all sub-commands are tried with one that takes nothing.
    let table = table.unwrap_or_else(|| "list".into());
    let words = words.into_iter().chain([table]).chain(options);
    command.clone().try_get_matches_from(words).map(|_| ())
}

impl Entry {
    /// How it would be typed.
    fn typed(&self, command: &Command) -> Vec<String> {
        let command = match &self.table {
            Some(table) => command.find_subcommand(table),
            None => Some(command),
        };
        let mut options = command.iter().flat_map(|command| command.get_arguments());
        let option = options.find(|option| *option.get_id() == self.option);
        let takes_values = option.is_some_and(|option| option.get_action().takes_values());
        if takes_values {
            let values = self.values.iter();
            return values
                .map(|value| format!("--{}={value}", self.long))
                .collect();
        }
        vec![format!("--{}", self.long)]
    }
}

/// What clap says, without the advice for whoever typed it.
fn explain(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().take_while(|line| !line.is_empty());
    let lines: Vec<_> = lines.map(str::trim).collect();
    let said = lines.join(" ");
    said.strip_prefix("error: ").unwrap_or(&said).to_owned()
}
