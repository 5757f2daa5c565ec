//! Options that narrow a target.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::machine::Machine;
use crate::process::Process;

const NOBODY: u32 = 65534;

/// Check that only the CPUs that are named are looked at.
#[test]
fn by_cpu() {
    let machine = Machine::take();
    let pinned = machine.fixture("named").start_on_cpu(1, &["pinned"]);
    pinned.wait_for_comm("pinned".as_ref());
    let record = |options: &str| {
        let record = machine.record().options("-d 0.3s").options(options);
        record.process(&pinned).run().adds_up().0
    };
    assert_eq!(record("-C 0").count(), 0);
    record("-C 1").expect_share(0.95.., |line| line.has("main;spin"));
    assert!(record("-C 0-1").count() > 0);

    let everything = |options: &str| {
        // at a rate that is named nothing is shed, however loaded the machine is
        let record = machine.record().options("-a -F 999 -d 1s").options(options);
        record.run().adds_up().0.of("pinned").count()
    };
    assert_eq!(everything("-C 0"), 0);
    assert!(everything("-C 1") > 0);
}

/// Check that a CPU that is not there is a usage error.
#[test]
fn by_absent_cpu() {
    let machine = Machine::take();
    let recording = machine
        .record()
        .options("-a -C 4000 -d 1s")
        .run()
        .exits_with(2);
    assert!(
        recording.stderr().contains("4000"),
        "{}",
        recording.stderr()
    );
}

/// Check that only one user's tasks are sampled, by name and by number.
#[test]
fn by_user() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let of_root = named.start(&["of-root"]);
    let mut command = Command::new(named.path());
    let of_nobody = Process::spawn(command.arg("of-nobody").uid(NOBODY).gid(NOBODY));
    of_nobody.wait_for_comm("of-nobody".as_ref());
    for user in ["nobody", "65534"] {
        let options = format!("-a -F 999 -u {user} -d 0.3s");
        let (folded, _) = machine.record().options(&options).run().adds_up();
        folded.expect_all(|line| line.comm == "of-nobody");
        folded.expect_share(0.95.., |line| line.has("main;spin"));
    }
    drop(of_root);
}

/// Check that only tasks of a matching name are sampled, whenever they get it.
#[test]
fn by_name() {
    let machine = Machine::take();
    let family = machine.fixture("family");
    let record = |pattern: &str| {
        let record = machine.record().options(&format!("--comm {pattern}"));
        let (folded, stats) = record.fixture(&family, "6").run().adds_up();
        stats.expect_no_loss();
        folded
    };
    record("^kin-child$").expect_all(|line| line.comm == "kin-child");
    let kin = record("^kin-");
    kin.expect_share(0.2..0.8, |line| line.comm == "kin-child");
    kin.expect_share(0.2..0.8, |line| line.comm == "kin-thread");
    assert_eq!(record("nothing-like-it").count(), 0);
}
