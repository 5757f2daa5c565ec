//! What is searched by regular expression.

use regex::{Regex, RegexBuilder};

use crate::live::entries::{Entries, Entry, EntryId};
use crate::live::interned::Id as _;
use crate::live::tree::{NodeId, Tree};

/// Bytes of a compiled expression: what takes more is a mistake.
const SIZE_MAX: usize = 1 << 20;

/// A search.
#[derive(Clone, Debug)]
pub struct Search {
    text: String,
    pattern: Regex,
    /// By entry.
    matching: Vec<bool>,
    /// The weights of stacks with a match.
    pub weight: f64,
}

impl Search {
    /// Searches for what was typed; capitals matter where there are any.
    ///
    /// # Errors
    /// What is wrong with the expression, in a line.
    pub fn new(text: &str) -> Result<Self, String> {
        Ok(Self {
            text: text.into(),
            pattern: compile(text)?,
            matching: Vec::new(),
            weight: 0.0,
        })
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether an entry matches.
    #[must_use]
    pub fn matches(&self, entry: EntryId) -> bool {
        self.matching.get(entry.index()).copied().unwrap_or(false)
    }

    /// Looks at entries that are new, and sums up what matches.
    pub fn refresh(&mut self, entries: &Entries, tree: &Tree) {
        for (_, entry) in entries.iter().skip(self.matching.len()) {
            let matches = match entry {
                Entry::Function(function) => self.pattern.is_match(&function.name),
                _ => false,
            };
            self.matching.push(matches);
        }
        self.weight = outermost(tree, |entry| self.matches(entry))
            .map(|node| tree.total(node))
            .sum();
    }

    /// Forgets what entries match: they have other numbers now.
    pub fn forget(&mut self) {
        self.matching.clear();
    }
}

/// Compiles what was typed.
///
/// # Errors
/// What is wrong with it, in a line.
pub fn compile(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .case_insensitive(!text.chars().any(char::is_uppercase))
        .size_limit(SIZE_MAX)
        .build()
        .map_err(|error| {
            if matches!(error, regex::Error::CompiledTooBig(_)) {
                return "it is too large".into();
            }
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").into()
        })
}

/// Nodes that match and are not called from one that does.
pub fn outermost<'a>(
    tree: &'a Tree,
    matches: impl Fn(EntryId) -> bool + 'a,
) -> impl Iterator<Item = NodeId> + 'a {
    let mut is_below = vec![false; tree.len()];
    tree.nodes().filter(move |&node| {
        let above = tree.parent(node).is_some_and(|it| is_below[it.index()]);
        let is_match = matches(tree.entry(node));
        is_below[node.index()] = above || is_match;
        is_match && !above
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that expressions that cannot be understood are refused in one line.
    #[test]
    fn expressions_are_refused() {
        for text in ["(", "[a", "a{99999}{99999}", "*"] {
            let why = Search::new(text).expect_err(text);
            assert!(!why.is_empty() && !why.contains('\n'), "{why}");
        }
        assert!(compile("malloc").is_ok_and(|it| it.is_match("MALLOC")));
        assert!(compile("Malloc").is_ok_and(|it| !it.is_match("malloc")));
    }

    /// Check that recursion counts once.
    #[test]
    fn recursion_counts_once() {
        let mut tree = Tree::new(EntryId::at(0));
        let leaf = tree.ensure(&[1, 2, 1].map(EntryId::at));
        tree.add(leaf, 3.0);
        let found: Vec<_> = outermost(&tree, |entry| entry == EntryId::at(1)).collect();
        assert_eq!(found, [tree.follow(&[EntryId::at(1)])]);
    }
}
