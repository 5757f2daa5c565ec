//! CPUs that come and go.
//!
//! When a CPU goes offline the kernel takes its events away for good: they count no more
//! when it is back, and new ones have to be opened.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::bpf::Programs;
use crate::capture::perf::{PerfEvent, Scope};
use crate::capture::targets::{Target, Wanted, follow_cpu};
use crate::error::{Context as _, Error, Result};
use crate::privileges::{Use, in_effect};
use crate::proc::cpus;

/// How often it is looked which CPUs are there. It interrupts each for a microsecond.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keeps events open on each CPU that is online.
#[derive(Debug)]
pub(super) struct Hotplug {
    events: Vec<Wanted>,
    cgroup: Option<OwnedFd>,
    /// Of these CPUs, where any are named.
    chosen: Vec<u16>,
    looked_at: Instant,
    /// How long the events of each CPU had been enabled when it was looked last, in nanoseconds.
    enabled_ns: FxHashMap<u16, u64>,
    throttled: u64,
    has_failed: bool,
}

impl Hotplug {
    /// Makes one for a target that is CPUs, and their events.
    pub(super) fn of(
        target: &Target<'_>,
        events: Vec<Wanted>,
        chosen: &[u16],
    ) -> Result<Option<Self>> {
        let cgroup = match target {
            Target::Cpus(_) => None,
            Target::Cgroup(cgroup, _) => {
                let owned = cgroup.try_clone_to_owned();
                Some(owned.context(|| "keep the cgroup open".into())?)
            }
            _ => return Ok(None),
        };
        Ok(Some(Self {
            events,
            cgroup,
            chosen: chosen.to_vec(),
            looked_at: Instant::now(),
            enabled_ns: FxHashMap::default(),
            throttled: 0,
            has_failed: false,
        }))
    }

    /// What was throttled of events that are closed by now.
    pub(super) fn throttled(&self) -> u64 {
        self.throttled
    }

    /// Now and then, closes events that the kernel has taken away, and opens and enables new
    /// ones where a CPU came (back). Gives why one cannot be sampled, the first time.
    pub(super) fn follow(
        &mut self,
        open: &mut Vec<PerfEvent>,
        programs: &Programs<'_>,
    ) -> Option<Error> {
        if self.looked_at.elapsed() < LOOK_EVERY {
            return None;
        }
        self.looked_at = Instant::now();
        self.close_dead(open);
        let _capturing = in_effect(Use::Capture);
        let mut failed = None;
        for cpu in self.online().into_iter().flatten() {
            if open.iter().any(|event| event.cpu() == Some(cpu)) {
                continue;
            }
            let scope = match &self.cgroup {
                None => Scope::Cpu(cpu),
                Some(cgroup) => Scope::Cgroup(cgroup.as_fd(), cpu),
            };
            // what fails is tried again the next time
            match follow_cpu(scope, &self.events, programs) {
                Ok(events) if events.iter().all(|event| event.enable().is_ok()) => {
                    open.extend(events);
                }
                // it went again meanwhile
                Ok(_) => {}
                Err(_) if self.online().is_none_or(|online| !online.contains(&cpu)) => {}
                Err(error) => failed = failed.or(Some((cpu, error))),
            }
        }
        let (cpu, error) = failed.filter(|_| !self.has_failed)?;
        self.has_failed = true;
        Some(Error::failed(format!(
            "CPU {cpu} is online again and not sampled: {error}"
        )))
    }

    /// Closes the events of CPUs that are, or were meanwhile, offline.
    pub(super) fn close_dead(&mut self, open: &mut Vec<PerfEvent>) {
        let Some(online) = self.online() else { return };
        let mut dead: Vec<u16> = Vec::new();
        let mut looked_at: Vec<u16> = Vec::new();
        for event in open.iter() {
            let Some(cpu) = event.cpu() else { continue };
            if looked_at.contains(&cpu) {
                continue;
            }
            looked_at.push(cpu);
            if !online.contains(&cpu) || self.stands(cpu, event) {
                dead.push(cpu);
            }
        }
        open.retain(|event| {
            let is_dead = event.cpu().is_some_and(|cpu| dead.contains(&cpu));
            if is_dead {
                self.throttled += event.throttled();
            }
            !is_dead
        });
        for cpu in dead {
            self.enabled_ns.remove(&cpu);
        }
    }

    /// Whether an event's time has not gone on: its CPU was offline since, if it is not now.
    /// That of a cgroup goes on only while the cgroup runs, and tells nothing.
    fn stands(&mut self, cpu: u16, event: &PerfEvent) -> bool {
        if self.cgroup.is_some() {
            return false;
        }
        let Ok(reading) = event.read() else {
            return true;
        };
        let before = self.enabled_ns.insert(cpu, reading.enabled_ns);
        before == Some(reading.enabled_ns)
    }

    /// The CPUs to sample; nothing where the list cannot be read.
    fn online(&self) -> Option<Vec<u16>> {
        let mut online = cpus::online(u16::MAX).ok()?;
        online.retain(|cpu| self.chosen.is_empty() || self.chosen.contains(cpu));
        Some(online)
    }
}
