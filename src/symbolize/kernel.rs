//! Where the kernel's names come from.

use blazesym::MaybeDefault;
use blazesym::symbolize::source::Kernel;

/// The running kernel's kallsyms, which has BPF programs too; no vmlinux, which
/// would have to be searched and need not be the one that runs.
#[must_use]
pub fn source() -> Kernel {
    Kernel {
        vmlinux: MaybeDefault::None,
        debug_syms: false,
        ..Kernel::default()
    }
}
