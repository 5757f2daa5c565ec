//! What became known in some rounds of reading: what whoever captures hands to whoever
//! shows.

use crate::event::{Module, ModuleBuildId, Variable, Weight};
use crate::id::Cpu;
use crate::profile::frames::{Frame, FrameId};
use crate::profile::names::Naming;
use crate::profile::threads::Thread;
use crate::time::Timestamp;

/// Samples, and what they refer to.
#[derive(Debug, Default)]
pub struct Batch {
    /// Whether the numbers of frames begin anew.
    pub anew: bool,
    /// Files that were not known.
    pub modules: Vec<Module>,
    /// Their build ids.
    pub build_ids: Vec<ModuleBuildId>,
    /// Variables of environments.
    pub variables: Vec<Variable>,
    /// Frames that were not known, in order of their numbers.
    pub frames: Vec<Frame>,
    /// What became of naming frames.
    pub named: Vec<(FrameId, Naming)>,
    /// The samples.
    pub samples: Vec<Sample>,
    /// The frames of their stacks, one sample's behind the other's, each root first.
    pub stacks: Vec<FrameId>,
}

/// A sample.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When it was taken.
    pub time: Timestamp,
    /// How many samples, or nanoseconds, it stands for.
    pub weight: Weight,
    /// The thread.
    pub thread: Thread,
    /// The CPU.
    pub cpu: Cpu,
    /// How many frames its stack has.
    pub depth: usize,
}

impl Batch {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
            && self.named.is_empty()
            && self.modules.is_empty()
            && self.build_ids.is_empty()
            && self.variables.is_empty()
            && !self.anew
    }

    /// Puts what came later behind it; not where numbers begin anew there.
    pub fn append(&mut self, mut later: Self) {
        debug_assert!(!later.anew, "numbers of frames would be mistaken");
        self.modules.append(&mut later.modules);
        self.build_ids.append(&mut later.build_ids);
        self.variables.append(&mut later.variables);
        self.frames.append(&mut later.frames);
        self.named.append(&mut later.named);
        self.samples.append(&mut later.samples);
        self.stacks.append(&mut later.stacks);
    }

    /// Makes one of several that came one behind the other, with what later ones may refer
    /// to and without the samples.
    #[must_use]
    pub fn without_samples(batches: Vec<Self>) -> Option<Self> {
        let mut all = batches.into_iter().reduce(|mut before, mut later| {
            debug_assert!(later.anew, "numbers of frames would be missing");
            before.modules.append(&mut later.modules);
            before.build_ids.append(&mut later.build_ids);
            before.variables.append(&mut later.variables);
            later.modules = before.modules;
            later.build_ids = before.build_ids;
            later.variables = before.variables;
            later
        })?;
        all.samples = Vec::new();
        all.stacks = Vec::new();
        Some(all)
    }

    /// Every sample with its stack.
    pub fn samples(&self) -> impl Iterator<Item = (&Sample, &[FrameId])> {
        let mut from = 0;
        self.samples.iter().map(move |sample| {
            let stack = &self.stacks[from..from + sample.depth];
            from += sample.depth;
            (sample, stack)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fake::Fake;

    /// Check that what nobody takes is no longer held, but for what later samples refer to.
    #[test]
    fn samples_are_left_out() {
        let batches = ["before", "behind"].map(|name| {
            let mut fake = Fake::new();
            fake.sample(1, ("app", 1, 1), &[name, name, "both"]);
            fake.name_all();
            fake.take()
        });
        let [before, mut behind] = batches;
        behind.anew = true;
        let frames = behind.frames.clone();
        let all = Batch::without_samples(vec![before, behind]).expect("there are two");
        assert!(all.anew && all.samples.is_empty() && all.stacks.is_empty());
        assert_eq!((all.modules.len(), all.frames), (4, frames));
        assert_eq!(all.named.len(), 2);
        assert!(Batch::without_samples(Vec::new()).is_none());
    }
}
