//! Between what is known and how it is written.

use std::num::NonZeroU64;
use std::time::Duration;

use super::format;
use crate::addr::UserAddress;
use crate::event::{Comm, FileIdentity, Mode, Module, Variable};
use crate::id::{CgroupId, EnvironmentId, ModuleId, Pid, Tid};
use crate::profile::header::{EventInfo, Header, Machine, Unit};
use crate::profile::histogram::Summary;
use crate::profile::threads::Thread;
use crate::profile::totals::{Lost, Notices, OffCpu, Own, Steps, Symbols, Totals};
use crate::text::clean;
use crate::time::{Rate, Timestamp};

impl From<&Header> for format::Header {
    fn from(header: &Header) -> Self {
        let (frequency, period) = numbers(header.rate);
        let event = |event: &EventInfo| {
            let (frequency, period) = event.rate.map_or((0, 0), numbers);
            format::EventInfo {
                name: event.name.clone(),
                unit: match event.unit {
                    Unit::Samples => 0,
                    Unit::Nanoseconds => 1,
                },
                frequency,
                period,
            }
        };
        Self {
            version: header.version.clone(),
            command_line: header.command_line.clone(),
            target: header.target.clone(),
            mode: match header.mode {
                Mode::Deferred => 0,
                Mode::Interrupt => 1,
            },
            events: header.events.iter().map(event).collect(),
            frequency,
            period,
            began_unix_ns: header.began_unix_ns,
            began: header.began.0,
            machine: header.machine.name.clone(),
            kernel: header.machine.kernel.clone(),
            architecture: header.machine.architecture.clone(),
            cpus: header.machine.cpus,
            boot_id: header.machine.boot_id.clone(),
            off_cpu_min: header.off_cpu_min.map(nanoseconds),
        }
    }
}

/// What is shown of it is made safe here: a file from anybody may be read.
impl From<format::Header> for Header {
    fn from(header: format::Header) -> Self {
        let event = |event: format::EventInfo| EventInfo {
            name: clean(&event.name),
            unit: match event.unit {
                1 => Unit::Nanoseconds,
                _ => Unit::Samples,
            },
            rate: rate(event.frequency, event.period),
        };
        Self {
            version: clean(&header.version),
            command_line: header.command_line.iter().map(|word| clean(word)).collect(),
            target: clean(&header.target),
            mode: match header.mode {
                1 => Mode::Interrupt,
                _ => Mode::Deferred,
            },
            events: header.events.into_iter().map(event).collect(),
            rate: rate(header.frequency, header.period).unwrap_or(Rate::Period(NonZeroU64::MIN)),
            off_cpu_min: header.off_cpu_min.map(Duration::from_nanos),
            began_unix_ns: header.began_unix_ns,
            began: Timestamp(header.began),
            machine: Machine {
                name: clean(&header.machine),
                kernel: clean(&header.kernel),
                architecture: clean(&header.architecture),
                cpus: header.cpus,
                boot_id: header.boot_id,
            },
        }
    }
}

/// A frequency and a period, of which one is 0.
fn numbers(rate: Rate) -> (u64, u64) {
    match rate {
        Rate::Frequency(hertz) => (hertz.get(), 0),
        Rate::Period(period) => (0, period.get()),
    }
}

fn rate(frequency: u64, period: u64) -> Option<Rate> {
    let frequency = NonZeroU64::new(frequency).map(Rate::Frequency);
    frequency.or_else(|| NonZeroU64::new(period).map(Rate::Period))
}

impl From<&Module> for format::Module {
    fn from(module: &Module) -> Self {
        let (start, end) = module.mapped;
        Self {
            id: module.id.0,
            device: module.identity.device,
            inode: module.identity.inode,
            size: module.identity.size,
            mtime_ns: module.identity.mtime_ns,
            path: module.path.clone(),
            deleted: module.deleted,
            pid: module.pid.0,
            start: start.0,
            end: end.0,
        }
    }
}

impl From<format::Module> for Module {
    fn from(module: format::Module) -> Self {
        Self {
            id: ModuleId(module.id),
            identity: FileIdentity {
                device: module.device,
                inode: module.inode,
                size: module.size,
                mtime_ns: module.mtime_ns,
            },
            path: module.path,
            deleted: module.deleted,
            pid: Pid(module.pid),
            mapped: (UserAddress(module.start), UserAddress(module.end)),
        }
    }
}

impl From<&Thread> for format::Thread {
    fn from(thread: &Thread) -> Self {
        Self {
            pid: thread.pid.0,
            tid: thread.tid.0,
            comm: thread.comm.as_bytes().to_vec(),
            cgroup: thread.cgroup.0,
            environment: thread.environment.0,
        }
    }
}

impl From<format::Thread> for Thread {
    fn from(thread: format::Thread) -> Self {
        Self {
            pid: Pid(thread.pid),
            tid: Tid(thread.tid),
            comm: Comm::from(&thread.comm[..]),
            cgroup: CgroupId(thread.cgroup),
            environment: EnvironmentId(thread.environment),
        }
    }
}

impl From<&Variable> for format::Variable {
    fn from(variable: &Variable) -> Self {
        Self {
            pid: variable.pid.0,
            environment: variable.environment.0,
            name: variable.name.clone(),
            value: variable.value.clone(),
        }
    }
}

impl From<format::Variable> for Variable {
    fn from(variable: format::Variable) -> Self {
        Self {
            pid: Pid(variable.pid),
            environment: EnvironmentId(variable.environment),
            name: variable.name,
            value: variable.value,
        }
    }
}

impl From<&Totals> for format::Totals {
    fn from(totals: &Totals) -> Self {
        Self {
            duration_ns: nanoseconds(totals.duration),
            lost_kernel_ring: totals.lost.kernel_ring,
            lost_user_ring: totals.lost.user_ring,
            lost_slots: totals.lost.slots,
            lost_schedule: totals.lost.schedule,
            lost_shed: totals.lost.shed,
            lost_throttled: totals.lost.throttled,
            lost_notices: totals.lost.notices,
            lost_modules: totals.lost.modules,
            cfi: totals.steps.cfi,
            frame_pointer: totals.steps.frame_pointer,
            rule_cached: totals.steps.rule_cached,
            rule_found: totals.steps.rule_found,
            nmi_p50_ns: totals.nmi_cost.p50,
            nmi_p99_ns: totals.nmi_cost.p99,
            nmi_total_ns: totals.nmi_cost.total,
            own_cpu_ns: nanoseconds(totals.own.cpu),
            own_peak_resident: totals.own.peak_resident,
            own_anonymous: totals.own.anonymous,
            symbols_captured: totals.symbols.captured,
            symbols_cut: totals.symbols.cut,
            symbol_bytes: totals.symbols.bytes,
            symbols_delayed: totals.symbols.delayed,
            modules_seen: totals.modules_seen,
            start_to_first_sample_ns: nanoseconds(totals.start_to_first_sample),
            forks: totals.notices.forks,
            execs: totals.notices.execs,
            exits: totals.notices.exits,
            renames: totals.notices.renames,
            off_cpu_short_count: totals.off_cpu.short_count,
            off_cpu_short_ns: totals.off_cpu.short_ns,
            off_cpu_untracked: totals.off_cpu.untracked,
        }
    }
}

impl From<format::Totals> for Totals {
    fn from(totals: format::Totals) -> Self {
        Self {
            duration: Duration::from_nanos(totals.duration_ns),
            lost: Lost {
                kernel_ring: totals.lost_kernel_ring,
                user_ring: totals.lost_user_ring,
                slots: totals.lost_slots,
                schedule: totals.lost_schedule,
                shed: totals.lost_shed,
                throttled: totals.lost_throttled,
                notices: totals.lost_notices,
                modules: totals.lost_modules,
            },
            steps: Steps {
                cfi: totals.cfi,
                frame_pointer: totals.frame_pointer,
                rule_cached: totals.rule_cached,
                rule_found: totals.rule_found,
            },
            nmi_cost: Summary {
                p50: totals.nmi_p50_ns,
                p99: totals.nmi_p99_ns,
                total: totals.nmi_total_ns,
            },
            own: Own {
                cpu: Duration::from_nanos(totals.own_cpu_ns),
                peak_resident: totals.own_peak_resident,
                anonymous: totals.own_anonymous,
            },
            symbols: Symbols {
                captured: totals.symbols_captured,
                cut: totals.symbols_cut,
                bytes: totals.symbol_bytes,
                delayed: totals.symbols_delayed,
            },
            modules_seen: totals.modules_seen,
            start_to_first_sample: Duration::from_nanos(totals.start_to_first_sample_ns),
            notices: Notices {
                forks: totals.forks,
                execs: totals.execs,
                exits: totals.exits,
                renames: totals.renames,
            },
            off_cpu: OffCpu {
                short_count: totals.off_cpu_short_count,
                short_ns: totals.off_cpu_short_ns,
                untracked: totals.off_cpu_untracked,
            },
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
