//! `somno list`: what options accept here.

use std::fmt::Write as _;

use super::write_stdout;
use crate::capture::event_name::{self, EventSpec};
use crate::capture::perf::PerfEvent;
use crate::capture::point;
use crate::cli::list::{List, What};
use crate::config::output::OutputFormat;
use crate::error::Result;
use crate::text;

/// Runs the sub-command.
///
/// # Errors
/// When the list cannot be written.
pub fn run(typed: &List) -> Result<u8> {
    let text = match typed.what {
        Some(What::Events) => events(),
        Some(What::Formats) => formats(),
        None => format!("FORMATS\n{}\nEVENTS\n{}", formats(), events()),
    };
    write_stdout(&text, "the list")?;
    Ok(0)
}

/// Names, what they are and how such files are called.
fn formats() -> String {
    lines(OutputFormat::all().map(|format| {
        let extensions = format.extensions().iter();
        let dotted: Vec<_> = extensions
            .map(|extension| format!(".{extension}"))
            .collect();
        let meaning = format!("{} ({})", format.description(), dotted.join(", "));
        (format.name().to_owned(), meaning)
    }))
}

fn events() -> String {
    let known = event_name::all().map(|(name, kind)| {
        let meaning = if is_here(&name) {
            kind.to_owned()
        } else {
            format!("{kind}; not on this machine")
        };
        (name, meaning)
    });
    let spelled = [
        ("rNNN", "a number of the CPU's manual, hexadecimal"),
        ("mem:ADDR[/LEN][:rwx]", "a watchpoint"),
        (
            "uprobe:FILE:SYMBOL[+OFF]",
            "a function, or a place in it, of a program or library",
        ),
        ("uprobe:FILE:OFF", "the same by its offset in the file"),
    ];
    let spelled = spelled.map(|(name, meaning)| (name.to_owned(), meaning.to_owned()));
    lines(known.chain(spelled).chain(tracepoints()))
}

/// The kernel's tracepoints, where it tells them.
fn tracepoints() -> Vec<(String, String)> {
    let Ok(told) = point::tracepoints() else {
        let hint = "a tracepoint; to list them, run somno as root";
        return vec![("CATEGORY:NAME".into(), hint.into())];
    };
    let names = told.iter().map(|name| text::clean(name));
    names.map(|name| (name, "a tracepoint".into())).collect()
}

/// Whether the kernel has an event, as far as it lets us know.
fn is_here(name: &str) -> bool {
    let Ok(event) = EventSpec::parse(name) else {
        return false;
    };
    let error = PerfEvent::probe(&event.selector).err();
    let code = error.and_then(|error| error.raw_os_error());
    match code {
        Some(libc::ENOENT | libc::EOPNOTSUPP) => false,
        // who may not is refused before the kernel looks for the event
        Some(libc::EACCES | libc::EPERM) => !event.selector.needs_pmu() || event_name::has_pmu(),
        _ => true,
    }
}

fn lines(entries: impl Iterator<Item = (String, String)>) -> String {
    let mut text = String::new();
    for (name, meaning) in entries {
        writeln!(text, "  {name:<24} {meaning}").expect("a string takes everything");
    }
    text
}
