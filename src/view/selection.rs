//! The part of a profile that was asked for: what every projection starts from.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use rustc_hash::FxHashMap;

use crate::event::Weight;
use crate::id::{Pid, Tid};
use crate::profile::frames::{Frame, FrameId};
use crate::profile::names::{NamedFrame, Names, clean};
use crate::profile::stacks::StackId;
use crate::profile::{Profile, Row};
use crate::time::Timestamp;

/// Which samples and frames are wanted; the default is all of them.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of threads with a matching name.
    pub comm: Option<Regex>,
    /// In a matching cgroup, by its path.
    pub cgroup: Option<Regex>,
    /// Of programs that were started with these variables, with matching values.
    pub variables: Vec<(String, Regex)>,
    /// Of these processes, where any are named.
    pub pids: Vec<Pid>,
    /// Of these threads, where any are named.
    pub tids: Vec<Tid>,
    /// On these CPUs, where any are named.
    pub cpus: Vec<u16>,
    /// With a matching function on the stack.
    pub function: Option<Regex>,
    /// With a matching module on the stack, by its path.
    pub module: Option<Regex>,
    /// Of this event, by its position in the header.
    pub event: Option<u8>,
    /// Not before this time since the beginning.
    pub from: Option<Duration>,
    /// Before this time since the beginning.
    pub to: Option<Duration>,
    /// Without kernel frames.
    pub no_kernel: bool,
    /// What stands at the root of stacks.
    pub group: Group,
}

/// What samples are put together by, at the root of their stacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// The thread's name.
    #[default]
    Comm,
    /// The process, by name and number.
    Process,
    /// The thread, by name and number.
    Thread,
    /// The CPU.
    Cpu,
    /// Nothing: all together.
    None,
}

/// Samples that were asked for, with all that is known of them.
#[derive(Debug)]
pub struct Selection<'a> {
    /// Where they are from.
    pub profile: &'a Profile,
    /// What their frames are called.
    pub names: &'a Names,
    rows: Vec<&'a Row>,
    event: Option<u8>,
    group: Group,
    no_kernel: bool,
}

/// A frame of a stack, with inlined functions one of several at the same place.
#[derive(Clone, Copy, Debug)]
pub struct StackFrame<'a> {
    /// Which.
    pub id: FrameId,
    /// Where.
    pub frame: Frame,
    /// What it is called, and its line.
    pub named: &'a NamedFrame,
}

/// What stands at the root of a stack, where anything does; and the stack.
pub type GroupStack = (Option<Arc<str>>, StackId);

/// What stands at the root of stacks, where anything does; and what each of them weighs.
pub type GroupStacks = (Option<Arc<str>>, Vec<(StackId, Weight)>);

/// A distinct stack of one group, and what it weighs.
#[derive(Clone, Debug)]
pub struct WeightedStack<'a> {
    /// What stands at its root, safe to show; none where nothing is grouped.
    pub label: Option<Arc<str>>,
    /// Root first.
    pub frames: Vec<StackFrame<'a>>,
    /// All of its samples.
    pub weight: Weight,
}

impl<'a> Selection<'a> {
    /// Chooses samples of a profile that began then.
    #[must_use]
    pub fn new(profile: &'a Profile, names: &'a Names, began: Timestamp, filter: &Filter) -> Self {
        let mut stacks = StackFilter::new(profile, names, filter);
        let rows = profile
            .rows()
            .iter()
            .filter(|row| filter.matches(profile, began, row) && stacks.matches(row.stack))
            .collect();
        Self {
            profile,
            names,
            rows,
            event: filter.event,
            group: filter.group,
            no_kernel: filter.no_kernel,
        }
    }

    /// The samples, in order of time.
    #[must_use]
    pub fn rows(&self) -> &[&'a Row] {
        &self.rows
    }

    /// Whether no sample was chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The event that was chosen, by its position in the header; none where all were.
    #[must_use]
    pub fn event(&self) -> Option<u8> {
        self.event
    }

    /// What stands at the roots of stacks.
    #[must_use]
    pub fn group(&self) -> Group {
        self.group
    }

    /// What all of them weigh together.
    #[must_use]
    pub fn total(&self) -> Weight {
        self.rows.iter().map(|row| row.weight).sum()
    }

    /// What stands at the root of a sample's stack, safe to show.
    #[must_use]
    pub fn label(&self, row: &Row) -> Option<String> {
        let thread = self.profile.threads().get(row.thread);
        let comm = clean(&thread.comm.to_text());
        match self.group {
            Group::Comm => Some(comm),
            Group::Process => {
                let name = self.profile.threads().process_name(thread.pid);
                let name = name.map_or(comm, |name| clean(&name.to_text()));
                Some(format!("{name} {}", thread.pid))
            }
            Group::Thread => Some(format!("{comm} {}", thread.tid)),
            Group::Cpu => Some(format!("CPU {}", row.cpu)),
            Group::None => None,
        }
    }

    /// The names of a frame, outermost first; none of a frame that is not wanted.
    #[must_use]
    pub fn named(&self, id: FrameId) -> &'a [NamedFrame] {
        match self.profile.frames().get(id) {
            Frame::Kernel(_) | Frame::Waker(_) if self.no_kernel => &[],
            _ => self.names.of(id),
        }
    }

    /// The frames of a stack, root first.
    #[must_use]
    pub fn frames(&self, stack: StackId) -> Vec<StackFrame<'a>> {
        let mut frames = Vec::new();
        for id in self.profile.stack(stack) {
            let frame = self.profile.frames().get(id);
            for named in self.named(id) {
                frames.push(StackFrame { id, frame, named });
            }
        }
        frames
    }

    /// Every distinct stack of each group, in order of the groups' names.
    #[must_use]
    pub fn stacks(&self) -> Vec<WeightedStack<'a>> {
        self.weights()
            .into_iter()
            .map(|((label, stack), weight)| WeightedStack {
                label,
                frames: self.frames(stack),
                weight,
            })
            .collect()
    }

    /// What every distinct stack of each group weighs, by the groups' names.
    #[must_use]
    pub fn weights(&self) -> Vec<(GroupStack, Weight)> {
        self.groups()
            .into_iter()
            .flat_map(|(label, stacks)| {
                let of_group = move |(stack, weight)| ((label.clone(), stack), weight);
                stacks.into_iter().map(of_group)
            })
            .collect()
    }

    /// The same, group by group.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupStacks> {
        // What a label depends on is less than what it is: it is made once for each.
        let mut of_rows: FxHashMap<_, usize> = FxHashMap::default();
        let mut positions: HashMap<Option<Arc<str>>, usize> = HashMap::new();
        let mut labels = Vec::new();
        let mut weights: Vec<FxHashMap<StackId, Weight>> = Vec::new();
        for row in &self.rows {
            let cpu = (self.group == Group::Cpu).then_some(row.cpu);
            let position = *of_rows.entry((row.thread, cpu)).or_insert_with(|| {
                let label: Option<Arc<str>> = self.label(row).map(Into::into);
                *positions.entry(label.clone()).or_insert_with(|| {
                    labels.push(label);
                    weights.push(FxHashMap::default());
                    labels.len() - 1
                })
            });
            *weights[position].entry(row.stack).or_default() += row.weight;
        }
        let in_order = |stacks: FxHashMap<_, _>| {
            let mut stacks: Vec<_> = stacks.into_iter().collect();
            stacks.sort_unstable_by_key(|&(stack, _)| stack);
            stacks
        };
        let mut groups: Vec<_> = labels
            .into_iter()
            .zip(weights.into_iter().map(in_order))
            .collect();
        groups.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        groups
    }

    /// The names of all groups, that of the heaviest first, safe to show.
    #[must_use]
    pub fn labels(&self) -> Vec<Arc<str>> {
        let weigh = |stacks: &[(StackId, Weight)]| -> Weight {
            stacks.iter().map(|&(_, weight)| weight).sum()
        };
        let mut labels: Vec<(Weight, Arc<str>)> = self
            .groups()
            .into_iter()
            .filter_map(|(label, stacks)| Some((weigh(&stacks), label?)))
            .collect();
        // they came in order of names, in which those of one weight stay
        labels.sort_by_key(|&(weight, _)| Reverse(weight));
        labels.into_iter().map(|(_, label)| label).collect()
    }

    /// What every distinct stack weighs, whatever its group.
    #[must_use]
    pub fn stack_weights(&self) -> FxHashMap<StackId, Weight> {
        let mut weights: FxHashMap<StackId, Weight> = FxHashMap::default();
        for row in &self.rows {
            *weights.entry(row.stack).or_default() += row.weight;
        }
        weights
    }
}

impl Filter {
    /// Whether a sample is wanted, whatever its stack.
    fn matches(&self, profile: &Profile, began: Timestamp, row: &Row) -> bool {
        let thread = profile.threads().get(row.thread);
        let time = Duration::from_nanos(row.time.0.saturating_sub(began.0));
        is_wanted(&self.pids, thread.pid)
            && is_wanted(&self.tids, thread.tid)
            && is_wanted(&self.cpus, row.cpu.0)
            && self.event.is_none_or(|event| event == row.event)
            && self.from.is_none_or(|from| time >= from)
            && self.to.is_none_or(|to| time < to)
            && self.cgroup.as_ref().is_none_or(|cgroup| {
                let path = profile.cgroup_of(thread);
                path.is_some_and(|path| cgroup.is_match(path))
            })
            && self.variables.iter().all(|(name, value)| {
                let mut variables = profile.environments().of(thread);
                variables.any(|(other, text)| other == name && value.is_match(text))
            })
            && self
                .comm
                .as_ref()
                .is_none_or(|comm| comm.is_match(&thread.comm.to_text()))
    }
}

fn is_wanted<T: PartialEq + Copy>(wanted: &[T], value: T) -> bool {
    wanted.is_empty() || wanted.contains(&value)
}

/// Whether a stack is wanted, looked at once: whether its leaf matches, or else its callers do.
struct StackFilter<'a> {
    profile: &'a Profile,
    function: FrameFilter,
    module: FrameFilter,
}

/// Frames that match, and stacks that have one; none where all are wanted.
type FrameFilter = Option<(Vec<bool>, HashMap<StackId, bool>)>;

impl<'a> StackFilter<'a> {
    fn new(profile: &'a Profile, names: &Names, filter: &Filter) -> Self {
        let matching = |matches: &dyn Fn(FrameId, Frame) -> bool| {
            let frames = profile.frames().iter();
            let frames = frames.map(|(id, frame)| matches(id, frame)).collect();
            (frames, HashMap::new())
        };
        Self {
            profile,
            function: filter.function.as_ref().map(|function| {
                matching(&|id, _| {
                    let mut names = names.of(id).iter();
                    names.any(|frame| function.is_match(frame.name.text()))
                })
            }),
            module: filter.module.as_ref().map(|module| {
                matching(&|_, frame| match frame {
                    Frame::File(id, _) => match profile.modules().get(id) {
                        Some(info) => module.is_match(&info.path()),
                        None => module.is_match(&profile.modules().base_name(id)),
                    },
                    _ => false,
                })
            }),
        }
    }

    fn matches(&mut self, stack: StackId) -> bool {
        has_match(self.profile, &mut self.function, stack)
            && has_match(self.profile, &mut self.module, stack)
    }
}

fn has_match(profile: &Profile, filter: &mut FrameFilter, stack: StackId) -> bool {
    let Some((frames, stacks)) = filter else {
        return true;
    };
    *stacks.entry(stack).or_insert_with(|| {
        let ids = profile.stack(stack);
        ids.iter().any(|id| frames[id.index()])
    })
}
