//! Checks of every format at once: none may lose a sample or add one.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::GzDecoder;
use prost::Message as _;
use regex::{Regex, escape};
use serde_json::Value;

use super::fixture::Fixture;
use super::{Format, Options, Subject, html, pprof, write};
use crate::event::Weight;
use crate::id::{Pid, Tid};
use crate::profile::header::Unit;
use crate::view::selection::Filter;

/// Stacks to choose from: of every kind, deep and empty, with names that parsers trip over.
const STACKS: [&str; 12] = [
    "",
    "main",
    "main;f;g_[i];h_[i]",
    "main;f;f;f;f",
    "[lost]",
    "[no CFI];f;sys_[k]",
    "sys_[k];do_sys_[k]",
    "lib:start;main;lib:read",
    "main;j_[j];k_[j]",
    "main;f 12",
    "main;operator new<T> (int) const 1.5",
    "main;naïve::日本",
];

const COMMS: [&str; 7] = ["prog", "a b", "# x", "", "12", "7/8 9", "日本"];

/// A small generator of numbers: xorshift64, by Marsaglia.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn choose<T: Copy>(&mut self, values: &[T]) -> T {
        let index = usize::try_from(self.below(values.len() as u64));
        values[index.expect("it is below a length")]
    }
}

fn random_profile(seed: u64) -> Fixture {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut fixture = Fixture::new();
    if random.below(2) == 0 {
        fixture.header.events[0].unit = Unit::Nanoseconds;
    }
    for _ in 0..=random.below(40) {
        let pid = 100 + u32::try_from(random.below(3)).expect("it is small");
        let tid = pid + u32::try_from(random.below(2)).expect("it is small");
        let (comm, stack) = (random.choose(&COMMS), random.choose(&STACKS));
        let weight = 1 + random.below(1000);
        fixture.add_of(comm, pid, tid, weight, stack);
    }
    fixture
}

fn written(format: Format, subject: &Subject<'_>, options: &Options) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(format, subject, options, &mut bytes).expect("memory takes everything");
    bytes
}

/// What all samples of a file weigh, in the unit of the selection.
fn total(format: Format, subject: &Subject<'_>, bytes: &[u8]) -> u64 {
    let text = || std::str::from_utf8(bytes).expect("it is text");
    let json = || serde_json::from_slice::<Value>(bytes).expect("it is JSON");
    match format {
        // the picture of nothing has no such attribute
        Format::Svg if subject.selection.total() == Weight(0) => 0,
        Format::Svg => number_after(text(), "total_samples=\""),
        Format::Folded => {
            let counts = text().lines().filter_map(|line| line.rsplit(' ').next());
            counts.filter_map(|count| count.parse::<u64>().ok()).sum()
        }
        Format::Html => html::tests::total(text()),
        Format::Pprof => pprof_total(subject, bytes),
        Format::Speedscope => {
            let nanoseconds = sum(&json(), "/profiles", "/weights");
            match subject.unit() {
                // a sample is 1 ms
                Unit::Samples => whole(nanoseconds / 1e6),
                Unit::Nanoseconds => whole(nanoseconds),
            }
        }
        Format::Firefox => {
            let weight = sum(&json(), "/threads", "/samples/weight");
            match subject.unit() {
                Unit::Samples => whole(weight),
                Unit::Nanoseconds => whole(weight * 1e6),
            }
        }
        Format::PerfScript => {
            let events = text().lines().filter(|line| line.ends_with("cpu-clock: "));
            let periods = events.filter_map(|line| line.split_whitespace().rev().nth(1));
            periods
                .filter_map(|period| period.parse::<u64>().ok())
                .sum()
        }
    }
}

fn pprof_total(subject: &Subject<'_>, bytes: &[u8]) -> u64 {
    let mut decoded = Vec::new();
    GzDecoder::new(bytes)
        .read_to_end(&mut decoded)
        .expect("it is compressed");
    let profile = pprof::proto::Profile::decode(&decoded[..]).expect("it is a profile");
    let column = match subject.unit() {
        Unit::Samples => 0,
        Unit::Nanoseconds => 1,
    };
    let total: i64 = profile
        .sample
        .iter()
        .map(|sample| sample.value[column])
        .sum();
    total.unsigned_abs()
}

fn number_after(text: &str, before: &str) -> u64 {
    let (_, after) = text.split_once(before).expect(before);
    let (number, _) = after.split_once('"').expect("it ends");
    number.parse().expect("it is a number")
}

/// The sum of the numbers in a list of each element of a list.
fn sum(value: &Value, list: &str, inner: &str) -> f64 {
    let elements = value.pointer(list).and_then(Value::as_array).expect(list);
    let lists = elements
        .iter()
        .filter_map(|element| element.pointer(inner)?.as_array());
    lists.flatten().filter_map(Value::as_f64).sum()
}

fn whole(value: f64) -> u64 {
    // nothing adds up to -0
    format!("{:.0}", value.abs())
        .parse()
        .expect("it is no negative number")
}

/// Check that the weights of every format add up to the selection's, for profiles of all
/// sorts and in every layout.
#[test]
fn weights_are_preserved() {
    let flamechart = Options {
        flamechart: true,
        ..Options::default()
    };
    let reverse = Options {
        reverse: true,
        ..Options::default()
    };
    for seed in 0..60 {
        random_profile(seed).subject(|subject| {
            for format in Format::ALL {
                for options in [&Options::default(), &flamechart, &reverse] {
                    let bytes = written(format, subject, options);
                    let weight = total(format, subject, &bytes);
                    let expected = subject.selection.total().0;
                    assert_eq!(weight, expected, "{format:?}, profile {seed}, {options:?}");
                }
            }
        });
    }
}

/// Filters that each sample passes one of, for everything that can be chosen by.
fn divisions() -> Vec<Vec<Filter>> {
    let plain = Filter::default;
    let comm = |comm: &&str| Filter {
        comm: Some(Regex::new(&format!("^{}$", escape(comm))).expect("it is escaped")),
        ..plain()
    };
    let millis = Duration::from_millis;
    vec![
        COMMS.iter().map(comm).collect(),
        (100..103)
            .map(|pid| Filter {
                pids: vec![Pid(pid)],
                ..plain()
            })
            .collect(),
        (100..104)
            .map(|tid| Filter {
                tids: vec![Tid(tid)],
                ..plain()
            })
            .collect(),
        (0..2)
            .map(|cpu| Filter {
                cpus: vec![cpu],
                ..plain()
            })
            .collect(),
        (0..50)
            .map(|at| Filter {
                from: Some(millis(at)),
                to: Some(millis(at + 1)),
                ..plain()
            })
            .collect(),
        vec![Filter {
            no_kernel: true,
            ..plain()
        }],
        vec![Filter {
            event: Some(0),
            ..plain()
        }],
    ]
}

/// Check that the parts of a profile add up to it, whatever it is divided by, in every format.
#[test]
fn parts_add_up() {
    for seed in 0..5 {
        let fixture = random_profile(seed);
        let whole = fixture.subject(|subject| subject.selection.total().0);
        for (division, filters) in divisions().into_iter().enumerate() {
            for format in Format::ALL {
                let weight = |filter: &Filter| {
                    fixture.part(filter, |subject| {
                        let bytes = written(format, subject, &Options::default());
                        total(format, subject, &bytes)
                    })
                };
                let parts: u64 = filters.iter().map(weight).sum();
                assert_eq!(parts, whole, "{format:?}, profile {seed}, by {division}");
            }
        }
    }
}

/// Check that every format writes something of nothing, and the same compressed.
#[test]
fn nothing_is_something() {
    let compressed = Options {
        compress: true,
        ..Options::default()
    };
    Fixture::new().subject(|subject| {
        for format in Format::ALL {
            let plain = written(format, subject, &Options::default());
            let bytes = written(format, subject, &compressed);
            let mut decoded = Vec::new();
            let read = GzDecoder::new(&bytes[..]).read_to_end(&mut decoded);
            assert!(read.is_ok(), "{format:?} is compressed");
            assert!(decoded == plain || bytes == plain, "{format:?}");
        }
    });
}
