//! What came of each group of checks on each kernel.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What came of one group on one kernel.
pub(crate) struct Group {
    /// Checks that passed.
    pub(crate) passed: usize,
    /// Those that did not.
    pub(crate) failed: usize,
    /// Those that were not tried.
    pub(crate) left_out: usize,
}

/// A row for each kernel, a column for each group.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(String, Vec<(&'static str, Group)>)>,
}

impl Table {
    /// Begins the row of a kernel.
    pub(crate) fn begin(&mut self, kernel: String) {
        println!("{kernel}:");
        self.rows.push((kernel, Vec::new()));
    }

    /// Adds a group to the row that was begun last.
    pub(crate) fn add(&mut self, column: &'static str, group: Group) {
        let (_, groups) = self.rows.last_mut().expect("a row was begun");
        groups.push((column, group));
    }

    /// Adds one check, which panics where it fails and otherwise tells what it saw.
    pub(crate) fn check(&mut self, column: &'static str, check: impl FnOnce() -> String) {
        let saw = catch_unwind(AssertUnwindSafe(check));
        println!("  {column}: {}", saw.as_deref().unwrap_or("FAILED"));
        let group = Group {
            passed: saw.is_ok().into(),
            failed: saw.is_err().into(),
            left_out: 0,
        };
        self.add(column, group);
    }

    /// Adds one check that is not tried.
    pub(crate) fn leave_out(&mut self, column: &'static str, reason: &str) {
        println!("  {column}: left out: {reason}");
        let group = Group {
            passed: 0,
            failed: 0,
            left_out: 1,
        };
        self.add(column, group);
    }

    /// Prints it, as Markdown; panics where anything failed.
    pub(crate) fn finish(self) {
        println!("\nPassed/failed/left out:\n");
        for (index, (kernel, groups)) in self.rows.iter().enumerate() {
            if index == 0 {
                let columns: Vec<_> = groups.iter().map(|(column, _)| *column).collect();
                println!("| kernel | {} |", columns.join(" | "));
                println!("|---|{}", "---|".repeat(columns.len()));
            }
            let cells: Vec<_> = groups
                .iter()
                .map(|(_, group)| format!("{}/{}/{}", group.passed, group.failed, group.left_out))
                .collect();
            println!("| {kernel} | {} |", cells.join(" | "));
        }
        let groups = self.rows.iter().flat_map(|(_, groups)| groups);
        let failed: usize = groups.map(|(_, group)| group.failed).sum();
        assert_eq!(failed, 0, "failed");
    }
}
