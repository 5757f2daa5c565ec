//! `somno doctor` as text and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::capture::doctor::{Check, Grade};

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    version: &'static str,
    can_capture: bool,
    checks: BTreeMap<&'static str, Finding<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    grade: &'static str,
    found: &'a str,
    meaning: &'a str,
    fix: Option<&'a str>,
}

/// Makes a line a check, and one more where there is a next step that was not said before.
#[must_use]
pub fn text(checks: &[Check]) -> String {
    let width = checks
        .iter()
        .map(|check| check.name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for check in checks {
        writeln!(
            text,
            "{:7}  {:width$}  {}: {}",
            grade(check.grade),
            check.name,
            check.found,
            check.meaning
        )
        .expect("a string takes everything");
        let said = |fix: &str| text.contains(&format!("{fix}\n"));
        if let Some(fix) = check.fix.as_deref().filter(|fix| !said(fix)) {
            writeln!(text, "{:7}  {:width$}  -> {fix}", "", "").expect("a string takes everything");
        }
    }
    text
}

/// Makes one object, the checks by name.
///
/// # Panics
/// Never: the object has string keys only.
#[must_use]
pub fn json(checks: &[Check]) -> String {
    let report = Report {
        schema: 1,
        version: env!("CARGO_PKG_VERSION"),
        can_capture: checks.iter().all(|check| check.grade != Grade::Missing),
        checks: checks
            .iter()
            .map(|check| {
                let finding = Finding {
                    grade: grade(check.grade),
                    found: &check.found,
                    meaning: check.meaning,
                    fix: check.fix.as_deref(),
                };
                (check.name, finding)
            })
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&report).expect("string keys only");
    text.push('\n');
    text
}

fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Good => "good",
        Grade::Limited => "limited",
        Grade::Missing => "missing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(grade: Grade, fix: Option<&'static str>) -> Check {
        Check {
            name: "thing",
            grade,
            found: "x".into(),
            meaning: "it matters",
            fix: fix.map(Into::into),
        }
    }

    /// Check that a finding is one line, and its fix the next, once.
    #[test]
    fn text_has_fixes() {
        assert_eq!(
            text(&[check(Grade::Limited, Some("do this"))]),
            "limited  thing  x: it matters\n                -> do this\n"
        );
        let twice = [
            check(Grade::Limited, Some("now do this")),
            check(Grade::Limited, Some("do this")),
        ];
        assert_eq!(text(&twice).matches("do this").count(), 1);
    }

    /// Check that JSON says whether anything can be captured.
    #[test]
    fn json_has_a_verdict() {
        for (grade, verdict) in [(Grade::Good, true), (Grade::Missing, false)] {
            let value: serde_json::Value =
                serde_json::from_str(&json(&[check(grade, None)])).expect("it is JSON");
            assert_eq!(value["can_capture"], verdict);
            assert_eq!(value["checks"]["thing"]["found"], "x");
        }
    }
}
