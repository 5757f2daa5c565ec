//! Which machine this is.

use std::fs;

use super::cpus;
use crate::profile::header::Machine;

/// Reads what the kernel says of itself; what it does not say is empty.
#[must_use]
pub fn read() -> Machine {
    let uname = rustix::system::uname();
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let cpus = cpus::online(u16::MAX).map_or(0, |cpus| cpus.len());
    Machine {
        name: uname.nodename().to_string_lossy().into_owned(),
        kernel: uname.release().to_string_lossy().into_owned(),
        architecture: uname.machine().to_string_lossy().into_owned(),
        cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
        boot_id: boot_id.trim().into(),
    }
}
