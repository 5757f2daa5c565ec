//! Threads that are at the same place, put together.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::event::{Outcome, TaskState};
use crate::id::Pid;
use crate::profile::Profile;
use crate::profile::stacks::StackId;
use crate::profile::threads::Thread;

/// What threads belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A process.
    Process(Pid),
    /// The kernel: each of its threads is a process of its own.
    Kernel,
}

/// Threads of one owner.
#[derive(Clone, Debug)]
pub struct Owned {
    /// Whose they are.
    pub owner: Owner,
    /// Its name; that of one of its threads where the first is not among them.
    pub name: String,
    /// Them, by where they are: where the most are first.
    pub groups: Vec<Group>,
}

impl Owned {
    /// How many threads they are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.groups.iter().map(|group| group.threads.len()).sum()
    }
}

/// Threads that are at the same place.
#[derive(Clone, Debug)]
pub struct Group {
    /// What they do.
    pub state: TaskState,
    /// How their user stacks ended; none of the kernel's threads.
    pub outcome: Option<Outcome>,
    /// Where they are.
    pub stack: StackId,
    /// Them, by number.
    pub threads: Vec<Thread>,
}

/// Puts together all threads of a profile that has each of them once.
#[must_use]
pub fn owned(profile: &Profile) -> Vec<Owned> {
    let mut owners: BTreeMap<Owner, BTreeMap<_, Group>> = BTreeMap::new();
    for row in profile.rows() {
        let thread = *profile.threads().get(row.thread);
        // a worker that the kernel keeps for a process is one of that one's threads
        let owner = match row.outcome {
            None if thread.pid.0 == thread.tid.0 => Owner::Kernel,
            _ => Owner::Process(thread.pid),
        };
        let groups = owners.entry(owner).or_default();
        let group = groups
            .entry((row.stack.index(), row.state))
            .or_insert(Group {
                state: row.state,
                outcome: row.outcome,
                stack: row.stack,
                threads: Vec::new(),
            });
        group.threads.push(thread);
    }
    let owned = owners.into_iter().map(|(owner, groups)| Owned {
        owner,
        name: match owner {
            Owner::Kernel => String::new(),
            Owner::Process(pid) => {
                let name = profile.threads().process_name(pid);
                name.map(|name| name.to_text()).unwrap_or_default()
            }
        },
        groups: sorted(groups.into_values()),
    });
    owned.collect()
}

fn sorted(groups: impl Iterator<Item = Group>) -> Vec<Group> {
    let mut groups: Vec<_> = groups.collect();
    for group in &mut groups {
        group.threads.sort_by_key(|thread| thread.tid);
    }
    groups.sort_by_key(|group| {
        let first = group.threads.first().map(|thread| thread.tid);
        (Reverse(group.threads.len()), first)
    });
    groups
}
