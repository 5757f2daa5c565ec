//! What the programs are told before they are loaded.

use std::mem::MaybeUninit;
use std::time::Duration;

use super::skeleton::types::somno_config;
use crate::addr::KernelAddress;
use crate::id::CgroupId;
use crate::time::Rate;

/// What programs are loaded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To sample for a while.
    Sampling,
    /// To look once where every task is.
    Dumping,
}

/// What the programs are told before they are loaded.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// What they are for.
    pub purpose: Purpose,
    /// User stacks are taken in the interrupt: the kernel has no task work for BPF.
    pub interrupt_only: bool,
    /// No read may sleep.
    pub no_fault: bool,
    /// Files may be read in the task that has them mapped.
    pub file_reads: bool,
    /// Kernel frames are left out.
    pub no_kernel: bool,
    /// Every task is a target.
    pub follow_all: bool,
    /// Children of followed tasks are followed.
    pub inherit: bool,
    /// Only this user's tasks.
    pub uid: Option<u32>,
    /// Only tasks in this cgroup or below it.
    pub cgroup: Option<CgroupId>,
    /// Only these CPUs, where any are named.
    pub cpus: Vec<u16>,
    /// User frames that are kept.
    pub max_depth: u32,
    /// Where the kernel says what context it is in; without it no sample is marked as an NMI's.
    pub context: Option<ContextAddresses>,
    /// Possible CPUs: each gets a ring.
    pub cpu_count: u32,
    /// Bytes of each CPU's ring; a power of two of pages.
    pub kernel_ring_bytes: u32,
    /// Bytes of the ring of user halves; likewise.
    pub user_ring_bytes: u32,
    /// Whether there are several events on the CPU.
    pub several_events: bool,
    /// Tracepoints and uprobes.
    pub points: Vec<PointRate>,
    /// Variables of the environment that are to be read: [`VARIABLES`](super::abi::VARIABLES) of
    /// fewer than [`VARIABLE_LEN`](super::abi::VARIABLE_LEN) bytes at most.
    pub variables: Vec<String>,
    /// Only of this user's processes.
    pub variables_of: Option<u32>,
    /// What a sample on the CPU weighs.
    pub sample_weight: u64,
    /// Whether and which intervals off the CPU are samples.
    pub off_cpu: Option<OffCpu>,
}

/// A tracepoint or uprobe that is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointRate {
    /// Which of the session's events it is.
    pub event: u8,
    /// By which program it is.
    pub kind: PointKind,
    /// How often; at a frequency, at most so often on each CPU.
    pub rate: Rate,
}

/// What tells the programs of places apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointKind {
    /// In the kernel.
    Tracepoint,
    /// In a program or library.
    Uprobe,
}

/// Intervals off the CPU that are samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffCpu {
    /// The shortest.
    pub min: Duration,
    /// Which of the session's events they are.
    pub event: u8,
    /// Whether it is noted who ended them.
    pub wakers: bool,
}

/// Kernel addresses that tell an NMI from other interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextAddresses {
    /// `__per_cpu_offset`
    pub per_cpu_offset: KernelAddress,
    /// `__preempt_count`, within a CPU's area.
    pub preempt_count: KernelAddress,
}

impl Configuration {
    /// Writes it into the programs' constants.
    pub(super) fn write(&self, target: &mut somno_config) {
        let flag = |on: bool| MaybeUninit::new(on);
        target.no_fault = flag(self.no_fault);
        target.file_reads = flag(self.file_reads);
        target.no_kernel = flag(self.no_kernel);
        target.follow_all = flag(self.follow_all);
        target.inherit = flag(self.inherit);
        target.by_uid = flag(self.uid.is_some());
        target.uid = self.uid.unwrap_or_default();
        target.by_cgroup = flag(self.cgroup.is_some());
        target.cgroup = self.cgroup.map_or(0, |cgroup| cgroup.0);
        target.by_cpu = flag(!self.cpus.is_empty());
        for &cpu in &self.cpus {
            if let Some(word) = target.cpus.get_mut(usize::from(cpu / 64)) {
                *word |= 1 << (cpu % 64);
            }
        }
        target.max_depth = self.max_depth;
        target.sample_weight = self.sample_weight;
        target.several_events = flag(self.several_events);
        let points = self.points.iter();
        target.uprobes = flag(points.clone().any(|point| point.kind == PointKind::Uprobe));
        for point in points {
            let event = usize::from(point.event);
            match point.rate {
                Rate::Period(period) => target.point_periods[event] = period.get(),
                Rate::Frequency(_) => target.point_gaps_ns[event] = point.rate.clock_period_ns(),
            }
        }
        target.environment = flag(!self.variables.is_empty());
        target.own_environment = flag(self.variables_of.is_some());
        target.environment_uid = self.variables_of.unwrap_or_default();
        for (room, name) in target.variables.iter_mut().zip(&self.variables) {
            for (place, &byte) in room.iter_mut().zip(name.as_bytes()) {
                *place = byte.cast_signed();
            }
        }
        target.off_cpu = flag(self.off_cpu.is_some());
        if let Some(off_cpu) = self.off_cpu {
            target.off_cpu_min_ns = u64::try_from(off_cpu.min.as_nanos()).unwrap_or(u64::MAX);
            target.off_cpu_event = off_cpu.event;
            target.wakers = flag(off_cpu.wakers);
        }
        if let Some(context) = self.context {
            target.per_cpu_offset = context.per_cpu_offset.0;
            target.preempt_count = context.preempt_count.0;
        }
        target.kernel_wake_bytes = self.kernel_ring_bytes / 4;
        target.user_wake_bytes = self.user_ring_bytes / 4;
    }
}
