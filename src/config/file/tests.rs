//! Files as users write them.

use clap::{CommandFactory as _, FromArgMatches as _};

use super::*;
use crate::cli::{self, Cli};
use crate::fuzz::Fuzz;

/// What is meant by a file together with what is typed.
fn meant(text: &str, typed: &[&str]) -> Result<Cli> {
    let command = Cli::command();
    let settings = Settings::read(&command, text, "x.toml")?;
    let words = || ["somno"].iter().chain(typed);
    let usage = |error: clap::Error| Error::usage(error.to_string());
    let matches = without_requirements(command.clone())
        .try_get_matches_from(words())
        .map_err(usage)?;
    let command = settings.apply(command, &matches);
    let matches = command.try_get_matches_from(words()).map_err(usage)?;
    Cli::from_arg_matches(&matches).map_err(usage)
}

fn record(text: &str, typed: &[&str]) -> cli::record::Record {
    let words: Vec<_> = ["record"].iter().chain(typed).copied().collect();
    let cli = meant(text, &words).expect("it is valid");
    let cli::Command::Record(record) = cli.command else {
        unreachable!("it is record")
    };
    *record
}

/// Check that every kind of value arrives where nothing is typed, and only in its own
/// sub-command.
#[test]
fn values_arrive() {
    let text = "color = 'never'\nverbose = 2\n\
        [record]\nfreq = 1_999\nno-kernel = true\noutput = ['a.svg', 'b,c.folded']\n\
        duration = '1.5s'\nmin-width = 0.5\n\
        [export]\noutput = 'x.svg'\n[report]\ntop = 0x10\npid = [3, 4]\n";
    let typed = record(text, &["-a"]);
    assert_eq!(
        (typed.sampling.freq, typed.sampling.no_kernel),
        (Some(1999), true)
    );
    assert_eq!(typed.output.len(), 2);
    assert_eq!(
        typed.sampling.duration.map(|time| time.as_millis()),
        Some(1500)
    );
    assert_eq!(typed.format_options.min_width, Some(0.5));

    let cli = meant(text, &["report", "x"]).expect("it is valid");
    assert_eq!((cli.color, cli.verbose), (cli::Color::Never, 2));
    let cli::Command::Report(typed) = cli.command else {
        unreachable!("it is report")
    };
    assert_eq!((typed.top, &typed.filters.pid[..]), (Some(16), &[3, 4][..]));
    assert!(meant(text, &["export", "x"]).is_ok(), "-o is set");
    assert!(meant("", &["export", "x"]).is_err(), "-o is missing");
}

/// Check that a number need not be a string where it is typed as a word.
#[test]
fn numbers_may_be_words() {
    for (text, seconds) in [
        ("duration = 5", 5.0),
        ("duration = 1.5", 1.5),
        ("duration = '5'", 5.0),
        ("duration = '5s'", 5.0),
    ] {
        let typed = record(&format!("[record]\n{text}\n"), &["-a"]);
        let duration = typed.sampling.duration.map(|time| time.as_secs_f64());
        assert_eq!(duration, Some(seconds), "{text}");
    }
    let text = "[record]\nrotate = 60\ncpu = 3\nuid = 1000\noff-cpu = 0\n";
    let typed = record(text, &["-a"]);
    assert_eq!(
        typed.rotate.map(|rotation| rotation.every.as_secs()),
        Some(60)
    );
    let narrowing = &typed.sampling.narrowing;
    assert_eq!(narrowing.cpu.as_deref(), Some("3"));
    assert_eq!(narrowing.uid.as_deref(), Some("1000"));
    assert!(typed.sampling.off_cpu.is_some_and(|min| min.is_zero()));
}

/// Check that what is typed wins, whole lists too, before and after the sub-command.
#[test]
fn what_is_typed_wins() {
    let text = "color = 'never'\n[record]\nfreq = 99\noutput = ['a.svg', 'b.svg']\n";
    let typed = record(text, &["-a", "-F", "7", "-o", "c.svg"]);
    assert_eq!((typed.sampling.freq, typed.output.len()), (Some(7), 1));
    for words in [
        &["--color", "always", "list"][..],
        &["list", "--color=always"],
    ] {
        let cli = meant(text, words).expect("it is valid");
        assert_eq!(cli.color, cli::Color::Always, "{words:?}");
    }
}

/// Check that what is typed silences what conflicts with it.
#[test]
fn conflicts_are_silenced() {
    let typed = record("[record]\nfreq = 99\n", &["-a", "-c", "5"]);
    assert_eq!(
        (typed.sampling.freq, typed.sampling.period),
        (None, Some(5))
    );
    let typed = record("[record]\nperiod = 5\n", &["-a", "-F", "99"]);
    assert_eq!(
        (typed.sampling.freq, typed.sampling.period),
        (Some(99), None)
    );
    let typed = record("[record]\nformat = 'folded'\n", &["-a", "-o", "a.svg"]);
    assert_eq!(typed.format, None);
    let typed = record("[record]\ndebuginfod = true\n", &["-a", "--no-symbols"]);
    assert!(!typed.debuginfod && typed.no_symbols);
    for (text, words) in [
        ("quiet = true", &["-v", "list"][..]),
        (
            "[report]\ntop = 3\nformat = 'json'",
            &["report", "x", "--tree"],
        ),
    ] {
        let cli = meant(text, words).expect("it is valid");
        assert!(!cli.quiet, "{cli:?}");
        if let cli::Command::Report(typed) = cli.command {
            assert_eq!((typed.top, typed.format), (None, cli::doctor::Format::Text));
        }
    }
}

/// Check that an empty value stands for the default.
#[test]
fn empty_is_the_default() {
    let text = "verbose = 0\n[record]\nfreq = ''\ntitle = ''\noutput = []\nno-kernel = false\n";
    let settings = Settings::read(&Cli::command(), text, "x.toml");
    assert_eq!(settings.expect("it is valid"), Settings::default());
}

/// Check that a mistake is refused with exit status 2, its line and what it is.
#[test]
fn mistakes_name_their_line() {
    for (text, line, named) in [
        ("[record]\n\nfrequency = 9", 3, "`frequency` in [record]"),
        (
            "freq = 9",
            1,
            "`freq` outside of tables; it belongs in [record], [live]",
        ),
        (
            "[report]\nfreq = 9",
            2,
            "in [report]; it belongs in [record], [live]",
        ),
        ("[record]\ncolor = 'never'", 2, "before the first table"),
        ("[record]\nfreq = 'max'", 2, "`freq` must be a number"),
        ("[record]\nduration = true", 2, "a string or a number"),
        ("[record]\noff-cpu = 100", 2, "100us"),
        ("[list]\n\n[recrod]\nfreq = 9", 3, "[recrod]"),
        ("[record]\nfreq = '9'", 2, "`freq` must be a number"),
        ("[record]\nfreq = -9", 2, "'-9'"),
        ("[record]\nfreq = 9.5", 2, "'9.5'"),
        ("[record]\ntitle = 9", 2, "`title` must be a string"),
        ("[record]\ntitle = ['a']", 2, "`title` must be a string"),
        ("[record]\noutput = [9]", 2, "a string"),
        ("[record]\nno-kernel = 'yes'", 2, "true or false"),
        ("[record]\n# x\nformat = 'jpeg'", 3, "'jpeg'"),
        ("[record]\nduration = 'soon'", 2, "'soon'"),
        ("[record]\nfreq = 9\nperiod = 9", 3, "--period"),
        ("[record]\nfreq = 9\nfreq = 9", 3, "duplicate"),
        ("[record]\nfreq 9", 2, ""),
        ("[record]\npid = [1]", 2, "`pid`"),
        ("[record]\nall = true", 2, "`all`"),
        ("[record]\nas-root = true", 2, "`as-root`"),
        ("[record]\nno-fault = true", 2, "`no-fault`"),
        ("[record]\nhelp = true", 2, "`help`"),
        ("\nconfig = 'y'", 2, "`config`"),
        ("verbose = 3", 1, "0, 1 or 2"),
        ("color = 'red'", 1, "'red'"),
        ("[[record]]\nfreq = 9", 1, "`record`"),
    ] {
        let command = Cli::command();
        let error = Settings::read(&command, text, "x.toml").expect_err(text);
        let message = error.to_string();
        assert_eq!(error.kind().exit_status(), 2, "{text}");
        let place = format!("`x.toml`, line {line}: ");
        assert!(message.starts_with(&place), "{text:?}: {message}");
        assert!(message.contains(named), "{text:?}: {message}");
    }
}

/// Check that whatever stands in a file is understood, or refused by its name and a line.
#[test]
fn damage_is_harmless() {
    let text = b"color = 'never'\n[record]\nfreq = 1_999\nno-kernel = true\n\
        output = ['a.svg', 'b,c.folded']\nduration = '1.5s'\n[report]\ntop = 0x10\n";
    let command = Cli::command();
    Fuzz::of(&[text])
        .with_memory(16 << 20)
        .one_in(10)
        .run(|bytes| {
            let text = String::from_utf8_lossy(bytes);
            if let Err(error) = Settings::read(&command, &text, "x.toml") {
                let message = error.to_string();
                assert!(message.starts_with("`x.toml`, line "), "{message}");
                assert!(!message.chars().any(char::is_control), "{message:?}");
            }
        });
}
