//! The text that `perf script` prints: for each sample a line, and below it the stack, leaf
//! first, one line a function.
//!
//! Source: `perf_sample__fprintf_start`, `process_event` and `sample__fprintf_callchain` in
//! `tools/perf` of Linux 6.18. The period is the weight, so that whoever adds periods up
//! gets what folded stacks have. Code in files has its offset there for an address.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::{Subject, places};
use crate::profile::Row;
use crate::profile::frames::Frame;
use crate::profile::header::Header;
use crate::profile::modules::{ModuleInfo, ModuleTable};
use crate::profile::names::Kind;
use crate::text;
use crate::view::selection::StackFrame;

/// What perf prints for what it does not know.
const UNKNOWN: &str = "[unknown]";

/// Writes a profile.
///
/// # Errors
/// Whatever the writer gives.
pub fn write(subject: &Subject<'_>, to: &mut dyn Write) -> io::Result<()> {
    write_header(subject.header, to)?;
    let selection = subject.selection;
    let modules = selection.profile.modules();
    let mut stacks = HashMap::new();
    for row in selection.rows() {
        let stack = stacks
            .entry(row.stack)
            .or_insert_with(|| stack(modules, &selection.frames(row.stack)));
        writeln!(to, "{}\n{stack}", event(subject, row))?;
    }
    Ok(())
}

/// The lines that `perf script --header` begins with.
fn write_header(header: &Header, to: &mut dyn Write) -> io::Result<()> {
    let machine = &header.machine;
    writeln!(to, "# ========")?;
    for (key, value) in [
        ("hostname", &machine.name),
        ("os release", &machine.kernel),
        ("arch", &machine.architecture),
        ("nrcpus online", &machine.cpus.to_string()),
        ("cmdline", &header.command_line.join(" ")),
    ] {
        writeln!(to, "# {key} : {}", text::clean(value))?;
    }
    writeln!(to, "# ========\n#")
}

/// Thread, CPU, time, weight and event.
fn event(subject: &Subject<'_>, row: &Row) -> String {
    let thread = subject.selection.profile.threads().get(row.thread);
    let event = subject.header.events.get(usize::from(row.event));
    format!(
        "{} {:>7}/{:<7} [{:03}] {:>5}.{:06}: {:>10} {}: ",
        comm(&thread.comm.to_text(), thread.tid.0),
        thread.pid,
        thread.tid,
        row.cpu.0,
        row.time.0 / 1_000_000_000,
        row.time.0 / 1000 % 1_000_000,
        row.weight.0,
        event.map_or(UNKNOWN, |event| &event.name),
    )
}

/// A thread's name at the start of a line, where a `#` would make the line a comment; one
/// without a name has its number, as perf has it.
fn comm(name: &str, tid: u32) -> String {
    let name = text::clean(name.trim());
    match name.strip_prefix('#') {
        Some(rest) => format!("?{rest}"),
        None if name.is_empty() => format!(":{tid}"),
        None => name,
    }
}

/// The lines of a stack, leaf first; of one that is empty too, for its weight's sake.
fn stack(modules: &ModuleTable, frames: &[StackFrame<'_>]) -> String {
    let mut lines = String::new();
    let mut line = |address: u64, name: &str, module: &str| {
        writeln!(lines, "\t{address:16x} {name} ({module})").expect("a string takes everything");
    };
    let places: Vec<_> = places(frames).collect();
    for frame in places.iter().rev().flat_map(|place| place.iter().rev()) {
        let (address, module) = place(modules, frame);
        line(address, frame.named.name.text(), &module);
    }
    if frames.is_empty() {
        line(0, UNKNOWN, UNKNOWN);
    }
    lines
}

/// The address of a frame, and what perf has in parentheses behind its name.
fn place(modules: &ModuleTable, frame: &StackFrame<'_>) -> (u64, String) {
    let (address, module) = match frame.frame {
        Frame::File(id, offset) => {
            let path = modules.get(id).map(ModuleInfo::path);
            let path = path.unwrap_or_else(|| modules.base_name(id).to_string());
            (offset.0, path.replace(char::is_whitespace, "_"))
        }
        Frame::Anonymous(pid, _, address) => (address.0, format!("/tmp/perf-{pid}.map")),
        Frame::Kernel(address) | Frame::Waker(address) => (address.0, "[kernel.kallsyms]".into()),
        Frame::Reason(_) | Frame::WakerThread(_) => (0, UNKNOWN.into()),
    };
    match frame.named.name.kind() {
        Kind::Inlined => (address, "inlined".into()),
        _ => (address, module),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use inferno::collapse::Collapse as _;
    use inferno::collapse::perf::{Folder, Options};

    use super::*;
    use crate::export::{fixture::Fixture, folded};

    fn written(fixture: &Fixture) -> String {
        let mut bytes = Vec::new();
        fixture
            .subject(|subject| write(subject, &mut bytes))
            .expect("memory takes everything");
        String::from_utf8(bytes).expect("it is text")
    }

    /// What inferno makes of it, with our suffixes.
    fn folded(text: &str) -> BTreeMap<String, u64> {
        let mut options = Options::default();
        options.annotate_kernel = true;
        options.annotate_jit = true;
        options.nthreads = 1;
        let mut bytes = Vec::new();
        Folder::from(options)
            .collapse(text.as_bytes(), &mut bytes)
            .expect("it is understood");
        let text = String::from_utf8(bytes).expect("it is text");
        let lines = text.lines().map(|line| {
            let (stack, count) = line.rsplit_once(' ').expect("it has a count");
            (stack.to_owned(), count.parse().expect("it is a number"))
        });
        lines.collect()
    }

    /// Check the lines of a sample.
    #[test]
    fn samples_are_printed() {
        let mut fixture = Fixture::new();
        fixture.add_of("my prog", 100, 101, 3, "[lost];main;f_[i];j_[j];sys_[k]");
        let text = written(&fixture);
        let (header, samples) = text.split_once("# ========\n#\n").expect("it has a header");
        assert!(
            header.starts_with("# ========\n# hostname : host\n"),
            "{header}"
        );
        assert_eq!(
            samples,
            "my prog     100/101     [001]     5.001000:          3 cpu-clock: \n\
             \tffffffff81001020 sys ([kernel.kallsyms])\n\
             \t    7f0000001010 j (/tmp/perf-100.map)\n\
             \t            1000 f (inlined)\n\
             \t            1000 main (/bin/prog)\n\
             \t               0 [lost] ([unknown])\n\n"
        );
    }

    /// Check that inferno makes the stacks and weights of it that folded stacks have. perf
    /// marks no inlined functions for it.
    #[test]
    fn inferno_folds_it() {
        let mut fixture = Fixture::new();
        fixture
            .add("main;f;g_[i]")
            .add("main;f;g_[i]")
            .add("[lost];main");
        fixture.add_of("worker", 100, 101, 7, "lib:start;j_[j];sys_[k]");
        let expected = fixture.subject(|subject| folded::lines(subject.selection));
        let expected: BTreeMap<_, _> = expected
            .iter()
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(stack, weight)| (stack.replace("_[i]", ""), weight.parse().unwrap_or(0)))
            .collect();
        assert_eq!(folded(&written(&fixture)), expected);
    }

    /// Check that no weight is lost, whatever a thread is called, nor for want of a stack.
    #[test]
    fn every_sample_is_read_back() {
        for name in ["", " ", "#x", "a b", "12", "7/8"] {
            let mut fixture = Fixture::new();
            fixture
                .add_of(name, 100, 101, 3, "main")
                .add_of(name, 100, 101, 4, "");
            let total: u64 = folded(&written(&fixture)).values().sum();
            assert_eq!(total, 7, "{name:?}");
        }
    }
}
