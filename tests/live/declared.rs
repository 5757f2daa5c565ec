//! The stacks that a fixture declares (see `assets/fixtures/stacks/stacks.h`), and how
//! many of its samples have one of them.

use std::time::Duration;

use rustix::process::Signal;

use crate::fixture::Fixture;
use crate::folded::{Folded, Line};
use crate::machine::Machine;
use crate::process::Process;

/// What share of stacks has to be complete, and what share as declared.
const WHOLE: f64 = 0.999;

/// How many samples it takes to say so.
const ENOUGH: u64 = 2000;

/// CPU time in which that many are taken.
pub(crate) const LONG_ENOUGH: Duration = Duration::from_millis(500);

/// Declared chains.
#[derive(Debug)]
pub(crate) struct Declared(Vec<Chain>);

/// A chain of frames, root first, and what may be below all of it.
#[derive(Debug)]
struct Chain {
    frames: Vec<Pattern>,
    below: Vec<Pattern>,
}

/// A frame's name, or either of several.
#[derive(Clone, Debug)]
struct Pattern(Vec<String>);

impl Declared {
    pub(crate) fn parse(text: &str) -> Self {
        let chains: Vec<_> = text.lines().map(Chain::parse).collect();
        assert!(!chains.is_empty(), "the fixture declares no chain");
        Self(chains)
    }

    /// Whether a stack is the beginning of a chain, or a chain and what may be below.
    fn allows(&self, line: &Line) -> bool {
        let frames: Vec<_> = functions(line).collect();
        self.0.iter().any(|chain| self.allows_as(chain, &frames))
    }

    /// Whether a stack has all of the first chain.
    fn is_reached_by(&self, line: &Line) -> bool {
        let frames: Vec<_> = functions(line).collect();
        let chain = &self.0[0];
        frames.len() >= chain.frames.len() && self.allows_as(chain, &frames)
    }

    fn allows_as(&self, chain: &Chain, frames: &[&str]) -> bool {
        let known = frames.len().min(chain.frames.len());
        let (above, below) = frames.split_at(known);
        let may_be_below = |name: &&str| {
            chain.below.iter().any(|pattern| pattern.matches(name)) && !self.names(name)
        };
        let follows = |(pattern, name): (&Pattern, &&str)| pattern.matches(name);
        !frames.is_empty()
            && chain.frames.iter().zip(above).all(follows)
            && below.iter().all(may_be_below)
    }

    /// Whether a chain has a frame of just this name.
    fn names(&self, name: &str) -> bool {
        self.0
            .iter()
            .flat_map(|chain| &chain.frames)
            .any(|pattern| pattern.0.iter().any(|alternative| alternative == name))
    }

    /// Panics unless nearly all of enough samples are complete and as declared, and the
    /// first chain is where many of them are.
    #[track_caller]
    pub(crate) fn expect(&self, flavour: &str, samples: &Folded) {
        let count = samples.count();
        let complete = samples.share(|line| line.reason.is_none());
        let declared = samples.share(|line| line.reason.is_none() && self.allows(line));
        let reached = samples.share(|line| self.is_reached_by(line));
        println!("{count} x {flavour}: {complete:.5} {declared:.5} {reached:.2}");
        assert!(
            complete >= WHOLE && declared >= WHOLE,
            "{flavour}: of {count} samples {complete:.5} are complete, {declared:.5} as declared; not so\n{}",
            samples.only(|line| line.reason.is_some() || !self.allows(line))
        );
        assert!(count >= ENOUGH, "{flavour}: only {count} samples");
        assert!(
            reached > 0.05,
            "{flavour}: {reached:.2} reach the end of the first chain of\n{samples}"
        );
    }
}

impl Chain {
    fn parse(line: &str) -> Self {
        let (frames, below) = line.split_once(" > ").unwrap_or((line, ""));
        Self {
            frames: frames
                .split(';')
                .flat_map(Pattern::parse_repeated)
                .collect(),
            below: below.split_whitespace().map(Pattern::parse).collect(),
        }
    }
}

impl Pattern {
    fn parse(text: &str) -> Self {
        Self(text.split('|').map(str::to_owned).collect())
    }

    /// A pattern, as often as it says.
    fn parse_repeated(text: &str) -> Vec<Self> {
        let repeated = text
            .strip_suffix('}')
            .and_then(|rest| rest.rsplit_once('{'));
        match repeated.and_then(|(name, times)| Some((name, times.parse().ok()?))) {
            Some((name, times)) => vec![Self::parse(name); times],
            None => vec![Self::parse(text)],
        }
    }

    fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|glob| is_like(name, glob))
    }
}

/// Whether a name is as a glob says, in which `*` is anything.
fn is_like(name: &str, glob: &str) -> bool {
    let Some((first, rest)) = glob.split_once('*') else {
        return name == glob;
    };
    name.strip_prefix(first).is_some_and(|tail| {
        (0..=tail.len()).any(|at| tail.is_char_boundary(at) && is_like(&tail[at..], rest))
    })
}

/// What has a frame on the stack: user code that was not inlined.
fn functions(line: &Line) -> impl Iterator<Item = &str> {
    line.user_frames().filter(|frame| !frame.ends_with("_[i]"))
}

/// Samples a fixture for so much of its CPU time.
pub(crate) fn sample(
    machine: &Machine,
    process: &Process,
    options: &str,
    cpu_time: Duration,
) -> Folded {
    process.use_cpu(Duration::from_millis(20));
    let record = machine.record().options("-F 4999").options(options);
    let somno = record.process(process).start();
    somno.wait_for_events();
    process.use_cpu(cpu_time);
    somno.signal(Signal::INT);
    let (folded, stats) = somno.wait().adds_up();
    stats.expect_no_loss();
    assert_eq!(stats.count("kernel_only"), 0, "samples of kernel threads");
    // those that the end of sampling came before
    folded.only(|line| !line.is_for("[pending]"))
}

/// Samples a fixture and compares its stacks with those that it declares.
pub(crate) fn expect_declared(machine: &Machine, flavour: &str, fixture: &Fixture, options: &str) {
    let folded = sample(machine, &fixture.start::<&str>(&[]), options, LONG_ENOUGH);
    fixture.declared().expect(flavour, &folded);
}

/// Check that chains allow what begins as they do and nothing else.
#[test]
fn chains_are_strict() {
    let declared = Declared::parse(
        "_start;[libc.so.6+*]|main;deep{2};leaf > tiny_* x\n_start;other\n_start;any > *",
    );
    let allows = |stack: &str| {
        let folded = Folded::parse(&format!("comm;{stack} 1"));
        folded.only(|line| declared.allows(line)).count() == 1
    };
    for stack in [
        "_start",
        "_start;main;deep",
        "_start;[libc.so.6+0x1];deep;deep;leaf;inlined_[i];syscall_[k]",
        "_start;main;deep;deep;leaf;x;tiny_12",
        "_start;other",
        "_start;any;thing",
    ] {
        assert!(allows(stack), "{stack} is as declared");
    }
    for stack in [
        "main;deep;deep;leaf",
        "_start;deep;deep;leaf",
        "_start;main;deep;leaf",
        "_start;main;deep;deep;deep;leaf",
        "_start;main;deep;x",
        "_start;main;deep;deep;leaf;y",
        "_start;other;x",
        "_start;any;leaf",
    ] {
        assert!(!allows(stack), "{stack} is not as declared");
    }
}
