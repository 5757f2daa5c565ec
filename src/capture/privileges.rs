//! What is given up once sampling is set up.
//!
//! Programs are loaded and events are open by then, and their descriptors are all that
//! sampling needs. What is still done with privileges is to name what runs later:
//!
//! - `CAP_SYS_PTRACE`: what processes have mapped, and their root directories.
//! - `CAP_CHECKPOINT_RESTORE`: the very files that they have mapped (`/proc/PID/map_files`).
//! - `CAP_DAC_READ_SEARCH`: files that only other users may read.
//! - `CAP_SYSLOG`: addresses of the kernel's functions.
//! - `CAP_KILL`: to end a command that runs as another user.
//!
//! The thread that draws, and those that read keys and signals, keep none of these.

use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_no_new_privs,
};

use crate::error::{Context as _, Result};

const NEEDED: CapabilitySet = CapabilitySet::SYS_PTRACE
    .union(CapabilitySet::CHECKPOINT_RESTORE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::SYSLOG)
    .union(CapabilitySet::KILL);

/// Gives up what is not needed any more, for this thread and those that it starts.
///
/// # Errors
/// What the kernel says.
pub fn keep_needed() -> Result<()> {
    drop_to(NEEDED).context(|| "give up privileges".into())
}

/// Gives up everything, for this thread and those that it starts. Files that they make
/// are the caller's, where there is one.
///
/// # Errors
/// What the kernel says.
pub fn keep_none(caller: Option<(u32, u32)>) -> Result<()> {
    if let Some((uid, gid)) = caller {
        // These tell no errors; without the privilege nothing changes.
        setfsgid(Gid::from_raw(gid));
        setfsuid(Uid::from_raw(uid));
    }
    drop_to(CapabilitySet::empty()).context(|| "give up privileges".into())
}

fn drop_to(kept: CapabilitySet) -> rustix::io::Result<()> {
    let held = capabilities(None)?;
    if held.effective.contains(CapabilitySet::SETPCAP) {
        // Nothing is ever executed that could have any; a thread that was to keep none
        // could not change this later.
        for capability in CapabilitySet::all().iter() {
            // kernels that do not know one have it in no set
            if capability_is_in_bounding_set(capability).unwrap_or(false) {
                remove_capability_from_bounding_set(capability)?;
            }
        }
    }
    clear_ambient_capability_set()?;
    set_capabilities(
        None,
        CapabilitySets {
            effective: held.effective.intersection(kept),
            permitted: held.permitted.intersection(kept),
            inheritable: CapabilitySet::empty(),
        },
    )?;
    set_no_new_privs(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Check that privileges go with a thread, and cannot be had again.
    #[test]
    fn privileges_are_given_up() {
        let dropped = thread::spawn(|| {
            keep_needed().expect("less is always allowed");
            let some = capabilities(None).expect("it is always told");
            keep_none(None).expect("less is always allowed");
            let none = capabilities(None).expect("it is always told");
            let again = set_capabilities(None, some);
            (some, none, again.is_ok())
        });
        let (some, none, is_again) = dropped.join().expect("it does not panic");
        assert!(NEEDED.contains(some.permitted));
        assert!(none.permitted.is_empty() && none.effective.is_empty());
        assert!(!is_again || some.permitted.is_empty());
    }
}
