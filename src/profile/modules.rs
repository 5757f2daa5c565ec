//! The table of files that code was in.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::event::{BuildId, Module, ModuleBuildId};
use crate::id::ModuleId;
use crate::text;

/// The name of the code that the kernel maps into every process.
const VDSO: &str = "[vdso]";
/// The name of a file without one.
const UNKNOWN: &str = "?";

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
    /// The last parts of their paths.
    base_names: FxHashMap<ModuleId, Arc<str>>,
}

impl ModuleTable {
    /// Takes a module.
    pub fn add(&mut self, module: Module) {
        let info = ModuleInfo {
            module,
            build_id: None,
        };
        let path = info.path();
        let base_name = path.rsplit('/').next().filter(|name| !name.is_empty());
        let base_name = base_name.unwrap_or(UNKNOWN).into();
        self.base_names.insert(info.module.id, base_name);
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
    pub fn base_name(&self, id: ModuleId) -> Arc<str> {
        match self.base_names.get(&id) {
            Some(name) => Arc::clone(name),
            None if id == ModuleId::VDSO => VDSO.into(),
            None => UNKNOWN.into(),
        }
    }
}
