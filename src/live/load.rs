//! Makes a store of a profile that is whole.

use super::activity::BINS;
use super::batch::{Batch, Sample};
use super::store::{Bounds, Store};
use crate::event::ModuleBuildId;
use crate::profile::modules::ModuleInfo;
use crate::profile::names::Names;
use crate::profile::{Profile, Row};
use crate::time::Timestamp;

/// Samples that are added at a time.
const CHUNK: usize = 1 << 16;

/// Takes a profile whose samples are in order of time; of one event, where one is given.
#[must_use]
pub fn store(profile: &Profile, names: &Names, began: Timestamp, event: Option<u8>) -> Store {
    let duration = u64::try_from(profile.duration(began).as_nanos()).unwrap_or(u64::MAX);
    let bin = duration / BINS as u64 + 1;
    let mut store = Store::new(began, Bounds::NONE, bin);
    let modules = profile.modules();
    let frames = profile.frames();
    store.apply(Batch {
        modules: modules.iter().map(|info| info.module.clone()).collect(),
        build_ids: modules.iter().filter_map(build_id).collect(),
        frames: frames.iter().map(|(_, frame)| frame).collect(),
        named: frames
            .iter()
            .filter_map(|(id, _)| Some((id, names.naming(id)?)))
            .collect(),
        ..Batch::default()
    });
    for rows in profile.rows().chunks(CHUNK) {
        let mut batch = Batch::default();
        let is_wanted = |row: &&Row| event.is_none_or(|event| event == row.event);
        for row in rows.iter().filter(is_wanted) {
            let stack = profile.stack(row.stack);
            batch.samples.push(Sample {
                time: row.time,
                weight: row.weight,
                thread: *profile.threads().get(row.thread),
                cpu: row.cpu,
                depth: stack.len(),
            });
            batch.stacks.extend(stack);
        }
        store.apply(batch);
    }
    store
}

fn build_id(info: &ModuleInfo) -> Option<ModuleBuildId> {
    Some(ModuleBuildId {
        module: info.module.id,
        build_id: info.build_id.clone()?,
    })
}
