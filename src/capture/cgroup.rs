//! Finds the cgroup that is to be sampled.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::{Context as _, Error, Result};
use crate::event::CgroupPath;
use crate::id::CgroupId;
use crate::proc::hierarchy;

/// A cgroup, held open.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
    id: CgroupId,
    directory: File,
}

impl Cgroup {
    /// Finds a cgroup by its directory, by its path in its hierarchy as `/proc/PID/cgroup` has
    /// it, or by the beginning of the id of a container.
    ///
    /// # Errors
    /// When there is none, there are several, or perf does not know its hierarchy.
    pub fn find(name: &OsStr) -> Result<Self> {
        let root = hierarchy::perf_hierarchy()?;
        let path = Path::new(name);
        let below = root.join(path.strip_prefix("/").unwrap_or(path));
        if below.is_dir() && !path.starts_with(&root) {
            return Self::open(below);
        }
        if path.is_dir() {
            check_hierarchy(path, &root)?;
            return Self::open(path.to_owned());
        }
        match name.to_str().filter(|id| !id.contains('/')) {
            Some(id) => Self::open(container(id, &root)?),
            None => Err(absent(name).with_hint(hint(&root))),
        }
    }

    /// What the kernel calls it.
    #[must_use]
    pub fn id(&self) -> CgroupId {
        self.id
    }

    /// Its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has been removed.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        fs::metadata(&self.path).map_or(true, |found| found.ino() != self.id.0)
    }

    fn open(path: PathBuf) -> Result<Self> {
        let open = || format!("open the cgroup `{}`", path.display());
        let directory = File::open(&path).context(open)?;
        // kernfs has its ids for inode numbers
        let id = CgroupId(directory.metadata().context(open)?.ino());
        Ok(Self {
            path,
            id,
            directory,
        })
    }
}

impl AsFd for Cgroup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// Cgroups that were met and are remembered: beyond that, all are told of once more.
const TOLD_MAX: usize = 1 << 16;

/// Where cgroups are, by number: looked up when one is met, because it may go any time.
#[derive(Debug, Default)]
pub struct CgroupPaths {
    /// Those that there were when one was missing last.
    known: FxHashMap<CgroupId, String>,
    told: FxHashSet<CgroupId>,
}

impl CgroupPaths {
    /// Finds where a cgroup is that was not asked for before.
    pub fn look_up(&mut self, id: CgroupId) -> Option<CgroupPath> {
        if self.told.len() >= TOLD_MAX {
            self.told.clear();
        }
        if !self.told.insert(id) || id == CgroupId::UNKNOWN {
            return None;
        }
        if !self.known.contains_key(&id) {
            self.list();
        }
        let path = self.known.get(&id);
        // it is gone, or outside of what is mounted here
        let path = path.map_or_else(|| format!("[cgroup {id}]"), String::clone);
        Some(CgroupPath { id, path })
    }

    /// Takes notice of all that there are.
    fn list(&mut self) {
        self.known = existing().unwrap_or_default();
    }
}

/// Finds all cgroups that there are, with their paths in their hierarchy; none where no hierarchy
/// is mounted.
#[must_use]
pub fn existing() -> Option<FxHashMap<CgroupId, String>> {
    let root = hierarchy::perf_hierarchy().ok()?;
    let mut existing = FxHashMap::default();
    let mut left = vec![root.clone()];
    while let Some(directory) = left.pop() {
        let found = fs::metadata(&directory);
        let below = fs::read_dir(&directory);
        let (Ok(found), Ok(below), Ok(path)) = (found, below, directory.strip_prefix(&root)) else {
            continue;
        };
        let path = format!("/{}", path.display());
        existing.insert(CgroupId(found.ino()), path);
        let below = below.flatten();
        let below = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        left.extend(below.map(|entry| entry.path()));
    }
    Some(existing)
}

fn absent(name: &OsStr) -> Error {
    Error::failed(format!(
        "failed to sample cgroup `{}`: it does not exist",
        name.display()
    ))
}

fn hint(root: &Path) -> String {
    format!(
        "name a directory below {}, or a container by the beginning of its id",
        root.display()
    )
}

/// Whether a directory is in the hierarchy that perf knows.
fn check_hierarchy(path: &Path, root: &Path) -> Result<()> {
    let device = |path: &Path| {
        let found = fs::metadata(path).context(|| format!("look at `{}`", path.display()))?;
        Ok(found.dev())
    };
    if device(path)? == device(root)? {
        return Ok(());
    }
    Err(Error::failed(format!(
        "failed to sample cgroup `{}`: it is not in the hierarchy that perf knows",
        path.display()
    ))
    .with_hint(hint(root)))
}

/// The cgroup of the container whose id begins like that.
fn container(id: &str, root: &Path) -> Result<PathBuf> {
    let mut found = Vec::new();
    search(root, id, &mut found)?;
    match &found[..] {
        [] => Err(absent(id.as_ref()).with_hint(hint(root))),
        [one] => Ok(one.clone()),
        several => {
            let names: Vec<_> = several.iter().map(|path| path.to_string_lossy()).collect();
            let several = Error::usage(format!("`{id}` is the beginning of several cgroups"));
            Err(several.with_hint(format!("name one of {}", names.join(", "))))
        }
    }
}

/// Looks for containers below a directory; not for what is inside of one.
fn search(directory: &Path, id: &str, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        // cgroups come and go
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).context(|| format!("read `{}`", directory.display())),
    };
    for entry in entries.flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if is_container(&entry.file_name().to_string_lossy(), id) {
            found.push(entry.path());
        } else {
            search(&entry.path(), id, found)?;
        }
    }
    Ok(())
}

/// Whether a cgroup is of a container whose id begins like that: runtimes call it by the id,
/// or `docker-ID.scope` and the like. `libpod-conmon-ID.scope` is the container's keeper.
fn is_container(name: &str, id: &str) -> bool {
    let (kind, own) = name
        .strip_suffix(".scope")
        .and_then(|name| name.rsplit_once('-'))
        .unwrap_or(("", name));
    !id.is_empty() && !kind.ends_with("conmon") && own.starts_with(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that runtimes' names are recognised, and nothing else.
    #[test]
    fn containers_are_known_by_name() {
        for (name, expected) in [
            ("3f2a9c", true),
            ("docker-3f2a9c.scope", true),
            ("cri-containerd-3f2a9c.scope", true),
            ("libpod-3f2a9c.scope", true),
            ("libpod-conmon-3f2a9c.scope", false),
            ("docker-13f2a9c.scope", false),
            ("3f2", false),
            ("system.slice", false),
        ] {
            assert_eq!(is_container(name, "3f2a"), expected, "{name}");
        }
        assert!(!is_container("3f2a9c", ""));
    }

    /// Check that a container is found wherever it is, once, and what is ambiguous refused.
    #[test]
    fn containers_are_found() {
        let root = tempfile::tempdir().expect("there is room");
        for path in ["a/docker-12ab.scope/12ab", "b/12cd", "c/34"] {
            fs::create_dir_all(root.path().join(path)).expect("it is writable");
        }
        let find = |id: &str| container(id, root.path());
        assert_eq!(
            find("12a").expect("there is one"),
            root.path().join("a/docker-12ab.scope")
        );
        let several = find("12").expect_err("there are two");
        assert!(several.hint().is_some_and(|hint| hint.contains("12cd")));
        let absent = find("99").expect_err("there is none");
        assert!(absent.to_string().contains("does not exist"), "{absent}");
    }
}
