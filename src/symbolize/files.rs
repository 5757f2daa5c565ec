//! The files behind modules: opened at first sight, and held until they are named.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{IoSliceMut, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use rustix::fs::{MemfdFlags, memfd_create};

use super::opening::{self, Answer, Opened, Opener, Question};
use crate::event::{FileIdentity, Module, ModuleBuildId};
use crate::id::ModuleId;
use crate::profile::modules::ModuleInfo;
use crate::profile::names::{Unnamed, clean};

/// Files held open at a time; of those that were met first only the path is kept beyond that.
const FILES_HELD: usize = 4096;

/// How long it is waited for files to be opened in a round, before all else goes on: whoever opens
/// them has no precedence.
const SOON: Duration = Duration::from_millis(100);
/// How long at a time, when there is nothing else to do.
const ROUND: Duration = Duration::from_millis(100);

/// Every module that was seen, with what could be opened of it.
#[derive(Debug)]
pub struct ModuleFiles {
    files: HashMap<ModuleId, ModuleFile>,
    held_at_most: usize,
    /// Those that are held open, in the order in which they were.
    held: VecDeque<ModuleId>,
    opener: Opener,
    /// How long it was waited for it in this round.
    waited: Duration,
    /// Build ids that became known before the file was open.
    to_prove: HashMap<ModuleId, ModuleBuildId>,
    /// Modules of which something was found out since somebody asked.
    opened: Vec<ModuleId>,
}

#[derive(Debug)]
struct ModuleFile {
    base_name: String,
    identity: FileIdentity,
    content: Content,
}

/// What leads to the content of a file.
#[derive(Clone, Debug)]
pub struct Located {
    path: PathBuf,
    /// The file of the path, which is a descriptor's.
    _held: Option<Arc<File>>,
    /// What the file was, where nobody holds it.
    was: Option<FileIdentity>,
}

impl From<PathBuf> for Located {
    /// Takes whatever a path leads to.
    fn from(path: PathBuf) -> Self {
        Self {
            path,
            _held: None,
            was: None,
        }
    }
}

impl PartialEq for Located {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Located {
    /// The path, which leads there as long as this is kept and there is no obstacle.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why the path leads nowhere by now, or to another file, if it does.
    #[must_use]
    pub fn obstacle(&self) -> Option<Unnamed> {
        let was = self.was.as_ref()?;
        match fs::metadata(&self.path) {
            Ok(now) if opening::is_same_content(&now, was) => None,
            Ok(_) => Some(Unnamed::Replaced),
            Err(_) => Some(Unnamed::NotOpened),
        }
    }
}

/// What there is of a module's file.
#[derive(Debug)]
enum Content {
    /// Held, whatever becomes of its name.
    Held(Arc<File>),
    /// Named, to be opened when it is needed.
    Named(PathBuf),
    /// Held, but not known to be the one: its build id will tell.
    Unproven(Vec<File>),
    /// Not known yet: it is being opened.
    Opening,
    /// Nothing, for this reason.
    Missing(Unnamed),
}

impl From<Opened> for Content {
    fn from(opened: Opened) -> Self {
        match opened {
            Opened::Known(file) => Self::Held(Arc::new(file)),
            Opened::Unknown(candidates) if candidates.is_empty() => {
                Self::Missing(Unnamed::NotOpened)
            }
            Opened::Unknown(candidates) => Self::Unproven(candidates),
        }
    }
}

impl Content {
    /// Keeps but the path of a file, to find it again.
    fn close(&mut self) {
        let path = match self {
            Self::Held(file) => fs::read_link(opening::path_of(file)).ok(),
            Self::Unproven(_) => None,
            Self::Named(_) | Self::Opening | Self::Missing(_) => return,
        };
        *self = path.map_or(Self::Missing(Unnamed::NotOpened), Self::Named);
    }
}

impl Default for ModuleFiles {
    fn default() -> Self {
        Self::holding(FILES_HELD)
    }
}

impl ModuleFiles {
    /// Makes a table that knows the vDSO.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn holding(at_most: usize) -> Self {
        let content = match vdso() {
            Some(file) => Content::Held(Arc::new(file)),
            None => Content::Missing(Unnamed::NotOpened),
        };
        let vdso = ModuleFile {
            base_name: "vdso".into(),
            identity: FileIdentity::default(),
            content,
        };
        Self {
            files: HashMap::from([(ModuleId::VDSO, vdso)]),
            held_at_most: at_most,
            held: VecDeque::new(),
            opener: opening::opener(),
            waited: Duration::ZERO,
            to_prove: HashMap::new(),
            opened: Vec::new(),
        }
    }

    /// Opens a module's file at once, while the process is likely to be there; where that takes
    /// long, it goes on meanwhile.
    pub fn add(&mut self, module: &Module) {
        self.insert(module, Content::Opening);
        self.ask(Question::Open(module.clone()));
    }

    /// Opens the file of a module that was recorded, maybe long ago and elsewhere: only
    /// what can be proven to be the same.
    pub fn add_recorded(&mut self, info: &ModuleInfo) {
        let path = Path::new(OsStr::from_bytes(&info.module.path));
        let candidate = opening::open_regular(path);
        let content = match (candidate, &info.build_id) {
            (None, _) => Content::Missing(Unnamed::NotOpened),
            (Some((file, _)), Some(build_id))
                if opening::read_build_id(&opening::path_of(&file)).as_ref() == Some(build_id) =>
            {
                Content::Held(Arc::new(file))
            }
            (Some((file, metadata)), None)
                if opening::is_same_file(&metadata, &info.module.identity) =>
            {
                Content::Held(Arc::new(file))
            }
            (Some(_), _) => Content::Missing(Unnamed::Replaced),
        };
        self.insert(&info.module, content);
        self.hold(info.module.id);
    }

    /// Believes or dismisses what was opened for a module, now that its build id is known.
    pub fn prove(&mut self, notice: &ModuleBuildId) {
        let Some(file) = self.files.get(&notice.module) else {
            return;
        };
        let candidates = match &file.content {
            Content::Opening => {
                self.to_prove.insert(notice.module, notice.clone());
                return;
            }
            Content::Held(held) => vec![opening::path_of(held)],
            Content::Named(path) => vec![path.clone()],
            Content::Unproven(candidates) => candidates.iter().map(opening::path_of).collect(),
            Content::Missing(_) => return,
        };
        self.ask(Question::Prove(notice.clone(), candidates));
    }

    /// Takes what was found out meanwhile, and ends a round; tells of which modules.
    pub fn take_opened(&mut self) -> Vec<ModuleId> {
        self.hear(Duration::ZERO);
        self.waited = Duration::ZERO;
        std::mem::take(&mut self.opened)
    }

    /// The last parts of the paths of files that were asked for, and whoever has them still does
    /// not answer.
    pub fn unanswered(&self) -> impl Iterator<Item = String> {
        let hanging = self.opener.hanging();
        hanging.map(move |question| self.base_name(question.module()))
    }

    /// Waits for what is still being opened, as long as anything moves.
    pub fn settle(&mut self) {
        while self.opener.is_busy() {
            self.hear(ROUND);
        }
    }

    /// Asks, and waits for the answer, unless another question waits already.
    fn ask(&mut self, question: Question) {
        let at_most = if self.opener.is_busy() {
            Duration::ZERO
        } else {
            SOON.saturating_sub(self.waited)
        };
        let began = Instant::now();
        self.opener.ask([question]);
        self.hear(at_most);
        self.waited += began.elapsed();
    }

    fn hear(&mut self, at_most: Duration) {
        while let Some((question, answer)) = self.opener.take(at_most) {
            match (&*question, answer) {
                (Question::Open(module), Ok(Answer::Opened(opened))) => {
                    self.decide(module.id, opened.into());
                    self.hold(module.id);
                }
                (Question::Prove(notice, _), Ok(Answer::Proved(found))) => {
                    self.decide_by(notice.module, found);
                }
                (Question::Open(module), _) => {
                    self.decide(module.id, Content::Missing(Unnamed::NotOpened));
                }
                // nothing speaks against what was believed, nor for what was not
                (Question::Prove(..), _) => {}
            }
            if !self.opener.is_busy() {
                return;
            }
        }
    }

    fn decide(&mut self, module: ModuleId, content: Content) {
        self.opened.push(module);
        if let Some(file) = self.files.get_mut(&module) {
            file.content = content;
        }
        if let Some(notice) = self.to_prove.remove(&module) {
            self.prove(&notice);
        }
    }

    /// Takes that candidate for a module's file, and none where there is none.
    fn decide_by(&mut self, module: ModuleId, found: Option<usize>) {
        let Some(file) = self.files.get_mut(&module) else {
            return;
        };
        let content = std::mem::replace(&mut file.content, Content::Opening);
        let content = match (found, content) {
            (None, _) => Content::Missing(Unnamed::Replaced),
            (Some(found), Content::Unproven(mut candidates)) => {
                Content::Held(Arc::new(candidates.swap_remove(found)))
            }
            (Some(_), content) => content,
        };
        self.decide(module, content);
    }

    fn insert(&mut self, module: &Module, content: Content) {
        let path = Path::new(OsStr::from_bytes(&module.path));
        let base_name = path
            .file_name()
            .map_or_else(|| "?".into(), |name| clean(&name.to_string_lossy()));
        let file = ModuleFile {
            base_name,
            identity: module.identity,
            content,
        };
        self.files.insert(module.id, file);
    }

    /// Takes notice of a module's file where it is open, and closes the first one where there are
    /// too many.
    fn hold(&mut self, module: ModuleId) {
        let content = self.files.get(&module).map(|file| &file.content);
        if !matches!(content, Some(Content::Held(_) | Content::Unproven(_))) {
            return;
        }
        self.held.push_back(module);
        if self.held.len() > self.held_at_most
            && let Some(first) = self.held.pop_front()
            && let Some(file) = self.files.get_mut(&first)
        {
            file.content.close();
        }
    }

    /// How many modules were seen; the vDSO is not counted.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.files.len() as u64 - 1
    }

    /// The last part of a module's path.
    #[must_use]
    pub fn base_name(&self, module: ModuleId) -> String {
        self.files
            .get(&module)
            .map_or_else(|| "?".into(), |file| file.base_name.clone())
    }

    /// What leads to a module's content.
    ///
    /// # Errors
    /// Why there is nothing.
    pub fn locate(&self, module: ModuleId) -> Result<Located, Unnamed> {
        let file = self.files.get(&module).ok_or(Unnamed::NotOpened)?;
        match &file.content {
            Content::Held(held) => Ok(Located {
                path: opening::path_of(held),
                _held: Some(Arc::clone(held)),
                was: None,
            }),
            Content::Named(path) => Ok(Located {
                path: path.clone(),
                _held: None,
                was: Some(file.identity),
            }),
            Content::Unproven(_) => Err(Unnamed::Replaced),
            Content::Opening => Err(Unnamed::NotOpened),
            Content::Missing(reason) => Err(*reason),
        }
    }
}

/// A copy of the vDSO, which is the same in every process of this kernel, as a file.
fn vdso() -> Option<File> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.ends_with("[vdso]"))?;
    let (range, _) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let start = u64::from_str_radix(start, 16).ok()?;
    let end = u64::from_str_radix(end, 16).ok()?;
    let mut image = vec![0; usize::try_from(end - start).ok()?];
    // /proc/self/mem is root's where the program has capabilities of its own
    let from = RemoteIoVec {
        base: usize::try_from(start).ok()?,
        len: image.len(),
    };
    let read = process_vm_readv(Pid::this(), &mut [IoSliceMut::new(&mut image)], &[from]).ok()?;
    if read < image.len() {
        return None;
    }
    let mut file = File::from(memfd_create("vdso", MemfdFlags::CLOEXEC).ok()?);
    file.write_all(&image).ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::thread;

    use super::super::patient::Patient;
    use super::*;
    use crate::addr::UserAddress;
    use crate::event::BuildId;
    use crate::id::Pid;

    fn module_of(path: &Path, identity: FileIdentity) -> Module {
        Module {
            id: ModuleId(2),
            identity,
            path: path.as_os_str().as_bytes().to_vec(),
            deleted: false,
            pid: Pid(u32::MAX),
            mapped: (UserAddress(0), UserAddress(1)),
        }
    }

    fn identity_of(path: &Path) -> FileIdentity {
        let metadata = fs::metadata(path).expect("it exists");
        FileIdentity {
            device: 0,
            inode: metadata.ino(),
            size: metadata.size(),
            mtime_ns: (metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec()).cast_unsigned(),
        }
    }

    /// Check that the file is accepted under its path, and another in its place is not.
    #[test]
    fn only_the_same_file_is_accepted() {
        let path = std::env::current_exe().expect("a test has a program");
        let identity = identity_of(&path);
        let mut files = ModuleFiles::new();
        files.add(&module_of(&path, identity));
        files.settle();
        assert!(files.locate(ModuleId(2)).is_ok());

        let other = FileIdentity {
            mtime_ns: identity.mtime_ns + 1,
            ..identity
        };
        files.add(&module_of(&path, other));
        files.settle();
        assert_eq!(files.locate(ModuleId(2)), Err(Unnamed::Replaced));
        assert_eq!(files.locate(ModuleId(9)), Err(Unnamed::NotOpened));
    }

    /// Check that a file that was not known by its numbers is by its build id, and that
    /// one that was is dismissed when that is another.
    #[test]
    fn build_ids_prove() {
        let path = std::env::current_exe().expect("a test has a program");
        let identity = identity_of(&path);
        let elsewhere = FileIdentity {
            inode: identity.inode + 1,
            ..identity
        };
        let own = opening::read_build_id(&path).expect("the linker makes one");
        let other = BuildId::new(b"another");
        for (identity, build_id, accepted) in [
            (identity, &own, true),
            (identity, &other, false),
            (elsewhere, &own, true),
            (elsewhere, &other, false),
        ] {
            let mut files = ModuleFiles::new();
            files.add(&module_of(&path, identity));
            files.prove(&ModuleBuildId {
                module: ModuleId(2),
                build_id: build_id.clone(),
            });
            files.settle();
            assert_eq!(files.locate(ModuleId(2)).is_ok(), accepted, "{identity:?}");
        }
    }

    /// One that opens files, and never looks at their build ids.
    fn without_proofs() -> ModuleFiles {
        let opener: Opener = Patient::new("test-files", SOON * 3, || {
            Box::new(|| {
                Box::new(|question: &Question| match question {
                    Question::Open(_) => opening::answer(question),
                    Question::Prove(..) => loop {
                        thread::park();
                    },
                })
            })
        });
        ModuleFiles {
            opener,
            ..ModuleFiles::new()
        }
    }

    /// Check that a file that was believed before still is where its build id is never told, and
    /// that this is said.
    #[test]
    fn what_is_held_needs_no_answer() {
        let path = std::env::current_exe().expect("a test has a program");
        let mut files = without_proofs();
        files.add(&module_of(&path, identity_of(&path)));
        files.settle();
        assert_eq!(files.unanswered().count(), 0);
        files.prove(&ModuleBuildId {
            module: ModuleId(2),
            build_id: BuildId::new(b"another"),
        });
        files.settle();
        assert!(files.locate(ModuleId(2)).is_ok());
        let unanswered: Vec<_> = files.unanswered().collect();
        assert_eq!(unanswered, [files.base_name(ModuleId(2))]);
    }

    /// Check that it is not waited for long, altogether, before all else goes on.
    #[test]
    fn a_round_has_a_bound() {
        let path = std::env::current_exe().expect("a test has a program");
        let mut files = without_proofs();
        files.add(&module_of(&path, identity_of(&path)));
        files.settle();
        files.take_opened();
        let notice = ModuleBuildId {
            module: ModuleId(2),
            build_id: BuildId::new(b"another"),
        };
        files.waited = SOON;
        let began = Instant::now();
        files.prove(&notice);
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        files.take_opened();
        assert_eq!(files.waited, Duration::ZERO);
    }

    /// Check that so many files are held, the latest, and that of those before them the path leads
    /// to the same file or to none.
    #[test]
    fn held_files_are_bounded() {
        let room = tempfile::tempdir().expect("there is room");
        let path = |number: u32| room.path().join(number.to_string());
        let mut files = ModuleFiles::holding(3);
        for number in 0..6 {
            fs::write(path(number), "content").expect("there is room");
            files.add(&Module {
                id: ModuleId(10 + number),
                ..module_of(&path(number), identity_of(&path(number)))
            });
        }
        // what could not be opened takes no room
        files.add(&Module {
            id: ModuleId(16),
            ..module_of(&room.path().join("nothing"), FileIdentity::default())
        });
        files.settle();
        assert_eq!(files.held, [13, 14, 15].map(ModuleId));
        fs::remove_file(path(0)).expect("it is there");
        fs::remove_file(path(1)).expect("it is there");
        fs::write(path(1), "another").expect("there is room");
        fs::remove_file(path(3)).expect("it is there");
        let found = |number: u32| {
            let located = files.locate(ModuleId(10 + number))?;
            let path = located.path().to_owned();
            located.obstacle().map_or(Ok(path), Err)
        };
        assert_eq!(found(0), Err(Unnamed::NotOpened));
        assert_eq!(found(1), Err(Unnamed::Replaced));
        assert_eq!(found(2), Ok(path(2)));
        assert!(found(3).is_ok(), "it is held");
    }

    /// Check that a device in a file's place is refused.
    #[test]
    fn devices_are_refused() {
        let path = Path::new("/dev/zero");
        let mut files = ModuleFiles::new();
        files.add(&module_of(path, identity_of(path)));
        files.settle();
        assert_eq!(files.locate(ModuleId(2)), Err(Unnamed::NotOpened));
    }
}
