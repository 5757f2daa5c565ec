use std::io::Read as _;

use flate2::read::GzDecoder;

use super::*;
use crate::export::fixture::Fixture;
use crate::profile::header::{EventInfo, Unit};

fn written(fixture: &Fixture) -> Profile {
    let mut bytes = Vec::new();
    fixture
        .subject(|subject| write(subject, &Options::default(), &mut bytes))
        .expect("memory takes everything");
    let mut decoded = Vec::new();
    GzDecoder::new(&bytes[..])
        .read_to_end(&mut decoded)
        .expect("it is compressed");
    Profile::decode(&decoded[..]).expect("it is a profile")
}

impl Profile {
    fn text(&self, id: i64) -> &str {
        &self.string_table[usize::try_from(id).expect("it is no negative position")]
    }

    /// Functions of a sample with their lines, leaf first.
    fn names(&self, sample: &Sample) -> Vec<(&str, i64)> {
        let ids = sample.location_id.iter();
        let locations = ids.map(|id| &self.location[usize::try_from(id - 1).expect("small")]);
        let lines = locations.flat_map(|location| &location.line);
        lines
            .map(|line| {
                let function =
                    &self.function[usize::try_from(line.function_id - 1).expect("small")];
                (self.text(function.name), line.line)
            })
            .collect()
    }

    fn types(&self) -> Vec<(&str, &str)> {
        let types = self.sample_type.iter();
        types
            .map(|kind| (self.text(kind.r#type), self.text(kind.unit)))
            .collect()
    }
}

/// Check that stacks are leaf first, with inlined functions as lines of one location.
#[test]
fn stacks_are_leaf_first() {
    let mut fixture = Fixture::new();
    fixture
        .add("main;f;g_[i];h_[i];sys_[k]")
        .add("main;f;g_[i];h_[i];sys_[k]");
    let profile = written(&fixture);
    let [sample] = &profile.sample[..] else {
        panic!("one sample: {profile:?}");
    };
    assert_eq!(
        profile.names(sample),
        [("sys", 1), ("h", 3), ("g", 2), ("f", 1), ("main", 1)]
    );
    assert_eq!(sample.location_id.len(), 3);
    assert_eq!(sample.value, [2, 2_000_000]);
    assert_eq!(
        profile.types(),
        [("samples", "count"), ("cpu", "nanoseconds")]
    );
    assert_eq!(
        (profile.period, profile.duration_nanos),
        (1_000_000, 2_000_000_000)
    );
}

/// Check that addresses are in their mappings, at the offset in the file, and that a
/// program comes before libraries.
#[test]
fn addresses_are_in_mappings() {
    let mut fixture = Fixture::new();
    fixture.add("lib:start;main;jit_[j];sys_[k]").add("[lost]");
    let profile = written(&fixture);
    let names: Vec<_> = profile
        .mapping
        .iter()
        .map(|m| profile.text(m.filename))
        .collect();
    assert_eq!(
        names,
        ["/bin/prog", "/lib/libc.so.6", "[anon]", "[kernel.kallsyms]"]
    );
    assert_eq!(profile.text(profile.mapping[0].build_id), "ab".repeat(20));
    for location in &profile.location {
        let Some(index) = location.mapping_id.checked_sub(1) else {
            assert_eq!(location.address, 0, "a reason is nowhere");
            continue;
        };
        let mapping = &profile.mapping[usize::try_from(index).expect("small")];
        let range = mapping.memory_start..mapping.memory_limit;
        assert!(
            range.contains(&location.address),
            "{location:?} {mapping:?}"
        );
    }
    let main = profile
        .location
        .iter()
        .find(|location| location.mapping_id == 1);
    let mapping = profile.mapping[0];
    let offset = main.map(|main| main.address - mapping.memory_start + mapping.file_offset);
    assert_eq!((offset, mapping.file_offset), (Some(0x1010), 0x1000));
}

/// Check that samples tell thread, process and CPU.
#[test]
fn samples_are_labelled() {
    let mut fixture = Fixture::new();
    fixture
        .add_of("a b", 7, 9, 1, "main")
        .add_of("c", 7, 7, 1, "main");
    let profile = written(&fixture);
    assert_eq!(profile.sample.len(), 2);
    let label = |label: &Label| {
        let key = profile.text(label.key);
        (key, profile.text(label.str), label.num)
    };
    let labels: Vec<_> = profile.sample[0].label.iter().map(label).collect();
    assert_eq!(
        labels,
        [
            ("thread", "a b", 0),
            ("cpu", "1", 0),
            ("pid", "", 7),
            ("tid", "", 9)
        ]
    );
}

/// Check the values of time, and of several events.
#[test]
fn events_are_values() {
    let mut fixture = Fixture::new();
    fixture.add_of("a", 1, 1, 5_000, "main");
    fixture.header.events[0] = EventInfo {
        name: "off-cpu".into(),
        unit: Unit::Nanoseconds,
        rate: None,
    };
    let profile = written(&fixture);
    assert_eq!(
        profile.types(),
        [("samples", "count"), ("off-cpu", "nanoseconds")]
    );
    assert_eq!(profile.sample[0].value, [1, 5_000]);

    fixture.header.events.push(EventInfo {
        name: "cycles".into(),
        unit: Unit::Samples,
        rate: None,
    });
    let profile = written(&fixture);
    assert_eq!(
        profile.types(),
        [("off-cpu", "nanoseconds"), ("cycles", "count")]
    );
    assert_eq!(profile.sample[0].value, [5_000, 0]);
}
