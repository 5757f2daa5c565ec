//! Properties of the store and of what is shown of it.

#![expect(clippy::float_cmp, reason = "sums of small integers are exact")]

use std::collections::BTreeMap;
use std::time::Duration;

use super::batch::{Batch, Sample};
use super::fake::{BEGAN, Fake, Random};
use super::shown::{Group, Settings, Shown, Window};
use super::store::{Bounds, Store};
use super::tree::Tree;
use crate::addr::UserAddress;
use crate::event::Weight;
use crate::id::{CgroupId, Cpu, EnvironmentId, Pid, Tid};
use crate::profile::frames::{Frame, FrameTable};
use crate::profile::names::{FrameName, Kind, NamedFrame, Naming};
use crate::profile::threads::Thread;
use crate::time::{ProcessStart, Timestamp};

const SMALL: Bounds = Bounds {
    rows: 200,
    keys: 100,
    stacks: 300,
    threads: 20,
    seconds: 60,
};

fn at(millisecond: u64) -> Timestamp {
    Timestamp(BEGAN.0 + millisecond * 1_000_000)
}

/// Samples of random stacks from one millisecond on; some come late.
fn random_samples(fake: &mut Fake, random: &mut Random, from: u64, count: usize) {
    for n in 0..count {
        let depth = 1 + random.below(12);
        let names: Vec<_> = (0..depth)
            .map(|_| format!("f{}", random.below(9)))
            .collect();
        let stack: Vec<_> = names.iter().map(String::as_str).collect();
        let late = if random.below(10) == 0 { 40 } else { 0 };
        let pid = 1 + u32::try_from(random.below(40)).unwrap_or_default();
        let time = (from + n as u64).saturating_sub(late);
        fake.sample(time, ("app", pid, pid), &stack);
    }
}

/// What the tree has, by names along its paths.
fn paths(store: &Store, tree: &Tree) -> BTreeMap<String, (f64, f64)> {
    let described = tree
        .nodes()
        .filter(|&node| tree.total(node) > 0.0)
        .map(|node| {
            let path = tree.path(node);
            let names = path
                .iter()
                .map(|&entry| format!("{:?};", store.entries().get(entry)));
            (names.collect(), (tree.total(node), tree.own(node)))
        });
    described.collect()
}

fn settings(window: Window) -> Settings {
    Settings {
        window,
        ..Settings::default()
    }
}

/// Check that a tree that was kept up to date is the one that would be made anew, for
/// every window, while samples come late, have names found, and are forgotten.
#[test]
fn what_is_kept_up_to_date_is_what_is_made_anew() {
    let windows = [
        Window::All,
        Window::Recent(Duration::from_millis(150)),
        Window::Between(at(100), at(400)),
    ];
    for (seed, window) in (1..).zip(windows.repeat(2)) {
        let mut random = Random(seed);
        let (mut fake, mut store) = (Fake::new(), Store::new(BEGAN, Bounds::NONE, 1000));
        let mut shown = Shown::new(&mut store, settings(window), BEGAN);
        for round in 0..12 {
            random_samples(&mut fake, &mut random, round * 50, 50);
            if random.below(4) == 0 {
                fake.name_all();
            }
            let applied = store.apply(fake.take());
            shown.take(&mut store, &applied);
            shown.advance(&mut store, at(round * 50 + 50));
            let kept = paths(&store, shown.tree());
            let now = shown.now();
            let anew = Shown::new(&mut store, settings(window), now);
            assert_eq!(
                kept,
                paths(&store, anew.tree()),
                "{window:?} {seed} {round}"
            );
            if store.wants_rebuild() {
                let rebuilt = store.rebuild(&[], &[]);
                shown.renumber(&rebuilt.keys);
                shown.rebuild(&mut store);
            }
        }
    }
}

/// Check that bounds are kept, and that no sample is lost by them.
#[test]
fn bounds_keep_every_weight() {
    for seed in 1..8 {
        let mut random = Random(seed);
        let (mut fake, mut store) = (Fake::new(), Store::new(BEGAN, SMALL, 1000));
        let mut shown = Shown::new(&mut store, settings(Window::All), BEGAN);
        for round in 0..20 {
            random_samples(&mut fake, &mut random, round * 50, 50);
            let applied = store.apply(fake.take());
            shown.take(&mut store, &applied);
            if store.wants_rebuild() {
                let rebuilt = store.rebuild(&[], &[]);
                shown.renumber(&rebuilt.keys);
                shown.rebuild(&mut store);
            }
            assert_eq!(shown.tree().total(Tree::root()), (round + 1) as f64 * 50.0);
            assert!(
                store.keys().len() <= SMALL.keys,
                "{} keys",
                store.keys().len()
            );
            assert!(store.stack_count() <= SMALL.stacks + SMALL.keys);
            assert!(store.threads().len() <= SMALL.threads);
            assert!(store.history().len() <= SMALL.rows);
        }
        let forgotten = paths(&store, shown.tree());
        assert!(forgotten.keys().any(|path| path.contains("[forgotten]")));
    }
}

/// Check that places become names, and what called and was called stays.
#[test]
fn places_become_names() {
    let (mut fake, mut store) = (Fake::new(), Store::new(BEGAN, Bounds::NONE, 1000));
    fake.sample(1, ("app", 1, 1), &["main", "lib:malloc", "page_fault_[k]"]);
    fake.sample(2, ("app", 1, 1), &["main", "hot_[i]"]);
    store.apply(fake.take());
    let wanted = Settings {
        group: Group::None,
        ..Settings::default()
    };
    let mut shown = Shown::new(&mut store, wanted, at(9));
    let before = paths(&store, shown.tree());
    assert!(
        before.keys().any(|path| path.contains("[libc.so.6+0x")),
        "{before:?}"
    );
    fake.name_all();
    store.apply(fake.take());
    assert!(store.wants_rebuild());
    let rebuilt = store.rebuild(&[], &[]);
    shown.renumber(&rebuilt.keys);
    shown.rebuild(&mut store);
    let after: Vec<_> = paths(&store, shown.tree()).into_keys().collect();
    assert_eq!(after.len(), 6, "{after:?}");
    for names in [
        &["main", "malloc", "Library"][..],
        &["hot_outer", "hot", "Inlined"],
    ] {
        assert!(
            after
                .iter()
                .any(|path| names.iter().all(|name| path.contains(name)))
        );
    }
}

/// Check that what is frozen stays, and that it goes on where it would be by then.
#[test]
fn frozen_stays() {
    let (mut fake, mut store) = (Fake::new(), Store::new(BEGAN, Bounds::NONE, 1000));
    let window = Window::Recent(Duration::from_millis(100));
    let mut shown = Shown::new(&mut store, settings(window), BEGAN);
    for millisecond in 0..300 {
        if millisecond == 150 {
            shown.freeze(&store);
        }
        fake.sample(millisecond, ("app", 1, 1), &["main"]);
        let applied = store.apply(fake.take());
        shown.take(&mut store, &applied);
        shown.advance(&mut store, at(millisecond));
    }
    assert_eq!(shown.tree().total(Tree::root()), 101.0);
    assert_eq!(shown.now(), at(149));
    shown.thaw(&mut store, at(299));
    assert_eq!(shown.tree().total(Tree::root()), 101.0);
    assert_eq!(shown.now(), at(299));
}

/// A flood in which nothing comes twice: places in the code, stacks, processes, their names.
struct Flood {
    random: Random,
    frames: u64,
    threads: u32,
}

impl Flood {
    const SAMPLES: usize = 20;

    /// What came at a second.
    fn second(&mut self, second: u64) -> Batch {
        let first = self.frames;
        self.frames += 32;
        let place = |number| Frame::Anonymous(Pid(1), ProcessStart(1), UserAddress(number));
        let frames: Vec<_> = (first..self.frames).map(place).collect();
        let mut table = FrameTable::default();
        let ids: Vec<_> = frames.iter().map(|&frame| table.intern(frame)).collect();
        let named = ids.iter().map(|&id| {
            let name = FrameName::new(&format!("f{}", first + id.index() as u64), Kind::Jit);
            let location = None;
            (id, Naming::Named(vec![NamedFrame { name, location }]))
        });
        let mut batch = Batch {
            anew: true,
            frames,
            named: named.collect(),
            ..Batch::default()
        };
        for at in 0..Self::SAMPLES as u64 {
            self.threads += 1;
            let depth = 1 + self.random.below(24);
            let stack = (0..depth).map(|_| ids[self.random.below(ids.len())]);
            batch.stacks.extend(stack);
            batch.samples.push(Sample {
                time: Timestamp(BEGAN.0 + second * 1_000_000_000 + at),
                weight: Weight(1),
                thread: Thread {
                    pid: Pid(self.threads % 3),
                    tid: Tid(self.threads),
                    comm: format!("run-{}", self.threads).as_str().into(),
                    cgroup: CgroupId::UNKNOWN,
                    environment: EnvironmentId::NONE,
                },
                cpu: Cpu(0),
                depth,
            });
        }
        batch
    }
}

/// Check that hours of what was never seen before are kept within bounds, and every
/// sample is counted.
#[test]
fn hours_are_bounded() {
    let stacks = SMALL.stacks + SMALL.keys;
    let (mut store, hours) = (Store::new(BEGAN, SMALL, 1_000_000_000), 3);
    let mut shown = Shown::new(&mut store, settings(Window::All), BEGAN);
    let mut flood = Flood {
        random: Random(7),
        frames: 0,
        threads: 0,
    };
    for second in (0..hours * 3600).step_by(10) {
        let applied = store.apply(flood.second(second));
        shown.take(&mut store, &applied);
        if store.wants_rebuild() {
            let rebuilt = store.rebuild(&[], &[]);
            shown.renumber(&rebuilt.keys);
            shown.rebuild(&mut store);
        }
        // What is kept, and what came since.
        for (what, size, most) in [
            ("samples", store.history.len(), SMALL.rows),
            ("keys", store.keys.len(), SMALL.keys),
            ("sums", store.all.len(), SMALL.keys),
            ("decaying sums", store.decaying.sums().len(), SMALL.keys),
            ("stacks", store.stacks.len(), stacks),
            ("sites", store.sites.len(), stacks + 64),
            ("places", store.places.len(), stacks + 64),
            ("entries", store.entries.len(), stacks + SMALL.threads + 64),
            ("frames", store.frames.len(), 32),
            ("threads", store.threads.len(), SMALL.threads),
            ("names of threads", store.thread_names.len(), SMALL.threads),
            ("names of processes", store.process_names.len(), 3),
            (
                "seconds",
                store.heat.seconds().1 - store.heat.seconds().0,
                SMALL.seconds,
            ),
            ("nodes", shown.tree().len(), stacks + SMALL.keys),
        ] {
            assert!(size <= most, "{size} {what} of {most} after {second} s");
        }
    }
    let count = (hours * 360 * Flood::SAMPLES as u64) as f64;
    assert_eq!(shown.tree().total(Tree::root()), count);
}
