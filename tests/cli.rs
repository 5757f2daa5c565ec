//! The command line, as far as it goes without privileges.

use std::process::{Command, Output, Stdio};

/// Runs somno as if this user had configured nothing.
fn somno(arguments: &[&str]) -> Output {
    somno_of("/nonexistent", arguments)
}

/// Runs somno with this directory of configurations.
fn somno_of(configurations: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_somno"))
        .args(arguments)
        .env("XDG_CONFIG_HOME", configurations)
        .stdin(Stdio::null())
        .output()
        .expect("somno can be run")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Check that what cannot be meant is refused with status 2 and a message on standard
/// error that names the value.
#[test]
fn usage_errors_exit_with_2() {
    for (arguments, named) in [
        (&["record"][..], "COMMAND"),
        (&["record", "-a", "-p", "1"], "--all"),
        (&["record", "-p", "1", "-t", "1"], "--pid"),
        (&["record", "-a", "--", "true"], "--all"),
        (&["record", "-p", "x"], "'x'"),
        (&["record", "-p", "0"], "0"),
        (&["record", "-p", "-1"], "-1"),
        (&["record", "-a", "-e", "cycels"], "cycels"),
        (&["record", "-a", "-e", "mem:0x10/3"], "mem:0x10/3"),
        (&["record", "-a", "-e", "mem:0x10:q"], "mem:0x10:q"),
        (&["record", "-a", "-e", ""], "event"),
        (&["record", "-a", "-F", "0"], "--freq"),
        (&["record", "-a", "-F", "many"], "many"),
        (&["record", "-a", "-c", "0"], "--period"),
        (&["record", "-a", "-F", "9", "-c", "9"], "--period"),
        (&["record", "-a", "-d", "soon"], "soon"),
        (&["record", "-a", "--duration=-1s"], "-1s"),
        (&["record", "-a", "--delay", "1y"], "1y"),
        (&["record", "-a", "-C", "3-1"], "3-1"),
        (&["record", "-a", "-C", "all"], "all"),
        (&["record", "-a", "-u", "no-such-user"], "no-such-user"),
        (&["record", "-a", "--comm", "("], "--comm"),
        (&["record", "-a", "--max-depth", "0"], "--max-depth"),
        (&["record", "-a", "-o", "profile.jpeg"], "profile.jpeg"),
        (&["record", "-a", "-o", "profile.gz"], ".pb.gz"),
        (&["record", "-a", "-o", "a.svg", "-o", "a.svg"], "a.svg"),
        (&["record", "-a", "--format", "jpeg"], "jpeg"),
        (&["record", "-a", "--as-root"], "--as-root"),
        (&["report"], "FILE"),
        (&["report", "x.somno", "--top", "all"], "all"),
        (&["report", "x.somno", "--callers", "("], "--callers"),
        (&["report", "x.somno", "--comm", "["], "--comm"),
        (&["report", "x.somno", "--cpu", "none"], "none"),
        (&["report", "x.somno", "--from", "2s", "--to", "1s"], "2s"),
        (&["report", "x.somno", "--group", "planet"], "planet"),
        (&["report", "x.somno", "--tree", "--format", "json"], "json"),
        (&["report", "x.somno", "--color", "red"], "red"),
        (&["annotate", "a.somno"], "FUNCTION-RE"),
        (&["annotate", "a.somno", "("], "FUNCTION-RE"),
        (&["diff", "a.somno"], "AFTER"),
        (
            &["diff", "a.somno", "b.somno", "-o", "x.folded"],
            "x.folded",
        ),
        (&["diff", "a.somno", "b.somno", "--threshold", "150"], "150"),
        (&["record", "-a", "--colors", "mauve"], "mauve"),
        (&["record", "-a", "--open", "-o", "a.folded"], "--open"),
        (
            &["record", "-a", "--open", "-o", "-", "--format", "svg"],
            "--open",
        ),
        (&["record", "-a", "--width", "1"], "--width"),
        (&["record", "-a", "--min-width", "100"], "--min-width"),
        (
            &["record", "-a", "--reverse", "--flamechart"],
            "--flamechart",
        ),
        (&["doctor", "--format", "svg"], "svg"),
        (&["doctor", "me"], "me"),
        (&["dump"], "--pid"),
        (&["dump", "-a", "-p", "1"], "--all"),
        (&["dump", "-p", "0"], "0"),
        (&["list", "everything"], "everything"),
        (&["completions"], "SHELL"),
        (&["completions", "csh"], "csh"),
        (&["export", "a.somno"], "--output"),
        (&["export", "a.somno", "-o", "a.jpeg"], "a.jpeg"),
        (&["export", "a.svg", "-o", "a.svg"], "named twice"),
        (
            &["export", "a.somno", "-o", "a.svg", "--width", "1"],
            "--width",
        ),
        (&["export", "a.somno", "-o", "a.perf", "--open"], "--open"),
        (&["no-such-command"], "no-such-command"),
        (&[], "Usage"),
    ] {
        let output = somno(arguments);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(named), "{arguments:?}: {message}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

/// Check that a mistyped option is not taken for a command.
#[test]
fn unknown_option_is_no_command() {
    let output = somno(&["record", "--pidd", "1"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

/// Check that an unknown event's message shows what is known.
#[test]
fn unknown_event_has_a_next_step() {
    let message = stderr(&somno(&["record", "-a", "-e", "cycels"]));
    assert!(message.contains("cpu-clock"), "{message}");
}

/// Check that what users of perf type, and what options do not take, is answered by what to
/// type instead, in words that are not Rust's.
#[test]
fn usage_errors_have_a_next_step() {
    for (arguments, named) in [
        (&["record", "-a", "sleep", "1"][..], "`-d 1s`"),
        (&["live", "-p", "1", "--", "sleep", "1"], "`-d 1s`"),
        (&["record", "-g", "--", "true"], "always taken"),
        (
            &["record", "--call-graph", "dwarf", "--", "true"],
            "always taken",
        ),
        (&["record", "-a", "-e", "cycles:u"], "--no-kernel"),
        (&["record", "-a", "-e", "cpu-clock:k"], "use `cpu-clock`"),
        (&["record", "-a", "-e", "cpu-clock/foo=0/"], "`foo`"),
        (&["record", "-a", "-F", "max"], "samples a second"),
        (&["record", "-a", "-F", "-1"], "above 0"),
        (&["record", "-a", "-c", "-1"], "above 0"),
        (&["record", "-a", "-F", "99999999999999999999"], "too large"),
        (&["record", "-p", "x"], "the number of a process"),
        (&["record", "-a", "-C", "x"], "0,2-3"),
        (&["record", "-a", "--max-depth", "x"], "frames"),
        (&["record", "-a", "--max-overhead", "x"], "percentage"),
        (&["record", "-a", "--width", "x"], "pixels"),
        (&["record", "-a", "--min-width", "x"], "percentage"),
        (&["record", "-a", "--duration=-1s"], "from 0 on"),
        (&["record", "--off-cpu", "./work", "1"], "-- ./work"),
        (&["record", "-a", "--off-cpu", "100"], "100us"),
        (&["record", "-a", "--wall", "100"], "100us"),
        (&["report", "-i", "x.somno"], "an argument"),
        (&["report", "--stdio", "x.somno"], "needs no option"),
        (&["report", "x.somno", "--sort", "dso"], "--group"),
        (&["report", "-g", "x.somno"], "--tree"),
        (&["report", "x.somno", "--top", "x"], "functions"),
        (&["diff", "a", "b", "--threshold", "x"], "points"),
        (&["export", "a.somno", "-o", "a.xyz"], ".svg"),
        (&["top"], "somno live"),
    ] {
        let output = somno(arguments);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(named), "{arguments:?}: {message}");
        for other in ["to pass ", "string", "target type", "literal", "float"] {
            assert!(!message.contains(other), "{arguments:?}: {message}");
        }
    }
}

/// Check that an export is not told to be a recording.
#[test]
fn recordings_are_not_offered_for_export() {
    let message = stderr(&somno(&["export", "a.rec", "-o", "a.xyz"]));
    assert!(!message.contains(".somno"), "{message}");
}

/// Check that what reads recordings has the short options of what makes them.
#[test]
fn filters_have_short_options() {
    for command in ["report", "export", "diff"] {
        let help = stdout(&somno(&[command, "--help"]));
        for option in ["-p, --pid", "-t, --tid", "-C, --cpu"] {
            assert!(help.contains(option), "{option} is not in\n{help}");
        }
    }
}

/// Check that the version is what cargo says.
#[test]
fn version_is_told() {
    let output = somno(&["--version"]);
    assert_eq!(output.status.code(), Some(0));
    let version = format!("somno {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(stdout(&output), version);
}

/// Check that help names every option that a user should know, on standard output.
#[test]
fn help_names_options() {
    let output = somno(&["record", "--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = stdout(&output);
    for option in [
        "--pid",
        "--tid",
        "--all",
        "--cpu",
        "--uid",
        "--comm",
        "--no-inherit",
        "--freq",
        "--period",
        "--event",
        "--duration",
        "--delay",
        "--max-depth",
        "--no-kernel",
        "--as-root",
        "--output",
        "--format",
        "--stats",
        "--title",
        "--width",
        "--colors",
        "--min-width",
        "--icicle",
        "--flamechart",
        "--reverse",
        "--open",
        "--quiet",
        "--verbose",
        "COMMAND",
    ] {
        assert!(help.contains(option), "{option} is not in\n{help}");
    }
    assert!(!help.contains("--no-fault"), "it is hidden: {help}");

    let help = stdout(&somno(&["report", "--help"]));
    for option in [
        "--top",
        "--tree",
        "--callers",
        "--format",
        "--comm",
        "--pid",
        "--tid",
        "--cpu",
        "--function",
        "--module",
        "--event",
        "--from",
        "--to",
        "--no-kernel",
        "--group",
        "--color",
        "--no-pager",
        "FILE",
    ] {
        assert!(help.contains(option), "{option} is not in\n{help}");
    }

    let help = stdout(&somno(&["diff", "--help"]));
    for option in ["BEFORE", "AFTER", "--output", "--threshold", "--function"] {
        assert!(help.contains(option), "{option} is not in\n{help}");
    }

    let help = stdout(&somno(&["--help"]));
    for command in [
        "record",
        "report",
        "annotate",
        "export",
        "diff",
        "dump",
        "list",
        "doctor",
        "completions",
    ] {
        assert!(help.contains(command), "{command} is not in\n{help}");
    }
}

/// Check that formats and events are listed by the names that options take.
#[test]
fn lists_name_what_is_accepted() {
    for (arguments, names) in [
        (
            &["list", "formats"][..],
            &["svg", "folded", "pprof", ".pb.gz"][..],
        ),
        (&["list", "events"], &["cpu-clock", "cycles", "mem:ADDR"]),
        (&["list"], &["perf-script", "page-faults"]),
    ] {
        let output = somno(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        for name in names {
            assert!(stdout(&output).contains(name), "{name} in {arguments:?}");
        }
    }
}

/// Check that shells get what they need, and are asked for by name.
#[test]
fn completions_are_written() {
    for (shell, beginning) in [
        ("bash", "_somno()"),
        ("zsh", "#compdef somno"),
        ("fish", "# "),
    ] {
        let output = somno(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let script = stdout(&output);
        assert!(script.starts_with(beginning), "{script}");
        assert!(script.contains("max-depth"), "{script}");
        assert!(!script.contains("no-fault"), "it is hidden: {script}");
    }
}

/// Check that a configuration file is found or named, that a mistake in it is refused with
/// its line, that what cannot be used of it is said to be from there, and that what is typed
/// wins.
#[test]
fn files_configure() {
    let room = tempfile::tempdir().expect("there is room for temporary files");
    let found = room.path().join("somno/somno.toml");
    std::fs::create_dir(room.path().join("somno")).expect("the room can be written");
    let configurations = room.path().to_str().expect("it is UTF-8");
    let file = found.to_str().expect("so is this");
    for (text, status, named) in [
        ("[record]\n\nfrequenzy = 9\n", 2, "line 3: unknown key"),
        ("[record]\nfreq = 0\n", 2, "sets --freq"),
        ("[record]\nevent = 'nonsense'\n", 2, "nonsense"),
    ] {
        std::fs::write(&found, text).expect("the file can be written");
        for output in [
            somno_of(configurations, &["record", "-a"]),
            somno(&["record", "-a", "--config", file]),
            somno(&["--config", file, "record", "-a"]),
        ] {
            let message = stderr(&output);
            assert_eq!(output.status.code(), Some(status), "{text}: {message}");
            assert!(message.contains(named), "{text}: {message}");
        }
    }
    let output = somno_of(configurations, &["record", "-a", "-e", "absurd"]);
    assert!(stderr(&output).contains("absurd"), "{}", stderr(&output));
    let output = somno_of(
        configurations,
        &["record", "--config", "/dev/null", "-a", "-F0"],
    );
    assert!(stderr(&output).contains("--freq"), "{}", stderr(&output));
    let output = somno(&["list", "--config", "/nonexistent.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(
        message.contains("failed to read `/nonexistent.toml`"),
        "{message}"
    );
}

/// Check that everything after the command's name is the command's.
#[test]
fn options_of_the_command_are_its_own() {
    // refused for its event, which comes before it is executed
    let output = somno(&["record", "-e", "nonsense", "ls", "-e", "-F", "x", "--help"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("nonsense"), "{}", stderr(&output));
}
