//! Kernel threads have no user stack, and are none the worse for it.

use std::fs;

use crate::folded::Line;
use crate::machine::Machine;
use crate::process::PATIENCE;
use crate::process::until;

/// The thread that moves tasks away from CPU 1.
fn migration_thread() -> u32 {
    let mut found = None;
    until("there is a thread migration/1", PATIENCE, || {
        found = fs::read_dir("/proc")
            .expect("/proc is readable")
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .find(|pid: &u32| {
                fs::read_to_string(format!("/proc/{pid}/comm"))
                    .is_ok_and(|comm| comm.trim_end() == "migration/1")
            });
        found.is_some()
    });
    found.expect("it was found")
}

fn is_of_the_kernel(line: &Line) -> bool {
    line.reason.is_none()
        && line.user_frames().next().is_none()
        && line.has("ret_from_fork_asm_[k];ret_from_fork_[k];kthread_[k]")
}

/// Check that a kernel thread can be a target, and is counted as what it is.
#[test]
fn kernel_thread_is_a_target() {
    let machine = Machine::take();
    let migrator = machine.fixture("migrator").start::<&str>(&[]);
    let tid = migration_thread();
    let (folded, stats) = machine
        .record()
        .options(&format!("-t {tid} -F 9999 -d 0.5s"))
        .run()
        .adds_up();
    folded.expect_all(|line| line.comm == "migration/1");
    folded.expect_share(0.99.., is_of_the_kernel);
    assert_eq!(stats.count("kernel_only"), stats.count("samples"));
    drop(migrator);
}

/// Check that kernel threads are found among everything that runs.
#[test]
fn kernel_threads_are_seen_system_wide() {
    let machine = Machine::take();
    let migrator = machine.fixture("migrator").start::<&str>(&[]);
    let (folded, stats) = machine
        .record()
        .options("-a -F 9999 -d 0.5s")
        .run()
        .adds_up();
    let threads = folded.only(|line| line.comm.starts_with("migration/"));
    threads.expect_share(0.99.., is_of_the_kernel);
    assert!(stats.count("kernel_only") >= threads.count());
    let idle = folded.only(|line| line.comm.starts_with("swapper"));
    assert_eq!(idle.count(), 0, "idle CPUs are sampled\n{idle}");
    drop(migrator);
}
