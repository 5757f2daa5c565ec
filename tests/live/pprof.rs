//! Reads pprof profiles, by as much of `profile.proto` as it takes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use prost::Message;

use crate::folded::Folded;

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    mappings: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    locations: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    functions: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    strings: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    locations: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    values: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    labels: Vec<Label>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    text: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Mapping {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "5")]
    file: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    mapping: u64,
    #[prost(message, repeated, tag = "4")]
    lines: Vec<FunctionLine>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct FunctionLine {
    #[prost(uint64, tag = "1")]
    function: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
}

impl Profile {
    fn text(&self, position: i64) -> &str {
        &self.strings[usize::try_from(position).expect("a position is not negative")]
    }

    fn comm(&self, sample: &Sample) -> &str {
        let mut labels = sample.labels.iter();
        let label = labels.find(|label| self.text(label.key) == "thread");
        self.text(label.expect("samples name their thread").text)
    }

    /// The functions of a place, innermost first.
    fn names(&self, id: u64) -> Vec<String> {
        let mut locations = self.locations.iter();
        let location = locations.find(|location| location.id == id);
        let location = location.expect("locations are in the table");
        let mut mappings = self.mappings.iter();
        let mapping = mappings.find(|mapping| mapping.id == location.mapping);
        let file = mapping.map_or("", |mapping| self.text(mapping.file));
        let suffix = if file == "[kernel.kallsyms]" {
            "_[k]"
        } else {
            ""
        };
        let lines = location.lines.iter();
        let names = lines.map(|line| {
            let mut functions = self.functions.iter();
            let function = functions.find(|function| function.id == line.function);
            let name = function.expect("functions are in the table").name;
            format!("{}{suffix}", self.text(name))
        });
        names.collect()
    }
}

/// A profile as folded stacks, by its first value.
pub(crate) fn folded(path: &Path) -> Folded {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path).expect("it was written"))
        .read_to_end(&mut bytes)
        .expect("it is compressed");
    let profile = Profile::decode(&bytes[..]).expect("it is a profile");
    let mut folded = String::new();
    for sample in &profile.samples {
        let mut names = sample
            .locations
            .iter()
            .flat_map(|&id| profile.names(id))
            .collect::<Vec<_>>();
        names.push(profile.comm(sample).to_owned());
        names.reverse();
        writeln!(folded, "{} {}", names.join(";"), sample.values[0]).expect("memory");
    }
    Folded::parse(&folded)
}
