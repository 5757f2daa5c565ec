//! The annotated sample of a configuration file, made of what --help says.

use std::fmt::Write as _;

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command, CommandFactory as _, FromArgMatches as _};
use somno::cli::{self, Cli};
use somno::config::annotate::AnnotateConfig;
use somno::config::diff::DiffConfig;
use somno::config::dump::DumpConfig;
use somno::config::export::ExportConfig;
use somno::config::file::{Settings, is_configurable, without_requirements};
use somno::config::report::ReportConfig;
use somno::config::{LiveConfig, RecordConfig};

use crate::write_or_compare;

const NAME: &str = "assets/somno.toml";

const HEAD: &str = "\
# Options of somno that are not typed: a sample, in which every option has its default.
#
# Read from --config FILE; or else from somno/somno.toml in $XDG_CONFIG_HOME, which is ~/.config
# where that is not set; or else from /etc/somno.toml. One file is read, the first that is there.
# Under sudo the first is root's; root ignores a file that others can change.
#
# Keys are the long names of options; [record] has those of `somno record`, and so on. What is
# typed wins, and silences what conflicts with it here. An empty string or list stands for the
# default. What to sample is always typed.
";

/// What is typed of each sub-command, at least.
const TYPED: [(&str, &[&str]); 11] = [
    ("record", &["-a"]),
    ("live", &["-a"]),
    ("view", &["x.somno"]),
    ("report", &["x.somno"]),
    ("annotate", &["x.somno", "f"]),
    ("diff", &["a.somno", "b.somno"]),
    ("export", &["x.somno", "-o", "y.svg"]),
    ("dump", &["-a"]),
    ("list", &[]),
    ("doctor", &[]),
    ("completions", &["bash"]),
];

/// Check that the sample has every option that a file may set, as --help describes it.
#[test]
fn sample_is_up_to_date() {
    write_or_compare(NAME, &sample());
}

/// Check that what the sample shows is what is done without it.
#[test]
fn sample_equals_the_defaults() {
    let text = uncommented(&sample());
    let command = Cli::command();
    let sample = Settings::read(&command, &text, NAME).expect("it is valid");
    assert_ne!(sample, Settings::default(), "it sets nothing");
    for sub in command.get_subcommands() {
        let name = sub.get_name();
        let typed = TYPED.iter().find(|(known, _)| *known == name);
        let (_, words) = typed.unwrap_or_else(|| panic!("add {name} to what is typed"));
        let words = || ["somno", name].into_iter().chain(words.iter().copied());
        let typed = without_requirements(command.clone())
            .try_get_matches_from(words())
            .expect("it is valid");
        let meant = |command: Command| {
            let matches = command.try_get_matches_from(words()).expect("it is valid");
            meant(Cli::from_arg_matches(&matches).expect("it is valid"))
        };
        let (with, without) = (sample.apply(command.clone(), &typed), command.clone());
        assert_eq!(meant(with), meant(without), "{name}");
    }
}

/// What a command line means, in words that can be compared.
fn meant(cli: Cli) -> String {
    let of_all = (cli.verbose, cli.quiet, cli.color, cli.no_pager);
    let of_command = match cli.command {
        cli::Command::Record(typed) => {
            format!("{:?}", RecordConfig::new(*typed, |_| None).expect("valid"))
        }
        cli::Command::Live(typed) => {
            format!("{:?}", LiveConfig::new(*typed, |_| None).expect("valid"))
        }
        cli::Command::View(typed) => format!("{typed:?}"),
        cli::Command::Report(typed) => format!("{:?}", ReportConfig::new(*typed).expect("valid")),
        cli::Command::Annotate(typed) => {
            format!("{:?}", AnnotateConfig::new(typed).expect("valid"))
        }
        cli::Command::Diff(typed) => format!("{:?}", DiffConfig::new(*typed).expect("valid")),
        cli::Command::Export(typed) => format!("{:?}", ExportConfig::new(*typed).expect("valid")),
        cli::Command::Dump(typed) => {
            format!("{:?}", DumpConfig::new(&typed, |_| None).expect("valid"))
        }
        cli::Command::List(typed) => format!("{typed:?}"),
        cli::Command::Doctor(typed) => format!("{typed:?}"),
        cli::Command::Completions(typed) => format!("{typed:?}"),
    };
    format!("{of_all:?} {of_command}")
}

/// The sample with everything in it said in earnest.
fn uncommented(sample: &str) -> String {
    let lines = sample.lines().map(|line| match line.strip_prefix('#') {
        Some(entry) if entry.starts_with(|c: char| c.is_ascii_lowercase()) => entry,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn sample() -> String {
    let command = Cli::command();
    let mut text = HEAD.to_owned();
    write_options(&mut text, &command);
    for sub in command.get_subcommands() {
        if sub.get_arguments().any(is_configurable) {
            write!(text, "\n[{}]\n", sub.get_name()).expect("a string takes everything");
            write_options(&mut text, sub);
        }
    }
    text
}

fn write_options(text: &mut String, command: &Command) {
    for option in command
        .get_arguments()
        .filter(|&option| is_configurable(option))
    {
        let help = option.get_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let (help, default) = match help.split_once(" [default: ") {
            Some((help, default)) => (help, default.trim_end_matches(']')),
            None => (&help[..], ""),
        };
        let mut note = help.trim_end_matches(" [off]").to_owned();
        let names = option.get_possible_values();
        let names: Vec<_> = names.iter().map(PossibleValue::get_name).collect();
        if option.get_action().takes_values() && !names.is_empty() {
            write!(note, ": {}", names.join(", ")).expect("a string takes everything");
        }
        if default.contains(' ') {
            write!(note, " [{default}]").expect("a string takes everything");
        }
        text.push('\n');
        for line in wrapped(&note) {
            writeln!(text, "# {line}").expect("a string takes everything");
        }
        let long = option.get_long().unwrap_or_default();
        let value = value(option, default);
        writeln!(text, "#{long} = {value}").expect("a string takes everything");
    }
}

/// An option's default as TOML; of what has none that can be written, nothing.
fn value(option: &Arg, default: &str) -> String {
    let own = option.get_default_values().first();
    let default = own.map_or(default.into(), |own| own.to_string_lossy());
    match option.get_action() {
        ArgAction::SetTrue => "false".into(),
        ArgAction::Count => "0".into(),
        ArgAction::Append => "[]".into(),
        _ if default.parse::<f64>().is_ok() => default.into_owned(),
        _ if default.contains(' ') => "\"\"".into(),
        _ => format!("{default:?}"),
    }
}

/// Lines of at most 98 characters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is one");
        if !line.is_empty() && line.len() + 1 + word.len() > 98 {
            lines.push(word.into());
        } else {
            let space = if line.is_empty() { "" } else { " " };
            line.push_str(space);
            line.push_str(word);
        }
    }
    lines
}
