//! The counts of `--stats`.

use serde_json::Value;

/// A parsed object.
#[derive(Clone, Debug)]
pub(crate) struct Stats(Value);

impl Stats {
    pub(crate) fn parse(text: &str) -> Self {
        let value = serde_json::from_str(text)
            .unwrap_or_else(|error| panic!("--stats is not JSON: {error}: {text:?}"));
        Self(value)
    }

    /// The value at `a.b`.
    #[track_caller]
    pub(crate) fn get(&self, key: &str) -> &Value {
        let pointer = format!("/{}", key.replace('.', "/"));
        let found = self.0.pointer(&pointer);
        found.unwrap_or_else(|| panic!("--stats has no `{key}`: {}", self.0))
    }

    /// The number at `a.b`.
    #[track_caller]
    pub(crate) fn count(&self, key: &str) -> u64 {
        let value = self.get(key);
        let count = value.as_u64();
        count.unwrap_or_else(|| panic!("`{key}` is not a count: {value}"))
    }

    /// The sum of everything below a key.
    #[track_caller]
    pub(crate) fn sum(&self, key: &str) -> u64 {
        let object = self.get(key).as_object();
        let object = object.unwrap_or_else(|| panic!("`{key}` is not an object"));
        object.values().filter_map(Value::as_u64).sum()
    }

    /// Panics unless every sample has an outcome.
    #[track_caller]
    pub(crate) fn expect_sums(&self) {
        assert_eq!(
            self.count("samples"),
            self.sum("user") + self.count("kernel_only"),
            "samples are not the sum of user.* and kernel_only: {}",
            self.0
        );
    }

    /// Panics unless nothing was lost.
    #[track_caller]
    pub(crate) fn expect_no_loss(&self) {
        assert_eq!(self.sum("lost"), 0, "lost: {}", self.get("lost"));
        assert_eq!(self.count("user.lost"), 0, "user halves were lost");
    }
}
