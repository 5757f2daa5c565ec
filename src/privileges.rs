//! Capabilities: what is in effect when, and what is given up.
//!
//! An ordinary user to whom somno was made available (`setcap`) names files that are read and
//! written, and is to reach no more of them by somno than without it. So for who is not root
//! nothing is in effect but while something is done that takes it: see [`in_effect`]. And
//! nothing that somno executes, a command to be sampled or a pager, gets any of it.
//!
//! Programs are loaded and events are open when sampling begins, and their descriptors are all
//! that it needs. What stays for a recording's end, and not in effect, is what it takes to load
//! the program that reads tasks that wait: `CAP_BPF` and `CAP_PERFMON`. (To load it beforehand
//! took 0.2 s, in which nobody reads the rings.) And there is what names of what runs later take:
//!
//! - `CAP_SYS_PTRACE`: what processes of others have mapped, and their root directories.
//! - `CAP_CHECKPOINT_RESTORE`: the very files that processes have mapped (`/proc/PID/map_files`).
//! - `CAP_DAC_READ_SEARCH`: files that only other users may read, as that directory is too.
//! - `CAP_SYSLOG`: addresses of the kernel's functions.
//!
//! Root also keeps what it takes to end a command of another user, and, for a recording, to make
//! and remove files in directories of one. The thread that draws, and those that read keys and
//! signals, keep none of these.

pub mod grant;

use std::marker::PhantomData;

use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use rustix::process::{getegid, geteuid, getgid, getuid};
pub use rustix::thread::CapabilitySet;
use rustix::thread::{
    CapabilitySets, capabilities, capability_is_in_bounding_set, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

use crate::error::{Context as _, Error, Result};

/// What nothing can be captured without.
pub const CAPTURE: CapabilitySet = CapabilitySet::BPF.union(CapabilitySet::PERFMON);

/// What names of code take that is not the user's own.
pub const NAMING: CapabilitySet = CapabilitySet::SYS_PTRACE
    .union(CapabilitySet::CHECKPOINT_RESTORE)
    .union(CapabilitySet::SYSLOG);

/// What capturing can use of what there is: the kernel takes `CAP_SYS_ADMIN` for both of
/// [`CAPTURE`], and precedence over others for the thread that reads is `CAP_SYS_NICE`.
const OF_USE_TO_CAPTURE: CapabilitySet = CAPTURE
    .union(CapabilitySet::SYS_ADMIN)
    .union(CapabilitySet::SYS_NICE);

/// What naming can use of what there is.
pub const OF_USE_TO_NAME: CapabilitySet = NAMING.union(CapabilitySet::DAC_READ_SEARCH);

/// Of it, what symbols take: the kernel's, and those of files that are open.
const OF_USE_TO_READ_SYMBOLS: CapabilitySet =
    CapabilitySet::SYSLOG.union(CapabilitySet::DAC_READ_SEARCH);

/// What files take in directories of the user who called sudo.
const FILES: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER);

/// What it takes to execute something as the user who called sudo.
const TO_BECOME: CapabilitySet = CapabilitySet::SETUID.union(CapabilitySet::SETGID);

/// What is done with privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Programs are loaded and events opened.
    Capture,
    /// Files that processes have mapped are opened.
    Files,
    /// Symbols are read: the kernel's, and those of files that are open.
    Symbols,
}

/// Capabilities of this thread that are in effect until this is dropped.
#[derive(Debug)]
pub struct InEffect {
    before: Option<CapabilitySets>,
    /// They are a thread's.
    _not_send: PhantomData<*const ()>,
}

/// Puts into effect what this thread has for a use.
#[must_use]
pub fn in_effect(wanted: Use) -> InEffect {
    let of_use = match wanted {
        Use::Capture => OF_USE_TO_CAPTURE,
        Use::Files => OF_USE_TO_NAME.difference(CapabilitySet::SYSLOG),
        Use::Symbols => OF_USE_TO_READ_SYMBOLS,
    };
    let raise = || {
        let held = capabilities(None).ok()?;
        let effective = held.effective.union(held.permitted.intersection(of_use));
        let is_new = effective != held.effective;
        let raised = CapabilitySets { effective, ..held };
        // what is permitted may be in effect: this does not fail
        (is_new && set_capabilities(None, raised).is_ok()).then_some(held)
    };
    InEffect {
        before: raise(),
        _not_send: PhantomData,
    }
}

impl Drop for InEffect {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            // less is always allowed
            let _ = set_capabilities(None, before);
        }
    }
}

/// Has nothing in effect for who is not root, and lets nothing that is executed have any.
///
/// # Errors
/// When the program is set-user-ID: it would write as its owner wherever its user says.
pub fn begin() -> Result<()> {
    if getuid() != geteuid() || getgid() != getegid() {
        let why = "the program is set-user-ID or set-group-ID, and would write files as its owner";
        return Err(Error::failed(format!("failed to begin: {why}"))
            .with_hint(format!("chmod ug-s it; {}", grant::how_to_get(NAMING))));
    }
    let lower = || {
        let held = capabilities(None)?;
        if held.permitted.is_empty() {
            return Ok(());
        }
        clear_ambient_capability_set()?;
        let effective = if geteuid().is_root() {
            held.effective
        } else {
            CapabilitySet::empty()
        };
        let inheritable = CapabilitySet::empty();
        set_capabilities(
            None,
            CapabilitySets {
                effective,
                inheritable,
                ..held
            },
        )
    };
    lower().context(|| "lower privileges".into())
}

/// Gives up everything, for who is not root: recordings are read, and nothing is captured.
///
/// # Errors
/// What the kernel says.
pub fn keep_for_reading() -> Result<()> {
    if geteuid().is_root() {
        return Ok(());
    }
    reduce(CapabilitySet::empty()).context(|| "give up privileges".into())
}

/// What privileges are still needed for, beside finding names and ending a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// A program is loaded that reads the stacks of tasks that wait when sampling ends.
    pub pending: bool,
    /// Files are made and removed; for root, in directories of the user who called sudo.
    pub files: bool,
    /// A browser is executed as that user, and may need more than somno has.
    pub browser: bool,
}

/// Gives up what is not needed any more, for this thread and those that it starts.
///
/// # Errors
/// What the kernel says.
pub fn keep_needed(left: Left) -> Result<()> {
    let is_root = geteuid().is_root();
    let mut kept = OF_USE_TO_NAME;
    for (is_needed, set) in [
        (left.pending, CAPTURE),
        (is_root, CapabilitySet::KILL),
        (is_root && left.files, FILES),
        (is_root && left.browser, TO_BECOME),
    ] {
        kept |= if is_needed {
            set
        } else {
            CapabilitySet::empty()
        };
    }
    let give_up = || {
        if !left.browser {
            let_nothing_gain()?;
        }
        reduce(kept)?;
        // root too has this in effect only when it is used
        lower(CAPTURE)
    };
    give_up().context(|| "give up privileges".into())
}

/// Gives up what symbols in open files do not take, for this thread.
///
/// # Errors
/// What the kernel says.
pub fn keep_for_symbols() -> Result<()> {
    reduce(OF_USE_TO_READ_SYMBOLS).context(|| "give up privileges".into())
}

/// Gives up what opening files that processes have mapped does not take, for this thread.
///
/// # Errors
/// What the kernel says.
pub fn keep_for_files() -> Result<()> {
    let kept = OF_USE_TO_NAME.difference(CapabilitySet::SYSLOG);
    reduce(kept).context(|| "give up privileges".into())
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
    let give_up = || {
        let_nothing_gain()?;
        reduce(CapabilitySet::empty())
    };
    give_up().context(|| "give up privileges".into())
}

/// Lets nothing that is executed from here on have any privilege.
fn let_nothing_gain() -> rustix::io::Result<()> {
    let held = capabilities(None)?;
    if held.effective.contains(CapabilitySet::SETPCAP) {
        // A thread that was to keep none could not change this later.
        for capability in CapabilitySet::all().iter() {
            // kernels that do not know one have it in no set
            if capability_is_in_bounding_set(capability).unwrap_or(false) {
                remove_capability_from_bounding_set(capability)?;
            }
        }
    }
    set_no_new_privs(true)
}

/// Has these not in effect, though they may be again.
fn lower(set: CapabilitySet) -> rustix::io::Result<()> {
    let held = capabilities(None)?;
    set_capabilities(
        None,
        CapabilitySets {
            effective: held.effective.difference(set),
            ..held
        },
    )
}

/// Drops all but these of what this thread has.
fn reduce(kept: CapabilitySet) -> rustix::io::Result<()> {
    let held = capabilities(None)?;
    clear_ambient_capability_set()?;
    set_capabilities(
        None,
        CapabilitySets {
            effective: held.effective.intersection(kept),
            permitted: held.permitted.intersection(kept),
            inheritable: CapabilitySet::empty(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Check that privileges go with a thread, and cannot be had again.
    #[test]
    fn privileges_are_given_up() {
        let dropped = thread::spawn(|| {
            keep_needed(Left::default()).expect("less is always allowed");
            let some = capabilities(None).expect("it is always told");
            keep_none(None).expect("less is always allowed");
            let none = capabilities(None).expect("it is always told");
            let again = set_capabilities(None, some);
            (some, none, again.is_ok())
        });
        let (some, none, is_again) = dropped.join().expect("it does not panic");
        let allowed = OF_USE_TO_NAME.union(CapabilitySet::KILL);
        assert!(allowed.contains(some.permitted));
        assert!(none.permitted.is_empty() && none.effective.is_empty());
        assert!(!is_again || some.permitted.is_empty());
    }

    /// Check that what is permitted is in effect only while it is used.
    #[test]
    fn privileges_are_in_effect_when_used() {
        let seen = thread::spawn(|| {
            let effective = || capabilities(None).expect("it is always told").effective;
            let held = capabilities(None).expect("it is always told");
            let lowered = CapabilitySets {
                effective: CapabilitySet::empty(),
                ..held
            };
            set_capabilities(None, lowered).expect("less is always allowed");
            let during = {
                let _symbols = in_effect(Use::Symbols);
                effective()
            };
            (held.permitted, during, effective())
        });
        let (permitted, during, after) = seen.join().expect("it does not panic");
        assert_eq!(during, permitted.intersection(OF_USE_TO_READ_SYMBOLS));
        assert!(after.is_empty());
    }
}
