//! Reads a recording whole.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use rustc_hash::FxHashMap;

use super::reader::{Item, ReadError, Reader};
use super::{Cut, Recording};
use crate::error::{Context as _, Error, Result};
use crate::event::{Event, Outcome};
use crate::id::Cookie;
use crate::profile::Profile;
use crate::profile::frames::Frame;
use crate::profile::names::{FrameName, Names, Naming, Unnamed};
use crate::profile::stacks::StackId;
use crate::profile::tally::Tally;
use crate::profile::totals::{Notices, Totals};
use crate::stitch::{Sample, Stitcher, User, UserPart};

/// Samples of a recording that are held at a time: 2 GB. Hours of a few CPUs, or a quarter of an
/// hour of 64 busy ones, at the default rate.
const SAMPLES: usize = 64 << 20;
/// Stacks that their kernel frames make of those that are defined, likewise.
const STACKS: usize = 32 << 20;

/// Reads a recording from a file.
///
/// # Errors
/// When it is none, or damaged; the message says where. One that is only cut short is
/// read up to there.
pub fn read(path: &Path) -> Result<Recording> {
    let name = path.display();
    let file = File::open(path).context(|| format!("open `{name}`"))?;
    read_from(BufReader::new(file), &name.to_string())
}

/// Reads a recording that messages call by this name.
///
/// # Errors
/// As [`read`].
pub fn read_from(from: impl BufRead, name: &str) -> Result<Recording> {
    let explain = |offset: u64, error| explain(name, offset, error);
    let mut reader = Reader::new(from).map_err(|error| explain(0, error))?;
    let mut loading = Loading::default();
    let mut cut = None;
    loop {
        match reader.next_items(&mut |item| loading.add(item)) {
            Ok(true) => loading.keep_within_bounds(),
            Ok(false) => break,
            Err(ReadError::Cut) => {
                cut = Some(Cut {
                    offset: reader.offset(),
                });
                break;
            }
            Err(error) => return Err(explain(reader.offset(), error)),
        }
    }
    let mut recording = loading.finish(reader.header().clone());
    if recording.cut.is_some() || cut.is_some() {
        let offset = reader.offset();
        recording.cut = Some(Cut { offset });
    }
    Ok(recording)
}

fn explain(name: &str, offset: u64, error: ReadError) -> Error {
    match error {
        ReadError::Cut => Error::failed(format!("failed to read `{name}`: it ends in its header")),
        ReadError::Bad(why) => {
            Error::failed(format!("failed to read `{name}`: at byte {offset}: {why}"))
        }
        ReadError::Io(error) => Error::failed(format!("failed to read `{name}`: {error}")),
    }
}

/// A recording, as far as it was read.
#[derive(Debug, Default)]
struct Loading {
    stitcher: Stitcher<UserStack>,
    loaded: Loaded,
    /// The stacks of the file, by number.
    stacks: Vec<StackId>,
    /// The same with a reason at the root.
    short: FxHashMap<(Outcome, u32), StackId>,
    pending: HashSet<Cookie>,
    totals: Option<Totals>,
}

#[derive(Debug, Default)]
struct Loaded {
    profile: Profile,
    /// Samples that the profile had no room for.
    left_out: u64,
    tally: Tally,
    notices: Notices,
    names: FxHashMap<Frame, Naming>,
}

/// A user half, interned.
#[derive(Debug)]
struct UserStack {
    cookie: Cookie,
    outcome: Outcome,
    stack: StackId,
}

impl UserPart for UserStack {
    fn cookie(&self) -> Cookie {
        self.cookie
    }

    fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn size(&self) -> usize {
        1
    }
}

impl Loaded {
    fn add_sample(&mut self, sample: &Sample<UserStack>) {
        self.tally.add_sample(sample);
        if self.profile.rows().len() >= SAMPLES || self.profile.stacks().len() >= STACKS {
            self.left_out += 1;
            return;
        }
        let outcome = sample.outcome();
        let stack = match &sample.user {
            User::Read(user) => user.stack,
            User::KernelOnly | User::Missing(_) => self.profile.begin(outcome),
        };
        self.profile.add_to(stack, &sample.kernel_half, outcome);
    }
}

impl Loading {
    fn add(&mut self, item: Item) {
        let loaded = &mut self.loaded;
        match item {
            Item::Event(Event::KernelHalf(half)) => self
                .stitcher
                .push_kernel_half(half, &mut |sample| loaded.add_sample(&sample)),
            Item::UserHalf(half, stack) => {
                loaded.tally.add_user_half(&half);
                let user = UserStack {
                    cookie: half.cookie,
                    outcome: half.outcome,
                    stack: self.user_stack(half.outcome, stack),
                };
                let loaded = &mut self.loaded;
                self.stitcher
                    .push_user_half(user, &mut |sample| loaded.add_sample(&sample));
            }
            Item::Stack(parent, frame) => {
                let parent = self.stack(parent);
                let stack = self.loaded.profile.push(parent, frame);
                self.stacks.push(stack);
            }
            Item::StacksReset => {
                self.stacks.clear();
                self.short.clear();
            }
            Item::Event(Event::Module(module)) => loaded.profile.modules_mut().add(module),
            Item::Event(Event::BuildId(notice)) => {
                loaded.profile.modules_mut().add_build_id(notice);
            }
            Item::Event(Event::Task(notice)) => loaded.notices.count(notice.what),
            Item::Event(Event::Cgroup(cgroup)) => loaded.profile.add_cgroup(cgroup),
            Item::Event(Event::Variable(variable)) => {
                loaded.profile.environments_mut().add(variable);
            }
            // a reader gives no such events
            Item::Event(Event::UserHalf(_) | Event::Symbols(_)) => {}
            Item::RoundEnd => self.stitcher.end_round(),
            Item::Name(frame, naming) => {
                loaded.names.insert(frame, naming);
            }
            Item::Pending(pending) => self.pending = pending,
            Item::Totals(totals) => self.totals = Some(*totals),
        }
    }

    /// A stack of the file, by its number.
    fn stack(&self, number: u32) -> StackId {
        let index = (number as usize).checked_sub(1);
        let stack = index.and_then(|index| self.stacks.get(index));
        stack.copied().unwrap_or(StackId::ROOT)
    }

    /// The same, with the reason at its root why it stopped short.
    fn user_stack(&mut self, outcome: Outcome, number: u32) -> StackId {
        let whole = self.stack(number);
        if outcome.reason().is_none() {
            return whole;
        }
        if let Some(&known) = self.short.get(&(outcome, number)) {
            return known;
        }
        let profile = &mut self.loaded.profile;
        let mut stack = profile.begin(Some(outcome));
        for id in profile.stack(whole) {
            let frame = profile.frames().get(id);
            stack = profile.push(stack, frame);
        }
        self.short.insert((outcome, number), stack);
        stack
    }

    fn keep_within_bounds(&mut self) {
        let loaded = &mut self.loaded;
        self.stitcher
            .keep_within_bounds(&mut |sample| loaded.add_sample(&sample));
    }

    fn finish(self, header: crate::profile::header::Header) -> Recording {
        let mut loaded = self.loaded;
        self.stitcher
            .finish(&self.pending, &mut |sample| loaded.add_sample(&sample));
        loaded.profile.sort();
        let names = names(&loaded.profile, loaded.names);
        let is_whole = self.totals.is_some();
        let totals = self.totals.unwrap_or_else(|| Totals {
            duration: loaded.profile.duration(header.began),
            modules_seen: loaded.profile.modules().len() as u64,
            notices: loaded.notices,
            ..Totals::default()
        });
        Recording {
            header,
            profile: loaded.profile,
            names,
            tally: loaded.tally,
            totals,
            cut: (!is_whole).then_some(Cut { offset: 0 }),
            left_out: loaded.left_out,
        }
    }
}

/// Names every frame; of those that were not named the place.
fn names(profile: &Profile, mut known: FxHashMap<Frame, Naming>) -> Names {
    let mut names = Names::new(profile.frames());
    for (id, frame) in profile.frames().iter() {
        let naming = match frame {
            Frame::Reason(_) | Frame::WakerThread(_) => continue,
            Frame::Waker(address) => {
                let in_kernel = known.get(&Frame::Kernel(address)).cloned();
                in_kernel.map(Naming::of_waker)
            }
            Frame::Kernel(_) => known.get(&frame).cloned(),
            _ => known.remove(&frame),
        };
        names.set(id, naming.unwrap_or_else(|| unnamed(profile, frame)));
    }
    names
}

fn unnamed(profile: &Profile, frame: Frame) -> Naming {
    let place = match frame {
        Frame::File(module, offset) => {
            FrameName::in_file(&profile.modules().base_name(module), offset)
        }
        Frame::Anonymous(_, _, address) => FrameName::anonymous(address),
        Frame::Kernel(address) => FrameName::in_kernel(address),
        Frame::Waker(address) => {
            return unnamed(profile, Frame::Kernel(address)).of_waker();
        }
        Frame::Reason(_) | Frame::WakerThread(_) => unreachable!("they are named already"),
    };
    Naming::Unnamed(place, Unnamed::NotAsked)
}
