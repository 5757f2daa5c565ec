//! How sampling goes, in plain words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::event::{Mode, Outcome};
use crate::live::store::{Bounds, Store};
use crate::profile::outcome_key;
use crate::report::summary;
use crate::tui::list;
use crate::tui::message::Direction;
use crate::tui::model::{Model, Source};
use crate::tui::text::{self, grouped};

/// A line, and whether it tells of a loss.
struct Said {
    text: String,
    is_warning: bool,
}

/// Everything that there is to say.
fn lines(model: &Model) -> Vec<Said> {
    let mut lines = Vec::new();
    let mut say = |text: String| {
        lines.push(Said {
            text,
            is_warning: false,
        });
    };
    say_what(model, &mut say);
    say_stacks(model, &mut say);
    say_names(model, &mut say);
    say_costs(model, &mut say);
    let losses = losses(model).into_iter().map(|text| Said {
        text,
        is_warning: true,
    });
    let at = lines.iter().position(|said| said.text.is_empty());
    let at = at.unwrap_or_default();
    lines.splice(at..at, losses);
    let width = usize::from(model.size.width).saturating_sub(2).max(10);
    let wrapped = |said: Said| {
        let lines = text::wrap(&said.text, width).into_iter();
        let is_warning = said.is_warning;
        lines.map(move |text| Said { text, is_warning })
    };
    lines.into_iter().flat_map(wrapped).collect()
}

fn say_what(model: &Model, say: &mut dyn FnMut(String)) {
    let health = &model.health;
    let header = &health.header;
    let goes = match &model.source {
        Source::Live => "sampling".into(),
        Source::Ended(why) => format!("sampling ended: {why}"),
        Source::File(name) => format!("from {name}"),
    };
    say(format!(
        "{}: {}, {} on {} CPUs, {goes}; {}.",
        header.target,
        header.event_names(),
        header.rate_text(),
        header.machine.cpus,
        summary::duration(health.totals.duration),
    ));
    let of_kernel = match health.tally.kernel_only {
        0 => String::new(),
        count => format!(", {} of them of kernel threads", grouped(count)),
    };
    say(format!(
        "{} samples{of_kernel}; {}.",
        grouped(health.tally.samples()),
        summary::completeness(&health.tally),
    ));
    for note in &health.notes {
        say(format!("{note}."));
    }
}

/// What was lost, and where.
fn losses(model: &Model) -> Vec<String> {
    let lost = &model.health.totals.lost;
    let losses = [
        (
            lost.kernel_ring,
            "samples were lost: there was no room for them in the kernel's ring",
        ),
        (
            lost.user_ring,
            "user stacks were lost: there was no room for them",
        ),
        (
            lost.slots,
            "user stacks were not read: too many threads had one to be read",
        ),
        (
            lost.schedule,
            "user stacks were not read: the kernel did not run what reads them",
        ),
        (lost.shed, "samples were shed to bound somno's own cost"),
        (
            lost.throttled,
            "samples were held back by the kernel, which bounds what sampling costs",
        ),
        (lost.notices, "notices of new and ended tasks were lost"),
        (
            lost.modules,
            "mappings were met in files beyond those that can be told apart",
        ),
        (
            model.unshown,
            "samples came while the terminal was blocked, and are not shown",
        ),
    ];
    let some = losses.into_iter().filter(|(count, _)| *count > 0);
    let mut lines: Vec<_> = some
        .map(|(count, what)| format!("{} {what}.", grouped(count)))
        .collect();
    // of a recording without its end that is not known, and there is a note that says so
    if lines.is_empty() && !model.is_cut {
        lines.push("Nothing was lost.".into());
    }
    lines
}

fn say_stacks(model: &Model, say: &mut dyn FnMut(String)) {
    let tally = &model.health.tally;
    say(String::new());
    say("User stacks, by how they ended:".into());
    let whole = (tally.samples() - tally.kernel_only) as f64;
    for outcome in Outcome::ALL {
        let count = tally.outcome(outcome);
        if count > 0 || outcome == Outcome::Complete {
            let share = text::percent(count as f64, whole);
            let name = outcome.reason().unwrap_or(outcome_key(outcome));
            say(format!(
                "  {share:>6} {:>12}  {name}: {}",
                grouped(count),
                meaning(outcome)
            ));
        }
    }
    if model.health.header.mode == Mode::Deferred {
        say(format!(
            "Sleeping rescued {} reads of memory that was not there: in an interrupt their stacks \
             would have stopped short.",
            grouped(tally.slept)
        ));
    }
}

fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "reached the thread's first frame",
        Outcome::NoCfi => "no unwind information and no believable frame pointer",
        Outcome::BadCfi => "unwind information that contradicts itself",
        Outcome::BrokenChain => "frame pointers that lead nowhere",
        Outcome::Unreadable => "memory that is not there",
        Outcome::TooDeep => "deeper than --max-depth",
        Outcome::Exited => "the task had given up its memory",
        Outcome::Exec => "the program was replaced meanwhile",
        Outcome::Pending => "still in the kernel at the end",
        Outcome::Lost => "lost on the way",
        Outcome::Interrupt => "by frame pointers, in the interrupt",
    }
}

fn say_names(model: &Model, say: &mut dyn FnMut(String)) {
    let health = &model.health;
    say(String::new());
    let under_way = match health.naming {
        0 => String::new(),
        count => format!(", {} being looked for", grouped(count)),
    };
    say(format!(
        "Names: {} frames have one{under_way}.",
        grouped(health.named)
    ));
    for (reason, count) in &health.unnamed {
        say(format!(
            "  {:>12}  {}",
            grouped(*count),
            reason.key().replace('_', " ")
        ));
    }
}

fn say_costs(model: &Model, say: &mut dyn FnMut(String)) {
    let health = &model.health;
    let totals = &health.totals;
    let seconds = totals.duration.as_secs_f64().max(1e-9);
    say(String::new());
    say("somno's own cost:".into());
    let of_one_cpu = |share: f64| text::percent(share, 1.0);
    let deferred = health.tally.deferred_cost.summary();
    for (what, cost) in [
        ("taking samples", totals.nmi_cost),
        ("user stacks", deferred),
    ] {
        let share = of_one_cpu(cost.total as f64 / 1e9 / seconds);
        say(format!(
            "  {share:>6} of a CPU for {what}: half took up to {:.1} us, 99 of 100 up to {:.1} us",
            cost.p50 as f64 / 1e3,
            cost.p99 as f64 / 1e3,
        ));
    }
    for (what, cpu) in &health.threads {
        let share = of_one_cpu(cpu.as_secs_f64() / seconds);
        say(format!("  {share:>6} of a CPU for {what}"));
    }
    let own = totals.own;
    say(format!(
        "  {:.0} MB of memory now, {:.0} MB at most",
        own.anonymous as f64 / 1e6,
        own.peak_resident as f64 / 1e6
    ));
    if let Some(kept) = kept(&model.store) {
        say(kept);
    }
    if let Some(since) = model.store.history().since() {
        let kept = model.now.0.saturating_sub(since.0) / 1_000_000_000;
        let kept = text::clock(kept);
        say(format!(
            "Samples of the last {kept} are kept one by one; older ones as sums."
        ));
    }
}

/// How much is kept of how much at most; nothing where everything is.
fn kept(store: &Store) -> Option<String> {
    let bounds = store.bounds();
    (bounds != Bounds::NONE).then(|| {
        format!(
            "Kept: {} of at most {} samples, {} of {} stacks, {} of {} sums by thread, CPU and \
             stack. Rare stacks beyond that count as [forgotten].",
            grouped(store.history().len() as u64),
            grouped(bounds.rows as u64),
            grouped(store.stack_count() as u64),
            grouped(bounds.stacks as u64),
            grouped(store.keys().len() as u64),
            grouped(bounds.keys as u64),
        )
    })
}

pub(super) fn settle(model: &mut Model) {
    let count = lines(model).len();
    let height = usize::from(model.areas().body.height);
    model.health_line = model.health_line.min(count.saturating_sub(height));
}

pub(super) fn step(model: &mut Model, direction: Direction) {
    let height = usize::from(model.areas().body.height);
    let count = lines(model).len();
    model.health_line = list::moved(model.health_line, count, height, direction);
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let theme = &model.theme;
    let lines = lines(model).into_iter().skip(model.health_line);
    for (y, said) in (area.y..area.bottom()).zip(lines) {
        let style = match (said.is_warning, said.text.as_str()) {
            (true, "Nothing was lost.") | (false, _) => theme.plain(),
            (true, _) => theme.warning(),
        };
        let row = Rect::new(area.x + 1, y, area.width.saturating_sub(1), 1);
        text::write(buffer, row, &said.text, style, theme.symbols);
    }
}
