//! What this kernel can do.

use std::fs;

use libbpf_rs::btf::{Btf, types::Func};

use crate::addr::KernelAddress;
use crate::bpf::ContextAddresses;
use crate::error::{Context as _, Result};

/// The kfuncs that schedule a callback in a task: 6.18 and 6.19 have the first, 7.0 both.
pub const SCHEDULE_KFUNCS: [&str; 2] = [
    "bpf_task_work_schedule_resume_impl",
    "bpf_task_work_schedule_resume",
];

/// Tells whether the kernel can run a BPF callback in a task's own context.
///
/// # Errors
/// When the kernel has no BTF.
pub fn can_defer() -> Result<bool> {
    let btf = Btf::from_vmlinux().context(|| "read the kernel's type information (BTF)".into())?;
    Ok(has_deferral(&btf))
}

/// Tells whether one of the kfuncs is there.
#[must_use]
pub fn has_deferral(btf: &Btf<'_>) -> bool {
    SCHEDULE_KFUNCS
        .iter()
        .any(|name| btf.type_by_name::<Func<'_>>(name).is_some())
}

/// Tells whether the kernel lets a program read a file that is not mapped.
#[must_use]
pub fn has_file_reads(btf: &Btf<'_>) -> bool {
    btf.type_by_name::<Func<'_>>("bpf_dynptr_from_file")
        .is_some()
}

/// Finds where the kernel says what context it is in; `None` where kallsyms has no data.
#[must_use]
pub fn context_addresses() -> Option<ContextAddresses> {
    let symbols = fs::read_to_string("/proc/kallsyms").ok()?;
    Some(ContextAddresses {
        per_cpu_offset: address_of(&symbols, "__per_cpu_offset")?,
        preempt_count: address_of(&symbols, "__preempt_count")?,
    })
}

/// Finds a symbol in the text of /proc/kallsyms; 0 stands for what is hidden.
fn address_of(symbols: &str, name: &str) -> Option<KernelAddress> {
    symbols.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let address = u64::from_str_radix(fields.next()?, 16).ok()?;
        (fields.nth(1)? == name && address != 0).then_some(KernelAddress(address))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that a symbol is found by its whole name, unless it is hidden.
    #[test]
    fn symbols_are_found() {
        let symbols = "ffffffff81000010 D jiffies_64\nffffffff81000020 D jiffies\n\
                       0000000000000000 D hidden\nffffffffc0000000 t f\t[module]\n";
        assert_eq!(
            address_of(symbols, "jiffies"),
            Some(KernelAddress(0xffff_ffff_8100_0020))
        );
        assert_eq!(address_of(symbols, "hidden"), None);
        assert_eq!(address_of(symbols, "missing"), None);
    }
}
