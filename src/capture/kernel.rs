//! What this kernel can do.

use std::fs;

use libbpf_rs::btf::{Btf, types::Func};

use crate::addr::KernelAddress;
use crate::bpf::configuration::ContextAddresses;
use crate::error::{Context as _, Result};
use crate::event::Mode;
use crate::privileges::{Use, in_effect};

/// The kfuncs that schedule a callback in a task: 6.18 and 6.19 have the first, 7.0 both.
pub const SCHEDULE_KFUNCS: [&str; 2] = [
    "bpf_task_work_schedule_resume_impl",
    "bpf_task_work_schedule_resume",
];

/// Tells how user stacks can be taken on this kernel.
///
/// # Errors
/// When the kernel has no BTF.
pub fn mode() -> Result<Mode> {
    let btf = Btf::from_vmlinux().context(|| "read the kernel's type information (BTF)".into())?;
    Ok(mode_of(&btf))
}

/// Tells the same of a kernel's types.
#[must_use]
pub fn mode_of(btf: &Btf<'_>) -> Mode {
    let has_kfunc = SCHEDULE_KFUNCS
        .iter()
        .any(|name| btf.type_by_name::<Func<'_>>(name).is_some());
    if has_kfunc {
        Mode::Deferred
    } else {
        Mode::Interrupt
    }
}

/// What a mode means for user stacks.
#[must_use]
pub fn meaning(mode: Mode) -> &'static str {
    match mode {
        Mode::Deferred => "user stacks are read in the task, where it may sleep",
        Mode::Interrupt => {
            "this kernel cannot defer (Linux 6.18 can): user stacks are taken in the interrupt, by \
             frame pointers only"
        }
    }
}

/// Tells whether the kernel lets a program read a file that is not mapped.
#[must_use]
fn has_file_reads(btf: &Btf<'_>) -> bool {
    btf.type_by_name::<Func<'_>>("bpf_dynptr_from_file")
        .is_some()
}

/// Tells whether this kernel lets a task read a file that it has mapped.
///
/// # Errors
/// When the kernel has no BTF.
pub fn file_reads() -> Result<bool> {
    // the types take a hundredth second to read
    if !iterates_unlocked(&release()) {
        return Ok(false);
    }
    let btf = Btf::from_vmlinux().context(|| "read the kernel's type information (BTF)".into())?;
    Ok(has_file_reads(&btf))
}

/// Whether a task's mappings are iterated without a lock of its address space, so that a
/// file may be read meanwhile: its own locks come before that one. Since 7.0.10, with the
/// mending of CVE-2026-53085; earlier it depends.
fn iterates_unlocked(release: &str) -> bool {
    numbers(release) >= (7, 0, 10)
}

/// Tells whether a task may be read from outside: its mappings are looked at while it may
/// go on. The mending of CVE-2026-53085 made that safe.
#[must_use]
pub fn reads_from_outside() -> bool {
    is_mended(&release())
}

/// Which kernel this is.
#[must_use]
pub fn release() -> String {
    let system = rustix::system::uname();
    system.release().to_string_lossy().into_owned()
}

/// Whether a release has the mending: 6.12.91, 6.18.33, 7.0.10, and later ones of these, and
/// what came after.
fn is_mended(release: &str) -> bool {
    match numbers(release) {
        (6, 12, patch) => patch >= 91,
        (6, 18, patch) => patch >= 33,
        (7, 0, patch) => patch >= 10,
        (major, ..) => major >= 7,
    }
}

/// The three numbers that a release begins with.
fn numbers(release: &str) -> (u32, u32, u32) {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0_u32));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

/// Finds where the kernel says what context it is in; `None` where kallsyms has no data.
#[must_use]
pub fn context_addresses() -> Option<ContextAddresses> {
    let _symbols = in_effect(Use::Symbols);
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

    /// Check that releases are compared by their numbers, whatever stands behind them.
    #[test]
    fn releases_are_compared() {
        for (release, is_later) in [
            ("6.19.14", false),
            ("7.0.9-amd64", false),
            ("7.0.10", true),
            ("7.1", true),
            ("7.3.0-rc2-amd64", true),
            ("10.0-next", true),
            ("", false),
        ] {
            assert_eq!(iterates_unlocked(release), is_later, "{release}");
        }
    }

    /// Check that a task is read from outside only where that is mended.
    #[test]
    fn mended_releases_are_known() {
        for (release, is_safe) in [
            ("6.12.90", false),
            ("6.12.91", true),
            ("6.17.99", false),
            ("6.18.32-amd64", false),
            ("6.18.44+", true),
            ("6.19.14", false),
            ("7.0.9", false),
            ("7.0.10", true),
            ("7.1.0-rc1", true),
        ] {
            assert_eq!(is_mended(release), is_safe, "{release}");
        }
    }

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
