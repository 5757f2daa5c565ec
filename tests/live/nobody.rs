//! An ordinary user, who has some capabilities or none.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, configure_capability_in_ambient_set, set_capabilities,
    set_keep_capabilities,
};

pub(crate) const NOBODY: u32 = 65534;

/// Has a command run as nobody with these capabilities, as a service manager gives them.
pub(crate) fn run_as_nobody(command: &mut Command, capabilities: CapabilitySet) {
    command.env("HOME", "/nonexistent");
    // SAFETY: `become_nobody` makes system calls only: it neither allocates nor locks.
    unsafe { command.pre_exec(move || become_nobody(capabilities)) };
}

fn become_nobody(capabilities: CapabilitySet) -> io::Result<()> {
    set_keep_capabilities(true)?;
    setgroups(&[])?;
    setgid(Gid::from_raw(NOBODY))?;
    setuid(Uid::from_raw(NOBODY))?;
    let sets = CapabilitySets {
        effective: capabilities,
        permitted: capabilities,
        inheritable: capabilities,
    };
    set_capabilities(None, sets)?;
    for capability in capabilities.iter() {
        configure_capability_in_ambient_set(capability, true)?;
    }
    Ok(())
}
