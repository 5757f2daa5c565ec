//! What to type instead of what cannot be used, for those who have perf in their fingers.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Error};

use super::Cli;
use crate::text;

/// How clap's advice to put `--` before an unknown option begins.
const ASTRAY: &str = "to pass ";
/// How clap calls the command that is run.
const COMMAND: &str = "[COMMAND]";

type Words = &'static [&'static str];

/// Of which sub-commands this is known.
const CAPTURE: Words = &["record", "live"];
const READ: Words = &["report", "annotate", "export", "view"];
const REPORT: Words = &["report"];
/// Where a sub-command is expected.
const SOMNO: &str = "somno";

/// What users of perf type, where, and what to say to it.
const HABITS: &[(Words, Words, &str)] = &[
    (
        CAPTURE,
        &["-g", "--call-graph"],
        "stacks are always taken, and need no option",
    ),
    (CAPTURE, &["--count"], "that is `-c N` or `--period N`"),
    (CAPTURE, &["-D"], "that is `--delay 500ms`"),
    (CAPTURE, &["-G"], "that is `--cgroup CGROUP`"),
    (CAPTURE, &["-i"], "that is `--no-inherit`"),
    (
        CAPTURE,
        &["--all-user"],
        "`--no-kernel` leaves out kernel frames",
    ),
    (
        CAPTURE,
        &["--exclude-perf"],
        "somno never samples itself, which needs no option",
    ),
    (&["record"], &["--switch-output"], "that is `--rotate 60s`"),
    (
        READ,
        &["-i", "--input"],
        "the recording is an argument, without an option before it",
    ),
    (
        &["report", "annotate"],
        &["--stdio", "--stdio2"],
        "text is what it shows, and needs no option",
    ),
    (
        &["report", "annotate"],
        &["--tui", "--gtk"],
        "`somno view FILE` shows it in the terminal interface",
    ),
    (
        REPORT,
        &["-g", "--call-graph", "-G"],
        "`--tree` shows who calls whom, `--callers RE` who calls a function",
    ),
    (
        REPORT,
        &["-s", "--sort", "-F", "--fields"],
        "`--group process`, thread or cpu is what samples are put together by; `--module RE`, \
         `--function RE` and `--comm RE` choose among them",
    ),
    (
        REPORT,
        &["--children", "--no-children"],
        "self and total are both shown, which needs no option",
    ),
    (REPORT, &["-d", "--dso", "--dsos"], "that is `--module RE`"),
    (REPORT, &["-c", "--comms"], "that is `--comm RE`"),
    (REPORT, &["-S", "--symbols"], "that is `--function RE`"),
    (
        REPORT,
        &["--percent-limit"],
        "`--top N` shows so many functions",
    ),
    (&[SOMNO], &["top"], "that is `somno live -a`"),
    (
        &[SOMNO],
        &["script"],
        "that is `somno export FILE -o - --format perf-script`",
    ),
];

/// Adds the next step to what clap says of these words, where one is known, and takes out
/// advice that leads astray: what stands behind `--` would be run, or opened as a file.
#[must_use]
pub fn guide(mut error: Error, words: &[OsString]) -> Error {
    let mut tips = match error.remove(ContextKind::Suggested) {
        Some(ContextValue::StyledStrs(tips)) => tips,
        _ => Vec::new(),
    };
    tips.retain(|tip| !tip.to_string().starts_with(ASTRAY));
    if let Some(hint) = hint(&error, words) {
        // a name that only looks alike
        error.remove(ContextKind::SuggestedArg);
        tips = vec![hint.into()];
    }
    if !tips.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

fn hint(error: &Error, words: &[OsString]) -> Option<String> {
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let typed = said(error, ContextKind::InvalidArg)?;
            habit(sub_command(words), typed).or_else(|| negative(typed))
        }
        ErrorKind::InvalidSubcommand => habit(SOMNO, said(error, ContextKind::InvalidSubcommand)?),
        ErrorKind::ArgumentConflict => for_so_long(error),
        ErrorKind::ValueValidation => behind_dashes(error),
        _ => None,
    }
}

/// What clap says of an error, where that is one thing.
fn said(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.as_str()),
        _ => None,
    }
}

/// The sub-command among these words, or the whole where there is none.
fn sub_command(words: &[OsString]) -> &str {
    let command = Cli::command();
    let mut names = words.iter().skip(1).filter_map(|word| word.to_str());
    names
        .find(|name| command.find_subcommand(name).is_some())
        .unwrap_or(SOMNO)
}

fn habit(command: &str, typed: &str) -> Option<String> {
    let is_it = |(commands, words, _): &&(Words, Words, &str)| {
        commands.contains(&command) && words.contains(&typed)
    };
    let (_, _, instead) = HABITS.iter().find(is_it)?;
    Some((*instead).to_owned())
}

/// `-1`, which looks like an option.
fn negative(typed: &str) -> Option<String> {
    let value = typed.strip_prefix('-')?;
    let is_number = value.starts_with(|c: char| c.is_ascii_digit());
    is_number.then(|| "no option takes a negative value".into())
}

/// perf takes a command beside another target to say for how long.
fn for_so_long(error: &Error) -> Option<String> {
    let mut kinds = [ContextKind::InvalidArg, ContextKind::PriorArg].into_iter();
    let is_command = |value: &ContextValue| value.to_string().contains(COMMAND);
    let has_command = kinds.any(|kind| error.get(kind).is_some_and(is_command));
    has_command.then(|| "`-d 1s` samples for so long, without a command".into())
}

/// A command is taken for the value of an option before it, where that may have none.
fn behind_dashes(error: &Error) -> Option<String> {
    let (option, _) = said(error, ContextKind::InvalidArg)?.split_once(" [<")?;
    let value = said(error, ContextKind::InvalidValue)?;
    let is_number = value.starts_with(|c: char| c.is_ascii_digit());
    let value = text::clean(value);
    (!is_number).then(|| format!("before a command write `--`: `{option} -- {value}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    /// What is said to a line that cannot be used.
    fn said_to(line: &str) -> String {
        let words: Vec<_> = line.split(' ').map(OsString::from).collect();
        let error = Cli::try_parse_from(&words).expect_err(line);
        guide(error, &words).to_string()
    }

    /// Check that what users of perf type is answered by what does it here.
    #[test]
    fn habits_are_answered() {
        for (line, named) in [
            ("somno record -a sleep 1", "`-d 1s`"),
            ("somno record -p 1 -- sleep 1", "`-d 1s`"),
            ("somno live -t 1 sleep 1", "`-d 1s`"),
            ("somno record -g -- true", "always taken"),
            ("somno record -ag", "always taken"),
            ("somno record --call-graph dwarf -- true", "always taken"),
            ("somno -v live --call-graph=fp -a", "always taken"),
            ("somno record -a -d -1s", "negative"),
            ("somno record --off-cpu ./work 1", "`--off-cpu -- ./work`"),
            ("somno record --wall make", "`--wall -- make`"),
            ("somno report -i x.somno", "an argument"),
            ("somno annotate --input=x.somno f", "an argument"),
            ("somno report --stdio x.somno", "needs no option"),
            ("somno report x.somno --sort dso", "--group"),
            ("somno report x.somno -scomm", "--group"),
            ("somno report x.somno -g", "--tree"),
            ("somno top", "somno live"),
            ("somno script", "perf-script"),
        ] {
            let said = said_to(line);
            assert!(said.contains("  tip: "), "{line}: {said}");
            assert!(said.contains(named), "{line}: {said}");
        }
    }

    /// Check that no other advice is given than there was, and none that leads astray.
    #[test]
    fn advice_does_not_lead_astray() {
        for (line, advice) in [
            ("somno record -g -- true", 1),
            ("somno record --call-graph dwarf", 1),
            ("somno record -x -- true", 0),
            ("somno record -a -p 1", 0),
            ("somno record -a --off-cpu 100", 0),
            ("somno report x.somno --tre", 1),
            ("somno report x.somno y", 0),
            ("somno reprot x.somno", 1),
        ] {
            let said = said_to(line);
            assert_eq!(said.matches("tip: ").count(), advice, "{line}: {said}");
            assert!(!said.contains(ASTRAY), "{line}: {said}");
        }
    }

    /// Check that what is answered is not an option here.
    #[test]
    fn habits_are_not_options() {
        let mut command = Cli::command();
        command.build();
        for (commands, words, _) in HABITS {
            for name in commands.iter().filter(|name| **name != SOMNO) {
                let sub = command.find_subcommand(name).expect("it is a sub-command");
                let mut options = sub.get_arguments();
                let known = options.find(|option| {
                    let long = option.get_long().map(|long| format!("--{long}"));
                    let short = option.get_short().map(|short| format!("-{short}"));
                    let mut spelled = long.into_iter().chain(short);
                    spelled.any(|spelled| words.contains(&spelled.as_str()))
                });
                assert!(known.is_none(), "{name}: {known:?}");
            }
        }
    }
}
