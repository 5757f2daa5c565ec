//! User stacks where the kernel cannot defer: addresses that the interrupt took,
//! looked up in the process's mappings while it is there.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::addr::{FileOffset, UserAddress};
use crate::event::{
    Event, FileIdentity, KernelHalf, Module, Outcome, Promise, UserFrame, UserHalf,
};
use crate::id::{Cookie, ModuleId, Pid};
use crate::proc::maps::{self, Mapping};
use crate::time::ProcessStart;

/// The slot number of cookies made here: no real slot has it.
const NO_SLOT: u32 = u32::MAX;
const FIRST_FILE: u32 = ModuleId::VDSO.0 + 1;
/// Processes whose mappings are kept; beyond it all are read again.
const PROCESSES_KEPT: usize = 4096;
/// How often mappings are read again for addresses that are in none of them: many chains of
/// frame pointers end in a word that is no address at all.
const READ_AGAIN: Duration = Duration::from_millis(100);

/// Turns addresses into frames, and samples into both their halves.
#[derive(Debug, Default)]
pub struct Resolver {
    processes: HashMap<Pid, Mappings>,
    modules: HashMap<(u32, u32, u64), ModuleId>,
    turn: u32,
}

/// What a process has mapped to execute, as of a moment.
#[derive(Debug)]
struct Mappings {
    mappings: Vec<Mapping>,
    read_at: Instant,
}

impl Mappings {
    fn find(&self, address: UserAddress) -> Option<Mapping> {
        let mut mappings = self.mappings.iter();
        mappings
            .find(|mapping| (mapping.start..mapping.end).contains(&address))
            .cloned()
    }
}

impl Resolver {
    /// Makes the halves that a deferred capture would have sent.
    pub fn resolve(
        &mut self,
        mut kernel_half: KernelHalf,
        addresses: &[UserAddress],
        sink: &mut dyn FnMut(Event),
    ) {
        self.turn = self.turn.wrapping_add(1);
        let cookie = Cookie {
            slot: NO_SLOT,
            turn: self.turn,
        };
        kernel_half.promise = Promise::Deferred(cookie);
        let frames = addresses
            .iter()
            .enumerate()
            .map(|(depth, &address)| {
                // a caller's address is where its call returns to
                let address = UserAddress(address.0 - u64::from(depth > 0 && address.0 > 0));
                self.frame(kernel_half.pid, address, sink)
            })
            .collect();
        sink(Event::UserHalf(UserHalf {
            cookie,
            time: kernel_half.time,
            pid: kernel_half.pid,
            tid: kernel_half.tid,
            process_start: ProcessStart(0),
            outcome: Outcome::Interrupt,
            leaving: false,
            cost_ns: 0,
            slept: 0,
            frames,
        }));
        sink(Event::KernelHalf(kernel_half));
    }

    /// Forgets what a process had mapped: it has another program or is gone.
    pub fn forget(&mut self, pid: Pid) {
        self.processes.remove(&pid);
    }

    fn frame(&mut self, pid: Pid, address: UserAddress, sink: &mut dyn FnMut(Event)) -> UserFrame {
        let Some(mapping) = self.mapping(pid, address) else {
            return UserFrame::Anonymous(address);
        };
        let offset = FileOffset(address.0 - mapping.start.0 + mapping.offset);
        if mapping.path == "[vdso]" {
            return UserFrame::File(ModuleId::VDSO, offset);
        }
        if mapping.inode == 0 {
            return UserFrame::Anonymous(address);
        }
        let key = (mapping.device.0, mapping.device.1, mapping.inode);
        if let Some(&id) = self.modules.get(&key) {
            return UserFrame::File(id, offset);
        }
        let id = ModuleId(FIRST_FILE + u32::try_from(self.modules.len()).unwrap_or(0));
        self.modules.insert(key, id);
        sink(Event::Module(module(id, pid, &mapping)));
        UserFrame::File(id, offset)
    }

    /// The mapping at an address; read again when it is not known, but not all the time.
    fn mapping(&mut self, pid: Pid, address: UserAddress) -> Option<Mapping> {
        if let Some(known) = self.processes.get(&pid) {
            let found = known.find(address);
            if found.is_some() || known.read_at.elapsed() < READ_AGAIN {
                return found;
            }
        }
        let mappings = Mappings {
            mappings: maps::executable(pid).ok()?,
            read_at: Instant::now(),
        };
        if self.processes.len() >= PROCESSES_KEPT {
            self.processes.clear();
        }
        let found = mappings.find(address);
        self.processes.insert(pid, mappings);
        found
    }
}

fn module(id: ModuleId, pid: Pid, mapping: &Mapping) -> Module {
    let deleted = mapping.path.ends_with(" (deleted)");
    Module {
        id,
        identity: FileIdentity {
            device: mapping.device.0 << 20 | mapping.device.1,
            inode: mapping.inode,
            size: 0,
            mtime_ns: 0,
        },
        path: mapping
            .path
            .strip_suffix(" (deleted)")
            .unwrap_or(&mapping.path)
            .as_bytes()
            .to_vec(),
        deleted,
        pid,
        mapped: (mapping.start, mapping.end),
    }
}
