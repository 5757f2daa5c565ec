//! What passes between whoever captures and whoever draws, which never wait for each other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::live::batch::Batch;
use crate::tui::message::{Health, News};

/// Bytes of output that wait to be shown; the latest are kept.
const OUTPUT_MAX: usize = 1 << 18;
/// Samples that wait to be shown, those of some 13 s at the highest rate on two CPUs, and
/// the frames of their stacks. Some 50 MB.
const SAMPLES_MAX: usize = 1 << 18;
const FRAMES_MAX: usize = 1 << 23;
/// Lines that wait to be said; the latest are kept.
const LINES_MAX: usize = 16;

/// News that wait to be taken, and whether anybody will.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    news: Mutex<News>,
    is_left: AtomicBool,
}

impl Shared {
    /// Takes what became known since the last time.
    pub(super) fn take(&self) -> Option<News> {
        let news = std::mem::take(&mut *self.news());
        let is_empty = news.batches.is_empty()
            && news.health.is_none()
            && news.output.is_empty()
            && news.ended.is_none()
            && news.said.is_empty();
        (!is_empty).then_some(news)
    }

    /// Adds samples and names. Where nobody takes them samples are dropped, and counted.
    pub(super) fn add(&self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let mut news = self.news();
        match news.batches.last_mut() {
            Some(last) if !batch.anew => last.append(batch),
            _ => news.batches.push(batch),
        }
        let sum = |count: fn(&Batch) -> usize| news.batches.iter().map(count).sum::<usize>();
        let samples = sum(|batch| batch.samples.len());
        if samples > SAMPLES_MAX || sum(|batch| batch.stacks.len()) > FRAMES_MAX {
            news.batches = Batch::without_samples(std::mem::take(&mut news.batches))
                .into_iter()
                .collect();
            news.unshown += samples as u64;
        }
    }

    /// Tells how sampling goes.
    pub(super) fn set_health(&self, health: Health) {
        self.news().health = Some(health);
    }

    /// Adds what the command wrote.
    pub(super) fn write(&self, bytes: &[u8]) {
        let mut news = self.news();
        news.output.extend(bytes);
        let excess = news.output.len().saturating_sub(OUTPUT_MAX);
        news.output.drain(..excess);
    }

    /// Tells why nothing more will be sampled.
    pub(super) fn end(&self, why: String) {
        self.news().ended = Some(why);
    }

    /// Adds a line to be said.
    pub(super) fn say(&self, line: String) {
        let mut news = self.news();
        news.said.push(line);
        let excess = news.said.len().saturating_sub(LINES_MAX);
        news.said.drain(..excess);
    }

    /// Takes notice that the interface was left.
    pub(super) fn leave(&self) {
        self.0.is_left.store(true, Ordering::Relaxed);
    }

    /// Whether the interface was left.
    pub(super) fn is_left(&self) -> bool {
        self.0.is_left.load(Ordering::Relaxed)
    }

    fn news(&self) -> MutexGuard<'_, News> {
        // what a panic left is whole: each change is one
        self.0.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
