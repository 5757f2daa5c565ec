//! The script of the interactive page, as far as it goes without a browser.

use std::num::NonZeroU64;
use std::path::Path;
use std::process::Command;

use somno::addr::KernelAddress;
use somno::event::{Comm, KernelHalf, Mode, Promise, TaskState, Weight};
use somno::export::{Format, Options, Subject, write};
use somno::id::{CgroupId, Cpu, EnvironmentId, Pid, Tid};
use somno::profile::Profile;
use somno::profile::header::{EventInfo, Header, Machine, Unit};
use somno::profile::names::{FrameName, Names, Naming};
use somno::stitch::{Sample, User};
use somno::time::{Rate, Timestamp};
use somno::view::selection::{Filter, Selection};

/// More than are written one by one.
const SAMPLES: u64 = 300_000;

/// Check what the script makes of profiles, and that it reads a page that is written here,
/// of so many samples that some are put together.
#[test]
fn script_is_right() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let page = directory.path().join("page.html");
    let weight = write_page(&page);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/html/test.js");
    let output = Command::new("node")
        .arg(script)
        .arg(page)
        .arg(weight.to_string())
        .output()
        .expect("node is there: `make setup-test` installs it");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("a page is read as it was written"), "{said}");
}

/// Check that a browser draws the page: its policy lets it, and no function of it fails.
#[test]
#[ignore = "takes chromium, which is large; with it: cargo test --test html -- --ignored"]
fn browser_draws_page() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let page = directory.path().join("page.html");
    let weight = write_page(&page);
    let output = Command::new("chromium")
        .args(["--headless=new", "--no-sandbox", "--disable-gpu"])
        .args(["--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("chromium is there");
    let drawn = String::from_utf8_lossy(&output.stdout);
    assert!(drawn.contains(r#"<body class="ready">"#));
    assert!(drawn.contains("<title>busy – somno</title>"));
    // The hottest function, in the table and with its weight.
    assert!(drawn.contains("[kernel+0x"));
    assert_eq!(weight, SAMPLES * 2);
    assert!(drawn.contains("all · total 600,000 samples, 100% of all"));
    assert!(!drawn.contains(r#"id="notice""#));
}

fn write_page(path: &Path) -> u64 {
    let mut profile = Profile::new();
    for number in 0..SAMPLES {
        profile.add(&sample(number));
    }
    let mut names = Names::new(profile.frames());
    for (id, _) in profile.frames().iter() {
        let name = FrameName::in_kernel(KernelAddress(id.index() as u64));
        names.set(id, Naming::Named(vec![name.into()]));
    }
    let header = header();
    let selection = Selection::new(&profile, &names, header.began, &Filter::default());
    let subject = Subject {
        selection: &selection,
        header: &header,
        duration: std::time::Duration::ZERO,
        remark: "",
    };
    let mut file = std::fs::File::create(path).expect("a file can be made");
    write(Format::Html, &subject, &Options::default(), &mut file).expect("it can be written");
    selection.total().0
}

fn sample(number: u64) -> Sample {
    let kernel_half = KernelHalf {
        time: Timestamp(number * 1_000_000),
        cpu: Cpu(0),
        pid: Pid(1),
        tid: Tid(1),
        comm: Comm::from("busy"),
        cgroup: CgroupId::UNKNOWN,
        environment: EnvironmentId::NONE,
        weight: Weight(1 + number % 3),
        event: 0,
        state: TaskState::OnCpu,
        promise: Promise::KernelOnly,
        own_cost: false,
        in_nmi: false,
        waker: None,
        kernel: [number % 50, 100 + number % 7, 200]
            .map(KernelAddress)
            .into(),
    };
    Sample {
        kernel_half,
        user: User::KernelOnly,
    }
}

fn header() -> Header {
    Header {
        version: "0".into(),
        command_line: Vec::new(),
        target: "busy".into(),
        mode: Mode::Deferred,
        events: vec![EventInfo {
            name: "cpu-clock".into(),
            unit: Unit::Samples,
            rate: None,
        }],
        rate: Rate::Frequency(NonZeroU64::MIN),
        off_cpu_min: None,
        began_unix_ns: 0,
        began: Timestamp(0),
        machine: Machine::default(),
    }
}
