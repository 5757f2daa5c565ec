//! Pages of the manual: a page for somno and for each sub-command, made of what --help says
//! and of hand-written sections in man/sections, where there are any.

use std::fmt::Write as _;
use std::fs;

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command, CommandFactory as _};
use somno::cli::Cli;

use crate::roff::{bold, example, italic, paragraphs, section, text};
use crate::{check_known, path_of, write_or_compare};

const DIRECTORY: &str = "man";
const SECTIONS: &str = "man/sections";

/// Pages that are written by hand.
const BY_HAND: [&str; 3] = ["somno.7", "somno-recording.5", "somno-stats.5"];

/// What every page has where it has nothing of its own.
const EXIT_STATUS: &str = "\
0 when it is done, 1 when something failed, 2 when what was typed cannot be used.\n";
const SEE_ALSO: &str = ".BR somno (1),\n.BR somno (7)\n";
const OF_ALL: &str = ".PP\nOptions that every sub\\-command has are in\n.BR somno (1).\n";

/// Check that there is a page for every sub-command, with what --help says.
#[test]
fn pages_are_up_to_date() {
    let mut command = Cli::command();
    command.build();
    let subs = command.get_subcommands();
    let subs = subs.filter(|sub| !sub.is_hide_set() && sub.get_name() != "help");
    let mut known = BY_HAND.map(str::to_owned).to_vec();
    let mut parts = Vec::new();
    for command in std::iter::once(&command).chain(subs) {
        let name = format!("{}.1", page_name(command));
        write_or_compare(&format!("{DIRECTORY}/{name}"), &page(command));
        parts.push(format!("{}.man", page_name(command)));
        known.push(name);
    }
    check_known(DIRECTORY, &known);
    check_known(SECTIONS, &parts);
}

/// Check that the page of the format has every field under its number.
#[test]
fn format_is_described() {
    let read = |name: &str| fs::read_to_string(path_of(name)).expect("it is there");
    let (source, page) = (
        read("src/recording/format.rs"),
        read("man/somno-recording.5"),
    );
    let mut fields = 0;
    for part in source.split("tag = \"").skip(1) {
        let number = part.split('"').next().unwrap_or_default();
        let name = part.split("pub(super) ").nth(1).unwrap_or_default();
        let Some((name, _)) = name.split_once(':').filter(|_| !part.contains("enum")) else {
            continue;
        };
        fields += 1;
        let entry = format!(".BR \"{number} {name}\"");
        assert!(page.contains(&entry), "{entry} is missing");
    }
    assert!(fields > 90, "{fields} were found");
}

fn page_name(command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    name.replace(' ', "-")
}

fn page(command: &Command) -> String {
    let name = page_name(command);
    let parts = Parts::read(&name);
    let help = Help::of(command);
    let about = command.get_about().map(ToString::to_string);
    let about = about.unwrap_or_default();
    let described = parts.section("DESCRIPTION");
    let described = described.unwrap_or_else(|| text(&about) + ".\n");
    let mut page = format!(
        ".\\\" Made of --help and of {SECTIONS}/{name}.man: SOMNO_WRITE=1 cargo test --test generated\n\
         .TH {} 1 \"\" somno \"User commands\"\n",
        text(&name.to_uppercase())
    );
    let or = |title: &str, other: &str| parts.section(title).unwrap_or_else(|| other.into());
    page += &section(
        "NAME",
        &format!("{} \\- {}\n", text(&name), text(&lower(&about))),
    );
    page += &section("SYNOPSIS", &synopsis(command));
    page += &section("DESCRIPTION", &described);
    page += &section("OPTIONS", &options(command));
    page += &section("COMMANDS", &sub_commands(command));
    page += &section("EXIT STATUS", &or("EXIT STATUS", EXIT_STATUS));
    page += &parts.others();
    page += &section("NOTES", &or("NOTES", &help.notes));
    page += &section("EXAMPLES", &or("EXAMPLES", &help.examples));
    page + &section("SEE ALSO", &or("SEE ALSO", SEE_ALSO))
}

/// The sections that are written by hand.
struct Parts(Vec<(String, String)>);

/// Those that have a place of their own.
const PLACED: [&str; 5] = [
    "DESCRIPTION",
    "EXIT STATUS",
    "NOTES",
    "EXAMPLES",
    "SEE ALSO",
];

impl Parts {
    fn read(page: &str) -> Self {
        let path = path_of(&format!("{SECTIONS}/{page}.man"));
        let text = fs::read_to_string(path).unwrap_or_default();
        let parts = text.split(".SH ").skip(1).map(|part| {
            let (title, body) = part.split_once('\n').unwrap_or((part, ""));
            (title.to_owned(), body.to_owned())
        });
        Self(parts.collect())
    }

    fn section(&self, title: &str) -> Option<String> {
        let mut parts = self.0.iter();
        parts.find_map(|(known, body)| (known == title).then(|| body.clone()))
    }

    fn others(&self) -> String {
        let others = self.0.iter();
        let others = others.filter(|(title, _)| !PLACED.contains(&&title[..]));
        others.map(|(title, body)| section(title, body)).collect()
    }
}

/// What stands below the options in --help.
struct Help {
    notes: String,
    examples: String,
}

impl Help {
    fn of(command: &Command) -> Self {
        let help = command.get_after_long_help();
        let help = help.or_else(|| command.get_after_help());
        let help = help.map(ToString::to_string).unwrap_or_default();
        let (before, rest) = help.split_once("EXAMPLES:\n").unwrap_or((&help, ""));
        let (examples, after) = rest.split_once("\n\n").unwrap_or((rest, ""));
        let notes = if before.is_empty() { after } else { before };
        let notes: Vec<_> = notes.trim().lines().map(text).collect();
        let example = |lines: &str| match lines {
            "" => String::new(),
            lines => example(lines),
        };
        Self {
            notes: match notes.join("\n") {
                none if none.is_empty() => none,
                notes => notes.replace("\n\n", "\n.PP\n") + "\n",
            },
            examples: example(examples),
        }
    }
}

fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let rest = usage.strip_prefix(name).unwrap_or(usage);
    format!("{}{}\n", bold(name), text(rest))
}

/// Options by heading: those of this sub-command only, which have all been built into it.
fn options(command: &Command) -> String {
    let is_sub = !command.has_subcommands();
    let shown = |option: &&Arg| {
        let is_help = ["help", "version"].contains(&option.get_id().as_str());
        !option.is_hide_set() && !(is_sub && (option.is_global_set() || is_help))
    };
    let shown: Vec<_> = command.get_arguments().filter(shown).collect();
    let mut headings: Vec<_> = shown.iter().map(|arg| arg.get_help_heading()).collect();
    headings.sort_by_key(Option::is_some);
    let mut seen = Vec::new();
    let mut body = String::new();
    for heading in headings {
        if seen.contains(&heading) {
            continue;
        }
        seen.push(heading);
        if let Some(heading) = heading {
            writeln!(body, ".SS {}", text(heading)).expect("a string takes everything");
        }
        let under = shown.iter().filter(|arg| arg.get_help_heading() == heading);
        body.extend(under.map(|option| option_entry(option)));
    }
    body + if is_sub { OF_ALL } else { "" }
}

fn option_entry(option: &Arg) -> String {
    let help = option.get_long_help().or_else(|| option.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let own = option.get_default_values().first();
    let own = own.filter(|_| option.get_action().takes_values());
    let default = own.map_or(String::new(), |own| {
        format!(" [default: {}]", own.display())
    });
    let mut entry = format!(
        ".TP\n{}\n{}",
        header(option),
        paragraphs(&(help + &default))
    );
    let values = option.get_possible_values();
    if option.get_action().takes_values() && values.iter().any(|v| v.get_help().is_some()) {
        entry += ".RS\n";
        entry.extend(
            values
                .iter()
                .filter(|value| !value.is_hide_set())
                .map(value_entry),
        );
        entry += ".RE\n";
    }
    entry
}

fn value_entry(value: &PossibleValue) -> String {
    let help = value.get_help().map(ToString::to_string);
    let help = help.unwrap_or_default();
    format!(".TP\n{}\n{}\n", bold(value.get_name()), text(&help))
}

fn header(option: &Arg) -> String {
    let short = option.get_short().map(|short| bold(&format!("-{short}")));
    let long = option.get_long().map(|long| bold(&format!("--{long}")));
    let spellings: Vec<_> = short.into_iter().chain(long).collect();
    let names = option.get_value_names().unwrap_or_default();
    let values: Vec<_> = names.iter().map(|name| italic(name)).collect();
    let may_be_omitted = option
        .get_num_args()
        .is_some_and(|count| count.min_values() == 0);
    let values = if !option.get_action().takes_values() {
        String::new()
    } else if may_be_omitted && option.get_long().is_some() {
        format!("[{}]", values.join(" "))
    } else {
        values.join(" ")
    };
    let is_repeatable = matches!(option.get_action(), ArgAction::Append);
    let dots = if is_repeatable { " ..." } else { "" };
    let header = format!("{} {values}{dots}", spellings.join(", "));
    header.trim().to_owned()
}

fn sub_commands(command: &Command) -> String {
    let subs = command.get_subcommands();
    let subs = subs.filter(|sub| !sub.is_hide_set() && sub.get_name() != "help");
    let entry = |sub: &Command| {
        let about = sub.get_about().map(ToString::to_string);
        let about = about.unwrap_or_default();
        let name = text(&page_name(sub));
        format!(".TP\n.BR {name} (1)\n{}\n", text(&about))
    };
    subs.map(entry).collect()
}

/// A sentence as a part of one.
fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
