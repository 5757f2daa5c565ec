//! Where every thread is, as text in the manner of debuggers.

use std::fmt::Write as _;

use super::look::{Look, Role};
use crate::event::TaskState;
use crate::profile::Profile;
use crate::profile::frames::{Frame, FrameId};
use crate::profile::names::{Kind, NamedFrame, Names};
use crate::profile::threads::Thread;
use crate::text::{clean, counted};
use crate::view::dump::{Group, Owned, Owner};
use crate::view::functions::Place;

/// Columns of lines, where nothing says how many there are.
const WIDTH: usize = 100;
/// What stands for the stack of a thread that has none that can be read.
const NO_STACK: &str = "(it ran: a stack in the kernel can be read only where a thread waits)";

/// Makes an owner of threads a paragraph, and each stack another below it.
#[must_use]
pub fn text(owned: &[Owned], profile: &Profile, names: &Names, look: Look) -> String {
    let mut text = String::new();
    for owned in owned {
        let count = counted(owned.count(), "thread");
        let title = match owned.owner {
            Owner::Process(pid) => format!("Process {pid} ({}): {count}", clean(&owned.name)),
            Owner::Kernel => format!("Kernel: {count}"),
        };
        text = text + &look.paint(Role::Group, &title) + "\n\n";
        for group in &owned.groups {
            let stack = stack(group, profile, names, look);
            text = text + &head(group, look) + &stack + "\n";
        }
    }
    text
}

/// Who is at a place, and what they do there.
fn head(group: &Group, look: Look) -> String {
    let state = state_text(group.state);
    let [thread] = group.threads[..] else {
        let count = counted(group.threads.len(), "thread");
        let title = look.paint(Role::Heading, &format!("{count}, {state}:"));
        return format!("{title}\n{}", list(&group.threads, look));
    };
    let title = format!("Thread {}, {state}:", name(&thread));
    look.paint(Role::Heading, &title) + "\n"
}

fn name(thread: &Thread) -> String {
    format!("{} ({})", thread.tid, clean(&thread.comm.to_text()))
}

/// All of the threads, in as many lines as they need.
fn list(threads: &[Thread], look: Look) -> String {
    let width = look.width.unwrap_or(WIDTH);
    let mut lines = vec![String::new()];
    for (index, thread) in threads.iter().enumerate() {
        let comma = if index + 1 < threads.len() { "," } else { "" };
        let word = format!(" {}{comma}", name(thread));
        let line = lines.last_mut().expect("there is one");
        if !line.is_empty() && line.len() + word.len() > width {
            lines.push(word);
        } else {
            line.push_str(&word);
        }
    }
    let lines = lines
        .iter()
        .map(|line| look.paint(Role::Aside, line) + "\n");
    lines.collect()
}

/// The frames, numbered from the leaf.
fn stack(group: &Group, profile: &Profile, names: &Names, look: Look) -> String {
    let mut text = String::new();
    let mut number = 0;
    for id in profile.stack(group.stack).into_iter().rev() {
        for named in names.of(id).iter().rev() {
            let name = look.name(&named.name, None);
            if named.name.kind() == Kind::Reason {
                writeln!(text, "    {name}")
            } else {
                let place = look.paint(Role::Aside, &place(id, named, profile));
                let label = format!("#{number}");
                number += 1;
                writeln!(text, "{label:<3} {name}{place}")
            }
            .expect("a string takes everything");
        }
    }
    if text.is_empty() {
        text = format!("    {}\n", look.paint(Role::Aside, NO_STACK));
    }
    text
}

/// The line of a frame where it is known, or else its file.
fn place(id: FrameId, named: &NamedFrame, profile: &Profile) -> String {
    match (&named.location, place_of(id, profile)) {
        (Some(location), _) if location.line > 0 => {
            format!(" at {}:{}", clean(&location.file), location.line)
        }
        (_, place @ Place::Module(_)) => match place.path(profile.modules()) {
            // a file of memory alone may have none
            path if path.is_empty() => path,
            path => format!(" from {path}"),
        },
        _ => String::new(),
    }
}

/// Where the code of a frame is.
pub(super) fn place_of(id: FrameId, profile: &Profile) -> Place {
    match profile.frames().get(id) {
        Frame::File(module, _) => Place::Module(module),
        Frame::Anonymous(..) => Place::Anonymous,
        Frame::Kernel(_) | Frame::Waker(_) => Place::Kernel,
        Frame::Reason(_) | Frame::WakerThread(_) => Place::Nowhere,
    }
}

/// What a thread does, in words.
pub(super) fn state_text(state: TaskState) -> &'static str {
    match state {
        TaskState::OnCpu => "running",
        TaskState::Interruptible => "waiting",
        TaskState::Uninterruptible => "waiting, uninterruptible",
        TaskState::Preempted => "ready to run",
        TaskState::Stopped => "stopped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Outcome;
    use crate::profile::tally::Tally;
    use crate::recording::Recording;
    use crate::report::dump_json;
    use crate::view::dump::owned;
    use crate::view::fixture::{Builder, Who};

    fn who(pid: u32, tid: u32, comm: &'static str) -> Who {
        Who {
            comm,
            pid,
            tid,
            state: TaskState::Interruptible,
            ..Who::default()
        }
    }

    fn dumped() -> Recording {
        let waits = &["main", "work#7", "lock_[i]#3", "futex_wait_[k]"];
        Builder::new()
            .stack_of(who(10, 10, "server"), &["main", "join#9"], 1)
            .stack_of(who(10, 12, "b;c"), waits, 1)
            .stack_of(who(10, 11, "worker"), waits, 1)
            .stack_of(
                Who {
                    outcome: Some(Outcome::NoCfi),
                    state: TaskState::OnCpu,
                    ..who(20, 20, "odd\x1b")
                },
                &["made"],
                1,
            )
            .stack_of(
                Who {
                    outcome: None,
                    state: TaskState::OnCpu,
                    ..who(2, 2, "kthreadd")
                },
                &[],
                1,
            )
            .build()
    }

    /// Check that threads at the same place are together, their frames numbered from the leaf,
    /// and that the kernel's come last.
    #[test]
    fn stacks_are_shown() {
        let recording = dumped();
        let owned = owned(&recording.profile);
        let text = text(
            &owned,
            &recording.profile,
            &recording.names,
            Look::default(),
        );
        assert_eq!(
            text,
            "\
Process 10 (server): 3 threads

2 threads, waiting:
 11 (worker), 12 (b;c)
#0  futex_wait_[k]
#1  lock_[i] at /src/program.c:3
#2  work at /src/program.c:7
#3  main from /bin/program

Thread 10 (server), waiting:
#0  join at /src/program.c:9
#1  main from /bin/program

Process 20 (odd?): 1 thread

Thread 20 (odd?), running:
#0  made from /bin/program
    [no CFI]

Kernel: 1 thread

Thread 2 (kthreadd), running:
    (it ran: a stack in the kernel can be read only where a thread waits)

"
        );
    }

    /// Check that lists of threads are broken where a line is full.
    #[test]
    fn lists_are_wrapped() {
        let thread = |tid| Thread {
            pid: crate::id::Pid(1),
            tid: crate::id::Tid(tid),
            comm: crate::event::Comm::from("t"),
            cgroup: crate::id::CgroupId::UNKNOWN,
            environment: crate::id::EnvironmentId::NONE,
        };
        let look = Look {
            width: Some(16),
            ..Look::default()
        };
        let threads = [thread(100), thread(101), thread(102)];
        assert_eq!(list(&threads, look), " 100 (t),\n 101 (t),\n 102 (t)\n");
        let one_line = list(&threads, Look::default());
        assert_eq!(one_line, " 100 (t), 101 (t), 102 (t)\n");
    }

    /// Check that the object has every thread with its stack, and the counts.
    #[test]
    fn the_object_has_everything() {
        let Recording {
            profile,
            names,
            tally,
            ..
        } = dumped();
        let json = |tally: &Tally| {
            let text = dump_json::text(&owned(&profile), &profile, &names, tally, "6.18");
            serde_json::from_str::<serde_json::Value>(&text).expect("it is JSON")
        };
        let value = json(&tally);
        assert_eq!(value["threads"], 5);
        assert_eq!(value["user"]["complete"], 3);
        assert_eq!(value["user"]["no_cfi"], 1);
        assert_eq!(value["kernel_only"], 1);
        let stacks = value["stacks"].as_array().expect("it is a list");
        assert_eq!(stacks.len(), 4);
        assert_eq!(stacks[0]["state"], "waiting");
        assert_eq!(stacks[0]["outcome"], "complete");
        assert_eq!(
            stacks[0]["threads"][1],
            serde_json::json!({"pid": 10, "tid": 12, "comm": "b;c"})
        );
        let frames = stacks[0]["frames"].as_array().expect("it is a list");
        assert_eq!(frames.len(), 4);
        assert_eq!(frames[1]["name"], "lock_[i]");
        assert_eq!(frames[1]["line"], 3);
        assert_eq!(frames[0]["module"], "[kernel]");
        assert!(frames[0]["offset"].is_null());
        assert_eq!(frames[3]["module"], "/bin/program");
        assert_eq!(stacks[2]["outcome"], "no_cfi");
        assert!(stacks[3]["outcome"].is_null());
    }
}
