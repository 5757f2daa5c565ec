//! Which precedence threads have that do not sample. Whoever samples may have it over all others,
//! and threads and programs that it starts would have the same.

use rustix::process::{getpriority_process, setpriority_process};

/// How a thread stands beside those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// As they do: somebody waits for it.
    Ordinary,
    /// Behind them: it works while they are sampled, and as well with less of a CPU.
    Background,
}

impl Precedence {
    fn nice(self) -> i32 {
        match self {
            Self::Ordinary => 0,
            Self::Background => 5,
        }
    }
}

/// Lowers the precedence of this thread, and of what it starts from here on. Of one that has less
/// it is left as it is.
pub fn lower_to(precedence: Precedence) {
    let nice = precedence.nice();
    if getpriority_process(None).is_ok_and(|now| now < nice) {
        // to be nicer is always allowed
        let _ = setpriority_process(None, nice);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Check that a thread is lowered, and is not raised again.
    #[test]
    fn precedence_is_only_lowered() {
        let seen = thread::spawn(|| {
            [Precedence::Background, Precedence::Ordinary].map(|precedence| {
                lower_to(precedence);
                getpriority_process(None).expect("it is always told")
            })
        });
        let [background, ordinary] = seen.join().expect("it does not panic");
        assert!(background >= Precedence::Background.nice());
        assert_eq!(ordinary, background);
    }
}
