//! What the values of a pprof sample count.

use crate::profile::Row;
use crate::profile::header::{Header, Unit};
use crate::time::Rate;

/// A value that every sample has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// What it is called.
    pub(super) name: String,
    /// What it is in, as pprof spells it.
    pub(super) unit: &'static str,
    measure: Measure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    /// How many rows.
    Rows,
    /// The weight.
    Weight,
    /// The time that the weight stands for.
    Time,
    /// The weight, of one event.
    Event(u8),
}

impl Column {
    fn new(name: &str, unit: &'static str, measure: Measure) -> Self {
        Self {
            name: name.into(),
            unit,
            measure,
        }
    }

    /// What a row adds to it.
    pub(super) fn value(&self, header: &Header, row: &Row) -> u64 {
        match self.measure {
            Measure::Rows => 1,
            Measure::Weight => row.weight.0,
            Measure::Time => {
                let time = header.time(usize::from(row.event), row.weight);
                time.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
            }
            Measure::Event(event) if event == row.event => row.weight.0,
            Measure::Event(_) => 0,
        }
    }
}

/// The values of a profile, the one that is shown first last, as pprof has it: samples and
/// time of a single event, and one value for each of several.
pub(super) fn columns(header: &Header) -> Vec<Column> {
    let [event] = &header.events[..] else {
        let events = (0..).zip(&header.events);
        return events
            .map(|(position, event)| {
                Column::new(&event.name, unit(event.unit), Measure::Event(position))
            })
            .collect();
    };
    match (event.unit, header.rate_of(0)) {
        (Unit::Nanoseconds, _) => vec![
            Column::new("samples", "count", Measure::Rows),
            Column::new(&event.name, "nanoseconds", Measure::Weight),
        ],
        (Unit::Samples, Rate::Frequency(_)) => vec![
            Column::new("samples", "count", Measure::Weight),
            Column::new("cpu", "nanoseconds", Measure::Time),
        ],
        (Unit::Samples, Rate::Period(_)) => {
            vec![Column::new("samples", "count", Measure::Weight)]
        }
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Samples => "count",
        Unit::Nanoseconds => "nanoseconds",
    }
}
