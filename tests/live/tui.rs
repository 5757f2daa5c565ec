//! The terminal interface, in a real terminal multiplexer: what a person would see.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use somno::tui::terminal::{Taken, give_back_on_panic};

use crate::machine::Machine;
use crate::process::{PATIENCE, slowness, until};
use crate::somno::SOMNO;

/// A terminal with a shell in it, which goes with its owner.
struct Terminal {
    socket: String,
}

impl Terminal {
    fn open(columns: u16, rows: u16, directory: &Path) -> Self {
        let socket = format!("somno-test-{}-{columns}x{rows}", std::process::id());
        let terminal = Self { socket };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let shell =
            "env -u SUDO_UID LANG=C.UTF-8 TERM=tmux-256color PS1=ready: bash --norc --noprofile";
        let start = [
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &rows,
        ];
        let directory = directory.to_str().expect("its name is text");
        terminal.tmux(&[&start[..], &["-c", directory, shell]].concat());
        terminal.expect("ready:");
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .arg("-L")
            .arg(&self.socket)
            .args(arguments)
            .output()
            .expect("the tests need tmux");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Types a line, and Enter.
    fn run(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.press("Enter");
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        self.tmux(&["resize-window", "-x", &columns, "-y", &rows]);
    }

    /// Waits until the screen has a text, and returns that screen.
    #[track_caller]
    fn expect(&self, text: &str) -> String {
        self.expect_that(&format!("the screen has {text:?}"), |screen| {
            screen.contains(text)
        })
    }

    #[track_caller]
    fn expect_that(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE * slowness();
        loop {
            let screen = self.screen();
            if holds(&screen) {
                return screen;
            }
            assert!(
                Instant::now() < end,
                "waited in vain until {what}:\n{screen}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses a key, and waits until the screen has a text.
    #[track_caller]
    fn press_for(&self, key: &str, text: &str) {
        self.press(key);
        self.expect(text);
    }

    /// Leaves somno by `q`, and waits until the shell is back.
    #[track_caller]
    fn quit(&self) {
        self.press("q");
        self.expect_shell();
    }

    /// Waits until somno has ended and the shell asks for more: what is typed before that, somno
    /// may still take.
    #[track_caller]
    fn expect_shell(&self) {
        self.expect_that("the shell is back", |screen| {
            screen.contains("samples in") && screen.trim_end().ends_with("ready:")
        });
    }

    /// The pid of the somno that the shell runs.
    fn somno(&self) -> u32 {
        let shell = self.tmux(&["list-panes", "-F", "#{pane_pid}"]);
        let shell = shell.trim().parse().expect("it is a pid");
        let mut found = None;
        until("somno runs", PATIENCE, || {
            found = children(shell).into_iter().find(|pid| {
                let comm = fs::read_to_string(format!("/proc/{pid}/comm"));
                comm.is_ok_and(|comm| comm.trim() == "somno")
            });
            found.is_some()
        });
        found.expect("it was found")
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.somno().cast_signed()).expect("it is a pid");
        kill_process(pid, signal).expect("it runs");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// The processes that a process's first thread has started.
fn children(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let pids = children.split_whitespace().map(str::parse);
    pids.collect::<Result<_, _>>().expect("they are pids")
}

/// What `stty -a` says, on a moment that has a name of its own: the screen may still show
/// what it said before.
fn settings(terminal: &Terminal, moment: &str) -> String {
    terminal.run(&format!("clear; stty -a; echo settings {moment}"));
    let end = format!("\nsettings {moment}");
    let screen = terminal.expect(&end);
    let (settings, _) = screen.split_once(&end).expect("it was seen");
    let is_setting = |line: &&str| !line.contains("ready:") && !line.trim().is_empty();
    settings.lines().filter(is_setting).collect()
}

/// Check every screen, with what is known of the workload, and every key.
#[test]
fn every_key_does_what_it_says() {
    let machine = Machine::take();
    let chain = machine.fixture("chain");
    let directory = machine.path("every-key");
    fs::create_dir(&directory).expect("the test's own directory is writable");
    let terminal = Terminal::open(100, 30, &directory);
    terminal.run(&format!("{SOMNO} live -- {}", chain.path()));
    terminal.expect("medium");
    terminal.expect("start_thread");

    for (key, expected) in [
        ("i", "start_thread"),
        ("2", "self▼"),
        ("o", "total▼"),
        ("O", "total▲"),
        ("O", "total▼"),
        ("3", "call tree"),
        ("*", "u heavy"),
        ("/", "/_"),
        ("h", "/h_"),
        ("e", "/he_"),
        ("a", "/hea_"),
        ("v", "/heav_"),
        ("Enter", "/heav "),
        ("n", "match 1 of 1"),
        ("N", "match 1 of 1"),
        ("4", "of all: u heavy"),
        ("Up", "five"),
        ("Enter", "of all: u five"),
        ("BSpace", "of all: u heavy"),
        ("5", "share▼"),
        ("Right", "▾ chain"),
        ("6", "a column is a second"),
        ("Left", "Enter begins and ends a range"),
        ("Enter", "go to the other end"),
        ("Left", "a column is a second"),
        ("Enter", "every screen shows these"),
        ("BSpace", "all samples"),
        ("7", "Nothing was lost."),
        ("8", "the command wrote nothing yet"),
        ("Tab", "medium"),
        ("BTab", "the command wrote nothing yet"),
        ("1", "medium"),
        ("w", "decaying"),
        ("w", "last 5 s"),
        ("w", "last 30 s"),
        ("w", "all samples"),
        ("g", "by thread"),
        ("g", "by CPU"),
        ("g", "ungrouped"),
        ("g", "by process"),
        ("K", "no kernel"),
        ("K", "kernel functions are shown"),
        ("F4", "filter by function"),
        ("Tab", "filter by process"),
        ("Escape", "% total, "),
        ("\\", "filter by function"),
        ("m", "m_"),
        ("Enter", "only function m"),
        ("Space", "paused"),
        ("Space", "live"),
        ("?", "this help"),
        ("Escape", "medium"),
        ("T", "medium"),
        ("e", "export what is shown"),
        ("s", "wrote profile.svg"),
        ("e", "export what is shown"),
        ("f", "wrote profile.folded"),
        ("e", "export what is shown"),
        ("r", "wrote profile.somno"),
        ("r", "begun anew"),
        ("q", "ready:"),
    ] {
        terminal.press_for(key, expected);
    }
    check_exports(&directory);
}

/// What was exported with a filter for functions with an m: all samples have main, or
/// `start_thread`'s own; of the others none is there.
fn check_exports(directory: &Path) {
    let read = |name| fs::read_to_string(directory.join(name)).expect("it was written");
    assert!(read("profile.svg").contains("medium"));
    let folded = read("profile.folded");
    assert!(folded.contains(";medium;spin "), "{folded}");
    assert!(!folded.contains(";heavy;spin "), "{folded}");
    let recording = directory.join("profile.somno");
    assert!(fs::metadata(recording).is_ok_and(|metadata| metadata.len() > 1000));
}

/// Check that a recording that was exported is one, with the same interface.
#[test]
fn recordings_are_viewed() {
    let machine = Machine::take();
    let chain = machine.fixture("chain");
    let directory = machine.path("viewed");
    fs::create_dir(&directory).expect("the test's own directory is writable");
    let terminal = Terminal::open(110, 32, &directory);
    terminal.run(&format!("{SOMNO} live -- {}", chain.path()));
    terminal.expect("medium");
    terminal.press_for("e", "export what is shown");
    terminal.press_for("r", "wrote profile.somno");
    terminal.quit();
    terminal.run(&format!("clear; {SOMNO} view profile.somno"));
    terminal.expect("file");
    terminal.expect("medium");
    terminal.press_for("7", "from profile.somno");
    terminal.press_for("6", "a column is a second");
    terminal.press_for("q", "ready:");
}

/// Check that the terminal is as it was, however somno went, and after Ctrl-Z and back.
#[test]
fn terminal_is_given_back() {
    let machine = Machine::take();
    let chain = machine.fixture("chain").start::<&str>(&[]);
    let terminal = Terminal::open(101, 30, machine.path("").as_path());
    let before = settings(&terminal, "before");
    assert!(before.contains("icanon"), "{before}");
    for (signal, name) in [
        (Signal::TERM, "terminated"),
        (Signal::INT, "interrupted"),
        (Signal::HUP, "hung-up"),
    ] {
        terminal.run(&format!("{SOMNO} live -p {}", chain.pid()));
        terminal.expect("● live");
        terminal.signal(signal);
        terminal.expect_shell();
        assert_eq!(settings(&terminal, name), before, "{name}");
    }
    terminal.run(&format!("{SOMNO} live -p {}", chain.pid()));
    terminal.expect("● live");
    terminal.press_for("C-z", "Stopped");
    assert_eq!(settings(&terminal, "suspended"), before, "suspended");
    terminal.run("fg");
    terminal.expect("● live");
    terminal.press_for("7", "User stacks, by how they ended");
    terminal.press("C-c");
    terminal.expect_shell();
    assert_eq!(settings(&terminal, "left"), before, "continued and left");
}

/// Check that a panic while something is drawn gives the terminal back before it is told.
#[test]
fn terminal_is_given_back_by_a_panic() {
    let machine = Machine::take();
    let terminal = Terminal::open(103, 29, machine.path("").as_path());
    let before = settings(&terminal, "calm");
    let own = std::env::current_exe().expect("a test has a program");
    let panics = "--ignored --exact --nocapture tui::panics_in_a_terminal";
    terminal.run(&format!("{} {panics}", own.display()));
    let screen = terminal.expect("as the test wants it");
    // what was there before it is there again
    assert!(screen.contains("calm"), "{screen}");
    terminal.expect("test result: FAILED");
    assert_eq!(settings(&terminal, "afterwards"), before);
}

/// Takes the terminal and panics, with nothing left to give it back but what a panic does first.
#[test]
#[ignore = "it is run in a terminal by the one above"]
fn panics_in_a_terminal() {
    give_back_on_panic("nobody");
    std::mem::forget(Taken::take().expect("there is a terminal"));
    panic!("as the test wants it");
}

/// Check that nothing stays when the terminal goes away, even where somno was told not to
/// care for that: sampling would go on for nobody.
#[test]
fn terminal_may_go_away() {
    let machine = Machine::take();
    let chain = machine.fixture("chain");
    for (columns, setting) in [(105, "trap - HUP"), (106, "trap '' HUP")] {
        let terminal = Terminal::open(columns, 30, machine.path("").as_path());
        terminal.run(&format!("{setting}; {SOMNO} live -- {}", chain.path()));
        terminal.expect("medium");
        let pid = terminal.somno();
        let command = children(pid);
        assert_eq!(command.len(), 1, "{command:?}");
        drop(terminal);
        until("somno and its command are gone", PATIENCE, || {
            let is_gone = |pid| !Path::new(&format!("/proc/{pid}")).exists();
            is_gone(pid) && is_gone(command[0])
        });
    }
}

/// Check that any size is drawn while it changes, and one that is too small says so.
#[test]
fn sizes_are_followed() {
    let machine = Machine::take();
    let chain = machine.fixture("chain").start::<&str>(&[]);
    let terminal = Terminal::open(102, 30, machine.path("").as_path());
    terminal.run(&format!("{SOMNO} live -p {}", chain.pid()));
    terminal.expect("medium");
    for (columns, rows, expected) in [
        (40, 10, "1 Flame process"),
        (39, 10, "39x10 is too small"),
        (200, 60, "e export"),
        (80, 24, "1 Flame  2 Hottest"),
        (300, 12, "1 Flame process"),
    ] {
        terminal.resize(columns, rows);
        terminal.expect(expected);
    }
    terminal.press_for("q", "ready:");
}

/// Check that a command has a terminal of its own, its end is shown, what was sampled
/// stays, and its status is passed on.
#[test]
fn command_has_its_own_terminal() {
    let machine = Machine::take();
    let terminal = Terminal::open(103, 30, machine.path("").as_path());
    let script = "tty; stty size; printf \"\\033[31mred\\033[0m\\n\"; read x </dev/null; \
        i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; exit 3";
    terminal.run(&format!(
        "tty; {SOMNO} live -- sh -c '{script}'; echo status $?"
    ));
    terminal.expect("ended with status 3");
    terminal.press_for("8", "25 103");
    terminal.expect("\nred\n");
    terminal.expect("/dev/pts/");
    terminal.press_for("2", "self▼");
    terminal.expect("■ ended");
    terminal.press_for("q", "samples in");
    terminal.expect("\nstatus 3\n");
}

/// Check that privileges are given up: those that names of later processes take stay with
/// whoever finds them, and whoever draws has none.
#[test]
fn privileges_are_given_up() {
    let machine = Machine::take();
    let chain = machine.fixture("chain").start::<&str>(&[]);
    let terminal = Terminal::open(104, 30, machine.path("").as_path());
    terminal.run(&format!("{SOMNO} live -p {}", chain.pid()));
    terminal.expect("medium");
    let pid = terminal.somno();
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let mut names = Vec::new();
    for task in tasks {
        let status = task.expect("it is listed").path().join("status");
        let status = fs::read_to_string(status).expect("it runs");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.expect("it is always there").trim().to_owned()
        };
        let name = field("Name:");
        assert_eq!(field("CapBnd:"), "0000000000000000", "{name}");
        // SYS_PTRACE, DAC_READ_SEARCH, KILL, SYSLOG, CHECKPOINT_RESTORE
        let kept = 1 << 19 | 1 << 2 | 1 << 5 | 1 << 34 | 1_u64 << 40;
        let expected = if ["somno", "somno-symbols", "somno-files"].contains(&name.as_str()) {
            kept
        } else {
            0
        };
        for set in ["CapEff:", "CapPrm:"] {
            let capabilities = u64::from_str_radix(&field(set), 16).expect("it is a mask");
            assert_eq!(capabilities & !expected, 0, "{set} of {name}");
        }
        assert_eq!(field("NoNewPrivs:"), "1", "{name}");
        names.push(name);
    }
    for name in [
        "somno",
        "somno-symbols",
        "somno-files",
        "somno-view",
        "somno-keys",
    ] {
        assert!(
            names.iter().any(|other| other == name),
            "{name} is not in {names:?}"
        );
    }
    terminal.press_for("q", "ready:");
}
