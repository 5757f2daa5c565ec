//! The program that reads stacks of waiting tasks from outside: loaded late, and by itself, as
//! its unwinder is verified anew.

use std::ffi::OsStr;
use std::os::fd::AsFd as _;

use libbpf_rs::{Iter, MapCore as _, MapFlags, Object, ObjectBuilder, OpenMapMut};

use super::iterator;
use crate::error::{Context as _, Result};

/// The same programs, to read tasks from outside.
static OUTSIDE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/outside.bpf.o"));
const ON_PENDING_TASK: &str = "on_pending_task";

/// What reads tasks from outside, in an object of its own.
pub struct Outside {
    object: Object,
}

impl Outside {
    /// Loads the program that reads stacks of waiting tasks from outside, with everything that
    /// is known here.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub(super) fn load(shared: &Object) -> Result<Self> {
        let what = || "load the program that reads tasks from outside".into();
        let mut builder = ObjectBuilder::default();
        let mut object = builder.open_memory(OUTSIDE).context(what)?;
        for mut program in object.progs_mut() {
            let is_wanted = program.name() == ON_PENDING_TASK;
            program.set_autoload(is_wanted);
        }
        for map in object.maps_mut() {
            share(shared, map).context(what)?;
        }
        let object = object.load().context(what)?;
        Ok(Self { object })
    }

    /// Reads stacks that are pending, of tasks that wait. Reading the iterator to its end does it.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn read_pending(&self) -> Result<Iter> {
        let mut programs = self.object.progs_mut();
        let program = programs.find(|program| program.name() == ON_PENDING_TASK);
        iterator(program.expect("it is in the object").attach())
    }
}

/// Gives another object's map what the same one of a known one has: constants a copy, others all.
fn share(known: &Object, mut map: OpenMapMut<'_>) -> libbpf_rs::Result<()> {
    let name = map.name().to_owned();
    let Some(same) = known.maps().find(|same| is_same(same.name(), &name)) else {
        return Ok(());
    };
    if section(&name) != Some("rodata") {
        return map.reuse_fd(same.as_fd());
    }
    let constants = same.lookup(&0_u32.to_ne_bytes(), MapFlags::ANY)?;
    map.set_initial_value(&constants.unwrap_or_default())
}

/// Whether maps of two objects of the same source are the same.
fn is_same(one: &OsStr, other: &OsStr) -> bool {
    one == other || section(one).is_some() && section(one) == section(other)
}

/// The section of a map that holds variables: what its name ends in, behind that of the object.
fn section(map: &OsStr) -> Option<&str> {
    Some(map.to_str()?.rsplit_once('.')?.1)
}
