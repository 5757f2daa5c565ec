//! The table of files that code was in.

use std::collections::BTreeMap;

use crate::event::{BuildId, Module, ModuleBuildId};
use crate::id::ModuleId;
use crate::text;

/// The name of the code that the kernel maps into every process.
const VDSO: &str = "[vdso]";

/// A module, and its build id where it has one that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleInfo {
    /// What was seen of it.
    pub module: Module,
    /// What its linker called it.
    pub build_id: Option<BuildId>,
}

impl ModuleInfo {
    /// Its path as the process saw it, safe to show.
    #[must_use]
    pub fn path(&self) -> String {
        text::clean(&String::from_utf8_lossy(&self.module.path))
    }
}

/// Every module, by the number that it had in its session.
#[derive(Debug, Default)]
pub struct ModuleTable {
    modules: BTreeMap<ModuleId, ModuleInfo>,
}

impl ModuleTable {
    /// Takes a module.
    pub fn add(&mut self, module: Module) {
        let info = ModuleInfo {
            module,
            build_id: None,
        };
        self.modules.insert(info.module.id, info);
    }

    /// Takes the build id of a module, which was met before.
    pub fn add_build_id(&mut self, notice: ModuleBuildId) {
        if let Some(info) = self.modules.get_mut(&notice.module) {
            info.build_id = Some(notice.build_id);
        }
    }

    /// What is known of a module.
    #[must_use]
    pub fn get(&self, id: ModuleId) -> Option<&ModuleInfo> {
        self.modules.get(&id)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.modules.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty()
    }

    /// Every module, by number. The vDSO is none.
    pub fn iter(&self) -> impl Iterator<Item = &ModuleInfo> + '_ {
        self.modules.values()
    }

    /// The last part of a module's path, safe to show.
    #[must_use]
    pub fn base_name(&self, id: ModuleId) -> String {
        if id == ModuleId::VDSO {
            return VDSO.into();
        }
        let path = self.get(id).map(ModuleInfo::path).unwrap_or_default();
        match path.rsplit('/').next() {
            Some(name) if !name.is_empty() => name.into(),
            _ => "?".into(),
        }
    }
}
