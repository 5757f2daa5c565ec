//! Joins kernel halves and user halves by cookie, in whichever order they come.

use std::collections::HashSet;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::event::{KernelHalf, Outcome, Promise, UserHalf};
use crate::id::Cookie;

/// Frames of halves that wait for others; beyond that no sample waits. Some 60 MB.
const HELD_MAX: usize = 1 << 22;

/// The task's part of samples, in whatever form it is kept.
pub trait UserPart {
    /// What joins it to its kernel halves.
    fn cookie(&self) -> Cookie;
    /// How the unwinding ended.
    fn outcome(&self) -> Outcome;
    /// What it holds in memory, in frames.
    fn size(&self) -> usize;
}

impl UserPart for UserHalf {
    fn cookie(&self) -> Cookie {
        self.cookie
    }

    fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn size(&self) -> usize {
        self.frames.len()
    }
}

/// A sample, joined.
#[derive(Clone, Debug)]
pub struct Sample<U = UserHalf> {
    /// The interrupt's part.
    pub kernel_half: KernelHalf,
    /// What became of its user stack.
    pub user: User<U>,
}

/// What became of a sample's user stack.
#[derive(Clone, Debug)]
pub enum User<U = UserHalf> {
    /// There is none, and none was to be expected.
    KernelOnly,
    /// It was read, in full or in part.
    Read(Rc<U>),
    /// It could not be read.
    Missing(Outcome),
}

impl<U: UserPart> Sample<U> {
    /// How the user stack ended; none for a kernel thread.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.user {
            User::KernelOnly => None,
            User::Read(half) => Some(half.outcome()),
            User::Missing(outcome) => Some(*outcome),
        }
    }
}

/// Holds what waits for its other half.
///
/// The latest user half of each slot stays: samples that hit the rest of its
/// callback, or of the exit or exec that it was sent before, carry its cookie too.
/// One whose slot was claimed again stays for two more rounds of reading, after
/// which whatever carried its cookie has been read.
#[derive(Debug)]
pub struct Stitcher<U = UserHalf> {
    waiting: FxHashMap<Cookie, Vec<KernelHalf>>,
    latest: FxHashMap<u32, Rc<U>>,
    replaced: FxHashMap<Cookie, Rc<U>>,
    replaced_before: FxHashMap<Cookie, Rc<U>>,
    /// Cookies of what is held that nothing was pending for when that was asked last.
    released: HashSet<Cookie>,
}

impl<U> Default for Stitcher<U> {
    fn default() -> Self {
        Self {
            waiting: FxHashMap::default(),
            latest: FxHashMap::default(),
            replaced: FxHashMap::default(),
            replaced_before: FxHashMap::default(),
            released: HashSet::new(),
        }
    }
}

impl<U: UserPart> Stitcher<U> {
    /// Makes one that holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a kernel half; a finished sample goes to `sink`.
    pub fn push_kernel_half(&mut self, half: KernelHalf, sink: &mut dyn FnMut(Sample<U>)) {
        let user = match half.promise {
            Promise::KernelOnly => User::KernelOnly,
            Promise::Never(outcome) => User::Missing(outcome),
            Promise::Deferred(cookie) => {
                let Some(user_half) = self.find(cookie) else {
                    self.waiting.entry(cookie).or_default().push(half);
                    return;
                };
                User::Read(user_half)
            }
        };
        sink(Sample {
            kernel_half: half,
            user,
        });
    }

    /// Takes a user half; samples that waited for it go to `sink`.
    pub fn push_user_half(&mut self, half: U, sink: &mut dyn FnMut(Sample<U>)) {
        let half = Rc::new(half);
        for kernel_half in self.waiting.remove(&half.cookie()).unwrap_or_default() {
            sink(Sample {
                kernel_half,
                user: User::Read(Rc::clone(&half)),
            });
        }
        if let Some(old) = self.latest.insert(half.cookie().slot, half) {
            self.replaced.insert(old.cookie(), old);
        }
    }

    /// Ends a round: whatever was written before it began has been pushed.
    pub fn end_round(&mut self) {
        self.replaced_before = std::mem::take(&mut self.replaced);
    }

    /// Whether samples wait for their user halves.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What user halves are waited for.
    pub fn waiting(&self) -> impl Iterator<Item = Cookie> + '_ {
        self.waiting.keys().copied()
    }

    /// The user halves that more kernel halves may come for.
    pub fn user_halves(&self) -> impl Iterator<Item = &Rc<U>> + '_ {
        let replaced = self.replaced.values().chain(self.replaced_before.values());
        self.latest.values().chain(replaced)
    }

    /// Frames of everything that is held.
    #[must_use]
    pub fn held(&self) -> usize {
        let waiting = self.waiting.values().flatten();
        let kernel: usize = waiting.map(|half| 1 + half.kernel.len()).sum();
        let replaced = self.replaced.values().chain(self.replaced_before.values());
        let user = self.latest.values().chain(replaced);
        kernel + user.map(|half| 1 + half.size()).sum::<usize>()
    }

    /// Forgets what can have no other half any more, so that what is held stays bounded
    /// while sampling goes on; samples whose user half was lost go to `sink`. To be called
    /// after a round, with what is pending then: a slot is released behind its user half,
    /// so of what was released at one call everything has been pushed by the next one.
    pub fn forget_released(&mut self, pending: &HashSet<Cookie>, sink: &mut dyn FnMut(Sample<U>)) {
        let released = std::mem::take(&mut self.released);
        for cookie in &released {
            for kernel_half in self.waiting.remove(cookie).unwrap_or_default() {
                let user = User::Missing(Outcome::Lost);
                sink(Sample { kernel_half, user });
            }
        }
        self.latest
            .retain(|_, half| !released.contains(&half.cookie()));
        let held = self.latest.values().map(|half| half.cookie());
        let held = held.chain(self.waiting.keys().copied());
        self.released = held.filter(|cookie| !pending.contains(cookie)).collect();
    }

    /// Gives up on samples that wait where too much does: a task that works in the kernel for
    /// hours is sampled on and on.
    pub fn keep_within_bounds(&mut self, sink: &mut dyn FnMut(Sample<U>)) {
        if self.held() > HELD_MAX {
            self.give_up(sink);
        }
    }

    /// Gives up on every sample that waits.
    fn give_up(&mut self, sink: &mut dyn FnMut(Sample<U>)) {
        for kernel_half in std::mem::take(&mut self.waiting).into_values().flatten() {
            let user = User::Missing(Outcome::Pending);
            sink(Sample { kernel_half, user });
        }
    }

    /// Gives up on what still waits: `pending` is still in the kernel, all else was lost.
    pub fn finish(self, pending: &HashSet<Cookie>, sink: &mut dyn FnMut(Sample<U>)) {
        for (cookie, halves) in self.waiting {
            let outcome = if pending.contains(&cookie) {
                Outcome::Pending
            } else {
                Outcome::Lost
            };
            for kernel_half in halves {
                sink(Sample {
                    kernel_half,
                    user: User::Missing(outcome),
                });
            }
        }
    }

    fn find(&self, cookie: Cookie) -> Option<Rc<U>> {
        self.latest
            .get(&cookie.slot)
            .filter(|half| half.cookie() == cookie)
            .or_else(|| self.replaced.get(&cookie))
            .or_else(|| self.replaced_before.get(&cookie))
            .map(Rc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{KernelAddress, UserAddress};
    use crate::event::{Comm, TaskState, UserFrame, Weight};
    use crate::id::{CgroupId, Cpu, EnvironmentId, Pid, Tid};
    use crate::time::{ProcessStart, Timestamp};

    fn cookie(turn: u32) -> Cookie {
        Cookie { slot: 7, turn }
    }

    fn kernel_half(promise: Promise) -> KernelHalf {
        KernelHalf {
            time: Timestamp(1),
            cpu: Cpu(0),
            pid: Pid(1),
            tid: Tid(1),
            comm: Comm::from("test"),
            cgroup: CgroupId::UNKNOWN,
            environment: EnvironmentId::NONE,
            weight: Weight(1),
            event: 0,
            state: TaskState::OnCpu,
            promise,
            own_cost: false,
            in_nmi: false,
            waker: None,
            kernel: Box::new([]),
        }
    }

    fn user_half(turn: u32) -> UserHalf {
        UserHalf {
            cookie: cookie(turn),
            time: Timestamp(2),
            pid: Pid(1),
            tid: Tid(1),
            process_start: ProcessStart(0),
            outcome: Outcome::Complete,
            leaving: false,
            cost_ns: 0,
            slept: 0,
            frames: Box::new([UserFrame::Anonymous(UserAddress(u64::from(turn)))]),
        }
    }

    fn outcomes(run: impl FnOnce(&mut dyn FnMut(Sample))) -> Vec<Option<Outcome>> {
        let mut seen = Vec::new();
        run(&mut |sample| seen.push(sample.outcome()));
        seen
    }

    /// Check that one user half serves kernel halves before it and after it.
    #[test]
    fn joins_in_either_order() {
        let mut stitcher = Stitcher::new();
        let seen = outcomes(|sink| {
            stitcher.push_kernel_half(kernel_half(Promise::Deferred(cookie(1))), sink);
            stitcher.push_kernel_half(kernel_half(Promise::Deferred(cookie(1))), sink);
            stitcher.push_user_half(user_half(1), sink);
            stitcher.end_round();
            stitcher.push_kernel_half(kernel_half(Promise::Deferred(cookie(1))), sink);
        });
        assert_eq!(seen, [Some(Outcome::Complete); 3]);
        assert!(!stitcher.is_waiting());
    }

    /// Check that the latest user half of a slot stays, and the one before it for two rounds.
    #[test]
    fn forgets_by_rounds() {
        for (rounds, turn, expected) in [
            (1, 1, Outcome::Complete),
            (2, 1, Outcome::Lost),
            (9, 2, Outcome::Complete),
        ] {
            let mut stitcher = Stitcher::new();
            let seen = outcomes(|sink| {
                stitcher.push_user_half(user_half(1), sink);
                stitcher.push_user_half(user_half(2), sink);
                for _ in 0..rounds {
                    stitcher.end_round();
                }
                stitcher.push_kernel_half(kernel_half(Promise::Deferred(cookie(turn))), sink);
                stitcher.finish(&HashSet::new(), sink);
            });
            assert_eq!(seen, [Some(expected)], "turn {turn} after {rounds} rounds");
        }
    }

    /// Check that the next turn of a slot is not served by the last one's stack.
    #[test]
    fn turns_are_apart() {
        let mut stitcher = Stitcher::new();
        let seen = outcomes(|sink| {
            stitcher.push_user_half(user_half(1), sink);
            stitcher.push_kernel_half(kernel_half(Promise::Deferred(cookie(2))), sink);
            stitcher.finish(&HashSet::from([cookie(2)]), sink);
        });
        assert_eq!(seen, [Some(Outcome::Pending)]);
    }

    /// Check that nothing is held for good of what was lost, and what is pending waits on.
    #[test]
    fn forgets_what_was_released() {
        let mut stitcher = Stitcher::new();
        let pending = HashSet::from([cookie(2)]);
        let seen = outcomes(|sink| {
            stitcher.push_user_half(user_half(0), sink);
            for turn in [1, 2] {
                stitcher.push_kernel_half(kernel_half(Promise::Deferred(cookie(turn))), sink);
            }
            stitcher.forget_released(&pending, sink);
            stitcher.end_round();
        });
        assert_eq!(seen, [], "what was lost may still be on its way");
        assert_eq!(stitcher.held(), 4);
        let seen = outcomes(|sink| stitcher.forget_released(&pending, sink));
        assert_eq!(seen, [Some(Outcome::Lost)]);
        assert_eq!(stitcher.held(), 1);
        let seen = outcomes(|sink| stitcher.push_user_half(user_half(2), sink));
        assert_eq!(seen, [Some(Outcome::Complete)]);
    }

    /// Check that a task that stays in the kernel cannot make what is held grow, and that none
    /// is given up before there is too much.
    #[test]
    fn gives_up_on_what_waits() {
        let mut stitcher = Stitcher::new();
        let deep = KernelHalf {
            kernel: vec![KernelAddress(1); HELD_MAX / 2].into(),
            ..kernel_half(Promise::Deferred(cookie(1)))
        };
        for (held, expected) in [
            (1, &[][..]),
            (2, &[Some(Outcome::Pending), Some(Outcome::Pending)]),
        ] {
            let seen = outcomes(|sink| {
                stitcher.push_kernel_half(deep.clone(), sink);
                stitcher.keep_within_bounds(sink);
            });
            assert_eq!(seen, expected, "{held} held");
        }
        assert_eq!(stitcher.held(), 0);
    }

    /// Check that samples without a user half to come are passed on at once.
    #[test]
    fn passes_on_what_is_whole() {
        let mut stitcher = Stitcher::new();
        let seen = outcomes(|sink| {
            stitcher.push_kernel_half(kernel_half(Promise::KernelOnly), sink);
            stitcher.push_kernel_half(kernel_half(Promise::Never(Outcome::Exited)), sink);
        });
        assert_eq!(seen, [None, Some(Outcome::Exited)]);
    }
}
