//! Makes samples of what a store has, for whoever writes profiles.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::entries::{self, Function, Kind};
use super::history::Row;
use super::interned::Id as _;
use super::shown::{Group, Shown, Window};
use super::store::{KeyId, SiteId, Store};
use crate::addr::KernelAddress;
use crate::event::{
    Event, KernelHalf, Outcome, Promise, TaskState, UserFrame, UserHalf, Waker, Weight,
};
use crate::id::{CgroupId, Cookie, Pid, Tid};
use crate::profile::Profile;
use crate::profile::frames::Frame;
use crate::profile::names::{self, FrameName, NamedFrame, Names, Naming};
use crate::profile::stacks::StackId;
use crate::stitch::{Sample, User};
use crate::time::{ProcessStart, Timestamp};
use crate::view::selection;

/// A profile of the sums that are shown, with names.
#[must_use]
pub fn profile(store: &Store, shown: &Shown) -> (Profile, Names) {
    let mut profile = Profile::new();
    let factor = shown.factor(store);
    for (key, sum) in shown.sums(store).iter().enumerate() {
        // what decayed to less than half a sample is none
        let weight = (sum * factor).round();
        let key = KeyId::at(key);
        if weight >= 1.0 && shown.is_wanted(key) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let weight = Weight(weight as u64);
            add(&mut profile, store, key, weight);
        }
    }
    let namings = namings(store);
    let mut names = Names::new(profile.frames());
    for (id, frame) in profile.frames().iter() {
        let place = || entries::place(frame, &store.modules);
        let naming = namings.get(&frame).cloned();
        names.set(
            id,
            naming.unwrap_or_else(|| Naming::Named(vec![place().into()])),
        );
    }
    (profile, names)
}

/// Adds what a key weighs, with the very frames that stand for its sites: those in anonymous
/// memory may be of another process that has the same function there.
fn add(profile: &mut Profile, store: &Store, key: KeyId, weight: Weight) {
    let mut stack = StackId::ROOT;
    for site in store.sites(store.keys().get(key).stack) {
        stack = profile.push(stack, store.places[site.index()]);
    }
    let half = kernel_half(store, key, weight, store.began(), Promise::KernelOnly);
    profile.add_to(stack, &half, None);
}

/// What of such a profile is shown.
#[must_use]
pub fn filter(shown: &Shown) -> selection::Filter {
    let settings = shown.settings();
    selection::Filter {
        no_kernel: !settings.kernel,
        group: match settings.group {
            Group::Process => selection::Group::Process,
            Group::Thread => selection::Group::Thread,
            Group::Cpu => selection::Group::Cpu,
            Group::None => selection::Group::None,
        },
        ..selection::Filter::default()
    }
}

/// Samples of the window that is shown, as far as they are kept one by one, as they
/// were captured: with files, and each with a user stack of its own.
pub fn events(store: &Store, shown: &Shown, sink: &mut dyn FnMut(Event)) {
    for info in store.modules.iter() {
        sink(Event::Module(info.module.clone()));
        if let Some(build_id) = &info.build_id {
            sink(Event::BuildId(crate::event::ModuleBuildId {
                module: info.module.id,
                build_id: build_id.clone(),
            }));
        }
    }
    for variable in store.environments.iter() {
        sink(Event::Variable(variable));
    }
    let (from, to) = match shown.settings().window {
        Window::All | Window::Decaying => (Timestamp(0), Timestamp(u64::MAX)),
        Window::Recent(length) => {
            let length = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
            (Timestamp(shown.now().0.saturating_sub(length)), shown.now())
        }
        Window::Between(from, to) => (from, to),
    };
    let rows = store.history().between(from, to);
    let rows = rows.filter(|row| shown.is_wanted(row.key));
    for (turn, row) in (0..).zip(rows) {
        let sample = sample(
            store,
            row.key,
            Some(row),
            Weight(row.weight),
            row.time,
            turn,
        );
        if let User::Read(half) = sample.user {
            sink(Event::UserHalf(
                Rc::try_unwrap(half).expect("nobody else has it"),
            ));
        }
        sink(Event::KernelHalf(sample.kernel_half));
    }
}

/// What is known of the names of frames.
#[must_use]
pub fn namings(store: &Store) -> FxHashMap<Frame, Naming> {
    let mut namings = FxHashMap::default();
    let sites = store
        .sites
        .iter()
        .map(|(site, _)| (store.places[site.index()], site));
    let frames = store.frames.iter().map(|known| (known.frame, known.site));
    for (frame, site) in sites.chain(frames) {
        let site = store.renamed.get(&site).copied().unwrap_or(site);
        if entries::is_code(frame) {
            namings.insert(frame, naming(store, site));
        }
    }
    namings
}

fn naming(store: &Store, site: SiteId) -> Naming {
    let name = |&entry: &_| {
        let function = store.entries.get(entry).function()?;
        Some(NamedFrame {
            name: FrameName::new(&function.name, kind(function)),
            location: store.location(entry).cloned(),
        })
    };
    Naming::Named(store.sites.get(site).iter().filter_map(name).collect())
}

fn kind(function: &Function) -> names::Kind {
    match function.kind {
        Kind::Program | Kind::Library => names::Kind::User,
        Kind::Inlined => names::Kind::Inlined,
        Kind::Jit => names::Kind::Jit,
        Kind::Kernel => names::Kind::Kernel,
        Kind::Waker => names::Kind::Waker,
        Kind::Reason => names::Kind::Reason,
    }
}

/// A sample of a key; where its own row is known, with its very leaf.
fn sample(
    store: &Store,
    key: KeyId,
    row: Option<&Row>,
    weight: Weight,
    time: Timestamp,
    turn: u32,
) -> Sample {
    let thread = store.threads().get(store.keys().get(key).thread);
    let mut frames: Vec<_> = store
        .sites(store.keys().get(key).stack)
        .into_iter()
        .map(|site| store.places[site.index()])
        .collect();
    let leaf = row.and_then(|row| store.frames.get(row.leaf.index()));
    if let (Some(last), Some(leaf)) = (frames.last_mut(), leaf) {
        *last = leaf.frame;
    }
    let halves = divide(&frames);
    let user = match (halves.outcome, halves.user.is_empty()) {
        (None, true) => User::KernelOnly,
        (outcome, _) => User::Read(Rc::new(UserHalf {
            cookie: Cookie { slot: 0, turn },
            time,
            pid: thread.pid,
            tid: thread.tid,
            process_start: halves.process_start,
            outcome: outcome.unwrap_or(Outcome::Complete),
            leaving: false,
            cost_ns: 0,
            slept: 0,
            frames: halves.user,
        })),
    };
    let promise = match &user {
        User::Read(half) => Promise::Deferred(half.cookie),
        _ => Promise::KernelOnly,
    };
    let kernel_half = KernelHalf {
        waker: halves.waker.map(Box::new),
        kernel: halves.kernel,
        ..kernel_half(store, key, weight, time, promise)
    };
    Sample { kernel_half, user }
}

/// A kernel half without a stack.
fn kernel_half(
    store: &Store,
    key: KeyId,
    weight: Weight,
    time: Timestamp,
    promise: Promise,
) -> KernelHalf {
    let key = store.keys().get(key);
    let thread = store.threads().get(key.thread);
    KernelHalf {
        time,
        cpu: key.cpu,
        pid: thread.pid,
        tid: thread.tid,
        comm: thread.comm,
        cgroup: CgroupId::UNKNOWN,
        environment: thread.environment,
        weight,
        event: 0,
        state: TaskState::OnCpu,
        promise,
        own_cost: false,
        in_nmi: false,
        waker: None,
        kernel: Box::default(),
    }
}

/// A stack, divided as it was taken; leaves first.
struct Halves {
    outcome: Option<Outcome>,
    user: Box<[UserFrame]>,
    kernel: Box<[KernelAddress]>,
    waker: Option<Waker>,
    process_start: ProcessStart,
}

fn divide(frames: &[Frame]) -> Halves {
    let mut outcome = None;
    let mut process_start = ProcessStart(0);
    let (mut user, mut kernel) = (Vec::new(), Vec::new());
    let (mut waking, mut waker) = (Vec::new(), None);
    for &frame in frames.iter().rev() {
        match frame {
            Frame::Reason(reason) => outcome = Some(reason),
            Frame::File(module, offset) => user.push(UserFrame::File(module, offset)),
            Frame::Anonymous(_, start, address) => {
                process_start = start;
                user.push(UserFrame::Anonymous(address));
            }
            Frame::Kernel(address) => kernel.push(address),
            Frame::Waker(address) => waking.push(address),
            Frame::WakerThread(comm) => waker = Some(comm),
        }
    }
    // from the wait on, as it was noted
    waking.reverse();
    Halves {
        outcome,
        user: user.into(),
        kernel: kernel.into(),
        waker: waker.map(|comm| Waker {
            pid: Pid(0),
            tid: Tid(0),
            comm,
            kernel: waking.into(),
        }),
        process_start,
    }
}
