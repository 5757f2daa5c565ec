//! Programs as distributions ship them. Their stacks are nobody's fixtures: whole ones
//! reach the first frame of their thread.
//!
//! perf unwinds the same programs by the same information from a copy of the stack, and
//! somno must not be worse.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use crate::first_frame::FirstFrames;
use crate::folded::{Folded, Line};
use crate::machine::Machine;
use crate::perf;

/// The share of user stacks that must be whole; V8's code has no unwind information.
const BAR: f64 = 0.995;
const BAR_OF_NODE: f64 = 0.99;

/// Check that Debian's python has whole stacks.
#[test]
fn python() {
    let script = "
import json, random, re
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
for i in range(12):
    fib(22)
    table = {str(key): [key] * 5 for key in range(8000)}
    text = json.dumps(table)
    json.loads(text)
    sorted(random.random() for _ in range(40000))
    re.findall(r'(\\w+)\\d', text[:20000])
";
    let machine = Machine::take();
    expect_whole(&machine, BAR, &["/usr/bin/python3", "-c", script]);
}

/// Check that perl has whole stacks.
#[test]
fn perl() {
    let script = r#"
my %table;
$table{"k$_"} = join(",", map { $_ * 2 } 1 .. 5) for 1 .. 150000;
my @sorted = sort { $table{$a} cmp $table{$b} } keys %table;
my $text = join(" ", @sorted);
$text =~ s/k(\d+)5/x$1/g;
"#;
    let machine = Machine::take();
    expect_whole(&machine, BAR, &["/usr/bin/perl", "-e", script]);
}

/// Check that the C++ compiler and the assembler have whole stacks.
#[test]
fn cplusplus_compiler() {
    let machine = Machine::take();
    let (source, object) = (machine.path("large.cc"), machine.path("large.o"));
    let mut text =
        "#include <algorithm>\n#include <map>\n#include <string>\n#include <vector>\n".to_owned();
    for i in 0..20 {
        let _ = writeln!(
            text,
            "template <int N> struct Box{i} {{ std::map<std::string, std::vector<int>> all;\n\
             \tvoid add(int x) {{ auto &v = all[std::to_string(x * N)]; v.push_back(x);\n\
             \t\tstd::sort(v.begin(), v.end(), [](int a, int b) {{ return a % N < b % N; }}); }} }};\n\
             int use{i}(int x) {{ Box{i}<{i} + 2> box; box.add(x); return box.all.size(); }}"
        );
    }
    fs::write(&source, text).expect("the test's own directory is writable");
    let compile = ["g++", "-O1", "-c", path(&source), "-o", path(&object)];
    expect_whole(&machine, BAR, &compile);
}

/// Check that git has whole stacks.
#[test]
fn git() {
    let machine = Machine::take();
    let repository = machine.path("repository");
    import_history(&repository, &machine.path("history"));
    let log = ["git", "-C", path(&repository), "--no-pager", "log", "-p"];
    expect_whole(&machine, BAR, &log);
}

/// Makes a repository of 400 versions of a file.
fn import_history(repository: &Path, stream: &Path) {
    let mut lines: Vec<_> = (0..3000_u64).map(|i| i.pow(3)).collect();
    let mut text = String::new();
    for version in 0..400 {
        for i in 0..40 {
            lines[(version * 37 + i * 71) % 3000] += 1;
        }
        let content = lines.iter().fold(String::new(), |mut content, line| {
            let _ = writeln!(content, "line {line:x} and {line}");
            content
        });
        let _ = write!(
            text,
            "commit refs/heads/main\ncommitter a <a@b> {version} +0000\ndata 1\nm\n\
             M 100644 inline file\ndata {}\n{content}\n",
            content.len()
        );
    }
    fs::write(stream, text).expect("the test's own directory is writable");
    let git = |arguments: &[&str]| {
        let history = File::open(stream).expect("it was just written");
        let status = Command::new("git")
            .args(["-c", "init.defaultBranch=main", "-C", path(repository)])
            .args(arguments)
            .stdin(history)
            .status()
            .expect("git runs");
        assert!(status.success(), "git {arguments:?}: {status}");
    };
    fs::create_dir(repository).expect("the test's own directory is writable");
    git(&["init", "--quiet"]);
    git(&["fast-import", "--quiet"]);
}

/// Check that the Rust compiler, whose threads run LLVM, has whole stacks.
#[test]
fn rust_compiler() {
    let machine = Machine::take();
    let (source, library) = (machine.path("large.rs"), machine.path("large.rlib"));
    let text = (0..8).fold(String::new(), |mut text, i| {
        let _ = writeln!(
            text,
            "pub fn count{i}(words: &[String]) -> Vec<(String, usize)> {{\n\
             \tlet mut all = std::collections::HashMap::new();\n\
             \tfor word in words {{ *all.entry(word.clone()).or_insert({i}usize) += 1; }}\n\
             \tlet mut all: Vec<_> = all.into_iter().filter(|(_, n)| n % 3 != {i} % 3).collect();\n\
             \tall.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));\n\
             \tall\n}}"
        );
        text
    });
    fs::write(&source, text).expect("the test's own directory is writable");
    let compile = [
        "-O",
        "--crate-type",
        "lib",
        path(&source),
        "-o",
        path(&library),
    ];
    expect_whole(&machine, BAR, &[&["rustc"][..], &compile].concat());
}

/// Check that 200 compilers of some milliseconds, two at a time, have whole stacks.
#[test]
fn short_compilers() {
    let machine = Machine::take();
    let (source, object) = (machine.path("tiny.c"), machine.path("tiny-{}.o"));
    fs::write(&source, "int main(void)\n{\n\treturn 0;\n}\n").expect("the directory is writable");
    let script = format!(
        "seq 200 | xargs -P 2 -I '{{}}' cc -c {} -o {}",
        path(&source),
        path(&object)
    );
    expect_whole(&machine, BAR, &["sh", "-c", &script]);
}

/// Check that node has whole stacks, in code that V8 generated too.
#[test]
fn node() {
    let script = r"
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }
let sum = 0;
const end = Date.now() + 1200;
while (Date.now() < end) {
	sum += fib(18);
	const table = {};
	for (let i = 0; i < 2000; i++)
		table['k' + i] = [i, i + 1];
	sum += JSON.stringify(JSON.parse(JSON.stringify(table))).length;
	sum += [...Array(3000).keys()].map(x => Math.sin(x)).sort().length;
	sum += ('abc'.repeat(500)).replace(/b(c)/g, '$1x').length;
}
";
    let machine = Machine::take();
    expect_whole(&machine, BAR_OF_NODE, &["node", "-e", script]);
}

fn path(path: &Path) -> &str {
    path.to_str().expect("the target directory is UTF-8")
}

/// Panics unless so many of a command's user stacks reach their thread's first frame,
/// and no smaller share than of perf's.
#[track_caller]
fn expect_whole(machine: &Machine, bar: f64, command: &[&str]) {
    let record = machine.record().options("-F 4999");
    let recording = record.program(command[0], &command[1..]).run();
    let (folded, stats) = recording.adds_up();
    stats.expect_no_loss();
    folded.expect_share(..0.02, Line::was_cut_off);

    let first = RefCell::new(FirstFrames::default());
    let is_whole = |line: &Line| first.borrow_mut().is_reached(line);
    let stacks = with_user_half(&folded);
    let ours = stacks.share(is_whole);
    println!(
        "{}: {} samples, {:.2} % whole",
        command[0],
        stacks.count(),
        ours * 100.0
    );
    assert!(stacks.count() > 500, "{} samples", stacks.count());
    stacks.expect_share(bar.., is_whole);

    let theirs = perf::record(&machine.path("perf.data"), command);
    // shares of samples: what is less than the error of both cannot be told apart
    let variance = |share: f64, count: u64| share * (1.0 - share) / count as f64;
    let theirs_stacks = u64::try_from(theirs.stacks).expect("it fits");
    let error = (variance(ours, stacks.count()) + variance(theirs.share(), theirs_stacks)).sqrt();
    let least = 1.0 / theirs.stacks as f64;
    assert!(
        ours + f64::max(2.0 * error, least) >= theirs.share(),
        "{ours:.4} of ours are whole and {:.4} of perf's",
        theirs.share()
    );
}

/// Without kernel threads and what was cut off.
fn with_user_half(folded: &Folded) -> Folded {
    folded.only(|line| {
        !line.was_cut_off() && (line.reason.is_some() || line.user_frames().next().is_some())
    })
}
