//! The hottest functions as a table.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::look::{Look, Role, pad, percentage, width};
use super::summary;
use crate::event::Weight;
use crate::profile::header::Unit;
use crate::profile::modules::ModuleTable;
use crate::profile::names::Location;
use crate::text::{self, counted};
use crate::view::top::Function;

/// Columns of a bar.
const BAR: usize = 10;
/// Columns of figures and bars, with what is between them and the name.
const FIGURES: usize = 7 + 1 + BAR + 7 + 2;
/// Columns that modules and lines take at most, where there is little room, and that a name has at least, on a terminal.
const MODULE: usize = 24;
const SHORT_MODULE: usize = 16;
const SOURCE: usize = 28;
const NAME: usize = 30;
/// Columns that names are filled to at most where lines may be of any length.
const LONG_NAME: usize = 60;
const TIME_HEADING: &str = "time";
const NAME_HEADING: &str = "function";
const MODULE_HEADING: &str = "module";
const SOURCE_HEADING: &str = "hottest line";

/// What a table is made of.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// The functions, the hottest first.
    pub functions: &'a [Function],
    /// What everything weighs.
    pub total: Weight,
    /// What weights count.
    pub unit: Unit,
    /// Where functions are.
    pub modules: &'a ModuleTable,
    /// Rows at most.
    pub top: usize,
}

/// A function, with what is written of it beside shares and name.
struct Row<'a> {
    function: &'a Function,
    /// Its total, where that is a time.
    time: String,
    module: String,
    source: String,
}

/// Widths of the columns that not every table has.
struct Columns {
    time: usize,
    name: usize,
    module: usize,
    source: usize,
}

/// Makes a row a function: self with a bar, total, as a time too where weights are times, name,
/// module and hottest line.
#[must_use]
pub fn text(table: &Table<'_>, look: Look) -> String {
    let shown = table.functions.len().min(table.top);
    let (shown, rest) = table.functions.split_at(shown);
    let rows: Vec<_> = shown
        .iter()
        .map(|function| Row {
            function,
            time: time(function.total, table.unit),
            module: function.place.short_name(table.modules),
            source: source(function.location.as_ref(), look),
        })
        .collect();
    let columns = Columns::of(&rows, look);
    let mut text = columns.heading(look);
    for row in &rows {
        let line = columns.row(row, table.total, look);
        writeln!(text, "{}", line.trim_end()).expect("a string takes everything");
    }
    text + &columns.remainder(rest, table.total, look)
}

impl Columns {
    fn of(rows: &[Row<'_>], look: Look) -> Self {
        let widest = |of: fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or(0);
        let name = widest(|row| width(&row.function.name.to_string())).max(NAME_HEADING.len());
        // a column is as wide as its heading
        let at_least = |columns: usize, heading: &str| match columns {
            0 => 0,
            columns => columns.max(heading.len()),
        };
        let mut columns = Self {
            time: at_least(widest(|row| width(&row.time)), TIME_HEADING),
            name: name.min(LONG_NAME),
            module: at_least(widest(|row| width(&row.module)), MODULE_HEADING),
            source: at_least(widest(|row| width(&row.source)), SOURCE_HEADING),
        };
        let Some(all) = look.width else {
            return columns;
        };
        columns.module = columns.module.min(MODULE);
        columns.source = columns.source.min(SOURCE);
        let room = |columns: &Self| {
            let others = [columns.time, columns.module, columns.source];
            let others = others.map(|w| if w > 0 { w + 2 } else { 0 });
            all.saturating_sub(FIGURES + others.iter().sum::<usize>())
        };
        if room(&columns) < NAME {
            columns.source = 0;
        }
        if room(&columns) < NAME {
            columns.module = columns.module.min(SHORT_MODULE);
        }
        if room(&columns) < NAME {
            columns.module = 0;
        }
        if room(&columns) < NAME {
            columns.time = 0;
        }
        columns.name = name.min(room(&columns)).max(NAME_HEADING.len());
        columns
    }

    fn heading(&self, look: Look) -> String {
        let heading = |text: &str| look.paint(Role::Heading, text);
        let blank = self.time.saturating_sub(TIME_HEADING.len());
        let time = match self.time {
            0 => String::new(),
            _ => format!("  {:blank$}{}", "", heading(TIME_HEADING)),
        };
        let mut line = format!(
            "{:>3}{} {:BAR$}{:>2}{}{time}  {}{}",
            "",
            heading("self"),
            "",
            "",
            heading("total"),
            heading(NAME_HEADING),
            " ".repeat(self.name - NAME_HEADING.len()),
        );
        if self.module > 0 {
            let blank = " ".repeat(self.module.saturating_sub(MODULE_HEADING.len()));
            write!(line, "  {}{blank}", heading(MODULE_HEADING))
                .expect("a string takes everything");
        }
        if self.source > 0 {
            write!(line, "  {}", heading(SOURCE_HEADING)).expect("a string takes everything");
        }
        line.truncate(line.trim_end().len());
        line + "\n"
    }

    fn row(&self, row: &Row<'_>, total: Weight, look: Look) -> String {
        let Row {
            function,
            time,
            module,
            source,
        } = row;
        let own = share(function.own, total);
        let all = share(function.total, total);
        let name = function.name.to_string();
        let cut = look.width.map(|_| self.name);
        let aside = |text: &str, columns| {
            let text = match look.width {
                Some(_) => look.shorten(text, columns),
                None => text.into(),
            };
            look.paint(Role::Aside, &pad(&text, columns))
        };
        let time = match self.time {
            0 => String::new(),
            columns => format!("  {time:>columns$}"),
        };
        let mut line = format!(
            "{} {}{}{time}  {}",
            look.paint(Role::Share(own), &percentage(own)),
            look.bar(own, BAR),
            look.paint(Role::Share(all), &percentage(all)),
            look.name(&function.name, cut),
        );
        if self.module > 0 || self.source > 0 {
            line += &" ".repeat(self.name.saturating_sub(width(&name)));
        }
        if self.module > 0 {
            line = line + "  " + &aside(module, self.module);
        }
        if self.source > 0 && !source.is_empty() {
            line = line + "  " + &aside(source, width(source).min(self.source));
        }
        line
    }

    fn remainder(&self, rest: &[Function], total: Weight, look: Look) -> String {
        if rest.is_empty() {
            return String::new();
        }
        let own: Weight = rest.iter().map(|function| function.own).sum();
        let time = match self.time {
            0 => 0,
            columns => columns + 2,
        };
        let line = format!(
            "{} {:BAR$}{:7}{:time$}  in {}; --top N shows more",
            percentage(share(own, total)),
            "",
            "",
            "",
            counted(rest.len(), "more function")
        );
        look.paint(Role::Aside, &line) + "\n"
    }
}

/// A weight as people say it, where it is a time.
fn time(weight: Weight, unit: Unit) -> String {
    match unit {
        Unit::Samples => String::new(),
        Unit::Nanoseconds => summary::span(Duration::from_nanos(weight.0)),
    }
}

/// A part of a whole, from 0 to 1; of nothing it is none.
#[must_use]
pub fn share(part: Weight, whole: Weight) -> f64 {
    part.0 as f64 / whole.0.max(1) as f64
}

/// A line as `file:line`, the file without its directories where there is little room.
fn source(location: Option<&Location>, look: Look) -> String {
    let Some(location) = location else {
        return String::new();
    };
    let name = Path::new(&*location.file).file_name();
    let file = match (look.width, name) {
        (Some(_), Some(name)) => name.to_string_lossy(),
        _ => location.file.as_ref().into(),
    };
    let file = text::clean(&file);
    match location.line {
        0 => file,
        line => format!("{file}:{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Recording;
    use crate::view::fixture::{Builder, everything};
    use crate::view::top;

    fn table(recording: &Recording, top: usize, look: Look) -> String {
        let selection = everything(recording);
        let table = Table {
            functions: &top::hottest(&selection),
            total: selection.total(),
            unit: recording.header.unit(0),
            modules: recording.profile.modules(),
            top,
        };
        text(&table, look)
    }

    fn recording() -> Recording {
        Builder::new()
            .stack(&["main#1", "hot@/lib/libhot.so.1#42"], 6)
            .stack(&["main#2", "k_[k]"], 3)
            .stack(&["main#2", "cold"], 1)
            .build()
    }

    /// Check that columns are aligned, and that what is not shown is counted.
    #[test]
    fn functions_are_listed() {
        assert_eq!(
            table(&recording(), 2, Look::default()),
            "   self             total  function  module       hottest line\n\
             \x20 60.0% ######      60.0%  hot       libhot.so.1  /src/program.c:42\n\
             \x20 30.0% ###         30.0%  k_[k]     [kernel]\n\
             \x20 10.0%                    in 2 more functions; --top N shows more\n"
        );
    }

    /// Check that times are told where weights are times, and there is room.
    #[test]
    fn times_are_told() {
        let mut recording = Builder::new()
            .heavy(&["main", "futex_wait"], 1_128_500_000)
            .heavy(&["main", "read"], 371_500_000)
            .build();
        recording.header.events[0].unit = Unit::Nanoseconds;
        assert_eq!(
            table(&recording, 2, Look::default()),
            "   self             total      time  function    module\n\
             \x20 75.2% ########    75.2%     1.1 s  futex_wait  program\n\
             \x20 24.8% ##          24.8%  371.5 ms  read        program\n\
             \x20  0.0%                              in 1 more function; --top N shows more\n"
        );
        for (columns, has_time) in [(120, true), (70, true), (60, false)] {
            let look = Look {
                width: Some(columns),
                ..Look::default()
            };
            let text = table(&recording, 9, look);
            assert_eq!(text.contains("371.5 ms"), has_time, "{columns}: {text}");
        }
    }

    /// Check that lines are no wider than the terminal, with hostile and wide names too.
    #[test]
    fn lines_fit() {
        let long = "a::very<long>::name".repeat(30);
        let recording = Builder::new()
            .stack(&["main#1", &long], 6)
            .stack(
                &[
                    "main#1",
                    "\x1b[31m;日本語日本語日本語日本語日本語日本語日本語日本語",
                ],
                6,
            )
            .build();
        for columns in [10, 40, 60, 80, 132] {
            let look = Look {
                unicode: true,
                width: Some(columns),
                color: false,
            };
            let text = table(&recording, 9, look);
            assert!(!text.contains('\x1b') && !text.contains(';'), "{text}");
            for line in text.lines() {
                assert!(width(line) <= columns.max(FIGURES + 8), "{columns}: {line}");
            }
        }
    }

    /// Check that an empty table is none, and divides nothing by zero.
    #[test]
    fn nothing_is_listed() {
        let recording = Builder::new().build();
        assert_eq!(
            table(&recording, 9, Look::default()),
            "   self             total  function\n"
        );
    }
}
