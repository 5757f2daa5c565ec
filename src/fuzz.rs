//! Random changes of what parsers of bytes from outside can read, for tests of what they
//! all promise: not to panic, nor to take more memory or time than a bound.
//!
//! The changes are the same each time. `SOMNO_CHANGES` says how many; `make fuzz` asks for
//! more than `make test`. A test of this kind is called `damage_is_harmless`.

#[path = "fuzz/memory.rs"]
mod memory;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How often what can be read is changed, unless it is said.
const CHANGES: usize = 3000;
/// CPU time that one input may take, on a slow machine and not optimized.
const TIME_MAX: Duration = Duration::from_secs(5);

/// What a parser is tried with, and what it may cost.
pub(crate) struct Fuzz<'a> {
    /// What can be read, to be changed.
    valid: &'a [&'a [u8]],
    /// Bytes of memory that reading one input may take at a time.
    memory_max: usize,
    /// One of how many inputs is tried, for parsers that are slow.
    one_in: usize,
}

impl<'a> Fuzz<'a> {
    /// For a parser of short texts or records, none of which takes more than a MiB.
    pub(crate) fn of(valid: &'a [&'a [u8]]) -> Self {
        Self {
            valid,
            memory_max: 1 << 20,
            one_in: 1,
        }
    }

    /// For a parser that may take so many bytes.
    pub(crate) fn with_memory(self, memory_max: usize) -> Self {
        Self { memory_max, ..self }
    }

    /// For a parser that is so many times slower.
    pub(crate) fn one_in(self, one_in: usize) -> Self {
        Self { one_in, ..self }
    }

    /// Has a parser read what is valid, and then what became of it; panics, with the input,
    /// when the parser does or when it takes too much.
    pub(crate) fn run(&self, mut parse: impl FnMut(&[u8])) {
        let mut random = Random(0x5eed);
        for valid in self.valid {
            self.check(valid, &mut parse);
        }
        for _ in 0..changes() / self.one_in {
            let at = random.below(self.valid.len());
            let mut input = self.valid[at].to_vec();
            random.change(&mut input);
            if random.below(8) == 0 {
                self.splice(&mut input, &mut random);
            }
            self.check(&input, &mut parse);
        }
    }

    /// Puts a part of something valid where something else was.
    fn splice(&self, input: &mut Vec<u8>, random: &mut Random) {
        let from = self.valid[random.below(self.valid.len())];
        let begin = random.below(from.len() + 1);
        let len = random.below(from.len() - begin + 1);
        let at = random.below(input.len() + 1);
        let behind = (at + random.below(len + 1)).min(input.len());
        input.splice(at..behind, from[begin..begin + len].iter().copied());
    }

    fn check(&self, input: &[u8], parse: &mut impl FnMut(&[u8])) {
        let began = cpu_time();
        let (result, taken) = memory::measure(|| catch_unwind(AssertUnwindSafe(|| parse(input))));
        let time = cpu_time().saturating_sub(began);
        if result.is_ok() && taken <= self.memory_max && time <= TIME_MAX {
            return;
        }
        eprintln!("{taken} bytes and {time:?} were taken for {}", shown(input));
        match result {
            Err(panic) => resume_unwind(panic),
            Ok(()) => panic!("an input takes too much"),
        }
    }
}

/// An input for people, or where it was put when it is long.
fn shown(input: &[u8]) -> String {
    if input.len() <= 512 {
        return format!("b\"{}\"", input.escape_ascii());
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/target/damaged");
    match std::fs::write(path, input) {
        Ok(()) => format!("`{path}`"),
        Err(error) => format!("{} bytes: {error}", input.len()),
    }
}

/// How often what can be read is changed.
fn changes() -> usize {
    let asked = std::env::var("SOMNO_CHANGES").ok();
    asked
        .and_then(|asked| asked.parse().ok())
        .unwrap_or(CHANGES)
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("it counts up from 0")
}

/// Random numbers that are the same each time: xorshift64.
struct Random(u64);

impl Random {
    /// One of the numbers below a limit, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("it is below an index")
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).expect("it is below")
    }

    /// Changes some bytes: of small numbers to others, so that more than checks of form is
    /// met; of words to what counts and sizes break at.
    fn change(&mut self, bytes: &mut Vec<u8>) {
        const WORDS: [u64; 8] = [
            0,
            1,
            0x7fff_ffff,
            0xffff_ffff,
            1 << 40,
            i64::MAX as u64,
            u64::MAX - 7,
            u64::MAX,
        ];
        for _ in 0..=self.below(4) {
            if bytes.is_empty() {
                bytes.push(self.byte());
            }
            let at = self.below(bytes.len());
            match self.below(8) {
                0 => bytes[at] = bytes[at].wrapping_add(1),
                1 => bytes[at] = 0xff,
                2 => {
                    bytes.remove(at);
                }
                3 => bytes[at] = self.byte(),
                4 => bytes[at] ^= 1 << self.below(8),
                5 => bytes.truncate(at),
                6 => {
                    let word = WORDS[self.below(WORDS.len())].to_le_bytes();
                    let room = [1, 2, 4, 8][self.below(4)].min(bytes.len() - at);
                    bytes[at..at + room].copy_from_slice(&word[..room]);
                }
                _ => bytes.insert(at, self.byte()),
            }
        }
    }
}
