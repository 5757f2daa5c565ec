//! Asks for what may never be answered, on a thread that can be left behind: a file system that
//! does not answer holds up whoever opens or reads a file there, and the kernel lets nobody
//! change their mind.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel,
};
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::gettid;

use crate::proc::own::{self, Activity};

/// How long nothing may move before nobody waits for it any more. A disk that has to start takes
/// less.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked, and what more than one look may count for: this process may have been
/// stopped in between.
const ROUND: Duration = Duration::from_millis(100);
const COUNTED: Duration = Duration::from_millis(500);
/// Threads that hang, before nothing is asked until one of them comes back.
const LEFT_MAX: usize = 4;
/// Questions and answers that wait for the thread, and for us.
const QUEUE: usize = 64;

/// Answers questions of a kind.
pub type Answer<Q, A> = Box<dyn FnMut(&Q) -> A>;
/// Begins to do so, on a thread.
pub type Begin<Q, A> = Box<dyn FnOnce() -> Answer<Q, A> + Send>;

/// Questions, in the order in which they were asked, and the thread that answers them.
pub struct Patient<Q, A> {
    name: &'static str,
    patience: Duration,
    make: Box<dyn FnMut() -> Begin<Q, A> + Send>,
    thread: Option<Thread<Q, A>>,
    left_behind: Vec<LeftBehind<Q>>,
    under_way: VecDeque<Arc<Q>>,
    waiting: VecDeque<Arc<Q>>,
}

impl<Q, A> fmt::Debug for Patient<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.name)
            .field("under_way", &self.under_way.len())
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The thread that was at it did not move any more, or panicked.
    GivenUp,
    /// No thread was at it: too many hang, or none can be had.
    NotAsked,
}

/// A question, and its answer where one came.
pub type Answered<Q, A> = (Arc<Q>, Result<A, Unanswered>);

impl<Q: Send + Sync + 'static, A: Send + 'static> Patient<Q, A> {
    /// Makes one without a thread yet. `make` is called for each thread, of which there is more
    /// than one only where one was left behind.
    #[must_use]
    pub fn new(
        name: &'static str,
        patience: Duration,
        make: impl FnMut() -> Begin<Q, A> + Send + 'static,
    ) -> Self {
        Self {
            name,
            patience,
            make: Box::new(make),
            thread: None,
            left_behind: Vec::new(),
            under_way: VecDeque::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Starts the thread, if it is not there.
    ///
    /// # Errors
    /// When the kernel gives none.
    pub fn start(&mut self) -> io::Result<()> {
        if self.thread.is_none() {
            self.thread = Some(Thread::start(self.name, (self.make)())?);
        }
        Ok(())
    }

    /// Asks; never waits.
    pub fn ask(&mut self, questions: impl IntoIterator<Item = Q>) {
        self.waiting.extend(questions.into_iter().map(Arc::new));
        self.feed();
    }

    /// Whether answers are still to come.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !(self.under_way.is_empty() && self.waiting.is_empty())
    }

    /// The questions at which threads that were left behind still are.
    pub fn hanging(&self) -> impl Iterator<Item = &Q> {
        let hanging = self.left_behind.iter().filter(|left| left.hangs());
        hanging.map(|left| &*left.question)
    }

    /// Takes the next answer, and waits for it so long; nothing where there is none yet.
    pub fn take(&mut self, at_most: Duration) -> Option<Answered<Q, A>> {
        self.feed();
        if self.thread.is_none() || self.under_way.is_empty() {
            let question = self.waiting.pop_front()?;
            return Some((question, Err(Unanswered::NotAsked)));
        }
        let thread = self.thread.as_mut()?;
        let answer = match thread.answers.try_recv() {
            Err(TryRecvError::Empty) if at_most > Duration::ZERO => {
                thread.answers.recv_timeout(at_most)
            }
            Err(TryRecvError::Empty) => Err(RecvTimeoutError::Timeout),
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
            Ok(answer) => Ok(answer),
        };
        match answer {
            Ok(answer) => {
                thread.still = Duration::ZERO;
                let question = self.under_way.pop_front()?;
                self.feed();
                Some((question, Ok(answer)))
            }
            Err(RecvTimeoutError::Timeout) => {
                if !thread.is_stuck(self.patience) {
                    return None;
                }
                let tid = Arc::downgrade(&thread.tid);
                let given_up = self.give_up()?;
                let question = Arc::clone(&given_up.0);
                self.left_behind.push(LeftBehind { question, tid });
                Some(given_up)
            }
            // it panicked
            Err(RecvTimeoutError::Disconnected) => self.give_up(),
        }
    }

    /// Takes the questions that were not answered yet and that are like this one, without
    /// waiting for answers.
    pub fn forget(&mut self, is_like: impl Fn(&Q) -> bool) -> Vec<Arc<Q>> {
        let mut like = Vec::new();
        for question in std::mem::take(&mut self.waiting) {
            if is_like(&question) {
                like.push(question);
            } else {
                self.waiting.push_back(question);
            }
        }
        like
    }

    /// Gives up the question that the thread is at, and the thread.
    fn give_up(&mut self) -> Option<Answered<Q, A>> {
        self.thread = None;
        let stuck = self.under_way.pop_front()?;
        while let Some(question) = self.under_way.pop_back() {
            self.waiting.push_front(question);
        }
        Some((stuck, Err(Unanswered::GivenUp)))
    }

    fn feed(&mut self) {
        self.left_behind.retain(LeftBehind::hangs);
        if self.waiting.is_empty() || self.left_behind.len() >= LEFT_MAX || self.start().is_err() {
            return;
        }
        let Some(thread) = &mut self.thread else {
            return;
        };
        if self.under_way.is_empty() {
            thread.still = Duration::ZERO;
        }
        while let Some(question) = self.waiting.pop_front() {
            match thread.questions.try_send(Arc::clone(&question)) {
                Ok(()) => self.under_way.push_back(question),
                // of a thread that is gone it is seen when its answers are
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                    self.waiting.push_front(question);
                    return;
                }
            }
        }
    }
}

/// A thread that nobody waits for any more, and what it was at.
struct LeftBehind<Q> {
    question: Arc<Q>,
    tid: Weak<AtomicU32>,
}

impl<Q> LeftBehind<Q> {
    /// Whether it has not come back, which would have been its end.
    fn hangs(&self) -> bool {
        self.tid.strong_count() > 0
    }
}

/// The thread, which ends when this is dropped and what it is at is done.
struct Thread<Q, A> {
    questions: SyncSender<Arc<Q>>,
    answers: Receiver<A>,
    /// 0 until it runs. The thread has a share in it until it ends.
    tid: Arc<AtomicU32>,
    looked_at: Instant,
    seen: Option<Activity>,
    /// For how long it was seen not to move.
    still: Duration,
}

impl<Q: Send + Sync + 'static, A: Send + 'static> Thread<Q, A> {
    fn start(name: &str, begin: Begin<Q, A>) -> io::Result<Self> {
        let (questions, asked) = sync_channel::<Arc<Q>>(QUEUE);
        let (done, answers) = mpsc::sync_channel(QUEUE);
        let tid = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&tid);
        thread::Builder::new().name(name.into()).spawn(move || {
            told.store(gettid().as_raw_pid().cast_unsigned(), Ordering::Relaxed);
            let mut answer = begin();
            // Either end goes when nobody wants to know any more.
            for question in asked {
                if done.send(answer(&question)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self {
            questions,
            answers,
            tid,
            looked_at: Instant::now(),
            seen: None,
            still: Duration::ZERO,
        })
    }

    /// Whether it did nothing for so long but wait: it had no CPU, and wants none.
    fn is_stuck(&mut self, patience: Duration) -> bool {
        let since = self.looked_at.elapsed();
        if since < ROUND {
            return false;
        }
        self.looked_at = Instant::now();
        let now = own::activity(self.tid.load(Ordering::Relaxed));
        if now.is_some_and(|now| !now.is_running) && now == self.seen {
            self.still += since.min(COUNTED);
        } else {
            self.still = Duration::ZERO;
        }
        self.seen = now;
        self.still >= patience
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const SHORT: Duration = Duration::from_millis(300);
    const GIVEN_UP: Result<u64, Unanswered> = Err(Unanswered::GivenUp);
    const NOT_ASKED: Result<u64, Unanswered> = Err(Unanswered::NotAsked);

    /// Takes all answers.
    fn all(patient: &mut Patient<u64, u64>) -> Vec<(u64, Result<u64, Unanswered>)> {
        let mut answers = Vec::new();
        while patient.is_busy() {
            let answered = patient.take(ROUND);
            answers.extend(answered.map(|(question, answer)| (*question, answer)));
        }
        answers
    }

    /// One that doubles, sleeps for ever over 13, panics over 17, needs long for 19 and waits for
    /// the gate over 23.
    fn patient_at(gate: &Arc<Mutex<()>>) -> Patient<u64, u64> {
        let gate = Arc::clone(gate);
        Patient::new("test-patient", SHORT, move || {
            let gate = Arc::clone(&gate);
            Box::new(move || {
                Box::new(move |&question| match question {
                    13 => loop {
                        thread::park();
                    },
                    17 => panic!("as the test wants it"),
                    19 => {
                        let end = Instant::now() + 4 * SHORT;
                        while Instant::now() < end {}
                        38
                    }
                    23 => {
                        drop(gate.lock());
                        46
                    }
                    other => other * 2,
                })
            })
        })
    }

    fn patient() -> Patient<u64, u64> {
        patient_at(&Arc::default())
    }

    /// Check that more questions than the queues hold are answered, once each and in order.
    #[test]
    fn everything_is_answered_once() {
        let mut patient = patient();
        let questions: Vec<_> = (100..100 + QUEUE as u64 * 5).collect();
        patient.ask(questions.clone());
        let expected: Vec<_> = questions.iter().map(|&n| (n, Ok(n * 2))).collect();
        assert_eq!(all(&mut patient), expected);
    }

    /// Check that what is never answered, or is the end of its thread, is given up, and nothing
    /// else: not what takes long, nor what comes after.
    #[test]
    fn others_are_answered() {
        let mut patient = patient();
        patient.ask([1, 13, 19, 17, 2]);
        assert_eq!(
            all(&mut patient),
            [
                (1, Ok(2)),
                (13, GIVEN_UP),
                (19, Ok(38)),
                (17, GIVEN_UP),
                (2, Ok(4))
            ]
        );
        let hanging: Vec<_> = patient.hanging().copied().collect();
        assert_eq!(hanging, [13], "who panicked does not hang");
    }

    /// Check that there is a bound to the threads that are left behind, and so to the time.
    #[test]
    fn all_is_given_up_in_the_end() {
        let mut patient = patient();
        patient.ask([13; 100]);
        patient.ask([1]);
        let answers = all(&mut patient);
        assert_eq!(answers.len(), 101);
        let (asked, not_asked) = answers.split_at(LEFT_MAX);
        assert!(asked.iter().all(|(_, answer)| *answer == GIVEN_UP));
        assert!(not_asked.iter().all(|(_, answer)| *answer == NOT_ASKED));
    }

    /// Check that a thread that comes back does not count any more, so that others are asked again.
    #[test]
    fn who_comes_back_makes_room() {
        let gate: Arc<Mutex<()>> = Arc::default();
        let closed = gate.lock().expect("nobody panics with it");
        let mut patient = patient_at(&gate);
        patient.ask([23; LEFT_MAX]);
        assert_eq!(all(&mut patient), [(23, GIVEN_UP); LEFT_MAX]);
        patient.ask([1]);
        assert_eq!(all(&mut patient), [(1, NOT_ASKED)]);
        assert_eq!(patient.hanging().count(), LEFT_MAX);
        drop(closed);
        let end = Instant::now() + 100 * SHORT;
        while patient.hanging().count() > 0 {
            assert!(Instant::now() < end, "they do not come back");
            thread::sleep(Duration::from_millis(1));
        }
        patient.ask([1]);
        assert_eq!(all(&mut patient), [(1, Ok(2))]);
    }
}
