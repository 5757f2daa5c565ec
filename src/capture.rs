//! Live capture: a session samples its target and hands over events.

pub mod cgroup;
pub mod console;
pub mod counted;
pub mod decode;
pub mod doctor;
pub mod event_name;
mod hotplug;
pub mod interrupt;
pub mod kernel;
pub mod launch;
pub mod options;
mod overload;
pub mod perf;
pub mod point;
pub mod targets;
pub mod tracefs;

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use libbpf_rs::{Iter, Link, RingBuffer, RingBufferBuilder};
use regex::Regex;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit};

use self::cgroup::CgroupPaths;
use self::counted::Counted;
use self::decode::{Record, decode};
use self::event_name::{EventSpec, Selector};
use self::hotplug::Hotplug;
use self::interrupt::Resolver;
use self::options::{Moments, Options, Sampled, check_rate};
use self::overload::Overload;
use self::perf::{Attributes, PerfEvent, Start};
use self::targets::{Target, Wanted};
use crate::bpf::configuration::PointRate;
use crate::bpf::outside::Outside;
use crate::bpf::{self, Programs, TaskPrograms};
use crate::error::{Context as _, Error, Result};
use crate::event::{Event, EventSource, KernelHalf, Mode, TaskChange};
use crate::id::{Cookie, ModuleId};
use crate::privileges::{Use, in_effect};
use crate::proc::cpus;
use crate::time::Timestamp;

/// How often the rings are read while an iterator runs: it may fill one in a hundredth second.
const ITERATOR_ROUND: Duration = Duration::from_millis(1);

/// Records that are read before anything else is looked at: where what reads them makes more,
/// as it does when its own allocator is probed, there is no end to them. More than rings hold.
const READ_AT_MOST: usize = 1 << 18;

/// A live capture. Everything that it put into the kernel goes with it.
pub struct Session<'obj> {
    programs: Programs<'obj>,
    events: Vec<PerfEvent>,
    /// Where CPUs are sampled, which may come and go.
    hotplug: Option<Hotplug>,
    is_enabled: bool,
    task_programs: TaskPrograms,
    /// Loaded when it is first needed.
    outside: Option<Outside>,
    points: Vec<Link>,
    rings: RingBuffer<'static>,
    records: Rc<RefCell<Vec<Record>>>,
    resolver: Resolver,
    cgroups: CgroupPaths,
    comm: Option<Regex>,
    moments: Moments,
    overload: Option<Overload>,
    is_behind: bool,
    mode: Mode,
}

impl<'obj> Session<'obj> {
    /// Loads the programs into the kernel; nothing is sampled yet.
    ///
    /// # Errors
    /// When the kernel or the privileges do not allow it.
    pub fn load(
        storage: &'obj mut bpf::Storage,
        options: &Options,
        everything: bool,
    ) -> Result<Self> {
        let _capturing = in_effect(Use::Capture);
        let mode = kernel::mode()?;
        if mode == Mode::Interrupt
            && let Some(what) = options.deferred_only()
        {
            return Err(Error::failed(format!(
                "failed to {what}: this kernel cannot defer (Linux 6.18 can)"
            )));
        }
        let configuration = options.configuration(mode, everything)?;
        let limit = raise_descriptor_limit();
        let mut programs = Programs::load(storage, &configuration).map_err(explain_load)?;
        // a command that is started next has its own
        let _ = setrlimit(Resource::Nofile, limit);
        if mode == Mode::Deferred {
            programs.arm_slots()?;
        }
        let overload = options.max_overhead.map(|share| {
            let cpus = cpus::online(u16::MAX).map_or(1, |cpus| cpus.len());
            Overload::new(share, cpus)
        });
        if let Some(overload) = &overload {
            programs.set_overhead_share(overload.begin());
        }
        let records = Rc::new(RefCell::new(Vec::new()));
        let rings = open_rings(&programs, &records)?;
        Ok(Self {
            programs,
            events: Vec::new(),
            hotplug: None,
            is_enabled: false,
            task_programs: TaskPrograms::default(),
            outside: None,
            points: Vec::new(),
            rings,
            records,
            resolver: Resolver::default(),
            cgroups: CgroupPaths::default(),
            comm: options.comm.clone(),
            moments: options.moments,
            overload,
            is_behind: false,
            mode,
        })
    }

    /// Opens the events on the target; they begin as the options say.
    ///
    /// # Errors
    /// When the target does not exist or the kernel refuses.
    pub fn attach(&mut self, target: &Target<'_>, options: &Options) -> Result<()> {
        let _capturing = in_effect(Use::Capture);
        let sampled = options.events.iter();
        for sampled in sampled.filter(|_| options.moments.are_on_cpu()) {
            check_rate(sampled.rate)?;
        }
        raise_descriptor_limit();
        raise_priority();
        self.task_programs = self.programs.attach_task_programs()?;
        let inherit = options.inherit && !matches!(target, Target::Cpus(_) | Target::Cgroup(..));
        let events = options.events.iter().zip(0..);
        let events: Vec<_> = events
            .filter(|(sampled, _)| !matches!(sampled.event.selector, Selector::Point(_)))
            .filter(|_| options.moments.are_on_cpu())
            .map(|(sampled, position)| Wanted {
                name: sampled.event.name.clone(),
                attributes: Attributes {
                    selector: sampled.event.selector.clone(),
                    position,
                    rate: sampled.rate,
                    start: options.start,
                    inherit,
                },
            })
            .collect();
        let followed = targets::follow(target, &events, &self.programs)?;
        if followed.is_empty() {
            return Err(Error::failed(
                "failed to sample the target: it ended before sampling began",
            ));
        }
        self.events = followed.into_iter().flatten().collect();
        self.hotplug = Hotplug::of(target, events, &options.cpus)?;
        for (sampled, point) in options.points() {
            self.points.push(self.attach_point(sampled, point)?);
        }
        match options.start {
            Start::AtExec => self.begin(),
            Start::ByCall => Ok(()),
        }
    }

    fn attach_point(&self, sampled: &Sampled, point: PointRate) -> Result<Link> {
        let EventSpec { name, selector, .. } = &sampled.event;
        let Selector::Point(place) = selector else {
            unreachable!("{name} is a place")
        };
        let opened = point::find(place)?.open();
        let is_refused =
            matches!(&opened, Err(why) if why.kind() == io::ErrorKind::PermissionDenied);
        let opened = opened.context(|| format!("open the event `{name}`"));
        let opened = opened.map_err(|error| {
            if is_refused {
                error.with_hint("run it as root, by sudo: a uprobe takes CAP_SYS_ADMIN")
            } else {
                error
            }
        })?;
        self.programs.attach_point(opened, point.kind, point.event)
    }

    /// Begins, with all events at once.
    fn begin(&mut self) -> Result<()> {
        self.programs.set_sampling(true);
        match self.moments.off_cpu_min() {
            Some(_) => self.programs.begin_off_cpu(),
            None => Ok(()),
        }
    }

    /// Begins to sample, where the options did not leave that to the exec.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn enable(&mut self) -> Result<()> {
        for event in &self.events {
            event.enable().context(|| "start sampling".into())?;
        }
        self.is_enabled = true;
        self.begin()
    }

    /// Stops sampling at that moment, which is about now; callbacks that are pending still run.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn disable(&mut self, at: Timestamp) -> Result<()> {
        self.programs.set_sampling(false);
        self.is_enabled = false;
        if let Some(hotplug) = &mut self.hotplug {
            hotplug.close_dead(&mut self.events);
        }
        for event in &self.events {
            event.disable().context(|| "stop sampling".into())?;
        }
        match self.moments.off_cpu_min() {
            Some(_) => self.programs.end_off_cpu(at),
            None => Ok(()),
        }
    }

    /// Looks where every task of the target is: a sample of each. The stacks of those that wait
    /// are then to be read from outside.
    ///
    /// # Errors
    /// When the target does not exist, or the kernel does not list its tasks in time.
    pub fn dump(
        &mut self,
        target: &Target<'_>,
        patience: Duration,
        sink: &mut dyn FnMut(Event),
    ) -> Result<()> {
        let _capturing = in_effect(Use::Capture);
        raise_descriptor_limit();
        targets::follow(target, &[], &self.programs)?;
        let iterator = self.programs.dump_tasks()?;
        if self.run(iterator, patience, sink)? {
            return Ok(());
        }
        Err(Error::failed("failed to list the tasks: it takes too long"))
    }

    /// Loads what reads tasks from outside, where they may be; tells whether.
    ///
    /// # Errors
    /// When the kernel refuses the program.
    pub fn prepare_outside(&mut self) -> Result<bool> {
        if self.mode != Mode::Deferred || !kernel::reads_from_outside() {
            return Ok(false);
        }
        if self.outside.is_none() {
            let _capturing = in_effect(Use::Capture);
            self.outside = Some(self.programs.load_outside()?);
        }
        Ok(true)
    }

    /// Has stacks that are still pending read from outside, for as long as that may take: a
    /// file system that does not answer is no reason not to end. Tells whether it was done.
    ///
    /// # Errors
    /// When the kernel refuses the program, or the rings cannot be read.
    pub fn read_pending(
        &mut self,
        patience: Duration,
        sink: &mut dyn FnMut(Event),
    ) -> Result<bool> {
        self.prepare_outside()?;
        let Some(outside) = &self.outside else {
            return Ok(false);
        };
        let iterator = outside.read_pending()?;
        self.run(iterator, patience, sink)
    }

    /// Runs an iterator to its end, if that comes in time, and hands over what it sends.
    fn run(
        &mut self,
        mut iterator: Iter,
        patience: Duration,
        sink: &mut dyn FnMut(Event),
    ) -> Result<bool> {
        let deadline = Instant::now() + patience;
        let (done, ended) = mpsc::channel();
        thread::spawn(move || {
            let _ = done.send(io::copy(&mut iterator, &mut io::sink()));
        });
        loop {
            let result = ended.recv_timeout(ITERATOR_ROUND);
            self.read_events(sink)?;
            match result {
                Ok(result) => return Ok(result.is_ok()),
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(_) => return Ok(false),
            }
        }
    }

    /// Waits until much is to be read, `other` is readable, or the time is over.
    ///
    /// # Errors
    /// What the kernel says; being interrupted by a signal is none.
    pub fn wait(&self, other: &[BorrowedFd<'_>], timeout: Duration) -> Result<()> {
        // SAFETY: the ring buffer, and so its descriptor, lives through the call.
        let rings = unsafe { BorrowedFd::borrow_raw(self.rings.epoll_fd()) };
        let mut fds: Vec<_> = std::iter::once(rings)
            .chain(other.iter().map(AsFd::as_fd))
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        let timeout = rustix::event::Timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(std::io::Error::from(error)).context(|| "wait for samples".into()),
        }
    }

    /// Samples CPUs that came online, again or for the first time, as the others are. To be
    /// called in every round. Gives why one cannot be, the first time.
    pub fn follow_cpus(&mut self) -> Option<Error> {
        let hotplug = self.hotplug.as_mut().filter(|_| self.is_enabled)?;
        hotplug.follow(&mut self.events, &self.programs)
    }

    /// Has samples shed where somno takes more than it may: by what its process took of CPU time
    /// until now. To be called in every round.
    pub fn limit_overhead(&mut self, cpu: Duration) {
        if let Some(overload) = &mut self.overload
            && let Some(share) = overload.update(Instant::now(), cpu)
        {
            self.programs.set_overhead_share(share);
        }
    }

    /// Whether more was to be read the last time than is read at once, so that the round goes on.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// How user stacks are taken.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The cookies of callbacks that have not run.
    #[must_use]
    pub fn pending(&self) -> HashSet<Cookie> {
        self.programs.pending().map(|(_, cookie)| cookie).collect()
    }

    /// Says whether a module's file is open: of one that is, nothing needs to be captured.
    pub fn set_opened(&mut self, module: ModuleId, opened: bool) {
        self.programs.set_opened(module, opened);
    }

    fn throttled(&self) -> u64 {
        let closed = self.hotplug.as_ref().map_or(0, Hotplug::throttled);
        closed + self.events.iter().map(PerfEvent::throttled).sum::<u64>()
    }

    /// What the kernel side counted.
    ///
    /// # Errors
    /// When its counters cannot be read.
    pub fn counted(&self) -> Result<Counted> {
        let counters = self.programs.counters()?;
        Ok(Counted::new(&counters, self.throttled()))
    }
}

impl EventSource for Session<'_> {
    fn read_events(&mut self, sink: &mut dyn FnMut(Event)) -> Result<()> {
        let count = self.rings.consume_raw_n(READ_AT_MOST);
        let count = usize::try_from(count)
            .map_err(|_| io::Error::from_raw_os_error(-count))
            .context(|| "read the sample rings".into())?;
        self.is_behind = count >= READ_AT_MOST;
        let wanted = |half: &KernelHalf| {
            let comm = self.comm.as_ref();
            comm.is_none_or(|pattern| pattern.is_match(&half.comm.to_text()))
        };
        for record in self.records.borrow_mut().drain(..) {
            if let Record::Interrupted(half, _) | Record::Event(Event::KernelHalf(half)) = &record {
                let met = self.cgroups.look_up(half.cgroup);
                if let Some(path) = met {
                    sink(Event::Cgroup(path));
                }
            }
            match record {
                Record::Interrupted(half, _) | Record::Event(Event::KernelHalf(half))
                    if !wanted(&half) => {}
                Record::Interrupted(half, addresses) => {
                    self.resolver.resolve(half, &addresses, sink);
                }
                Record::Event(event) => {
                    if let Event::Task(notice) = &event
                        && matches!(notice.what, TaskChange::Execed | TaskChange::Exited)
                    {
                        self.resolver.forget(notice.pid);
                    }
                    sink(event);
                }
            }
        }
        Ok(())
    }
}

/// Kernel halves are read before user halves: what a user half serves is then
/// mostly known when it comes.
fn open_rings(
    programs: &Programs<'_>,
    records: &Rc<RefCell<Vec<Record>>>,
) -> Result<RingBuffer<'static>> {
    let collect = || {
        let records = Rc::clone(records);
        move |bytes: &[u8]| {
            records.borrow_mut().extend(decode(bytes));
            0
        }
    };
    let mut builder = RingBufferBuilder::new();
    for ring in programs
        .kernel_rings()
        .iter()
        .chain(programs.switch_rings())
    {
        builder
            .add(ring, collect())
            .context(|| "open the sample rings".into())?;
    }
    builder
        .add(programs.user_ring(), collect())
        .context(|| "open the sample rings".into())?;
    builder.build().context(|| "open the sample rings".into())
}

/// One descriptor a ring is needed, one a thread, and one a module. Returns the limit before.
fn raise_descriptor_limit() -> Rlimit {
    let limit = getrlimit(Resource::Nofile);
    // Failing leaves the limit as it was: whoever meets it says so.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
    limit
}

/// On an overloaded machine the rings would overflow before it is our turn. Only
/// this thread's, so that a command, which was forked before, keeps its own. What this
/// thread starts later begins with it, and gives it up (`symbolize::precedence`).
fn raise_priority() {
    // Without the privilege it stays as it was.
    let _ = setpriority_process(None, -20);
}

fn explain_load(error: Error) -> Error {
    error.with_hint("`somno doctor` says what this kernel can do")
}
