//! Whether the kernel tells the addresses of its functions.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, ErrorKind};

use crate::privileges::{Use, in_effect};

const KALLSYMS: &str = "/proc/kallsyms";
const KPTR_RESTRICT: &str = "/proc/sys/kernel/kptr_restrict";

/// Symbols that are looked at: of so many, some are at an address other than 0 unless
/// they are hidden.
const SYMBOLS_LOOKED_AT: usize = 100;

/// What comes of reading `/proc/kallsyms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It has addresses.
    Granted,
    /// It has zeros, for everybody.
    HiddenFromAll,
    /// It has zeros for who has no `CAP_SYSLOG`.
    Hidden,
    /// It is not there.
    Missing,
    /// It cannot be read.
    Denied,
}

impl Access {
    /// Looks.
    #[must_use]
    pub fn look() -> Self {
        match shows_addresses() {
            Ok(true) => Self::Granted,
            Ok(false) => {
                let restrict = fs::read_to_string(KPTR_RESTRICT).unwrap_or_default();
                Self::hidden_by(&restrict)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Self::Missing,
            Err(_) => Self::Denied,
        }
    }

    /// `kallsyms_show_value()`: from 2 on nobody is shown addresses; below, who has
    /// `CAP_SYSLOG` is, and with 0 others too where they may sample the kernel.
    fn hidden_by(kptr_restrict: &str) -> Self {
        match kptr_restrict.trim() {
            "0" | "1" | "" => Self::Hidden,
            _ => Self::HiddenFromAll,
        }
    }

    /// Why kernel functions have no names, unless they have.
    #[must_use]
    pub fn obstacle(self) -> Option<&'static str> {
        match self {
            Self::Granted => None,
            Self::HiddenFromAll => Some("kernel.kptr_restrict hides their addresses from all"),
            Self::Hidden => Some("their addresses are hidden from users without CAP_SYSLOG"),
            Self::Missing => Some("there is no /proc/kallsyms"),
            Self::Denied => Some("/proc/kallsyms cannot be read"),
        }
    }

    /// The next step, where there is one.
    #[must_use]
    pub fn fix(self) -> Option<&'static str> {
        match self {
            Self::Granted => None,
            Self::HiddenFromAll => Some("sudo sysctl kernel.kptr_restrict=1"),
            Self::Hidden => {
                Some("run somno as root or with cap_syslog (`somno doctor` says how to get it)")
            }
            Self::Missing => Some("use a kernel built with CONFIG_KALLSYMS; distributions' are"),
            Self::Denied => Some("run somno as root"),
        }
    }
}

fn shows_addresses() -> io::Result<bool> {
    let _symbols = in_effect(Use::Symbols);
    let lines = BufReader::new(File::open(KALLSYMS)?).lines();
    for line in lines.take(SYMBOLS_LOOKED_AT) {
        if !line?.starts_with("0000000000000000 ") {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that each setting has its explanation, with a next step.
    #[test]
    fn settings_are_explained() {
        for (restrict, access) in [
            ("0\n", Access::Hidden),
            ("1\n", Access::Hidden),
            ("2\n", Access::HiddenFromAll),
            ("", Access::Hidden),
        ] {
            assert_eq!(Access::hidden_by(restrict), access, "{restrict:?}");
            assert!(access.obstacle().is_some() && access.fix().is_some());
        }
    }
}
