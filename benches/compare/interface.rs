//! What `somno live` costs while it shows the whole system at the highest rate, thread by
//! thread, and how soon it answers a key.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::measure::median;

const RATE: &str = "9999";
/// Until everything that goes on has its names.
const WARM_UP: Duration = Duration::from_secs(10);
const MEASURED: Duration = Duration::from_secs(10);
/// Without output for so long, a picture is whole.
const QUIET: Duration = Duration::from_millis(60);
/// Screens, what lies above them, and Esc: each draws something else.
const KEYS: &[u8] = b"2345671i?\x1b";
/// What draws, reads keys, and waits for signals.
const INTERFACE: [&str; 3] = ["somno-view", "somno-keys", "somno-signals"];
/// Of `/proc/PID/stat`, on x86-64.
const TICKS_PER_SECOND: f64 = 100.0;

/// Prints shares of one CPU, and how long keys took.
pub(crate) fn run(room: &Path, runs: usize) {
    let _workload = Workload::start(room);
    let mut somno = Somno::start();
    somno.read_for(WARM_UP);
    let threads = ["somno", "somno-symbols"].map(|name| vec![name]);
    let parts: Vec<_> = std::iter::once(INTERFACE.to_vec()).chain(threads).collect();
    let mut shares = vec![Vec::new(); parts.len()];
    let mut answers = Vec::new();
    for _ in 0..runs {
        let before: Vec<_> = parts.iter().map(|names| somno.ticks(names)).collect();
        let began = Instant::now();
        somno.read_for(MEASURED);
        let seconds = began.elapsed().as_secs_f64();
        for ((names, before), shares) in parts.iter().zip(before).zip(&mut shares) {
            let ticks = (somno.ticks(names) - before) as f64;
            shares.push(ticks / TICKS_PER_SECOND / seconds * 100.0);
        }
        answers.extend(KEYS.iter().map(|&key| somno.answer_ms(key)));
    }
    println!("\nsomno live -a -F {RATE}, 120x40, medians of {runs} runs, shares of one CPU:");
    for (what, shares) in ["interface", "capture", "names"].into_iter().zip(shares) {
        println!("  {what:<10} {:.1} %", median(shares));
    }
    let most = answers.iter().copied().fold(0.0, f64::max);
    let count = answers.len();
    println!(
        "  a key is answered after {:.1} ms, {most:.1} ms at most of {count}; {} MB of memory",
        median(answers),
        somno.memory_mb(),
    );
}

/// Both CPUs busy in native code, an interpreter, the kernel, and ever new processes.
struct Workload(Vec<Child>);

impl Workload {
    fn start(room: &Path) -> Self {
        let work = compile(room);
        let files = "while :; do ls -lR /usr/share/doc; done";
        let mut commands = [
            Command::new(work),
            Command::new("/usr/bin/python3"),
            Command::new("sh"),
        ];
        commands[0].arg("1000000");
        commands[1].args(["benches/compare/deep.py", "100000000"]);
        commands[2].args(["-c", files]);
        let start = |command: &mut Command| {
            let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
            quiet.spawn().expect("it runs")
        };
        Self(commands.iter_mut().map(start).collect())
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn compile(room: &Path) -> PathBuf {
    let work = room.join("work");
    let status = Command::new("cc")
        .args(["-O0", "-g", "-pthread", "assets/fixtures/work.c", "-o"])
        .arg(&work)
        .status()
        .expect("cc runs");
    assert!(status.success(), "cc: {status}");
    work
}

/// somno on a terminal of which everything is read.
struct Somno {
    child: Child,
    keys: File,
    output: Receiver<Instant>,
}

impl Somno {
    fn start() -> Self {
        let (ours, theirs) = open_terminal();
        let handle = || theirs.try_clone().expect("there are descriptors");
        let child = Command::new(env!("CARGO_BIN_EXE_somno"))
            .args(["live", "-a", "-F", RATE])
            .env("TERM", "xterm-256color")
            .stdin(handle())
            .stdout(handle())
            .stderr(Stdio::null())
            .spawn()
            .expect("somno runs");
        let mut screen = ours.try_clone().expect("there are descriptors");
        let (to, output) = channel();
        thread::spawn(move || {
            let mut bytes = vec![0; 1 << 16];
            while screen.read(&mut bytes).is_ok_and(|count| count > 0) {
                if to.send(Instant::now()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keys: ours,
            output,
        }
    }

    fn read_for(&self, time: Duration) {
        let end = Instant::now() + time;
        while self.output.recv_timeout(end - Instant::now().min(end))
            != Err(RecvTimeoutError::Timeout)
        {}
    }

    /// How long it takes until a key changes something. It is pressed behind a picture,
    /// long before the next one comes by itself.
    fn answer_ms(&mut self, key: u8) -> f64 {
        self.output.recv().expect("somno runs");
        while self.output.recv_timeout(QUIET).is_ok() {}
        let pressed = Instant::now();
        self.keys.write_all(&[key]).expect("somno reads keys");
        let answered = self.output.recv().expect("somno runs");
        (answered - pressed).as_secs_f64() * 1e3
    }

    /// CPU time of the threads of these names.
    fn ticks(&self, names: &[&str]) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let stats =
            tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("stat")).ok());
        let of_thread = |stat: String| {
            let (before, fields) = stat.rsplit_once(") ")?;
            let (_, name) = before.split_once('(')?;
            let fields: Vec<_> = fields.split(' ').collect();
            let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
            let is_wanted = names.contains(&name);
            Some(if is_wanted {
                ticks(11)? + ticks(12)?
            } else {
                0
            })
        };
        stats.filter_map(of_thread).sum()
    }

    fn memory_mb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kb.expect("it is always there") / 1000
    }
}

impl Drop for Somno {
    fn drop(&mut self) {
        let _ = self.keys.write_all(b"q");
        let _ = self.child.wait();
    }
}

fn open_terminal() -> (File, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).expect("there are terminals");
    grantpt(&ours).expect("it is ours");
    unlockpt(&ours).expect("it is ours");
    let size = Winsize {
        ws_col: 120,
        ws_row: 40,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&ours, size).expect("it is a terminal");
    let theirs = ioctl_tiocgptpeer(&ours, flags).expect("it is a terminal");
    (File::from(ours), theirs)
}
