//! Processes and threads.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use regex::Regex;
use rustc_hash::FxHashSet;

use crate::event::Comm;
use crate::id::{Pid, Tid};
use crate::live::activity::BINS;
use crate::live::interned::Id as _;
use crate::live::store::KeyId;
use crate::tui::layout::first_line;
use crate::tui::list::{self, Fold, SHARE, WIDE};
use crate::tui::message::Direction;
use crate::tui::model::Model;
use crate::tui::names;
use crate::tui::text;

/// Processes, with what is unfolded of them.
#[derive(Clone, Debug, Default)]
pub struct State {
    rows: Vec<Row>,
    selected: Option<Task>,
    unfolded: FxHashSet<Task>,
    order: Column,
    is_reversed: bool,
    first: usize,
}

/// A process, a thread, or threads of one name that have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Task {
    Process(Pid),
    Thread(Pid, Tid),
    Ended(Comm),
}

#[derive(Clone, Debug)]
struct Row {
    task: Task,
    name: String,
    weight: f64,
    /// What was sampled of it lately.
    bins: [f32; BINS],
    fold: Fold,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Column {
    #[default]
    Weight,
    Number,
    Name,
}

/// Sums of threads, by task.
type Sums = BTreeMap<Task, (f64, [f32; BINS])>;

pub(super) fn refresh(model: &mut Model) {
    let (processes, threads) = weigh(model);
    let mut rows = Vec::new();
    for (task, (weight, bins)) in processes {
        let of_process: Vec<_> = match task {
            Task::Process(pid) => threads
                .range(Task::Thread(pid, Tid(0))..=Task::Thread(pid, Tid(u32::MAX)))
                .collect(),
            _ => Vec::new(),
        };
        let is_unfolded = model.tasks.unfolded.contains(&task);
        let fold = Fold::of(of_process.len() > 1, is_unfolded);
        let mut group = vec![row(model, task, weight, bins, fold)];
        if fold == Fold::Unfolded {
            let mut of_process: Vec<_> = of_process
                .into_iter()
                .map(|(&task, &(weight, bins))| row(model, task, weight, bins, Fold::Leaf))
                .collect();
            sort(model, &mut of_process, |row| row);
            group.extend(of_process);
        }
        rows.push(group);
    }
    sort(model, &mut rows, |group| &group[0]);
    model.tasks.rows = rows.into_iter().flatten().collect();
}

/// Sums up what is shown by process, and by thread.
fn weigh(model: &Model) -> (Sums, Sums) {
    let store = &model.store;
    let mut by_thread = vec![0.0; store.threads().len()];
    for (key, &sum) in model.shown.sums(store).iter().enumerate() {
        let id = KeyId::at(key);
        if sum > 0.0 && model.shown.is_wanted(id) {
            by_thread[store.keys().get(id).thread.index()] += sum;
        }
    }
    let (mut processes, mut threads) = (Sums::new(), Sums::new());
    for (id, thread) in store.threads().iter() {
        let weight = by_thread[id.index()];
        if weight <= 0.0 {
            continue;
        }
        let bins = store.activity().of(id.index(), model.shown.now());
        let (process, thread) = if thread.pid.0 == 0 {
            (Task::Ended(thread.comm), Task::Ended(thread.comm))
        } else {
            let thread_task = Task::Thread(thread.pid, thread.tid);
            (Task::Process(thread.pid), thread_task)
        };
        for (sums, task) in [(&mut processes, process), (&mut threads, thread)] {
            let sum = sums.entry(task).or_insert((0.0, [0.0; BINS]));
            sum.0 += weight;
            sum.1
                .iter_mut()
                .zip(bins)
                .for_each(|(sum, bin)| *sum += bin);
        }
    }
    (processes, threads)
}

fn row(model: &Model, task: Task, weight: f64, bins: [f32; BINS], fold: Fold) -> Row {
    let store = &model.store;
    let comm = match task {
        Task::Process(pid) => store.process_name(pid),
        Task::Thread(pid, tid) => store.thread_name(pid, tid),
        Task::Ended(comm) => Some(comm),
    };
    let mut name = comm.map(names::comm_text).unwrap_or_default();
    if let Task::Process(pid) = task {
        name += &store.environments().describe(pid);
    }
    Row {
        task,
        name,
        weight,
        bins,
        fold,
    }
}

fn sort<T>(model: &Model, rows: &mut [T], row: impl Fn(&T) -> &Row) {
    let State {
        order, is_reversed, ..
    } = model.tasks;
    rows.sort_by(|a, b| {
        let (a, b) = (row(a), row(b));
        let by = match order {
            Column::Weight => b.weight.total_cmp(&a.weight),
            Column::Number => a.task.cmp(&b.task),
            Column::Name => a.name.cmp(&b.name),
        };
        let by = if is_reversed { by.reverse() } else { by };
        by.then(a.task.cmp(&b.task))
    });
}

impl State {
    fn position(&self) -> Option<usize> {
        let selected = self.selected?;
        self.rows.iter().position(|row| row.task == selected)
    }
}

fn height(model: &Model) -> usize {
    usize::from(model.areas().body.height.saturating_sub(1))
}

pub(super) fn settle(model: &mut Model) {
    let height = height(model);
    let state = &mut model.tasks;
    if state.selected.is_none() {
        state.selected = state.rows.first().map(|row| row.task);
    }
    let selected = state.position().unwrap_or(state.first);
    state.first = first_line(state.first, selected, height, state.rows.len());
}

pub(super) fn step(model: &mut Model, direction: Direction) {
    let height = height(model);
    let state = &mut model.tasks;
    let from = state.position().unwrap_or(state.first);
    let Some(task) = state.rows.get(from).map(|row| row.task) else {
        return;
    };
    match (direction, task) {
        (Direction::Right, task) => {
            state.unfolded.insert(task);
        }
        (Direction::Left, Task::Thread(pid, _)) => {
            state.unfolded.remove(&Task::Process(pid));
            state.selected = Some(Task::Process(pid));
        }
        (Direction::Left, task) => {
            state.unfolded.remove(&task);
        }
        _ => {
            let to = list::moved(from, state.rows.len(), height, direction);
            state.selected = Some(state.rows[to].task);
        }
    }
    model.is_stale = true;
}

/// Orders by the next column.
pub fn next_order(model: &mut Model) {
    model.tasks.order = match model.tasks.order {
        Column::Weight => Column::Number,
        Column::Number => Column::Name,
        Column::Name => Column::Weight,
    };
    model.is_stale = true;
}

/// Orders backwards, or forth again.
pub fn reverse(model: &mut Model) {
    model.tasks.is_reversed = !model.tasks.is_reversed;
    model.is_stale = true;
}

/// Shows nothing but the selected process or thread.
pub(super) fn enter(model: &mut Model) {
    let mut settings = model.shown.settings().clone();
    let filter = &mut settings.filter;
    let number = |number: u32| Regex::new(&format!(" {number}$")).ok();
    match model.tasks.selected {
        Some(Task::Process(pid)) => filter.process = number(pid.0),
        Some(Task::Thread(pid, tid)) => {
            filter.process = number(pid.0);
            filter.thread = number(tid.0);
        }
        Some(Task::Ended(_)) | None => return,
    }
    model.set(settings);
    model.say("only this one is shown, on every screen; Backspace shows all again");
}

pub(super) fn back(model: &mut Model) -> bool {
    let mut settings = model.shown.settings().clone();
    let filter = &mut settings.filter;
    let had_any = filter.process.take().is_some() | filter.thread.take().is_some();
    if had_any {
        model.set(settings);
    }
    had_any
}

pub(super) fn press(model: &mut Model, row: usize) {
    let Some(row) = row.checked_sub(1) else {
        next_order(model);
        return;
    };
    let state = &mut model.tasks;
    let Some(row) = state.rows.get(state.first + row) else {
        return;
    };
    let task = row.task;
    if state.selected == Some(task) && !state.unfolded.remove(&task) {
        state.unfolded.insert(task);
    }
    state.selected = Some(task);
    model.is_stale = true;
}

/// What is known of the selected one.
#[must_use]
pub fn describe(model: &Model) -> Option<String> {
    let row = &model.tasks.rows[model.tasks.position()?];
    let what = match row.task {
        Task::Process(pid) => format!("process {pid}"),
        Task::Thread(pid, tid) => format!("thread {tid} of process {pid}"),
        Task::Ended(_) => "ended".into(),
    };
    let share = text::percent(row.weight, model.total());
    let weight = names::weight(model, row.weight * model.shown.factor(&model.store));
    let unit = names::unit(model);
    Some(format!("{} ({what}): {share}, {weight}{unit}", row.name))
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    if model.tasks.rows.is_empty() {
        names::draw_nothing(model, area, buffer);
        return;
    }
    let spark = spark_columns(area.width);
    let state = &model.tasks;
    let arrow = model.theme.symbols.orders[usize::from(state.is_reversed)];
    let title = |column, name: &str| {
        let mark = if state.order == column { arrow } else { "" };
        format!("{name}{mark}")
    };
    let (share, number) = (title(Column::Weight, "share"), title(Column::Number, "pid"));
    let head = format!(
        "{share:>SHARE$}  {:spark$} {number:>8}   {}",
        "lately",
        title(Column::Name, "name")
    );
    text::write(buffer, area, &head, model.theme.dim(), model.theme.symbols);
    let highest = state
        .rows
        .iter()
        .flat_map(|row| shown_bins(&row.bins, spark));
    let highest = highest.fold(0.0, f32::max);
    let rows = state.rows.iter().skip(state.first);
    for (y, row) in (area.y + 1..area.bottom()).zip(rows) {
        let line = Rect::new(area.x, y, area.width, 1);
        draw_row(model, row, spark, highest, line, buffer);
    }
}

fn draw_row(model: &Model, row: &Row, spark: usize, highest: f32, area: Rect, buffer: &mut Buffer) {
    let theme = &model.theme;
    let share = text::percent(row.weight, model.total());
    let bins: Vec<_> = shown_bins(&row.bins, spark).collect();
    let spark = list::sparkline(model, &bins, highest);
    let number = match row.task {
        Task::Process(pid) => pid.to_string(),
        Task::Thread(_, tid) => tid.to_string(),
        Task::Ended(_) => String::new(),
    };
    let fold = theme.symbols.folds[match row.fold {
        Fold::Folded => 0,
        Fold::Unfolded => 1,
        Fold::Leaf => 2,
    }];
    let indent = if matches!(row.task, Task::Thread(..)) {
        "  "
    } else {
        ""
    };
    let line = format!(
        "{share:>SHARE$}  {spark} {number:>8} {fold} {indent}{}",
        row.name
    );
    let style = if model.tasks.selected == Some(row.task) {
        theme.selected()
    } else {
        theme.plain()
    };
    text::write(buffer, area, &line, style, theme.symbols);
}

/// Columns of what was sampled lately: what fits of it, two bins in one where it is narrow.
fn spark_columns(width: u16) -> usize {
    match width {
        0..WIDE => 10,
        WIDE..100 => 30,
        _ => BINS,
    }
}

/// The bins of a task, so many that each has a column.
fn shown_bins(bins: &[f32; BINS], columns: usize) -> impl Iterator<Item = f32> + '_ {
    bins.chunks(BINS / columns).map(|chunk| chunk.iter().sum())
}
