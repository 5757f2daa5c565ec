//! What each capability is for, and what is lost without it.

use rustix::thread::CapabilitySet;

use super::{Check, Grade};
use crate::privileges::grant;
use crate::proc::kallsyms::Access;

/// A capability that somno can use.
struct Known {
    name: &'static str,
    capability: CapabilitySet,
    with: &'static str,
    without: &'static str,
    /// How bad that is.
    grade: Grade,
}

const KNOWN: [Known; 6] = [
    Known {
        name: "cap_bpf",
        capability: CapabilitySet::BPF,
        with: "programs can be loaded into the kernel",
        without: "no program can be loaded into the kernel: nothing can be sampled",
        grade: Grade::Missing,
    },
    Known {
        name: "cap_perfmon",
        capability: CapabilitySet::PERFMON,
        with: "everything can be sampled, whoever runs it",
        without: "programs that look at tasks cannot be loaded: nothing can be sampled",
        grade: Grade::Missing,
    },
    Known {
        name: "cap_sys_ptrace",
        capability: CapabilitySet::SYS_PTRACE,
        with: "files in containers of other users can be opened, and names of code made at run time there",
        without: "files in containers of other users have only the names that they export, and code \
                  made at run time there has none",
        grade: Grade::Limited,
    },
    Known {
        name: "cap_checkpoint_restore",
        capability: CapabilitySet::CHECKPOINT_RESTORE,
        with: "files can be opened that were deleted or replaced, and jitdumps",
        without: "files that were deleted or replaced have only the names that they export, and code \
                  in jitdumps has none",
        grade: Grade::Limited,
    },
    Known {
        name: "cap_syslog",
        capability: CapabilitySet::SYSLOG,
        with: "kernel functions can be named",
        without: "kernel functions are shown as addresses",
        grade: Grade::Limited,
    },
    Known {
        name: "cap_dac_read_search",
        capability: CapabilitySet::DAC_READ_SEARCH,
        with: "files can be opened that only others may read, or, of other users' processes, that \
               were deleted or replaced",
        without: "files that only others may read, or, of other users' processes, that were deleted \
                  or replaced, have only the names that they export; tracefs may be root's",
        grade: Grade::Limited,
    },
];

/// Looks at each.
pub(super) fn examine() -> Vec<Check> {
    let held = grant::held();
    KNOWN.iter().map(|known| check(known, held)).collect()
}

fn check(known: &Known, held: CapabilitySet) -> Check {
    let is_syslog = known.capability == CapabilitySet::SYSLOG;
    let has = held.contains(known.capability);
    let (grade, meaning) = if has {
        (Grade::Good, known.with)
    } else if is_syslog && Access::look() == Access::Granted {
        (Grade::Good, "kernel functions can be named here without it")
    } else {
        (known.grade, known.without)
    };
    Check {
        name: known.name,
        grade,
        found: if has { "yes" } else { "no" }.into(),
        meaning,
        fix: (grade != Grade::Good).then(|| grant::how_to_get(known.capability).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that whoever has nothing learns of each what that costs and how to get it.
    #[test]
    fn what_is_missing_is_told() {
        for known in &KNOWN {
            let (without, with) = (
                check(known, CapabilitySet::empty()),
                check(known, CapabilitySet::all()),
            );
            assert_eq!((with.grade, with.found.as_str()), (Grade::Good, "yes"));
            assert!(with.fix.is_none());
            assert_eq!(without.found, "no");
            assert_eq!(without.fix.is_some(), without.grade != Grade::Good);
            assert!(without.grade == known.grade || known.name == "cap_syslog");
        }
    }
}
