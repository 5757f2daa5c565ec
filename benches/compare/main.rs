//! What profiling costs, in pairs in one run: `make bench`; RUNS=n for more or fewer
//! rounds, and an argument (`peers`, `unwinding`, `symbolizing`, `exporting`, `off_cpu`,
//! `interface`) for one part alone.
//!
//! Every figure is a median over the rounds, and times are ratios to the run alone
//! that came just before, because a shared machine drifts.

mod exporting;
mod interface;
mod measure;
mod off_cpu;
mod peers;
mod symbolizing;
mod unwinding;

use std::env;
use std::fs;
use std::path::Path;

const RUNS: usize = 5;

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let Some((peers::AS_PARENT, workload)) = arguments
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))
    {
        return peers::be_parent(workload);
    }
    let room = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare");
    fs::create_dir_all(&room).expect("the target directory is writable");
    let runs = env::var("RUNS").map_or(RUNS, |runs| runs.parse().expect("RUNS is a number"));
    // cargo adds --bench
    let wanted: Vec<_> = arguments.iter().filter(|name| *name != "--bench").collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| *wanted == name);
    if is_wanted("peers") {
        peers::run(&room, runs);
    }
    if is_wanted("unwinding") {
        unwinding::run(&room, runs);
    }
    if is_wanted("off_cpu") {
        off_cpu::run(&room, runs);
    }
    if is_wanted("interface") {
        interface::run(&room, runs);
    }
    if is_wanted("symbolizing") {
        symbolizing::run(&room, runs);
    }
    if is_wanted("exporting") {
        exporting::run(&room, runs);
    }
}
