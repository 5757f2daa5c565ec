//! What is sampled, and what follows from it.

use std::fs;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::folded::Folded;
use crate::machine::Machine;

/// What the members of the fixture `family` do, by thread name.
const KIN: [(&str, &str); 3] = [
    ("family", "main;own_work"),
    ("kin-thread", "run_thread;thread_work"),
    ("kin-child", "main;run_child;child_work"),
];

fn expect_kin(folded: &Folded) {
    for (comm, chain) in KIN {
        let samples = folded.of(comm);
        assert!(samples.count() > 0, "no samples of {comm} in\n{folded}");
        // a new thread has its parent's name at first
        samples.expect_share(0.8.., |line| line.has(chain));
    }
}

/// Check that only the threads that are named are sampled.
#[test]
fn named_threads_are_sampled() {
    let machine = Machine::take();
    let threads = machine.fixture("threads").start::<&str>(&[]);
    let (left, right) = (threads.thread("left"), threads.thread("right"));
    let record = |list: &str| {
        let options = format!("-t {list} -d 0.3s");
        machine.record().options(&options).run().adds_up().0
    };
    record(&left.to_string()).expect_all(|line| line.comm == "left" && line.has("left_work"));
    let both = record(&format!("{left},{right}"));
    both.expect_share(0.05..0.95, |line| line.has("left_work"));
    both.expect_share(0.05..0.95, |line| line.has("right_work"));
    assert_eq!(both.of("threads").count(), 0);
}

/// Check that a command's threads and children are followed.
#[test]
fn kin_of_a_command_is_followed() {
    let machine = Machine::take();
    let family = machine.fixture("family");
    let (folded, stats) = machine.record().fixture(&family, "10").run().adds_up();
    expect_kin(&folded);
    stats.expect_no_loss();
}

/// Check that threads and children made after attaching are followed.
#[test]
fn kin_of_a_process_is_followed() {
    let machine = Machine::take();
    let family = machine.fixture("family").start::<&str>(&[]);
    family.use_cpu(Duration::from_millis(50));
    let record = machine.record().options("-d 0.5s").process(&family);
    let (folded, _) = record.run().adds_up();
    expect_kin(&folded);
}

/// Check that several processes can be named.
#[test]
fn processes_are_sampled() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let (one, two, other) = (
        named.start(&["one"]),
        named.start(&["two"]),
        named.start(&["other"]),
    );
    let options = format!("-p {},{} -d 0.5s", one.pid(), two.pid());
    let (folded, _) = machine.record().options(&options).run().adds_up();
    folded.expect_share(0.05..0.95, |line| line.comm == "one");
    folded.expect_share(0.05..0.95, |line| line.comm == "two");
    assert_eq!(folded.of("other").count(), 0);
    drop(other);
}

/// Check that nothing is followed when that is not wanted.
#[test]
fn kin_is_left_alone() {
    let machine = Machine::take();
    let family = machine.fixture("family");
    let of_command = machine
        .record()
        .options("--no-inherit")
        .fixture(&family, "10");
    let running = family.start::<&str>(&[]);
    running.use_cpu(Duration::from_millis(50));
    let of_process = machine
        .record()
        .options("--no-inherit -d 0.5s")
        .options(&format!("-t {}", running.pid()));
    for record in [of_command, of_process] {
        let (folded, _) = record.run().adds_up();
        folded.expect_all(|line| line.comm == "family");
        folded.expect_share(0.8.., |line| line.has("main;own_work"));
    }
}

/// Check that programs that a command executes are sampled under their own names.
#[test]
fn commands_of_a_shell_are_followed() {
    let machine = Machine::take();
    let (named, chain) = (machine.fixture("named"), machine.fixture("chain"));
    let script = format!("{} busy 0.5 & {} 0.5; wait", named.path(), chain.path());
    let (folded, _) = machine.record().shell(&script).run().adds_up();
    folded
        .of("busy")
        .expect_share(0.9.., |line| line.has("main;spin"));
    folded
        .of("chain")
        .expect_share(0.9.., |line| line.has("run;one;two;three;four;five"));
}

/// Check that processes that start later are sampled by their names.
#[test]
fn later_processes_are_sampled_by_name() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let running = machine
        .record()
        .options("-a -F 999 --comm ^la[t]er$")
        .start();
    running.wait_for_sampling();
    let [later, other] = ["later", "other"].map(|name| named.start(&[name]));
    later.use_cpu(Duration::from_millis(200));
    drop((later, other));
    running.signal(Signal::INT);
    let (folded, _) = running.wait().adds_up();
    assert!(folded.count() > 50, "{folded}");
    folded.expect_all(|line| line.comm == "later");
    folded.expect_share(0.95.., |line| line.has("main;spin"));
}

/// Check that in a pid namespace of its own somno knows a process by its number there, and
/// finds what is /proc there under that number.
#[test]
fn processes_of_a_pid_namespace_have_their_numbers() {
    let machine = Machine::take();
    let (named, output) = (machine.fixture("named"), machine.path("inside.json"));
    let script = format!(
        "{} inside & {} record -p $! -d 0.5s -o {} && echo $!; kill $!",
        named.path(),
        env!("CARGO_BIN_EXE_somno"),
        output.display()
    );
    let apart = Command::new("unshare")
        .args([
            "--pid",
            "--fork",
            "--mount-proc",
            "--kill-child",
            "sh",
            "-c",
        ])
        .arg(&script)
        .output()
        .expect("unshare is here");
    let said = String::from_utf8_lossy(&apart.stdout);
    let pid = said.trim();
    assert!(
        !pid.is_empty(),
        "{}",
        String::from_utf8_lossy(&apart.stderr)
    );
    let report = fs::read_to_string(&output).expect("it was written");
    for key in ["pid", "tid"] {
        let number = format!("\"{key}\": {pid}");
        assert!(report.contains(&number), "no {number} in\n{report}");
    }
}
