//! Names of events, as perf spells them.
//!
//! Source of the names and numbers: `perf-list(1)`, `perf_event_open(2)`.

use std::path::Path;

use libbpf_rs::libbpf_sys as sys;

use crate::error::{Error, Result};
use crate::time::Rate;

/// An event that can be sampled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSpec {
    /// How the user spelled it.
    pub name: String,
    /// What the kernel calls it.
    pub selector: Selector,
    /// How often it is sampled, where the name says so.
    pub rate: Option<Rate>,
}

/// What the kernel calls an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// A number in one of the kernel's event types.
    Counter {
        /// `PERF_TYPE_*`
        kind: u32,
        /// The number within the type.
        config: u64,
    },
    /// A watchpoint.
    Memory {
        /// The first byte watched.
        address: u64,
        /// Bytes: 1, 2, 4 or 8.
        len: u64,
        /// `HW_BREAKPOINT_*`
        access: u32,
    },
}

/// The event for where there is no PMU: a high-resolution timer.
pub const CPU_CLOCK: &str = "cpu-clock";
/// The event for where there is one.
pub const CYCLES: &str = "cycles";

const HARDWARE: [(&str, u32); 12] = [
    ("cycles", 0),
    ("cpu-cycles", 0),
    ("instructions", 1),
    ("cache-references", 2),
    ("cache-misses", 3),
    ("branches", 4),
    ("branch-instructions", 4),
    ("branch-misses", 5),
    ("bus-cycles", 6),
    ("stalled-cycles-frontend", 7),
    ("stalled-cycles-backend", 8),
    ("ref-cycles", 9),
];

const SOFTWARE: [(&str, u32); 15] = [
    (CPU_CLOCK, 0),
    ("task-clock", 1),
    ("page-faults", 2),
    ("faults", 2),
    ("context-switches", 3),
    ("cs", 3),
    ("cpu-migrations", 4),
    ("migrations", 4),
    ("minor-faults", 5),
    ("major-faults", 6),
    ("alignment-faults", 7),
    ("emulation-faults", 8),
    ("dummy", 9),
    ("bpf-output", 10),
    ("cgroup-switches", 11),
];

const BREAKPOINT_READ: u32 = 1;
const BREAKPOINT_WRITE: u32 = 2;
const BREAKPOINT_EXECUTE: u32 = 4;

impl EventSpec {
    /// Understands an event's name.
    ///
    /// # Errors
    /// When no such event is known.
    pub fn parse(name: &str) -> Result<Self> {
        let (name, rate) = split_rate(name)?;
        let selector = counter(name)
            .or_else(|| raw(name))
            .map_or_else(|| memory(name), Ok)?;
        Ok(Self {
            name: name.to_owned(),
            selector,
            rate,
        })
    }
}

impl Selector {
    /// Whether a processor's counters count it.
    #[must_use]
    pub fn needs_pmu(&self) -> bool {
        let of_processor = [
            sys::PERF_TYPE_HARDWARE,
            sys::PERF_TYPE_HW_CACHE,
            sys::PERF_TYPE_RAW,
        ];
        matches!(self, Self::Counter { kind, .. } if of_processor.contains(kind))
    }

    /// Whether it counts nanoseconds, and one fires each period by a timer.
    #[must_use]
    pub fn is_clock(&self) -> bool {
        matches!(
            self,
            Self::Counter {
                kind: sys::PERF_TYPE_SOFTWARE,
                config: 0 | 1,
            }
        )
    }
}

/// Whether the processor's counters can be had, as far as the kernel tells.
#[must_use]
pub fn has_pmu() -> bool {
    // one for each kind of core where there are several
    ["cpu", "cpu_core", "cpu_atom"].iter().any(|name| {
        Path::new("/sys/bus/event_source/devices")
            .join(name)
            .exists()
    })
}

/// Every event that has a name, and what it is.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let hardware = HARDWARE.iter().map(|(name, _)| (*name, "hardware"));
    hardware.chain(SOFTWARE.iter().map(|(name, _)| (*name, "software")))
}

/// `NAME/freq=HZ/` or `NAME/period=N/`; the name alone has no rate of its own.
fn split_rate(name: &str) -> Result<(&str, Option<Rate>)> {
    let parts = name
        .strip_suffix('/')
        .and_then(|name| name.rsplit_once('/'))
        .and_then(|(name, term)| Some((name, term.split_once('=')?)));
    let Some((event, (term, number))) = parts else {
        return Ok((name, None));
    };
    let bad = |why: &str| Err(Error::usage(format!("bad event `{name}`: {why}")));
    let Ok(number) = number.parse() else {
        return bad(&format!("{term} is a number above 0"));
    };
    match term {
        "freq" => Ok((event, Some(Rate::Frequency(number)))),
        "period" => Ok((event, Some(Rate::Period(number)))),
        _ => bad("what may follow is freq=HZ or period=N"),
    }
}

fn counter(name: &str) -> Option<Selector> {
    let find = |table: &[(&str, u32)], kind| {
        let (_, config) = table.iter().find(|(known, _)| *known == name)?;
        Some(Selector::Counter {
            kind,
            config: u64::from(*config),
        })
    };
    find(&HARDWARE, sys::PERF_TYPE_HARDWARE).or_else(|| find(&SOFTWARE, sys::PERF_TYPE_SOFTWARE))
}

/// `rNNN`: an event number of the CPU's manual, hexadecimal.
fn raw(name: &str) -> Option<Selector> {
    let digits = name.strip_prefix('r')?;
    Some(Selector::Counter {
        kind: sys::PERF_TYPE_RAW,
        config: u64::from_str_radix(digits, 16).ok()?,
    })
}

/// `mem:ADDR[/LEN][:rwx]`; without letters, reads and writes.
fn memory(name: &str) -> Result<Selector> {
    let unknown = || {
        Error::usage(format!("unknown event `{name}`")).with_hint(
            "use a hardware or software event of perf (cycles, cpu-clock, page-faults, ...), \
             rNNN, or mem:ADDR[/LEN][:rwx]",
        )
    };
    let bad = |why: &str| Error::usage(format!("bad watchpoint `{name}`: {why}"));
    let place = name.strip_prefix("mem:").ok_or_else(unknown)?;
    let (place, letters) = place.split_once(':').unwrap_or((place, "rw"));
    let (address, len) = place.split_once('/').unwrap_or((place, "4"));
    let address = match address.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => address.parse(),
    }
    .map_err(|_| bad("the address is not a number"))?;
    let access = access(letters).ok_or_else(|| bad("access is one or more of r, w and x"))?;
    let len = match len {
        // the kernel wants the size of an instruction pointer here
        _ if access == BREAKPOINT_EXECUTE => 8,
        "1" | "2" | "4" | "8" => len.parse().expect("it is one of these"),
        _ => return Err(bad("the length is 1, 2, 4 or 8")),
    };
    Ok(Selector::Memory {
        address,
        len,
        access,
    })
}

fn access(letters: &str) -> Option<u32> {
    let mut access = 0;
    for letter in letters.chars() {
        access |= match letter {
            'r' => BREAKPOINT_READ,
            'w' => BREAKPOINT_WRITE,
            'x' => BREAKPOINT_EXECUTE,
            _ => return None,
        };
    }
    (access != 0).then_some(access)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that names, aliases, raw numbers and watchpoints are understood.
    #[test]
    fn names_are_understood() {
        for (name, selector) in [
            ("cycles", Selector::Counter { kind: 0, config: 0 }),
            ("cpu-clock", Selector::Counter { kind: 1, config: 0 }),
            ("cs", Selector::Counter { kind: 1, config: 3 }),
            (
                "r1a8",
                Selector::Counter {
                    kind: 4,
                    config: 0x1a8,
                },
            ),
            (
                "mem:0xffff/8:w",
                Selector::Memory {
                    address: 0xffff,
                    len: 8,
                    access: 2,
                },
            ),
            (
                "mem:4096",
                Selector::Memory {
                    address: 4096,
                    len: 4,
                    access: 3,
                },
            ),
            (
                "mem:4096:x",
                Selector::Memory {
                    address: 4096,
                    len: 8,
                    access: 4,
                },
            ),
        ] {
            assert_eq!(EventSpec::parse(name).expect(name).selector, selector);
        }
    }

    /// Check that unknown names and bad watchpoints are usage errors.
    #[test]
    fn nonsense_is_refused() {
        for name in [
            "",
            "cycels",
            "r",
            "rxyz",
            "mem:",
            "mem:0x1/3",
            "mem:1:q",
            "mem:1:",
        ] {
            let error = EventSpec::parse(name).expect_err(name);
            assert_eq!(error.kind().exit_status(), 2, "{name}");
        }
    }
}
