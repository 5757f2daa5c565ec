//! What it costs to make something of a recording: of a generated one with a million
//! samples, and of a real one beside `perf script` piped into a collapse.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use inferno::collapse::Collapse as _;
use inferno::collapse::perf::Folder;
use somno::addr::{FileOffset, KernelAddress, UserAddress};
use somno::event::{
    Comm, Event, FileIdentity, KernelHalf, Mode, Module, Outcome, Promise, TaskState, UserFrame,
    UserHalf, Weight,
};
use somno::id::{CgroupId, Cookie, Cpu, EnvironmentId, ModuleId, Pid, Tid};
use somno::proc::status::parse_bytes;
use somno::profile::header::{EventInfo, Header, Machine, Unit};
use somno::profile::names::{FrameName, Kind, Naming};
use somno::profile::totals::Totals;
use somno::recording::writer::Writer;
use somno::time::{ProcessStart, Rate, Timestamp};

use crate::measure::{measure, median};

const SAMPLES: u64 = 1_000_000;
const MODULES: u64 = 200;
const FUNCTIONS: u64 = 500;
const STACKS: u64 = 60_000;
const SOMNO: &str = env!("CARGO_BIN_EXE_somno");

/// Prints a row for each format, and one for each way to folded stacks.
pub(crate) fn run(room: &Path, runs: usize) {
    let path = room.join("generated.somno");
    generate(&path).expect("the target directory is writable");
    let bytes = fs::metadata(&path).expect("it was just written").len();
    println!(
        "\n{:<44} {:>8} {:>9} {:>9}",
        "1,000,000 samples, 100,000 frames, to", "s", "peak MB", "MB"
    );
    println!(
        "{:<44} {:>8} {:>9} {:>9.1}",
        "(the recording)",
        "",
        "",
        bytes as f64 / 1e6
    );
    for extension in [
        "svg",
        "folded",
        "html",
        "pb.gz",
        "speedscope.json",
        "firefox.json.gz",
    ] {
        let output = room.join(format!("generated.{extension}"));
        let rounds: Vec<_> = (0..runs).map(|_| export(&path, &output)).collect();
        let seconds = rounds.iter().map(|round| round.0.as_secs_f64()).collect();
        let peaks = rounds.iter().map(|round| round.1 as f64 / 1e6).collect();
        let size = fs::metadata(&output).expect("it was just written").len();
        println!(
            "{extension:<44} {:>8.2} {:>9.0} {:>9.1}",
            median(seconds),
            median(peaks),
            size as f64 / 1e6
        );
    }
    beside_perf(room, runs);
}

/// Exports, and returns how long it took and the memory that was resident at most.
fn export(recording: &Path, output: &Path) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = Command::new(SOMNO)
        .args(["--quiet", "export"])
        .arg(recording)
        .arg("-o")
        .arg(output)
        .spawn()
        .expect("it was built");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        peak = parse_bytes(&text, "VmHWM").unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().expect("it is ours") {
            assert!(status.success());
            return (began.elapsed(), peak);
        }
        sleep(Duration::from_millis(2));
    }
}

/// A real workload, recorded by both at one rate; from the file to folded stacks.
///
/// perf by frame pointers, which end at python3's second frame, and by copies of the stack,
/// which have as many frames as somno's.
fn beside_perf(room: &Path, runs: usize) {
    let script = "import json, time
end = time.process_time() + 4
while time.process_time() < end: json.loads(json.dumps({str(i): [i] * 9 for i in range(99)}))";
    let workload = ["--", "/usr/bin/python3", "-c", script];
    let event = ["-e", "cpu-clock", "-F", "9999", "-o"];
    let recording = room.join("real.somno");
    let mut command = Command::new(SOMNO);
    measure(
        command
            .arg("record")
            .args(event)
            .arg(&recording)
            .args(workload),
    );
    println!("\npython3 at 9,999 Hz, 4 s, from the file to folded:");
    for call_graph in ["fp", "dwarf"] {
        let data = room.join("real.data");
        let mut command = Command::new("perf");
        command.args(["record", "-q", "--call-graph", call_graph]);
        measure(command.args(event).arg(&data).args(workload));
        let mut ratios = Vec::new();
        let mut times = (Vec::new(), Vec::new());
        for _ in 0..runs {
            let ours = export(&recording, &room.join("real.folded"));
            let ours = ours.0.as_secs_f64();
            let theirs = collapse(&data, &room.join("perf.folded")).as_secs_f64();
            ratios.push(theirs / ours);
            times.0.push(ours);
            times.1.push(theirs);
        }
        println!(
            "somno {:.2} s, perf script | collapse of {call_graph} {:.2} s: {:.1} times",
            median(times.0),
            median(times.1),
            median(ratios)
        );
    }
}

fn collapse(data: &Path, output: &Path) -> Duration {
    let began = Instant::now();
    let mut script = Command::new("perf")
        .args(["script", "-i"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("perf is there");
    let text = script.stdout.take().expect("it is piped");
    let output = File::create(output).expect("the target directory is writable");
    Folder::default()
        .collapse(BufReader::new(text), output)
        .expect("perf's text is understood");
    assert!(script.wait().expect("it is ours").success());
    began.elapsed()
}

/// Random numbers that are the same each time: xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Small numbers more often than large ones.
    fn low(&mut self, limit: u64) -> u64 {
        let first = self.below(limit);
        self.below(first + 1)
    }
}

/// Stacks that branch as calls do: each begins as another one and ends on its own.
fn stacks(random: &mut Random) -> Vec<Vec<UserFrame>> {
    let mut stacks: Vec<Vec<UserFrame>> = vec![Vec::new()];
    for _ in 0..STACKS {
        let parent = &stacks[usize::try_from(random.below(stacks.len() as u64)).expect("small")];
        let keep = usize::try_from(random.below(parent.len() as u64 + 1)).expect("small");
        let mut stack = parent[..keep].to_vec();
        for _ in 0..=random.below(12) {
            let module = ModuleId(u32::try_from(2 + random.below(MODULES)).expect("small"));
            let function = random.below(FUNCTIONS);
            stack.push(UserFrame::File(module, FileOffset(0x1000 + function * 64)));
        }
        stacks.push(stack);
    }
    for stack in &mut stacks {
        stack.reverse();
    }
    stacks
}

fn generate(path: &PathBuf) -> io::Result<()> {
    let mut random = Random(42);
    let stacks = stacks(&mut random);
    let began = Timestamp(1_000_000_000);
    let mut writer = Writer::new(File::create(path)?, &header(began))?;
    for id in 0..MODULES {
        writer.add(&Event::Module(module(id)))?;
    }
    for number in 0..SAMPLES {
        let time = Timestamp(began.0 + number * 100_000);
        let turn = u32::try_from(number).expect("small");
        let cookie = Cookie { slot: 1, turn };
        let thread = u32::try_from(random.below(40)).expect("small");
        let stack = &stacks[usize::try_from(random.low(STACKS)).expect("small")];
        writer.add(&Event::KernelHalf(kernel_half(time, thread, cookie)))?;
        writer.add(&Event::UserHalf(user_half(time, thread, cookie, stack)))?;
        if number % 5000 == 0 {
            writer.end_round(time)?;
        }
    }
    let names: Vec<_> = writer
        .take_frames()
        .iter()
        .map(|(id, _)| {
            let name = format!("some_namespace::function_{}", id.index());
            let name = FrameName::new(&name, Kind::User);
            (id, Naming::Named(vec![name.into()]))
        })
        .collect();
    writer.add_names(&names)?;
    writer.finish(&HashSet::new(), &Totals::default())?;
    Ok(())
}

fn header(began: Timestamp) -> Header {
    Header {
        version: String::new(),
        command_line: Vec::new(),
        target: "generated".into(),
        mode: Mode::Deferred,
        events: vec![EventInfo {
            name: "cpu-clock".into(),
            unit: Unit::Samples,
            rate: None,
        }],
        rate: Rate::Frequency(NonZeroU64::new(9999).expect("it is not zero")),
        off_cpu_min: None,
        began_unix_ns: 0,
        began,
        machine: Machine::default(),
    }
}

fn module(id: u64) -> Module {
    Module {
        id: ModuleId(u32::try_from(2 + id).expect("small")),
        identity: FileIdentity {
            device: 0,
            inode: id,
            size: 1,
            mtime_ns: 1,
        },
        path: format!("/nowhere/lib{id}.so").into_bytes(),
        deleted: false,
        pid: Pid(1),
        mapped: (UserAddress(0x1000), UserAddress(0x10_0000)),
    }
}

fn kernel_half(time: Timestamp, thread: u32, cookie: Cookie) -> KernelHalf {
    KernelHalf {
        time,
        cpu: Cpu(0),
        pid: Pid(100 + thread / 4),
        tid: Tid(100 + thread),
        comm: Comm::from(format!("thread-{thread}").as_str()),
        cgroup: CgroupId::UNKNOWN,
        environment: EnvironmentId::NONE,
        weight: Weight(1),
        event: 0,
        promise: Promise::Deferred(cookie),
        own_cost: false,
        in_nmi: false,
        state: TaskState::OnCpu,
        waker: None,
        kernel: [u64::MAX - u64::from(thread % 4) * 64]
            .map(KernelAddress)
            .into(),
    }
}

fn user_half(time: Timestamp, thread: u32, cookie: Cookie, stack: &[UserFrame]) -> UserHalf {
    UserHalf {
        cookie,
        time,
        pid: Pid(100 + thread / 4),
        tid: Tid(100 + thread),
        process_start: ProcessStart(1),
        outcome: Outcome::Complete,
        leaving: false,
        cost_ns: 2000,
        slept: 0,
        frames: stack.into(),
    }
}
