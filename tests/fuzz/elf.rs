//! Names of places in programs that somebody changed: headers, symbol tables, debug information,
//! compressed or not, and debug files in them.

use std::fs;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{MemfdFlags, memfd_create};
use somno::addr::{FileOffset, UserAddress};
use somno::code::module_code::ModuleCode;
use somno::event::{BuildId, FileIdentity, Module};
use somno::id::{ModuleId, Pid};
use somno::profile::frames::{Frame, FrameTable};
use somno::profile::modules::ModuleInfo;
use somno::symbolize::files::ModuleFiles;
use somno::symbolize::symbolizer::Symbolizer;
use somno::symbolize::work::{Content, Work};

use crate::fuzz::Fuzz;

const MODULE: ModuleId = ModuleId(5);
/// Where its functions are, and where nothing is.
const PLACES: [FileOffset; 4] = [
    FileOffset(0x1000),
    FileOffset(0x1004),
    FileOffset(0x1006),
    FileOffset(u64::MAX),
];

/// A small program, in each of the ways in which it can have symbols.
fn programs() -> Vec<Vec<u8>> {
    let room = tempfile::tempdir().expect("there is room for temporary files");
    let path = |name: &str| room.path().join(name);
    let source = "static inline int inner(int x) { return x * 3; }\n\
        int outer(int x) { return inner(x) + 1; }\n\
        void _start(void) { outer(1); __builtin_trap(); }\n";
    fs::write(path("a.c"), source).expect("it is ours");
    let flags = ["-O1", "-g", "-nostdlib", "-static", "-Wl,--build-id"];
    run(Command::new("cc")
        .args(flags)
        .arg("-o")
        .args([path("whole"), path("a.c")]));
    let objcopy = |how: &[&str], from: &str, to: &str| {
        run(Command::new("objcopy")
            .args(how)
            .args([path(from), path(to)]));
    };
    objcopy(&["--compress-debug-sections=zlib"], "whole", "zlib");
    objcopy(
        &["--strip-debug", "--remove-section=.debug*"],
        "whole",
        "symbols",
    );
    run(Command::new("xz").arg("--keep").arg(path("symbols")));
    let embedded = format!(
        "--add-section=.gnu_debugdata={}",
        path("symbols.xz").display()
    );
    objcopy(&["--strip-all", &embedded], "whole", "embedded");
    let link = format!("--add-gnu-debuglink={}", path("whole").display());
    objcopy(&["--strip-all", &link], "whole", "linked");
    let names = ["whole", "zlib", "symbols", "embedded", "linked"];
    let read = |name| fs::read(path(name)).expect("it was just made");
    names.map(read).into()
}

fn run(command: &mut Command) {
    let status = command
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}");
}

/// The names of places in a program.
fn names(program: &[u8]) -> Vec<String> {
    let file = fs::File::from(memfd_create("program", MemfdFlags::CLOEXEC).expect("memory"));
    (&file).write_all(program).expect("memory takes everything");
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    look_at_code(&path);
    name_in(&path)
}

/// As a recording's reader does, whose path leads to a file that is there now.
fn look_at_code(path: &Path) {
    let metadata = fs::metadata(path).expect("it is open");
    let changed = metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec();
    let info = |build_id: Option<&[u8]>| ModuleInfo {
        module: Module {
            id: MODULE,
            identity: FileIdentity {
                device: 0,
                inode: metadata.ino(),
                size: metadata.size(),
                mtime_ns: changed.cast_unsigned(),
            },
            path: path.as_os_str().as_bytes().into(),
            deleted: false,
            pid: Pid(1),
            mapped: (UserAddress(0), UserAddress(1)),
        },
        build_id: build_id.map(BuildId::new),
    };
    ModuleFiles::new().add_recorded(&info(Some(b"another")));
    if let Ok(code) = ModuleCode::open(&info(None)) {
        let regions = code.regions(&PLACES);
        assert!(regions.len() <= PLACES.len());
    }
}

fn name_in(path: &Path) -> Vec<String> {
    let mut table = FrameTable::default();
    let frames = PLACES.map(|place| (table.intern(Frame::File(MODULE, place)), place));
    let work = Work::File {
        module: MODULE,
        base_name: "program".into(),
        content: Content::File(path.to_owned().into()),
        frames: frames.into(),
    };
    let named = Symbolizer::new(None).name(&work);
    assert_eq!(
        named.len(),
        frames.len(),
        "each frame has a name or a reason"
    );
    named
        .iter()
        .map(|(_, naming)| format!("{naming:?}"))
        .collect()
}

/// Check that whatever is in a file, its frames have names or reasons.
#[test]
fn damage_is_harmless() {
    let programs = programs();
    for program in &programs[..4] {
        let names = names(program);
        assert!(names.iter().any(|name| name.contains("outer")), "{names:?}");
    }
    let programs: Vec<_> = programs.iter().map(Vec::as_slice).collect();
    Fuzz::of(&programs)
        .with_memory(256 << 20)
        .one_in(2)
        .run(|program| drop(names(program)));
}
