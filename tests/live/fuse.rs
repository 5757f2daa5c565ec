//! Programs on a file system that is a process of somebody's, and does not answer.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command};
use std::thread;
use std::time::Duration;

use object::Endianness;
use object::elf::{FileHeader64, PT_GNU_EH_FRAME};
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use rustix::process::Signal;

use crate::folded::Line;
use crate::machine::Machine;
use crate::process::{PATIENCE, Process, until};
use crate::somno::{Record, Running};

const UNNAMED: &str = "[file+0x";

/// The fixture `far` on a FUSE file system, where it runs as `file`.
struct Served {
    program: Process,
    server: Process,
    said: BufReader<ChildStdout>,
    mounted: PathBuf,
}

/// What of the program the kernel is to read anew once nothing is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Forgotten {
    Nothing,
    Tables,
}

impl Served {
    /// Starts the server, which is to hold such requests, and the program, with whatever it needs to
    /// run on.
    fn start(machine: &Machine, held: &str, forgotten: Forgotten) -> Self {
        let (server, far) = (machine.fixture("server"), machine.fixture("far"));
        let mounted = machine.path("mounted");
        fs::create_dir(&mounted).expect("the test's own directory is writable");
        let mut command = Command::new(server.path());
        command.arg(&mounted).args([far.path(), held]);
        if forgotten == Forgotten::Tables {
            let page = tables_of(far.path()) & !4095;
            command.arg(page.to_string());
        }
        let (server, stdout) = Process::spawn_read(&mut command);
        let mut said = BufReader::new(stdout);
        let mut line = String::new();
        said.read_line(&mut line)
            .expect("the server says something");
        assert_eq!(line, "ready\n");
        let program = Process::spawn(&mut Command::new(mounted.join("file")));
        program.wait_for_comm("file".as_ref());
        program.use_cpu(Duration::from_millis(50));
        Self {
            program,
            server,
            said,
            mounted,
        }
    }

    /// Has nothing answered any more.
    fn hold(&self) {
        self.server.signal(Signal::USR1);
        // it takes notice between two requests
        thread::sleep(Duration::from_millis(100));
        self.program.use_cpu(Duration::from_millis(50));
    }

    /// Waits until a request is held.
    fn wait_for_request(&mut self) {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("the server is there");
        assert!(line.starts_with("holds "), "{line:?}");
    }

    /// Has all answered again.
    fn release(&self) {
        self.server.signal(Signal::USR2);
    }

    /// Samples the program, and another one, which is nobody's concern.
    fn record(&self, machine: &Machine, other: &Process) -> Record {
        let pids = format!("-F 499 -d 1s -p {},{}", self.program.pid(), other.pid());
        machine.record().options(&pids)
    }

    /// Does so with nothing answered any more, as far as a request that is held.
    fn record_held(&mut self, machine: &Machine, other: &Process) -> Running {
        self.hold();
        let running = self.record(machine, other).start();
        self.wait_for_request();
        running
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.program.signal(Signal::KILL);
        self.release();
        self.server.signal(Signal::TERM);
        self.server.wait();
        let _ = fs::remove_dir(&self.mounted);
    }
}

/// A file under another name, until this is dropped.
struct Bound(PathBuf);

impl Bound {
    fn new(file: &Path, name: PathBuf) -> Self {
        fs::write(&name, "").expect("the test's own directory is writable");
        mount_bind(file, &name).expect("tests are root");
        Self(name)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

/// Where a program's unwind information begins in its file.
fn tables_of(program: &str) -> u64 {
    let bytes = fs::read(program).expect("it was just compiled");
    let header = FileHeader64::<Endianness>::parse(&bytes[..]).expect("it is a program");
    let endian = header.endian().expect("it is a program");
    let headers = header.program_headers(endian, &bytes[..]);
    let mut headers = headers.expect("it can be run").iter();
    let found = headers.find(|header| header.p_type(endian) == PT_GNU_EH_FRAME);
    found.expect("compilers write it").p_offset(endian)
}

fn is_whole(line: &Line) -> bool {
    line.reason.is_none() && line.has("__libc_start_call_main")
}

/// Check that a thread whose unwind information does not come waits alone: somno ends in time, the
/// others' stacks are whole, and when it comes the thread goes on.
#[test]
fn unwinding_waits_for_nobody_else() {
    let machine = Machine::take();
    let other = machine.fixture("chain").start::<&str>(&[]);
    let mut served = Served::start(&machine, "r", Forgotten::Tables);
    let running = served.record_held(&machine, &other);
    let (folded, stats) = running.wait().adds_up();
    assert_eq!(stats.count("user.pending"), folded.of("file").count());
    folded
        .of("file")
        .expect_all(|line| line.is_for("[pending]"));
    assert!(folded.of("chain").count() > 20, "{folded}");
    folded
        .of("chain")
        .expect_share(0.99.., |line| line.reason.is_none());
    served.release();
    served.program.use_cpu(Duration::from_millis(50));
}

/// Check that unwind information that comes late is waited for.
#[test]
fn late_answers_are_waited_for() {
    let machine = Machine::take();
    let other = machine.fixture("chain").start::<&str>(&[]);
    let mut served = Served::start(&machine, "r", Forgotten::Tables);
    let running = served.record_held(&machine, &other);
    thread::sleep(Duration::from_millis(200));
    served.release();
    let (folded, stats) = running.wait().adds_up();
    let late = folded.of("file");
    assert!(late.count() > 20, "{folded}");
    late.expect_share(0.99.., |line| line.has("main;outer;spin"));
    assert!(stats.count("reads.slept") > 0);
    assert_eq!(stats.count("user.pending"), 0);
}

/// Check that a file whose symbols cannot be read costs its own names, and neither the outputs nor
/// somno's end.
#[test]
fn naming_has_a_bound() {
    let machine = Machine::take();
    let other = machine.fixture("chain").start::<&str>(&[]);
    let mut served = Served::start(&machine, "r", Forgotten::Nothing);
    // its tables are read now, so that only symbols are missed later
    let first = served
        .record(&machine, &other)
        .options("--no-symbols")
        .run();
    first
        .adds_up()
        .0
        .of("file")
        .expect_share(0.99.., |line| line.reason.is_none());
    let running = served.record_held(&machine, &other);
    let (folded, _) = running.wait().adds_up();
    folded
        .of("chain")
        .expect_share(0.99.., |line| line.has("spin"));
    let unread = folded.of("file");
    assert!(unread.count() > 20, "{folded}");
    unread.expect_share(0.9.., |line| {
        is_whole(line) && line.user_frames().any(|frame| frame.starts_with(UNNAMED))
    });
}

/// Waits until everything is written, and of somno nothing is left but what waits for an answer.
fn wait_for_end(running: &Running) {
    running.wait_for_message("wrote");
    let status = format!("/proc/{}/status", running.pid());
    until("somno has ended but for what waits", PATIENCE, || {
        fs::read_to_string(&status).is_ok_and(|status| status.contains("State:\tZ"))
    });
}

/// Check that a file that cannot be opened holds up neither sampling nor the outputs. The kernel
/// keeps a process that waits for an answer, so somno itself is gone when that comes.
#[test]
fn sampling_goes_on_beside_an_open() {
    let machine = Machine::take();
    let other = machine.fixture("chain").start::<&str>(&[]);
    let mut served = Served::start(&machine, "oa", Forgotten::Nothing);
    let running = served.record_held(&machine, &other);
    running.wait_for_message("its file system does not answer");
    wait_for_end(&running);
    served.release();
    let (folded, _) = running.wait().adds_up();
    for name in ["chain", "file"] {
        assert!(folded.of(name).count() > 20, "{name}: {folded}");
        folded
            .of(name)
            .expect_share(0.99.., |line| line.reason.is_none());
    }
}

/// Check that a jitdump that cannot be looked at holds up neither sampling nor the outputs: it
/// costs names of its process's own code, with a reason.
#[test]
fn sampling_goes_on_beside_a_dump() {
    let machine = Machine::take();
    let other = machine.fixture("chain").start::<&str>(&[]);
    let mut served = Served::start(&machine, "oa", Forgotten::Nothing);
    let dump = Bound::new(&served.mounted.join("file"), machine.path("jit-1.dump"));
    let arguments = [OsStr::new("1e9"), dump.0.as_os_str()];
    let maker = machine.fixture("maker").start(&arguments);
    maker.use_cpu(Duration::from_millis(50));
    served.hold();
    let pids = format!("-F 499 -d 1s -p {},{}", maker.pid(), other.pid());
    let running = machine.record().options(&pids).start();
    served.wait_for_request();
    wait_for_end(&running);
    served.release();
    let (folded, stats) = running.wait().adds_up();
    for name in ["chain", "maker"] {
        assert!(folded.of(name).count() > 20, "{name}: {folded}");
        folded
            .of(name)
            .expect_share(0.99.., |line| line.reason.is_none());
    }
    folded.of("maker").expect_share(0.9.., |line| {
        line.user_frames()
            .any(|frame| frame.starts_with("[anon+0x"))
    });
    assert!(stats.count("frames.unnamed_by.not_opened") > 0);
}
