//! Names of events, as perf spells them.
//!
//! Source of the names and numbers: `perf-list(1)`, `perf_event_open(2)`.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

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
    /// A place that code comes by.
    Point(Point),
}

/// A place that code comes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    /// One that the kernel has names for.
    Tracepoint {
        /// What it belongs to.
        category: String,
        /// Its name there.
        name: String,
    },
    /// One in a program or library.
    Uprobe {
        /// Which.
        file: PathBuf,
        /// Where in it.
        place: Place,
    },
}

/// A place in a program or library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Bytes from the start of the file.
    Offset(u64),
    /// By a function.
    Symbol {
        /// Its name, as the linker has it.
        name: String,
        /// Bytes after its beginning.
        plus: u64,
    },
}

/// The event for where there is no PMU: a high-resolution timer.
pub const CPU_CLOCK: &str = "cpu-clock";
/// The event for where there is one.
pub const CYCLES: &str = "cycles";

const HARDWARE: [(&str, u32); 14] = [
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
    ("idle-cycles-frontend", 7),
    ("stalled-cycles-backend", 8),
    ("idle-cycles-backend", 8),
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

/// The kernel's caches, operations and results, in the order of their numbers: an event is
/// `CACHE-OPERATION`, where that says what of it, as perf spells it.
const CACHES: [&str; 7] = [
    "L1-dcache",
    "L1-icache",
    "LLC",
    "dTLB",
    "iTLB",
    "branch",
    "node",
];
const OPERATIONS: [[&str; 2]; 3] = [
    ["loads", "load-misses"],
    ["stores", "store-misses"],
    ["prefetches", "prefetch-misses"],
];

/// Letters that perf takes behind an event and a colon: at which privilege, and how precisely,
/// it counts.
const MODIFIERS: &str = "ukhIGHpPSDWeb";

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
        refuse_modifiers(name)?;
        let selector = counter(name)
            .or_else(|| raw(name))
            .or_else(|| uprobe(name))
            .or_else(|| tracepoint(name))
            .map_or_else(|| memory(name), Ok)?;
        Ok(Self {
            name: name.to_owned(),
            selector,
            rate,
        })
    }
}

impl Selector {
    /// How often it is sampled where nothing is said: each time, where it is a place.
    #[must_use]
    pub fn default_rate(&self) -> Option<Rate> {
        matches!(self, Self::Point(_)).then_some(Rate::Period(NonZeroU64::MIN))
    }

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

/// Every event of a cache, and its number.
fn cache_events() -> impl Iterator<Item = (String, u64)> {
    let of_cache = |(cache, of): (u64, &'static str)| {
        let operations = (0_u64..).zip(OPERATIONS);
        let of_operation = move |(operation, names): (u64, [&'static str; 2])| {
            let results = (0_u64..).zip(names);
            results.map(move |(result, name)| {
                let config = cache | operation << 8 | result << 16;
                (format!("{of}-{name}"), config)
            })
        };
        operations.flat_map(of_operation)
    };
    (0_u64..).zip(CACHES).flat_map(of_cache)
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
pub fn all() -> impl Iterator<Item = (String, &'static str)> {
    let named = |table: &'static [(&'static str, u32)], kind| {
        table
            .iter()
            .map(move |(name, _)| ((*name).to_owned(), kind))
    };
    let caches = cache_events().map(|(name, _)| (name, "hardware, cache"));
    named(&HARDWARE, "hardware")
        .chain(caches)
        .chain(named(&SOFTWARE, "software"))
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
    let bad = |why: &str| Error::usage(format!("bad event `{name}`: {why}"));
    let rate: fn(NonZeroU64) -> Rate = match term {
        "freq" => Rate::Frequency,
        "period" => Rate::Period,
        _ => {
            let unknown = format!("`{term}` is not known");
            return Err(bad(&unknown).with_hint("what may follow is freq=HZ or period=N"));
        }
    };
    let number = number.parse::<NonZeroU64>();
    let number = number.map_err(|_| bad(&format!("{term} is a number above 0")))?;
    Ok((event, Some(rate(number))))
}

/// Refuses `EVENT:MODIFIERS`, which looks like a tracepoint.
fn refuse_modifiers(name: &str) -> Result<()> {
    let Some((event, letters)) = name.rsplit_once(':') else {
        return Ok(());
    };
    let is_event = [counter, raw, tracepoint]
        .iter()
        .any(|read| read(event).is_some());
    let are_modifiers = !letters.is_empty() && letters.chars().all(|c| MODIFIERS.contains(c));
    if !is_event || !are_modifiers {
        return Ok(());
    }
    let hint = if letters.contains('u') {
        format!("use `{event}`; --no-kernel leaves out kernel frames")
    } else {
        format!("use `{event}`")
    };
    let message = format!("event `{name}`: modifiers, as `:{letters}`, are not supported");
    Err(Error::usage(message).with_hint(hint))
}

fn counter(name: &str) -> Option<Selector> {
    let find = |table: &[(&str, u32)], kind| {
        let (_, config) = table.iter().find(|(known, _)| *known == name)?;
        Some(Selector::Counter {
            kind,
            config: u64::from(*config),
        })
    };
    let cache = || {
        let (_, config) = cache_events().find(|(known, _)| known == name)?;
        Some(Selector::Counter {
            kind: sys::PERF_TYPE_HW_CACHE,
            config,
        })
    };
    find(&HARDWARE, sys::PERF_TYPE_HARDWARE)
        .or_else(|| find(&SOFTWARE, sys::PERF_TYPE_SOFTWARE))
        .or_else(cache)
}

/// `rNNN`: an event number of the CPU's manual, hexadecimal.
fn raw(name: &str) -> Option<Selector> {
    let digits = name.strip_prefix('r')?;
    Some(Selector::Counter {
        kind: sys::PERF_TYPE_RAW,
        config: u64::from_str_radix(digits, 16).ok()?,
    })
}

/// `uprobe:FILE:SYMBOL[+OFF]`, or `uprobe:FILE:OFF`.
fn uprobe(name: &str) -> Option<Selector> {
    let (file, place) = name.strip_prefix("uprobe:")?.rsplit_once(':')?;
    let place = if let Some(offset) = number(place) {
        Place::Offset(offset)
    } else {
        let (name, plus) = place.split_once('+').unwrap_or((place, "0"));
        Place::Symbol {
            name: Some(name).filter(|name| !name.is_empty())?.to_owned(),
            plus: number(plus)?,
        }
    };
    Some(Selector::Point(Point::Uprobe {
        file: Some(file).filter(|file| !file.is_empty())?.into(),
        place,
    }))
}

/// `category:name`.
fn tracepoint(name: &str) -> Option<Selector> {
    let (category, name) = name.split_once(':')?;
    let is_word = |word: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        !word.is_empty() && word.chars().all(is_part)
    };
    let is_other = ["mem", "uprobe"].contains(&category);
    (!is_other && is_word(category) && is_word(name)).then(|| {
        Selector::Point(Point::Tracepoint {
            category: category.into(),
            name: name.into(),
        })
    })
}

/// A decimal or, after `0x`, hexadecimal number.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// `mem:ADDR[/LEN][:rwx]`; without letters, reads and writes.
fn memory(name: &str) -> Result<Selector> {
    let unknown = || {
        Error::usage(format!("unknown event `{name}`")).with_hint(
            "use a hardware, cache or software event of perf (cycles, cpu-clock, page-faults, \
             ...), rNNN, CATEGORY:NAME, mem:ADDR[/LEN][:rwx] or uprobe:FILE:SYMBOL[+OFF]; \
             `somno list events` knows them",
        )
    };
    let bad = |why: &str| Error::usage(format!("bad watchpoint `{name}`: {why}"));
    let place = name.strip_prefix("mem:").ok_or_else(unknown)?;
    let (place, letters) = place.split_once(':').unwrap_or((place, "rw"));
    let (address, len) = place.split_once('/').unwrap_or((place, "4"));
    let address = number(address).ok_or_else(|| bad("the address is not a number"))?;
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
    use crate::fuzz::Fuzz;

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
                "LLC-load-misses",
                Selector::Counter {
                    kind: 3,
                    config: 0x1_00_02,
                },
            ),
            (
                "dTLB-stores",
                Selector::Counter {
                    kind: 3,
                    config: 0x1_03,
                },
            ),
            (
                "sched:sched_switch",
                Selector::Point(Point::Tracepoint {
                    category: "sched".into(),
                    name: "sched_switch".into(),
                }),
            ),
            (
                "uprobe:/lib/a:b.so:malloc+0x4",
                Selector::Point(Point::Uprobe {
                    file: "/lib/a:b.so".into(),
                    place: Place::Symbol {
                        name: "malloc".into(),
                        plus: 4,
                    },
                }),
            ),
            (
                "uprobe:a:0x10",
                Selector::Point(Point::Uprobe {
                    file: "a".into(),
                    place: Place::Offset(16),
                }),
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
            "uprobe:",
            "uprobe:/lib/x",
            "uprobe:/lib/x:",
            "uprobe:/lib/x:f+g",
            "sched:",
            "sched:a/b",
            "L1-dcache-loves",
        ] {
            let error = EventSpec::parse(name).expect_err(name);
            assert_eq!(error.kind().exit_status(), 2, "{name}");
        }
    }

    /// Check that perf's modifiers and terms are refused with what there is instead, and no
    /// others' names are.
    #[test]
    fn what_perf_takes_is_answered() {
        for (name, named) in [
            ("cycles:u", "--no-kernel"),
            ("cpu-clock:k", "use `cpu-clock`"),
            ("cycles:pp/freq=99/", "use `cycles`"),
            ("r1a8:uk", "use `r1a8`"),
            ("LLC-load-misses:u", "use `LLC-load-misses`"),
            ("sched:sched_switch:u", "use `sched:sched_switch`"),
            ("cpu-clock/foo=0/", "freq=HZ or period=N"),
        ] {
            let error = EventSpec::parse(name).expect_err(name);
            assert_eq!(error.kind().exit_status(), 2, "{name}");
            assert!(
                error.hint().is_some_and(|hint| hint.contains(named)),
                "{error:?}"
            );
        }
        let error = EventSpec::parse("cpu-clock/foo=0/").expect_err("it has no foo");
        assert!(error.to_string().contains("`foo` is not known"), "{error}");
        for name in ["power:u", "uprobe:/lib/x:p", "mem:4096:w", "cycles:other"] {
            assert!(EventSpec::parse(name).is_ok(), "{name}");
        }
    }

    /// Check that whatever is typed is an event or a usage error that can be shown.
    #[test]
    fn damage_is_harmless() {
        let names: [&[u8]; 7] = [
            b"cycles/freq=99/",
            b"r1a8/period=100/",
            b"mem:0xffff/8:rwx",
            b"sched:sched_switch",
            b"uprobe:/lib/a:b.so:malloc+0x4",
            b"uprobe:a:18446744073709551615",
            b"LLC-load-misses",
        ];
        Fuzz::of(&names).run(|bytes| {
            if let Err(error) = EventSpec::parse(&String::from_utf8_lossy(bytes)) {
                assert_eq!(error.kind().exit_status(), 2);
                assert!(
                    !error.to_string().chars().any(char::is_control),
                    "{error:?}"
                );
            }
        });
    }
}
