//! The table of threads, by the names that they had.

use rustc_hash::FxHashMap;

use crate::event::Comm;
use crate::id::{CgroupId, EnvironmentId, Pid, Tid};

/// A thread, as long as it had one name and one environment, and was in one cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Thread {
    /// The process.
    pub pid: Pid,
    /// The thread.
    pub tid: Tid,
    /// Its name.
    pub comm: Comm,
    /// Its cgroup.
    pub cgroup: CgroupId,
    /// The environment of its program.
    pub environment: EnvironmentId,
}

/// A thread's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(u32);

impl ThreadId {
    /// The thread's position, for tables beside this one.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Distinct threads, in the order in which they were first seen.
#[derive(Debug, Default)]
pub struct ThreadTable {
    threads: Vec<Thread>,
    ids: FxHashMap<Thread, ThreadId>,
}

impl ThreadTable {
    /// Returns the id of a thread, adding it when it is new.
    ///
    /// # Panics
    /// When there are 2^32 threads.
    pub fn intern(&mut self, thread: Thread) -> ThreadId {
        *self.ids.entry(thread).or_insert_with(|| {
            let id = ThreadId(u32::try_from(self.threads.len()).expect("fewer than 2^32 threads"));
            self.threads.push(thread);
            id
        })
    }

    /// The thread with this id.
    ///
    /// # Panics
    /// When the id is of another table.
    #[must_use]
    pub fn get(&self, id: ThreadId) -> &Thread {
        &self.threads[id.0 as usize]
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.threads.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.threads.is_empty()
    }

    /// Every thread with its id.
    pub fn iter(&self) -> impl Iterator<Item = (ThreadId, &Thread)> + '_ {
        (0..).map(ThreadId).zip(&self.threads)
    }

    /// The name of a process: that of its first thread, or else of any.
    #[must_use]
    pub fn process_name(&self, pid: Pid) -> Option<Comm> {
        let mut of_process = self.threads.iter().filter(|thread| thread.pid == pid);
        let last_of_first = of_process.clone().rfind(|thread| thread.tid.0 == pid.0);
        last_of_first
            .or_else(|| of_process.next())
            .map(|thread| thread.comm)
    }
}
