//! `somno dump`: where every thread is now.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::machine::Machine;
use crate::process::{PATIENCE, Process, slowness, until};
use crate::somno::command;

fn dump(arguments: &[&str]) -> Output {
    command()
        .arg("dump")
        .args(arguments)
        .output()
        .expect("somno can be run")
}

#[track_caller]
fn text(arguments: &[&str]) -> String {
    let output = dump(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("it is text")
}

fn text_of(process: &Process) -> String {
    text(&["-p", &process.pid().to_string()])
}

/// A stack of a dump as JSON.
struct Stack {
    state: String,
    outcome: Value,
    /// Leaf first, as in folded stacks, separated by semicolons.
    frames: String,
    names: Vec<String>,
    tids: Vec<u64>,
}

impl Stack {
    fn parse(value: &Value) -> Self {
        let list = |value: &Value, key: &str| {
            let items = value.as_array().expect("it is a list").iter();
            items.map(|item| item[key].clone()).collect::<Vec<_>>()
        };
        let text = |value: Value| value.as_str().expect("it is a text").to_owned();
        let names = |value: &Value, key| list(value, key).into_iter().map(text);
        Self {
            state: text(value["state"].clone()),
            outcome: value["outcome"].clone(),
            frames: names(&value["frames"], "name")
                .collect::<Vec<_>>()
                .join(";"),
            names: names(&value["threads"], "comm").collect(),
            tids: list(&value["threads"], "tid")
                .iter()
                .map(|tid| tid.as_u64().expect("it is a number"))
                .collect(),
        }
    }
}

/// The stacks of a dump, whose counts add up.
#[track_caller]
fn stacks(arguments: &[&str]) -> Vec<Stack> {
    let text = text(&[arguments, &["--format", "json"]].concat());
    let value: Value = serde_json::from_str(&text).expect("it is JSON");
    let stacks = value["stacks"].as_array().expect("it is a list").iter();
    let stacks: Vec<_> = stacks.map(Stack::parse).collect();
    let threads: usize = stacks.iter().map(|stack| stack.tids.len()).sum();
    let outcomes = value["user"].as_object().expect("it is an object");
    let user: u64 = outcomes.values().filter_map(Value::as_u64).sum();
    let kernel_only = value["kernel_only"].as_u64().expect("it is a number");
    assert_eq!(user + kernel_only, threads as u64, "{text}");
    assert_eq!(value["threads"], threads, "{text}");
    stacks
}

fn stacks_of(process: &Process) -> Vec<Stack> {
    stacks(&["-p", &process.pid().to_string()])
}

/// Waits until so many threads of it wait for a futex.
fn wait_for_futexes(process: &Process, count: usize) {
    let directory = format!("/proc/{}/task", process.pid());
    until("the threads wait for each other", PATIENCE, || {
        let tasks = fs::read_dir(&directory).expect("it runs");
        let calls = tasks
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("syscall")).ok())
            .filter(|call| call.starts_with("202 "));
        calls.count() == count
    });
}

/// Check that a deadlock is seen: who waits where, with lines.
#[test]
fn deadlock_is_shown() {
    let machine = Machine::take();
    let deadlock = machine.fixture("deadlock").start::<&str>(&[]);
    wait_for_futexes(&deadlock, 3);
    let stacks = stacks_of(&deadlock);
    assert_eq!(stacks.len(), 3);
    for (thread, functions) in [
        ("left", "take_right;left;start_thread"),
        ("right", "take_left;right;start_thread"),
    ] {
        let stack = stacks.iter().find(|stack| stack.names == [thread]);
        let stack = stack.expect("it is one of the threads");
        assert_eq!(stack.state, "waiting");
        assert_eq!(stack.outcome, "complete");
        assert!(stack.frames.contains("lll_lock_wait;"), "{}", stack.frames);
        assert!(stack.frames.contains(functions), "{}", stack.frames);
        assert!(
            stack.frames.contains("pthread_mutex_lock"),
            "{}",
            stack.frames
        );
        assert!(
            stack.frames.starts_with("futex_do_wait_[k];"),
            "{}",
            stack.frames
        );
    }
    let text = text_of(&deadlock);
    let pid = deadlock.pid();
    let title = format!("Process {pid} (deadlock): 3 threads\n");
    assert!(text.starts_with(&title), "{text}");
    for line in [
        " (left), waiting:\n#0 ",
        " take_left at ",
        "deadlock.c:23\n",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    // it still waits, and was not disturbed
    wait_for_futexes(&deadlock, 3);
}

/// Check that a parent that no signal wakes, as its child runs on its stack, is read.
#[test]
fn uninterruptible_task_is_shown() {
    let machine = Machine::take();
    let bearer = machine.fixture("bearer").start::<&str>(&[]);
    bearer.wait_for_state('D');
    let stacks = stacks_of(&bearer);
    assert_eq!(stacks.len(), 1);
    assert_eq!(stacks[0].state, "waiting, uninterruptible");
    assert_eq!(stacks[0].outcome, "complete");
    let frames = &stacks[0].frames;
    assert!(frames.contains("do_syscall_64_[k]"), "{frames}");
    assert!(frames.contains("vfork;bear;main;"), "{frames}");
}

/// Check that a thousand threads are looked at in less than a second, each of them, and that
/// the process goes on meanwhile.
#[test]
fn crowd_is_shown_while_it_runs() {
    let machine = Machine::take();
    let file = machine.path("counter");
    let crowd = machine
        .fixture("crowd")
        .start(&["1000".as_ref(), file.as_os_str()]);
    let counter = || {
        let bytes = fs::read(&file).ok()?;
        Some(u64::from_ne_bytes(*bytes.first_chunk()?))
    };
    until("the crowd is there and counts", PATIENCE, || {
        counter().is_some_and(|counter| counter > 0)
    });
    let (before, began) = (counter(), Instant::now());
    let output = dump(&["-p", &crowd.pid().to_string()]);
    println!("1,001 threads in {:?}", began.elapsed());
    assert!(counter() > before, "it does not count any more");

    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let took = said
        .split_whitespace()
        .zip(said.split_whitespace().skip(1))
        .find(|(_, unit)| *unit == "ms,")
        .and_then(|(number, _)| number.parse().ok());
    let took = Duration::from_millis(took.expect("it says how long it took"));
    assert!(took < Duration::from_secs(1) * slowness(), "{said}");
    let text = String::from_utf8_lossy(&output.stdout);
    for number in 1..=1000 {
        let name = format!("(member-{number})");
        assert!(text.contains(&name), "{name} is not in\n{text}");
    }

    let stacks = stacks_of(&crowd);
    let members = stacks
        .iter()
        .filter(|stack| stack.frames.contains("wait_long;member;start_thread"));
    let tids: BTreeSet<_> = members
        .inspect(|stack| assert_eq!(stack.outcome, "complete"))
        .flat_map(|stack| &stack.tids)
        .collect();
    assert_eq!(tids.len(), 1000);
    let counting = stacks.iter().find(|stack| stack.names == ["crowd"]);
    let counting = counting.expect("it is one of the threads");
    let frames = &counting.frames;
    assert_eq!(counting.outcome, "complete");
    assert!(frames.contains("count_on;main;"), "{frames}");
    assert!(
        ["running", "ready to run"].contains(&&counting.state[..]),
        "{}",
        counting.state
    );
}

/// Check that threads of the kernel are shown with what they do there.
#[test]
fn kernel_thread_is_shown() {
    let _machine = Machine::take();
    for target in ["-p", "-t"] {
        let text = text(&[target, "2"]);
        assert!(text.starts_with("Kernel: 1 thread\n"), "{text}");
        assert!(
            text.contains("Thread 2 (kthreadd), waiting:\n#0  kthreadd_[k]\n"),
            "{text}"
        );
    }
}

/// Check that all of the system is looked at while processes come and go, and that one that
/// ends meanwhile is no failure.
#[test]
fn processes_may_end_meanwhile() {
    let machine = Machine::take();
    let script = "while :; do for i in 1 2 3 4 5 6 7 8; do sleep 0.02 & done; wait; done";
    let sleepers = Process::spawn(Command::new("sh").args(["-c", script]));
    for _ in 0..3 {
        let stacks = stacks(&["-a"]);
        let is_of_kernel = |stack: &&Stack| stack.outcome.is_null();
        assert!(stacks.iter().any(|stack| is_of_kernel(&stack)));
        assert!(stacks.iter().any(|stack| !is_of_kernel(&stack)));
    }
    let only = stacks(&["-a", "--comm", "^sh$"]);
    let names = only.iter().flat_map(|stack| &stack.names);
    assert!(names.clone().count() > 0);
    names.for_each(|name| assert_eq!(name, "sh"));
    drop(sleepers);

    for _ in 0..3 {
        let brief = machine.fixture("named").start(&["short", "0.1"]);
        let output = dump(&["-p", &brief.pid().to_string()]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() || said.contains("it ended"),
            "{output:?}"
        );
    }
}

/// Check that what does not exist, or is no process, is said.
#[test]
fn wrong_targets_are_said() {
    let machine = Machine::take();
    let mut gone = Process::spawn(&mut Command::new("true"));
    gone.wait();
    let pid = gone.pid().to_string();
    for option in ["-p", "-t"] {
        let output = dump(&[option, &pid]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(&format!("{pid}: it does not exist")),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
    let threads = machine.fixture("threads").start::<&str>(&[]);
    let tid = threads.thread("left");
    let output = dump(&["-p", &tid.to_string()]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("use -t {tid}")), "{said}");
}
