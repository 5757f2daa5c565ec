//! Examines what this kernel and user can do.

mod capabilities;

use std::borrow::Cow;
use std::fs;

use libbpf_rs::btf::Btf;

use super::event_name::{self, EventSpec};
use super::kernel;
use super::perf::PerfEvent;
use crate::event::Mode;
use crate::privileges::{CAPTURE, CapabilitySet, NAMING, grant};
use crate::proc::kallsyms::Access;

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// As it should be.
    Good,
    /// It works, with less.
    Limited,
    /// Nothing can be captured without it.
    Missing,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at; also its key in JSON.
    pub name: &'static str,
    /// How good it is.
    pub grade: Grade,
    /// What was found.
    pub found: String,
    /// What that means.
    pub meaning: &'static str,
    /// The next step, where there is one.
    pub fix: Option<Cow<'static, str>>,
}

/// Looks at everything.
#[must_use]
pub fn examine() -> Vec<Check> {
    let btf = Btf::from_vmlinux().ok();
    let mut checks = vec![
        kernel_release(),
        type_information(btf.as_ref()),
        deferral(btf.as_ref()),
        file_reads(),
        privileges(),
    ];
    checks.extend(capabilities::examine());
    checks.extend([
        event_source(),
        perf_event_paranoid(),
        max_sample_rate(),
        kernel_symbols(),
    ]);
    checks
}

/// Whether anything can be captured.
#[must_use]
pub fn can_capture(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.grade != Grade::Missing)
}

fn kernel_release() -> Check {
    Check {
        name: "kernel",
        grade: Grade::Good,
        found: kernel::release(),
        meaning: "the kernel that runs",
        fix: None,
    }
}

fn type_information(btf: Option<&Btf<'_>>) -> Check {
    let (grade, found, fix) = match btf {
        Some(btf) => (Grade::Good, format!("{} types", btf.len()), None),
        None => (
            Grade::Missing,
            "not readable".into(),
            Some("use a kernel built with CONFIG_DEBUG_INFO_BTF; distributions' are".into()),
        ),
    };
    Check {
        name: "btf",
        grade,
        found,
        meaning: "the kernel's type information, by which the programs fit this kernel",
        fix,
    }
}

fn deferral(btf: Option<&Btf<'_>>) -> Check {
    let mode = btf.map_or(Mode::Interrupt, |btf| kernel::mode_of(btf));
    let can = mode == Mode::Deferred;
    Check {
        name: "deferred_capture",
        grade: if can { Grade::Good } else { Grade::Limited },
        found: if can { "yes" } else { "no" }.into(),
        meaning: kernel::meaning(mode),
        fix: (!can).then_some("use Linux 6.18 or later".into()),
    }
}

fn file_reads() -> Check {
    let can = kernel::file_reads().unwrap_or_default();
    Check {
        name: "file_reads",
        grade: if can { Grade::Good } else { Grade::Limited },
        found: if can { "yes" } else { "no" }.into(),
        meaning: "whether symbols that are not mapped can be read in the task (since Linux 7.0.10)",
        fix: None,
    }
}

fn privileges() -> Check {
    let root = rustix::process::geteuid().is_root();
    let missing = grant::missing(CAPTURE);
    let all_missing = grant::missing(CAPTURE | NAMING);
    Check {
        name: "privileges",
        grade: match (missing.is_empty(), all_missing.is_empty()) {
            (false, _) => Grade::Missing,
            (true, false) => Grade::Limited,
            (true, true) => Grade::Good,
        },
        found: if root { "root" } else { "not root" }.into(),
        meaning: match (missing.is_empty(), all_missing.is_empty()) {
            (false, _) => "nothing can be sampled: capabilities are missing",
            (true, false) => "samples can be taken; some names take more capabilities",
            (true, true) => "it has the capabilities that sampling and finding names take",
        },
        fix: (!all_missing.is_empty()).then(|| {
            let how = grant::how_to_get(all_missing);
            if root {
                how
            } else {
                format!("run somno with sudo; or, for all users: {how}")
            }
            .into()
        }),
    }
}

fn event_source() -> Check {
    let has = |name| {
        let event = EventSpec::parse(name).expect("it is in the table");
        PerfEvent::probe(&event.selector).is_ok()
    };
    let (grade, found, meaning, fix) = if has(event_name::CYCLES) {
        (
            Grade::Good,
            "cycles",
            "the PMU counts; samples come in an NMI",
            None,
        )
    } else if has(event_name::CPU_CLOCK) {
        (
            Grade::Limited,
            "cpu-clock",
            "there is no PMU, as in most virtual machines: samples come from a timer, which \
             does not see code that runs with interrupts off",
            None,
        )
    } else {
        (
            Grade::Missing,
            "none",
            "no event can be opened",
            Some(if grant::missing(CAPTURE).is_empty() {
                "sudo sysctl kernel.perf_event_paranoid=2"
            } else {
                "see privileges"
            }),
        )
    };
    Check {
        name: "event",
        grade,
        found: found.into(),
        meaning,
        fix: fix.map(Cow::from),
    }
}

fn perf_event_paranoid() -> Check {
    let found = setting("/proc/sys/kernel/perf_event_paranoid");
    let is_for_root = found.parse::<i32>().is_ok_and(|level| level > 2);
    let (grade, fix) = if is_for_root && !grant::missing(CapabilitySet::SYS_ADMIN).is_empty() {
        let fix = "sudo sysctl kernel.perf_event_paranoid=2";
        (Grade::Limited, Some(Cow::from(fix)))
    } else {
        (Grade::Good, None)
    };
    Check {
        name: "perf_event_paranoid",
        grade,
        found,
        meaning: "what users without CAP_PERFMON may sample; above 2, on kernels of Debian and \
            Ubuntu, CAP_PERFMON does not suffice and only root may",
        fix,
    }
}

fn max_sample_rate() -> Check {
    let rate = setting("/proc/sys/kernel/perf_event_max_sample_rate");
    let low = rate.parse::<u64>().is_ok_and(|rate| rate < 10_000);
    Check {
        name: "perf_event_max_sample_rate",
        grade: if low { Grade::Limited } else { Grade::Good },
        found: rate,
        meaning: "the highest rate, in Hz, that the kernel accepts now",
        fix: low.then_some("sudo sysctl kernel.perf_event_max_sample_rate=100000".into()),
    }
}

fn kernel_symbols() -> Check {
    let access = Access::look();
    Check {
        name: "kptr_restrict",
        grade: match access {
            Access::Granted => Grade::Good,
            _ => Grade::Limited,
        },
        found: setting("/proc/sys/kernel/kptr_restrict"),
        meaning: match access {
            Access::Granted => "kernel functions have names",
            Access::HiddenFromAll => {
                "kernel functions are shown as addresses: this hides their names from all"
            }
            Access::Hidden => {
                "kernel functions are shown as addresses: their names take CAP_SYSLOG"
            }
            Access::Missing | Access::Denied => {
                "kernel functions are shown as addresses: /proc/kallsyms cannot be read"
            }
        },
        fix: access.fix().map(Cow::from),
    }
}

/// A setting's value, or why it is not known.
fn setting(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|error| error.to_string(), |text| text.trim().to_owned())
}
