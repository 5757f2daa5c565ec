//! What grew and what shrank between two profiles.
//!
//! Shares are compared, each of its own side's total, so that one run may have been longer.
//! A difference of shares `p1` and `p2` is told from what sampling alone produces by the
//! two-proportion test with a pooled share `p` (NIST/SEMATECH e-Handbook of Statistical
//! Methods, 7.3.3):
//!
//! ```text
//! p = (n1 p1 + n2 p2) / (n1 + n2)        SE = sqrt(p (1 - p) (1/n1 + 1/n2))
//! ```
//!
//! where weights are not all one, with the effective number of samples instead of their
//! count, `n = (sum w)^2 / sum w^2` (Kish, Survey Sampling, 1965, 8.2): a thousand short
//! waits beside one long one are little more than one sample.
//!
//! Beyond noise is what is more than [`SIGMAS`] standard errors: with the usual two, one row
//! in twenty would be a false alarm, and a table has dozens; with three it is one in 370.
//! The test takes samples for independent and knows nothing of how two runs of the same
//! program differ.

use std::collections::HashMap;

use super::selection::Selection;
use super::top::{self, Share};
use crate::event::Weight;
use crate::profile::names::FrameName;

/// How many standard errors a difference must exceed to be told from noise.
pub const SIGMAS: f64 = 3.0;

/// One of the two profiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Side {
    /// What it weighs.
    pub total: Weight,
    /// How many samples it has.
    pub samples: u64,
    /// How many samples of equal weights would say as much.
    pub effective: f64,
}

/// A function on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its name.
    pub name: FrameName,
    /// The last part of the path that it is in; the later one, where it moved.
    pub module: String,
    /// What it weighed before.
    pub before: Share,
    /// What it weighs after.
    pub after: Share,
    /// How its share as the leaf changed.
    pub own: Difference,
    /// How its share anywhere on stacks changed.
    pub total: Difference,
}

/// How a share changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The share before, from 0 to 1.
    pub before: f64,
    /// The share after.
    pub after: f64,
    /// What difference is still noise.
    pub noise: f64,
}

/// Two profiles, compared.
#[derive(Clone, Debug)]
pub struct Diff {
    /// The one to compare with.
    pub before: Side,
    /// The one that is compared.
    pub after: Side,
    /// Every function of either, what changed most as the leaf first.
    pub changes: Vec<Change>,
}

impl Side {
    fn new(selection: &Selection<'_>) -> Self {
        let weights = selection.rows().iter().map(|row| row.weight.0 as f64);
        let squares: f64 = weights.map(|weight| weight * weight).sum();
        let total = selection.total();
        let sum = total.0 as f64;
        Self {
            total,
            samples: selection.rows().len() as u64,
            effective: if squares > 0.0 {
                sum * sum / squares
            } else {
                0.0
            },
        }
    }

    fn share(&self, weight: Weight) -> f64 {
        weight.0 as f64 / self.total.0.max(1) as f64
    }
}

impl Difference {
    fn new(before: (&Side, Weight), after: (&Side, Weight)) -> Self {
        let shares = (before.0.share(before.1), after.0.share(after.1));
        let numbers = (before.0.effective, after.0.effective);
        let number = (numbers.0 + numbers.1).max(1.0);
        let pooled = (numbers.0 * shares.0 + numbers.1 * shares.1) / number;
        Self {
            before: shares.0,
            after: shares.1,
            noise: noise(pooled, numbers.0, numbers.1),
        }
    }

    /// By how much it grew; it shrank where this is negative.
    #[must_use]
    pub fn change(&self) -> f64 {
        self.after - self.before
    }

    /// Whether sampling alone would hardly show as much.
    #[must_use]
    pub fn is_beyond_noise(&self) -> bool {
        self.change().abs() > self.noise
    }
}

/// What difference is noise of shares that are about this, with so many samples.
fn noise(share: f64, before: f64, after: f64) -> f64 {
    let error = (share * (1.0 - share)).max(0.0) * (1.0 / before + 1.0 / after);
    SIGMAS * error.sqrt()
}

impl Diff {
    /// Compares two profiles.
    #[must_use]
    pub fn new(before: &Selection<'_>, after: &Selection<'_>) -> Self {
        let sides = (Side::new(before), Side::new(after));
        let mut changes: Vec<_> = joined(shares(before), shares(after))
            .into_iter()
            .map(|((name, module), before, after)| Change {
                name,
                module,
                before,
                after,
                own: Difference::new((&sides.0, before.own), (&sides.1, after.own)),
                total: Difference::new((&sides.0, before.total), (&sides.1, after.total)),
            })
            .collect();
        changes.sort_by(|a, b| {
            let size = |difference: &Difference| difference.change().abs();
            size(&b.own)
                .total_cmp(&size(&a.own))
                .then_with(|| size(&b.total).total_cmp(&size(&a.total)))
                .then_with(|| a.name.text().cmp(b.name.text()))
                .then_with(|| a.module.cmp(&b.module))
        });
        Self {
            before: sides.0,
            after: sides.1,
            changes,
        }
    }

    /// What difference is noise of functions that have about this share.
    #[must_use]
    pub fn noise(&self, share: f64) -> f64 {
        noise(share, self.before.effective, self.after.effective)
    }
}

/// What a function is known by in another recording, where module numbers mean nothing and
/// directories may differ.
type Key = (FrameName, String);

fn shares(selection: &Selection<'_>) -> HashMap<Key, Share> {
    let mut shares: HashMap<Key, Share> = HashMap::new();
    for function in top::hottest(selection) {
        let module = function.place.short_name(selection.profile.modules());
        let share = shares.entry((function.name, module)).or_default();
        share.own += function.own;
        share.total += function.total;
    }
    shares
}

/// Puts the same functions of two sides together.
fn joined(before: HashMap<Key, Share>, mut after: HashMap<Key, Share>) -> Vec<(Key, Share, Share)> {
    let mut joined = Vec::new();
    let mut gone: HashMap<FrameName, Vec<(String, Share)>> = HashMap::new();
    for (key, share) in before {
        match after.remove(&key) {
            Some(now) => joined.push((key, share, now)),
            None => gone.entry(key.0).or_default().push((key.1, share)),
        }
    }
    let mut new: HashMap<FrameName, Vec<(String, Share)>> = HashMap::new();
    for (key, share) in after {
        new.entry(key.0).or_default().push((key.1, share));
    }
    // a module that was renamed: of this name there is one function left on either side
    for (name, functions) in new {
        let before = gone.get(&name).map(Vec::as_slice);
        if let (Some([(_, before)]), [(module, after)]) = (before, functions.as_slice()) {
            joined.push(((name.clone(), module.clone()), *before, *after));
            gone.remove(&name);
            continue;
        }
        let new = |(module, after)| ((name.clone(), module), Share::default(), after);
        joined.extend(functions.into_iter().map(new));
    }
    for (name, functions) in gone {
        let gone = |(module, before)| ((name.clone(), module), before, Share::default());
        joined.extend(functions.into_iter().map(gone));
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Recording;
    use crate::view::fixture::{Builder, everything};

    fn diff(before: &Recording, after: &Recording) -> Diff {
        Diff::new(&everything(before), &everything(after))
    }

    fn find<'a>(diff: &'a Diff, name: &str) -> &'a Change {
        let mut changes = diff.changes.iter();
        let found = changes.find(|change| change.name.text() == name);
        found.expect("it is on one side")
    }

    /// Check shares, and the order: what changed most as the leaf, then anywhere.
    #[test]
    fn changes_are_in_order() {
        let before = Builder::new()
            .stack(&["main", "f"], 50)
            .stack(&["main", "g"], 30)
            .stack(&["main", "same"], 20)
            .build();
        let after = Builder::new()
            .stack(&["main", "f"], 120)
            .stack(&["main", "new"], 40)
            .stack(&["main", "same"], 40)
            .build();
        let diff = diff(&before, &after);
        let names: Vec<_> = diff.changes.iter().map(|c| c.name.text()).collect();
        assert_eq!(names, ["g", "new", "f", "main", "same"]);
        let f = find(&diff, "f");
        assert!((f.own.before - 0.5).abs() < 1e-9 && (f.own.after - 0.6).abs() < 1e-9);
        assert!((find(&diff, "main").total.change()).abs() < 1e-9);
        let sum: f64 = diff.changes.iter().map(|change| change.own.change()).sum();
        assert!(sum.abs() < 1e-9, "what grew is what shrank: {sum}");
    }

    /// Check the handbook's formula on its own terms: 3 sqrt(p (1 - p) (1/n1 + 1/n2)).
    #[test]
    fn noise_is_three_standard_errors() {
        let build = |f, g| {
            let builder = Builder::new().stack(&["f"], f);
            builder.stack(&["g"], g).build()
        };
        let diff = diff(&build(30, 70), &build(80, 320));
        let f = find(&diff, "f").own;
        let pooled: f64 = 110.0 / 500.0;
        let expected = 3.0 * (pooled * (1.0 - pooled) * (1.0 / 100.0 + 1.0 / 400.0)).sqrt();
        assert!((f.noise - expected).abs() < 1e-9, "{f:?}");
        assert!(!f.is_beyond_noise(), "{f:?}");
        assert!((diff.noise(pooled) - expected).abs() < 1e-9);
    }

    /// Check that few samples, or few heavy ones, support little.
    #[test]
    fn few_samples_support_little() {
        let build = |f: u64, times: u64| {
            let builder = Builder::new().stack(&["f"], f * times);
            builder.stack(&["g"], (10 - f) * times).build()
        };
        for (times, expected) in [(1, false), (100, true)] {
            let diff = diff(&build(4, times), &build(6, times));
            assert_eq!(find(&diff, "f").own.is_beyond_noise(), expected, "{times}");
        }
        let heavy = Builder::new()
            .stack(&["f"], 1000)
            .heavy(&["g"], 1000)
            .build();
        let side = Side::new(&everything(&heavy));
        assert_eq!(side.samples, 1001);
        assert!((side.effective - 3.996).abs() < 1e-3, "{side:?}");
    }

    /// Check that a module may have another directory or name, unless that is ambiguous.
    #[test]
    fn modules_may_move() {
        let before = Builder::new()
            .stack(&["f@/old/app", "g@/old/app-1", "h@/a", "h@/b"], 10)
            .build();
        let after = Builder::new()
            .stack(&["f@/new/app", "g@/new/app-2", "h@/c"], 10)
            .build();
        let diff = diff(&before, &after);
        let mut rows: Vec<_> = diff
            .changes
            .iter()
            .map(|c| {
                format!(
                    "{} {} {} {}",
                    c.name, c.module, c.before.total.0, c.after.total.0
                )
            })
            .collect();
        rows.sort();
        assert_eq!(
            rows,
            [
                "f app 10 10",
                "g app-2 10 10",
                "h a 10 0",
                "h b 10 0",
                "h c 0 10"
            ]
        );
    }

    /// Check that an empty side divides nothing by zero.
    #[test]
    fn a_side_may_be_empty() {
        let some = Builder::new().stack(&["f"], 3).build();
        let none = Builder::new().build();
        for (before, after) in [(&some, &none), (&none, &some), (&none, &none)] {
            let diff = diff(before, after);
            let beyond = diff.changes.iter().any(|c| c.own.is_beyond_noise());
            assert!(!beyond, "{diff:?}");
        }
    }
}
