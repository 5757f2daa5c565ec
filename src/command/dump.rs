//! `somno dump`: where every thread is now.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use super::collected::Collected;
use super::progress::Progress;
use super::screen::Screen;
use super::{Verbosity, sampling, say, user_id};
use crate::bpf;
use crate::capture::Session;
use crate::capture::cgroup::Cgroup;
use crate::capture::options::{Moments, Options};
use crate::capture::perf::Start;
use crate::capture::targets::{Target, open_process};
use crate::cli::doctor::Format;
use crate::cli::dump::Dump;
use crate::config::dump::DumpConfig;
use crate::config::{MAX_DEPTH, TargetConfig};
use crate::error::{Context as _, Error, Result};
use crate::event::{Event, EventSource as _};
use crate::id::Cookie;
use crate::privileges::grant;
use crate::proc::machine;
use crate::profile::Profile;
use crate::profile::names::Names;
use crate::report::{dump as report, dump_json, summary};
use crate::stitch::Stitcher;
use crate::symbolize::worker::name_all;
use crate::text;
use crate::view::dump as view;

/// How long the kernel may take to list its tasks, and to read those that wait.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often those are read that did not stand still.
const PASSES: u32 = 2;
/// How often, and how long in a pass, tasks that run are waited for.
const ROUND: Duration = Duration::from_millis(5);
const ROUNDS: u32 = 20;

const NOT_FROM_OUTSIDE: &str = "somno: user stacks of threads that wait are [pending]: this kernel \
    does not let them be read safely (6.18.33, 7.0.10 and later ones do)";

/// Runs the sub-command and returns the exit status.
///
/// # Errors
/// Whatever fails.
pub fn run(typed: &Dump, screen: Screen, verbosity: Verbosity) -> Result<u8> {
    let config = DumpConfig::new(typed, user_id)?;
    grant::check_capture()?;
    let cgroup = sampling::cgroup(&config.target)?;
    let target = target(&config.target)?;
    if verbosity < Verbosity::Diagnostic {
        bpf::silence_libbpf();
    }
    let mut storage = bpf::Storage::new();
    let everything = sampling::is_everything(&config.target);
    let options = options(&config, cgroup.as_ref());
    let mut session = Session::load(&mut storage, &options, everything)?;
    if !session.prepare_outside()? && verbosity > Verbosity::Quiet {
        say(NOT_FROM_OUTSIDE);
    }
    let began = Instant::now();
    let mut dumped = Dumped::new();
    take(&mut session, &target, &mut dumped)?;
    let took = began.elapsed();
    dumped.finish(&session.pending());
    if dumped.collected.tally.samples() == 0 && !config.narrowing.is_narrow() {
        return Err(Error::failed(
            "failed to look at the target: it ended, or is kept from us",
        ));
    }
    let names = dumped.name(verbosity)?;
    screen.show(&dumped.text(&names, config.format, screen))?;
    if verbosity > Verbosity::Quiet {
        say(&format!(
            "somno: {} in {} ms, {}",
            text::counted(dumped.profile.rows().len(), "thread"),
            took.as_millis(),
            summary::completeness(&dumped.collected.tally),
        ));
        for line in summary::shortfalls(&dumped.collected.tally, &session.counted()?.lost) {
            say(&format!("somno: {line}"));
        }
    }
    Ok(0)
}

fn target(config: &TargetConfig) -> Result<Target<'static>> {
    Ok(match config {
        TargetConfig::Processes(pids) => {
            for &pid in pids {
                open_process(pid)?;
            }
            Target::Processes(pids.clone())
        }
        TargetConfig::Threads(tids) => Target::Threads(tids.clone()),
        TargetConfig::All | TargetConfig::Cgroup(_) => Target::Cpus(Vec::new()),
        TargetConfig::Command { .. } => unreachable!("none can be typed"),
    })
}

/// Nothing but the tasks and the depth counts here: there are no events.
fn options(config: &DumpConfig, cgroup: Option<&Cgroup>) -> Options {
    Options {
        moments: Moments::Now,
        wakers: false,
        events: Vec::new(),
        max_depth: MAX_DEPTH,
        kernel_frames: true,
        sleep: true,
        inherit: false,
        max_overhead: None,
        mark_nmi: false,
        variables: Vec::new(),
        cpus: config.narrowing.cpus.clone(),
        uid: config.narrowing.uid,
        cgroup: cgroup.map(Cgroup::id),
        comm: config.narrowing.comm.clone(),
        start: Start::ByCall,
    }
}

/// Has every thread looked at: those that wait are read from outside, those that run send their
/// stacks themselves.
fn take(session: &mut Session<'_>, target: &Target<'_>, dumped: &mut Dumped) -> Result<()> {
    session.dump(target, PATIENCE, &mut |event| dumped.add(event))?;
    for _ in 0..PASSES {
        session.read_pending(PATIENCE, &mut |event| dumped.add(event))?;
        for _ in 0..ROUNDS {
            if !dumped.stitcher.is_waiting() {
                return Ok(());
            }
            thread::sleep(ROUND);
            session.read_events(&mut |event| dumped.add(event))?;
        }
    }
    Ok(())
}

/// What is known of the threads.
struct Dumped {
    stitcher: Stitcher,
    profile: Profile,
    collected: Collected,
}

impl Dumped {
    fn new() -> Self {
        Self {
            stitcher: Stitcher::new(),
            profile: Profile::new(),
            collected: Collected::new(super::asker()),
        }
    }

    fn add(&mut self, event: Event) {
        match &event {
            Event::Module(module) => self.profile.modules_mut().add(module.clone()),
            Event::BuildId(notice) => self.profile.modules_mut().add_build_id(notice.clone()),
            _ => {}
        }
        let profile = &mut self.profile;
        self.collected
            .take(event, &mut self.stitcher, &mut |sample| profile.add(sample));
    }

    fn finish(&mut self, pending: &HashSet<Cookie>) {
        let stitcher = std::mem::take(&mut self.stitcher);
        stitcher.finish(pending, &mut |sample| {
            self.collected.tally.add_sample(&sample);
            self.profile.add(&sample);
        });
        self.collected.finish();
    }

    fn name(&self, verbosity: Verbosity) -> Result<Names> {
        let mut progress = Progress::new("naming frames", verbosity > Verbosity::Quiet);
        let known = self.collected.known();
        name_all(self.profile.frames(), known, None, &mut |batch| {
            progress.set(batch.done, batch.count);
        })
        .context(|| "start a thread for symbols".into())
    }

    fn text(&self, names: &Names, format: Format, screen: Screen) -> String {
        let owned = view::owned(&self.profile);
        match format {
            Format::Text => report::text(&owned, &self.profile, names, screen.look),
            Format::Json => {
                let kernel = machine::read().kernel;
                dump_json::text(&owned, &self.profile, names, &self.collected.tally, &kernel)
            }
        }
    }
}
