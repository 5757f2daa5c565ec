use std::io::Read as _;
use std::num::NonZeroU64;
use std::time::Duration;

use flate2::read::ZlibDecoder;
use serde_json::Value;

use super::*;
use crate::addr::KernelAddress;
use crate::event::{Comm, KernelHalf, Mode, Outcome, Promise, TaskState, Weight};
use crate::export::class::Class;
use crate::id::{CgroupId, Cpu, EnvironmentId, Pid, Tid};
use crate::profile::Profile;
use crate::profile::frames::Frame;
use crate::profile::header::{EventInfo, Header, Machine, Unit};
use crate::profile::names::{FrameName, Kind, Location, NamedFrame, Names, Naming};
use crate::stitch::{Sample, User};
use crate::time::{Rate, Timestamp};
use crate::view::selection::{Filter, Selection};

const HOSTILE: [&str; 6] = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "]]>--><!--",
    "line\u{2028}separator\u{2029}",
    r#"quotes " ' ` \" {{script}} ${x}"#,
    "\u{0}\u{1b}[31m\u{202e}",
];

fn header() -> Header {
    Header {
        version: "0".into(),
        command_line: vec![HOSTILE[0].into()],
        target: HOSTILE[0].into(),
        mode: Mode::Deferred,
        events: vec![EventInfo {
            name: HOSTILE[1].into(),
            unit: Unit::Samples,
            rate: None,
        }],
        rate: Rate::Frequency(NonZeroU64::MIN),
        off_cpu_min: None,
        began_unix_ns: 0,
        began: Timestamp(1000),
        machine: Machine::default(),
    }
}

/// A sample at a microsecond, of a kernel stack that is given leaf first.
fn sample(us: u64, weight: u64, comm: &str, stack: &[u64]) -> Sample {
    Sample {
        kernel_half: KernelHalf {
            time: Timestamp(1000 + us * 1000),
            cpu: Cpu(3),
            pid: Pid(7),
            tid: Tid(8),
            comm: Comm::from(comm),
            cgroup: CgroupId::UNKNOWN,
            environment: EnvironmentId::NONE,
            weight: Weight(weight),
            event: 0,
            state: TaskState::OnCpu,
            promise: Promise::KernelOnly,
            own_cost: false,
            in_nmi: false,
            waker: None,
            kernel: stack
                .iter()
                .map(|&address| KernelAddress(address))
                .collect(),
        },
        user: User::KernelOnly,
    }
}

fn profile(samples: &[Sample]) -> Profile {
    let mut profile = Profile::new();
    for sample in samples {
        profile.add(sample);
    }
    profile.sort();
    profile
}

/// Names a kernel frame by what `name` says of its address, each on a line of its own.
fn names(profile: &Profile, name: impl Fn(u64) -> String) -> Names {
    let mut names = Names::new(profile.frames());
    for (id, frame) in profile.frames().iter() {
        if let Frame::Kernel(KernelAddress(address)) = frame {
            let frame = NamedFrame {
                name: FrameName::new(&name(address), Kind::Kernel),
                location: Some(Location {
                    file: HOSTILE[0].into(),
                    line: u32::try_from(address).expect("it is small"),
                }),
            };
            names.set(id, Naming::Named(vec![frame]));
        }
    }
    names
}

fn page(profile: &Profile, names: &Names) -> String {
    let header = header();
    let selection = Selection::new(profile, names, header.began, &Filter::default());
    let subject = Subject {
        selection: &selection,
        header: &header,
        duration: Duration::ZERO,
        remark: HOSTILE[2],
    };
    let mut page = Vec::new();
    write(&subject, &Options::default(), &mut page).expect("memory takes everything");
    String::from_utf8(page).expect("it is text")
}

/// What a page holds, read back.
struct Data {
    json: Value,
    columns: Vec<Vec<u64>>,
}

fn read(page: &str) -> Data {
    let (_, data) = page.split_once(r#"id="data">"#).expect("there is data");
    let (data, _) = data.split_once("</script>").expect("it ends");
    let data = BASE64.decode(data).expect("it is base64");
    let mut bytes = Vec::new();
    let mut zlib = ZlibDecoder::new(&data[..]);
    zlib.read_to_end(&mut bytes).expect("it is compressed");
    let (length, rest) = bytes.split_first_chunk().expect("it has a length");
    let (json, mut rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
    let json: Value = serde_json::from_slice(json).expect("it is JSON");
    let count = |name: &str| json["counts"][name].as_u64().expect("it is counted");
    let mut columns = Vec::new();
    for (name, width) in [("functions", 4), ("lines", 3), ("stacks", 2), ("rows", 6)] {
        for _ in 0..width {
            columns.push((0..count(name)).map(|_| number(&mut rest)).collect());
        }
    }
    assert!(rest.is_empty(), "everything is read");
    Data { json, columns }
}

fn number(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().expect("it goes on");
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if *first < 0x80 {
            break;
        }
    }
    number
}

/// What all samples of a page weigh.
pub(in crate::export) fn total(page: &str) -> u64 {
    stacks(&read(page)).iter().map(|(_, weight)| weight).sum()
}

/// The stacks of a page with what they weigh, root first, and the lines.
fn stacks(data: &Data) -> Vec<(String, u64)> {
    let [
        name,
        _,
        _,
        _,
        function,
        _,
        line,
        up,
        frame,
        _,
        stack,
        ..,
        weight,
    ] = &data.columns[..]
    else {
        panic!("every column is there");
    };
    let at = |column: &[u64], id: u64| column[usize::try_from(id).expect("it is small")];
    let text = |mut stack: u64| {
        let mut names = Vec::new();
        while stack > 0 {
            let id = at(frame, stack - 1);
            let string = usize::try_from(at(name, at(function, id))).expect("it is small");
            let string = data.json["strings"][string].as_str().expect("it is text");
            names.push(format!("{string}:{}", at(line, id)));
            stack -= at(up, stack - 1);
        }
        names.reverse();
        names.join(";")
    };
    let rows = stack.iter().zip(weight);
    rows.map(|(&stack, &weight)| (text(stack), weight))
        .collect()
}

/// Check that stacks, lines, weights, times and threads come back.
#[test]
fn samples_are_kept() {
    let profile = profile(&[
        sample(5, 2, "b", &[3, 1]),
        sample(1, u64::from(u32::MAX) * 3, "a", &[2, 1]),
        sample(9, 1, "b", &[]),
    ]);
    let page = page(&profile, &names(&profile, |address| format!("f{address}")));
    let data = read(&page);
    let expected = [
        ("f1:1;f2:2", u64::from(u32::MAX) * 3),
        ("f1:1;f3:3", 2),
        ("", 1),
    ];
    let expected = expected.map(|(stack, weight)| (stack.to_owned(), weight));
    assert_eq!(stacks(&data), expected);
    assert_eq!(data.columns[9], [1, 4, 4]);
    assert_eq!(data.json["samples"], 3);
    assert_eq!(data.json["threads"][0]["comm"], "a");
    assert_eq!(data.json["threads"][1]["tid"], 8);
    assert_eq!(
        data.json["outcomes"],
        serde_json::json!([["kernel only", 3]])
    );
}

/// Check that frames of one line are one, however many addresses they had.
#[test]
fn frames_are_merged_by_line() {
    let profile = profile(&[sample(1, 1, "a", &[1]), sample(2, 1, "a", &[2])]);
    let mut names = Names::new(profile.frames());
    for (id, _) in profile.frames().iter() {
        let name = FrameName::new("f", Kind::Kernel);
        names.set(id, Naming::Named(vec![name.into()]));
    }
    let data = read(&page(&profile, &names));
    assert_eq!(data.json["counts"]["lines"], 1);
    assert_eq!(data.json["counts"]["stacks"], 1);
}

/// Check that nothing from a profile can end an element, or is in the page as it was.
#[test]
fn names_cannot_break_out() {
    let samples: Vec<_> = (0_u64..)
        .zip(HOSTILE)
        .map(|(address, name)| sample(address, 1, name, &[address]))
        .collect();
    let profile = profile(&samples);
    let names = names(&profile, |address| {
        let index = usize::try_from(address).expect("it is small");
        HOSTILE[index].repeat(1 + index * 1000)
    });
    let page = page(&profile, &names);
    assert_eq!(page.matches("</script").count(), 2);
    for name in HOSTILE {
        assert!(!page.contains(name), "{name} is in the page");
    }
    let data = read(&page);
    assert_eq!(data.json["title"], HOSTILE[0]);
    assert_eq!(data.json["strings"][1], HOSTILE[0]);
    let longest = data.json["strings"].as_array().expect("they are many");
    let lengths = longest
        .iter()
        .filter_map(|text| Some(text.as_str()?.chars().count()));
    assert_eq!(lengths.max(), Some(2001));
}

/// Check that a page without samples is one too.
#[test]
fn nothing_is_a_page() {
    let profile = Profile::new();
    let data = read(&page(&profile, &Names::new(profile.frames())));
    assert_eq!(stacks(&data), []);
}

/// Check that a stack that stopped short keeps its reason, which is no function of a module.
#[test]
fn reasons_are_kinds() {
    let mut short = sample(1, 1, "a", &[]);
    short.user = User::Missing(Outcome::Lost);
    let profile = profile(&[short]);
    let data = read(&page(&profile, &Names::new(profile.frames())));
    assert_eq!(stacks(&data), [("[lost]:0".to_owned(), 1)]);
    assert_eq!(data.columns[2], [Class::Reason as u64]);
    assert_eq!(data.json["outcomes"], serde_json::json!([["lost", 1]]));
}

/// Check that the page loads nothing, and that its policy would not let it.
#[test]
fn nothing_is_loaded() {
    let profile = Profile::new();
    let page = page(&profile, &Names::new(profile.frames()));
    for address in [
        "http:", "https:", "ws://", "wss://", "//cdn", "@import", "url(",
    ] {
        assert!(!page.contains(address), "{address} is in the page");
    }
    for tag in ["<link rel=\"stylesheet", "<iframe", "<object", "<img"] {
        assert!(!page.contains(tag), "{tag} is in the page");
    }
    assert!(!page.contains(" src="));
    assert!(page.contains("content=\"default-src 'none'; script-src 'sha256-"));
    assert!(!page.contains("unsafe"));
}

/// Check that the script has none of what makes elements or code of text, and that what a
/// policy would refuse is not in the page.
#[test]
fn text_stays_text() {
    for name in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "import(",
        "setAttribute(\"style\"",
        "</",
    ] {
        assert!(!SCRIPT.contains(name), "{name} is in the script");
    }
    assert!(!PAGE.contains(" style="));
    assert!(!PAGE.contains(" on"), "no handler is in the page");
}
