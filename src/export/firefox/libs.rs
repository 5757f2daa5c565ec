//! The libraries that functions are in.

use serde::Serialize;

use crate::event::BuildId;
use crate::id::ModuleId;
use crate::profile::modules::{ModuleInfo, ModuleTable};

/// What the profiler calls the kernel.
const KERNEL: &str = "[kernel.kallsyms]";

/// Where code was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// In a module.
    Module(ModuleId),
    /// In the kernel.
    Kernel,
}

/// A library or a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lib {
    pub(super) name: String,
    path: String,
    debug_name: String,
    debug_path: String,
    arch: String,
    breakpad_id: String,
    code_id: Option<String>,
}

impl Lib {
    /// Makes the entry of a module or of the kernel.
    pub(super) fn new(modules: &ModuleTable, origin: Origin, architecture: &str) -> Self {
        let (name, info) = match origin {
            Origin::Kernel => (KERNEL.to_owned(), None),
            Origin::Module(id) => (modules.base_name(id).to_string(), modules.get(id)),
        };
        let path = info.map_or_else(|| name.clone(), ModuleInfo::path);
        let build_id = info.and_then(|info| info.build_id.as_ref());
        Self {
            debug_name: name.clone(),
            name,
            debug_path: path.clone(),
            path,
            arch: architecture.to_owned(),
            breakpad_id: breakpad_id(build_id),
            code_id: build_id.map(ToString::to_string),
        }
    }
}

/// Breakpad's name for a build id: its first 16 bytes as a GUID, of which the first three
/// numbers are little-endian in the file, and an age that is always 0.
///
/// Source: `FileID::ConvertIdentifierToUUIDString` of Breakpad.
fn breakpad_id(build_id: Option<&BuildId>) -> String {
    let mut guid = [0; 16];
    let bytes = build_id.map_or(&[][..], BuildId::as_bytes);
    for (to, from) in guid.iter_mut().zip(bytes) {
        *to = *from;
    }
    for number in [0..4, 4..6, 6..8] {
        guid[number].reverse();
    }
    let number = u128::from_be_bytes(guid);
    format!("{number:032X}0")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check the order of bytes, and that an id of any length has a name.
    #[test]
    fn build_ids_are_spelled() {
        let bytes: Vec<u8> = (0x10..0x24).collect();
        for (bytes, expected) in [
            (&bytes[..], "13121110151417161819_1A1B1C1D1E1F_0"),
            (&bytes[..2], "00001110000000000000_000000000000_0"),
            (&[], "00000000000000000000_000000000000_0"),
        ] {
            let id = (!bytes.is_empty()).then(|| BuildId::new(bytes));
            assert_eq!(breakpad_id(id.as_ref()), expected.replace('_', ""));
        }
    }
}
