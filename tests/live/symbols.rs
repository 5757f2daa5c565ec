//! Programs as distributions ship them: where any symbol covers a frame, in the file or in
//! its debug file, the frame has a name. Whether one does is found out independently.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use object::read::elf::{ElfFile64, ProgramHeader as _};
use object::{Endianness, Object as _, ObjectSymbol as _, SymbolKind, elf};

use crate::first_frame::{find_file, place};
use crate::folded::Folded;
use crate::machine::Machine;

/// The share of frames with a symbol that must have a name, weighted by samples.
const BAR: f64 = 0.99;

/// The symbols of a file, read by the crate `object` and not by what somno uses.
struct Symbols {
    /// File offset, size and address of what is loaded.
    segments: Vec<(u64, u64, u64)>,
    /// Start and end of functions.
    functions: Vec<(u64, u64)>,
}

impl Symbols {
    fn read(path: &Path) -> Self {
        let data = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file = parse(path, &data);
        let mut functions = functions(&file);
        let id = file.build_id().ok().flatten().map(|id| {
            id.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<Vec<_>>()
        });
        if let Some((first, rest)) = id.as_deref().and_then(<[String]>::split_first) {
            let debug = format!("/usr/lib/debug/.build-id/{first}/{}.debug", rest.concat());
            if let Ok(data) = fs::read(&debug) {
                functions.extend(self::functions(&parse(Path::new(&debug), &data)));
            }
        }
        let endian = Endianness::Little;
        let segments = file
            .elf_program_headers()
            .iter()
            .filter(|header| header.p_type(endian) == elf::PT_LOAD)
            .map(|header| {
                (
                    header.p_offset(endian),
                    header.p_filesz(endian),
                    header.p_vaddr(endian),
                )
            })
            .collect();
        Self {
            segments,
            functions,
        }
    }

    fn cover(&self, offset: u64) -> bool {
        let segment = self
            .segments
            .iter()
            .find(|&&(start, size, _)| (start..start + size).contains(&offset));
        segment.is_some_and(|&(start, _, address)| {
            let address = offset - start + address;
            let mut functions = self.functions.iter();
            functions.any(|&(start, end)| (start..end).contains(&address))
        })
    }
}

fn parse<'a>(path: &Path, data: &'a [u8]) -> ElfFile64<'a, Endianness> {
    ElfFile64::parse(data).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn functions(file: &ElfFile64<'_, Endianness>) -> Vec<(u64, u64)> {
    file.symbols()
        .chain(file.dynamic_symbols())
        .filter(|symbol| symbol.is_definition() && symbol.kind() == SymbolKind::Text)
        .map(|symbol| (symbol.address(), symbol.address() + symbol.size()))
        .collect()
}

/// Panics unless so many frames are named where there is a symbol.
#[track_caller]
fn expect_named(machine: &Machine, command: &[&str]) {
    let record = machine.record().options("-F 4999");
    let (folded, _) = record.program(command[0], &command[1..]).run().adds_up();
    let (mut named, mut without_symbol) = (0, 0);
    let mut missed = HashMap::new();
    let mut known = HashMap::new();
    for (frame, count) in frames(&folded) {
        let Some((file, offset)) = place(frame) else {
            named += count;
            continue;
        };
        let symbols = known
            .entry(file)
            .or_insert_with(|| find_file(file).map(|path| Symbols::read(&path)));
        match symbols {
            Some(symbols) if !symbols.cover(offset) => without_symbol += count,
            // who cannot be found is not excused
            _ => {
                missed.insert(frame, count);
            }
        }
    }
    let share = named as f64 / (named + missed.values().sum::<u64>()) as f64;
    println!(
        "{}: {named} frames named, {without_symbol} have no symbol, {share:.4} of the others",
        command[0]
    );
    assert!(named > 1000, "only {named} frames are named");
    assert!(
        share >= BAR,
        "not named though there is a symbol: {missed:#?}"
    );
}

/// The frames in files, each with its samples.
fn frames(folded: &Folded) -> HashMap<&str, u64> {
    let mut frames = HashMap::new();
    for line in folded.lines() {
        let not_in_files = ["_[i]", "_[j]"];
        let is_in_file = |frame: &&str| !not_in_files.iter().any(|mark| frame.ends_with(mark));
        for frame in line.user_frames().filter(is_in_file) {
            *frames.entry(frame).or_default() += line.count;
        }
    }
    frames
}

/// Check that python3 has names.
#[test]
fn python() {
    let machine = Machine::take();
    let script = "
import re
for i in range(12):
    table = {str(key): [key] * 5 for key in range(8000)}
    text = repr(table)
    eval(text)
    re.findall(r'(\\w+)\\d', text[:20000])
    sorted(text)
";
    expect_named(&machine, &["/usr/bin/python3", "-c", script]);
}

/// Check that the C++ compiler, the assembler and the linker have names.
#[test]
fn cplusplus_compiler() {
    let machine = Machine::take();
    let (source, program) = (machine.path("small.cc"), machine.path("small"));
    let text = "#include <iostream>\n#include <map>\n#include <string>\n\
        int main() { std::map<std::string, int> m; m[\"a\"] = 1; std::cout << m.size(); }\n";
    fs::write(&source, text).expect("the test's own directory is writable");
    let [source, program] = [&source, &program].map(|path| path.to_str().expect("it is UTF-8"));
    expect_named(&machine, &["g++", "-O1", "-g", source, "-o", program]);
}

/// Check that git has names.
#[test]
fn git() {
    let machine = Machine::take();
    let directory = machine.path("tree");
    fs::create_dir(&directory).expect("the test's own directory is writable");
    let script = format!(
        "cd {} && git init -q . && seq 1 400000 > a && split -n 40 a && git add . &&
        git -c user.name=a -c user.email=a@b commit -qm m && git gc -q && git grep -c 7 >/dev/null",
        directory.display()
    );
    expect_named(&machine, &["sh", "-c", &script]);
}
