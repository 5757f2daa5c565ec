//! Which capabilities there are, and how to get the rest.

use std::fs;

use rustix::process::geteuid;
use rustix::thread::{CapabilitySet, capabilities, capability_is_in_bounding_set, no_new_privs};

use super::{CAPTURE, NAMING};
use crate::error::{Error, Result};
use crate::text;

/// The first user namespace: only what one has there counts for what is done here.
///
/// Source: `USER_NS_INIT_INO`, include/uapi/linux/nsfs.h.
const FIRST_USER_NAMESPACE: &str = "user:[4026531837]";

/// What `CAP_SYS_ADMIN` stands for.
const OF_ADMIN: CapabilitySet = CAPTURE.union(CapabilitySet::CHECKPOINT_RESTORE);

/// What somno can use, the most important first, as people and setcap(8) call it.
const NAMES: [(CapabilitySet, &str); 6] = [
    (CapabilitySet::BPF, "bpf"),
    (CapabilitySet::PERFMON, "perfmon"),
    (CapabilitySet::SYS_PTRACE, "sys_ptrace"),
    (CapabilitySet::CHECKPOINT_RESTORE, "checkpoint_restore"),
    (CapabilitySet::SYSLOG, "syslog"),
    (CapabilitySet::DAC_READ_SEARCH, "dac_read_search"),
];

/// What this thread has and may put into effect.
#[must_use]
pub fn held() -> CapabilitySet {
    if !is_in_first_user_namespace() {
        return CapabilitySet::empty();
    }
    let held = capabilities(None).map_or(CapabilitySet::empty(), |held| held.permitted);
    if held.contains(CapabilitySet::SYS_ADMIN) {
        held.union(OF_ADMIN)
    } else {
        held
    }
}

/// What is missing of some.
#[must_use]
pub fn missing(wanted: CapabilitySet) -> CapabilitySet {
    wanted.difference(held())
}

/// Their names, for people.
#[must_use]
pub fn names(set: CapabilitySet) -> String {
    let names = each(set, |name| format!("CAP_{}", name.to_uppercase()));
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "nothing".into(),
    }
}

fn each(set: CapabilitySet, spell: impl Fn(&str) -> String) -> Vec<String> {
    let named = NAMES.iter().filter(|(one, _)| set.contains(*one));
    named.map(|(_, name)| spell(name)).collect()
}

/// How to get some that are missing, together with all that somno can use.
#[must_use]
pub fn how_to_get(missing: CapabilitySet) -> String {
    if !is_in_first_user_namespace() {
        return "run it outside of this user namespace, in which capabilities do not count".into();
    }
    let is_in_reach = |capability| capability_is_in_bounding_set(capability).unwrap_or(false);
    let wanted = CAPTURE.union(NAMING).union(missing);
    if !missing.iter().all(is_in_reach) {
        let options = each(wanted, |name| format!("--cap-add {}", name.to_uppercase()));
        let options = options.join(" ");
        return format!("no program here can have them; for a container: {options}");
    }
    let set = each(wanted, |name| format!("cap_{name}")).join(",");
    let granting = format!("sudo setcap {set}=p {}", own_path());
    if no_new_privs().unwrap_or(false) {
        return format!("{granting}, and run it where no_new_privs is not set, as it is here");
    }
    granting
}

/// Refuses to begin what cannot be done.
///
/// # Errors
/// When something is missing without which nothing can be captured.
pub fn check_capture() -> Result<()> {
    let missing = missing(CAPTURE);
    if missing.is_empty() {
        return Ok(());
    }
    let verb = if missing.iter().count() == 1 {
        "is"
    } else {
        "are"
    };
    let error = Error::failed(format!(
        "failed to sample: {} {verb} missing",
        names(missing)
    ));
    let how = how_to_get(missing);
    Err(error.with_hint(if geteuid().is_root() {
        how
    } else {
        or_by_sudo(&how)
    }))
}

/// The two ways to privileges.
#[must_use]
pub fn or_by_sudo(how: &str) -> String {
    format!("run it as root, by sudo, or let every user sample: {how}")
}

/// Where this program is.
fn own_path() -> String {
    let path =
        std::env::current_exe().map_or_else(|_| "somno".into(), |path| path.display().to_string());
    text::clean(&path)
}

/// Where nothing says which it is, it is the first.
fn is_in_first_user_namespace() -> bool {
    fs::read_link("/proc/self/ns/user")
        .map_or(true, |found| found.as_os_str() == FIRST_USER_NAMESPACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check how sets are spelled.
    #[test]
    fn sets_have_names() {
        for (set, expected) in [
            (CapabilitySet::empty(), "nothing"),
            (CapabilitySet::BPF, "CAP_BPF"),
            (CAPTURE, "CAP_BPF and CAP_PERFMON"),
            (
                NAMING,
                "CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE and CAP_SYSLOG",
            ),
        ] {
            assert_eq!(names(set), expected);
        }
    }
}
