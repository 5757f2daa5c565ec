//! Rings that each CPU has one of.

use std::os::fd::{AsFd as _, AsRawFd as _};

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType, libbpf_sys};

use super::configuration::Configuration;
use crate::error::{Context as _, Result};

/// Makes a ring for each CPU and puts it in a map.
pub(super) fn create(
    rings: &impl MapCore,
    configuration: &Configuration,
) -> Result<Vec<MapHandle>> {
    let options = libbpf_sys::bpf_map_create_opts {
        sz: size_of::<libbpf_sys::bpf_map_create_opts>() as libbpf_sys::size_t,
        ..Default::default()
    };
    let create = |cpu| {
        let name = Some(rings.name());
        let bytes = configuration.kernel_ring_bytes;
        MapHandle::create(MapType::RingBuf, name, 0, 0, bytes, &options)
            .context(|| format!("create the ring of CPU {cpu}"))
    };
    let handles: Vec<_> = (0..configuration.cpu_count)
        .map(create)
        .collect::<Result<_>>()?;
    let keys: Vec<u8> = (0..configuration.cpu_count)
        .flat_map(u32::to_ne_bytes)
        .collect();
    let descriptors: Vec<u8> = handles
        .iter()
        .flat_map(|ring| ring.as_fd().as_raw_fd().to_ne_bytes())
        .collect();
    // in one call: after each the kernel waits for programs that may use what was there before,
    // which takes it ten milliseconds
    rings
        .update_batch(
            &keys,
            &descriptors,
            configuration.cpu_count,
            MapFlags::ANY,
            MapFlags::ANY,
        )
        .context(|| "install the rings".into())?;
    Ok(handles)
}
