//! Tracepoints and uprobes: found by name, and opened once for everybody.

use std::fs::{self, File};
use std::path::Path;

use object::read::elf::ElfFile64;
use object::{LittleEndian, Object as _, ObjectSegment as _, ObjectSymbol as _, ReadCache, elf};

use super::event_name::{Place, Point};
use super::perf::OpenPoint;
use super::tracefs::TraceFs;
use crate::error::{Context as _, Error, Result};

/// What the kernel calls its uprobes.
const UPROBE_TYPE: &str = "/sys/bus/event_source/devices/uprobe/type";

/// Finds what the kernel calls a tracepoint or a uprobe.
///
/// # Errors
/// When there is no such place.
pub fn find(point: &Point) -> Result<OpenPoint> {
    match point {
        Point::Tracepoint { category, name } => tracepoint(category, name),
        Point::Uprobe { file, place } => Ok(OpenPoint::Uprobe {
            kind: uprobe_type()?,
            path: fs::canonicalize(file).context(|| format!("find `{}`", file.display()))?,
            offset: match place {
                Place::Offset(offset) => *offset,
                Place::Symbol { name, plus } => symbol_offset(file, name)? + plus,
            },
        }),
    }
}

/// Every tracepoint that this kernel has, `category:name`.
///
/// # Errors
/// When it does not tell.
pub fn tracepoints() -> Result<Vec<String>> {
    let told = TraceFs::read_file("available_events")?;
    let told = told.unwrap_or_default();
    Ok(told.lines().map(str::to_owned).collect())
}

fn tracepoint(category: &str, name: &str) -> Result<OpenPoint> {
    let path = format!("events/{category}/{name}/id");
    let Some(id) = TraceFs::read_file(&path)? else {
        let unknown = format!("this kernel has no tracepoint `{category}:{name}`");
        return Err(Error::usage(unknown).with_hint("`somno list events` knows those that it has"));
    };
    let id = id.trim().parse();
    let id = id.map_err(|_| Error::failed(format!("failed to understand `{path}` in tracefs")))?;
    Ok(OpenPoint::Tracepoint(id))
}

fn uprobe_type() -> Result<u32> {
    let read = fs::read_to_string(UPROBE_TYPE);
    let number = read.ok().and_then(|number| number.trim().parse().ok());
    number.ok_or_else(|| {
        Error::failed("failed to open a uprobe: this kernel has none (CONFIG_UPROBE_EVENTS)")
    })
}

/// Where a function begins, in bytes from the start of its file.
fn symbol_offset(path: &Path, name: &str) -> Result<u64> {
    let shown = path.display();
    let cache = ReadCache::new(File::open(path).context(|| format!("open `{shown}`"))?);
    let file = ElfFile64::<LittleEndian, _>::parse(&cache)
        .map_err(|error| Error::failed(format!("failed to read `{shown}`: {error}")))?;
    let found = file
        .symbols()
        .chain(file.dynamic_symbols())
        .find(|symbol| !symbol.is_undefined() && symbol.name() == Ok(name));
    let Some(symbol) = found else {
        return Err(
            Error::usage(format!("`{shown}` has no symbol `{name}`")).with_hint(
                "`nm -D --defined-only` lists them; an offset in the file works without: 0x1234",
            ),
        );
    };
    if symbol.elf_symbol().st_type() == elf::STT_GNU_IFUNC {
        return Err(Error::usage(format!(
            "`{name}` of `{shown}` is one of several functions, chosen when the program begins"
        ))
        .with_hint("name one of them"));
    }
    let address = symbol.address();
    let segment = file
        .segments()
        .find(|segment| (segment.address()..segment.address() + segment.size()).contains(&address));
    let segment = segment.ok_or_else(|| {
        Error::usage(format!(
            "`{name}` of `{shown}` is not in what is loaded of it"
        ))
    })?;
    Ok(address - segment.address() + segment.file_range().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that a symbol is found where a process has it.
    #[test]
    fn symbols_are_found() {
        let own = std::env::current_exe().expect("it runs");
        let offset = symbol_offset(&own, "main").expect("every program has it");
        assert!(offset > 0 && offset < fs::metadata(&own).expect("it is there").len());
        let error = symbol_offset(&own, "no_such_function").expect_err("it has none");
        assert_eq!(error.kind().exit_status(), 2, "{error}");
    }
}
