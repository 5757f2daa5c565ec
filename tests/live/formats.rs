//! One recording in every format, read back by what reads the format.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use inferno::collapse::Collapse as _;
use inferno::collapse::perf::{Folder, Options};
use serde_json::Value;

use crate::folded::Folded;
use crate::machine::Machine;
use crate::pprof;

const CHAIN: &str = "run;one;two;three;four;five;heavy";

/// Nanoseconds between samples.
const PERIOD: u64 = 2_000_000;

/// A file's text, decompressed where its name says that it is compressed.
fn text(path: &Path) -> String {
    let mut file = File::open(path).expect("it was written");
    let mut text = String::new();
    let read = if path.extension().is_some_and(|extension| extension == "gz") {
        GzDecoder::new(file).read_to_string(&mut text)
    } else {
        file.read_to_string(&mut text)
    };
    read.expect("it is text");
    text
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&text(path)).expect("it is JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("it is a list")
}

fn number(value: &Value) -> usize {
    let number = value.as_u64().expect("it is a number");
    usize::try_from(number).expect("it is small")
}

/// What inferno makes of the text of perf script.
fn of_perf(path: &Path) -> Folded {
    let mut options = Options::default();
    options.annotate_kernel = true;
    let mut folded = Vec::new();
    Folder::from(options)
        .collapse(text(path).as_bytes(), &mut folded)
        .expect("inferno understands it");
    Folded::parse(&String::from_utf8_lossy(&folded))
}

fn of_speedscope(path: &Path) -> Folded {
    let file = json(path);
    let frames = list(&file["shared"]["frames"]);
    let mut folded = String::new();
    for profile in list(&file["profiles"]) {
        let name = profile["name"].as_str().expect("it has a name");
        let (comm, _) = name.split_once(" (").expect("it says the ids");
        let weights = list(&profile["weights"]).iter();
        for (stack, weight) in list(&profile["samples"]).iter().zip(weights) {
            let names = list(stack)
                .iter()
                .map(|frame| &frames[number(frame)]["name"]);
            let names: Vec<_> = names.map(|name| name.as_str().expect("text")).collect();
            let count = number(weight) as u64 / PERIOD;
            writeln!(folded, "{comm};{} {count}", names.join(";")).expect("memory");
        }
    }
    Folded::parse(&folded)
}

fn of_firefox(path: &Path) -> Folded {
    let file = json(path);
    let shared = &file["shared"];
    let categories = list(&file["meta"]["categories"]);
    let frame_name = |frame: usize| {
        let frames = &shared["frameTable"];
        let function = number(&frames["func"][frame]);
        let name = &shared["stringArray"][number(&shared["funcTable"]["name"][function])];
        let name = name.as_str().expect("it is text");
        match categories[number(&frames["category"][frame])]["name"].as_str() {
            Some("Kernel") => format!("{name}_[k]"),
            _ => name.to_owned(),
        }
    };
    let mut folded = String::new();
    for thread in list(&file["threads"]) {
        let samples = &thread["samples"];
        for (stack, weight) in list(&samples["stack"]).iter().zip(list(&samples["weight"])) {
            let mut names = Vec::new();
            let mut at = Some(stack).filter(|stack| !stack.is_null());
            while let Some(stack) = at.map(number) {
                names.push(frame_name(number(&shared["stackTable"]["frame"][stack])));
                at = Some(&shared["stackTable"]["prefix"][stack]).filter(|stack| !stack.is_null());
            }
            names.push(thread["name"].as_str().expect("it has a name").to_owned());
            names.reverse();
            writeln!(folded, "{} {weight}", names.join(";")).expect("memory");
        }
    }
    Folded::parse(&folded)
}

/// Check that every format has every sample, and the stacks that the program has.
#[test]
fn every_format_has_the_stacks() {
    let machine = Machine::take();
    let chain = machine.fixture("chain");
    let path = |extension: &str| machine.path(&format!("profile.{extension}"));
    let mut record = machine.record().options("-e cpu-clock -F 500");
    let extensions = [
        "svg",
        "folded",
        "pb.gz",
        "pprof",
        "speedscope.json",
        "firefox.json",
        "firefox.json.gz",
        "perf",
    ];
    for extension in extensions {
        record = record.output(path(extension));
    }
    let (folded, _) = record.fixture(&chain, "1").run().adds_up();

    for (format, read) in [
        ("folded", Folded::parse(&text(&path("folded")))),
        ("pprof", pprof::folded(&path("pb.gz"))),
        ("pprof too", pprof::folded(&path("pprof"))),
        ("speedscope", of_speedscope(&path("speedscope.json"))),
        ("firefox", of_firefox(&path("firefox.json"))),
        ("firefox, compressed", of_firefox(&path("firefox.json.gz"))),
        ("perf-script", of_perf(&path("perf"))),
    ] {
        assert_eq!(read.count(), folded.count(), "samples as {format}");
        let in_chain = |all: &Folded| all.of("chain").only(|line| line.has(CHAIN)).count();
        assert_eq!(in_chain(&read), in_chain(&folded), "{format}:\n{read}");
        assert!(in_chain(&read) > 0, "{format}:\n{read}");
    }
    let svg = fs::read_to_string(path("svg")).expect("it was written");
    let total = format!("total_samples=\"{}\"", folded.count());
    assert!(svg.contains(&total), "{total} is not in the picture");
}
