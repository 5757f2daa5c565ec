//! somno killed in the middle of its work.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use libbpf_rs::query::{MapInfoIter, ProgInfoIter};
use rustix::process::Signal;

use crate::machine::Machine;
use crate::process::{PATIENCE, until};

/// What a process has in the kernel through its descriptors, by id.
fn ids(pid: u32, key: &str) -> BTreeSet<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else {
        return BTreeSet::new();
    };
    entries
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .filter_map(|info| {
            let line = info.lines().find(|line| line.starts_with(key))?;
            line.split_whitespace().last()?.parse().ok()
        })
        .collect()
}

fn loaded_programs() -> BTreeSet<u32> {
    ProgInfoIter::default().map(|program| program.id).collect()
}

fn loaded_maps() -> BTreeSet<u32> {
    MapInfoIter::default().map(|map| map.id).collect()
}

/// Check that nothing of somno stays in the kernel when it is killed with callbacks
/// pending, and that the target does not notice.
#[test]
fn nothing_is_left_in_the_kernel() {
    let machine = Machine::take();
    // in a system call nearly all the time: its callback is pending
    let reader = machine.fixture("reader").start::<&str>(&[]);
    let somno = machine.record().options("-F 9999").process(&reader).start();
    somno.wait_for_events();
    reader.use_cpu(Duration::from_millis(300));

    let programs = ids(somno.pid(), "prog_id:");
    let maps = ids(somno.pid(), "map_id:");
    assert!(programs.len() > 2, "somno's programs: {programs:?}");
    assert!(maps.len() > 2, "somno's maps: {maps:?}");
    assert!(programs.is_subset(&loaded_programs()));
    assert!(maps.is_subset(&loaded_maps()));

    somno.signal(Signal::KILL);
    drop(somno);
    until("the programs are gone", Duration::from_secs(2), || {
        programs.is_disjoint(&loaded_programs())
    });
    until("the maps are gone", Duration::from_secs(2), || {
        maps.is_disjoint(&loaded_maps())
    });
    reader.use_cpu(Duration::from_millis(300));
}

/// Check that a command runs on when somno is killed.
#[test]
fn command_survives() {
    let machine = Machine::take();
    let (began, ended) = (machine.path("began"), machine.path("ended"));
    let somno = machine
        .record()
        .options("-F 9999")
        .shell(&format!(
            "echo >{}; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo >{}",
            began.display(),
            ended.display()
        ))
        .start();
    until("the command runs", PATIENCE, || began.exists());
    somno.signal(Signal::KILL);
    drop(somno);
    until("the command is done", PATIENCE, || ended.exists());
}
