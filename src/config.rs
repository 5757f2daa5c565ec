//! From what was typed to what was meant: validated once, with every default.

pub mod annotate;
pub mod diff;
pub mod dump;
pub mod export;
pub mod file;
pub mod filters;
mod format_options;
pub mod output;
pub mod report;
pub mod rotation;
mod sampling;

use self::output::{
    Destination, OutputConfig, OutputFormat, check_distinct, check_terminal, destination, outputs,
};
use self::rotation::Rotation;
use crate::capture::options::Moments;
use crate::cli::live::Live;
use crate::cli::look::Look;
use crate::cli::record::Record;
use crate::error::{Error, Result};
use crate::export::Options;

pub use self::sampling::{MAX_DEPTH, NarrowingConfig, SamplingConfig, TargetConfig};

/// What `somno record` is to do.
#[derive(Clone, Debug)]
pub struct RecordConfig {
    /// What to sample and how.
    pub sampling: SamplingConfig,
    /// What is named.
    pub naming: Naming,
    /// Whether servers are asked for debug files.
    pub debuginfod: bool,
    /// What to write.
    pub outputs: Vec<OutputConfig>,
    /// Whether that is one recording in segments.
    pub rotation: Option<Rotation>,
    /// How to write it.
    pub format_options: Options,
    /// Whether a browser is to show it.
    pub open: bool,
    /// Where to write the counts.
    pub stats: Option<Destination>,
}

/// What `somno live` is to do.
#[derive(Clone, Debug)]
pub struct LiveConfig {
    /// What to sample and how.
    pub sampling: SamplingConfig,
    /// How it looks.
    pub look: Look,
    /// Whether servers are asked for debug files.
    pub debuginfod: bool,
}

impl LiveConfig {
    /// Validates what was typed.
    ///
    /// # Errors
    /// Usage errors that name the value.
    pub fn new(typed: Live, user_id: impl Fn(&str) -> Option<u32>) -> Result<Self> {
        let sampling = SamplingConfig::new(typed.sampling, user_id)?;
        if sampling.moments != Moments::OnCpu {
            return Err(Error::usage(
                "live shows time on the CPU only, so it takes no --off-cpu and no --wall",
            )
            .with_hint("record it, then look at that with `somno view`"));
        }
        if sampling.events.len() > 1 {
            return Err(Error::usage("live shows one event at a time")
                .with_hint("record several, then look at each with `somno view --event`"));
        }
        Ok(Self {
            sampling,
            look: typed.look,
            debuginfod: typed.debuginfod,
        })
    }
}

/// What is named when sampling has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Every frame.
    Everything,
    /// No frame: whoever reads the recording does it.
    Nothing,
}

impl RecordConfig {
    /// Validates what was typed.
    ///
    /// # Errors
    /// Usage errors that name the value.
    pub fn new(typed: Record, user_id: impl Fn(&str) -> Option<u32>) -> Result<Self> {
        check_distinct(typed.output.iter().chain(&typed.stats))?;
        let (open, extensions) = (typed.format_options.open, OutputFormat::all_extensions());
        let outputs = outputs(&typed.output, typed.format, open, &extensions)?;
        if typed.rotate.is_some() && !matches!(&outputs[..], [only] if only.is_recording_file()) {
            return Err(Error::usage("--rotate writes one recording, to a file")
                .with_hint("make other formats of a segment by `somno export`"));
        }
        check_terminal(&outputs)?;
        Ok(Self {
            rotation: typed.rotate,
            naming: if typed.no_symbols {
                Naming::Nothing
            } else {
                Naming::Everything
            },
            debuginfod: typed.debuginfod,
            outputs,
            open,
            format_options: format_options::options(typed.format_options.clone())?,
            stats: typed.stats.as_deref().map(destination),
            sampling: SamplingConfig::new(typed.sampling, user_id)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::sampling::FREQUENCY;
    use super::*;
    use crate::cli::{Cli, Command};
    use crate::export::Format;
    use crate::time::Rate;
    use clap::Parser as _;
    use std::time::Duration;

    fn config(arguments: &[&str]) -> Result<RecordConfig> {
        let cli = Cli::try_parse_from(["somno", "record"].iter().chain(arguments))
            .map_err(|error| Error::usage(error.to_string()))?;
        let Command::Record(typed) = cli.command else {
            unreachable!("it is record")
        };
        RecordConfig::new(*typed, |name| name.parse().ok())
    }

    /// Check the defaults.
    #[test]
    fn defaults() {
        let config = config(&["--", "true", "-x"]).expect("it is valid");
        let sampling = config.sampling;
        assert_eq!(sampling.rate, Rate::Frequency(FREQUENCY));
        assert_eq!(sampling.max_depth, 512);
        assert!(sampling.inherit && sampling.kernel_frames && sampling.sleep);
        assert_eq!(
            sampling.target,
            TargetConfig::Command {
                arguments: vec!["true".into(), "-x".into()],
                as_root: false
            }
        );
        assert_eq!(config.outputs.len(), 1);
    }

    /// Check that extensions give formats, and --format wins.
    #[test]
    fn formats() {
        for (arguments, format) in [
            (&["-o", "a.somno"][..], OutputFormat::Recording),
            (&["-o", "a.svg"], OutputFormat::Profile(Format::Svg)),
            (&["-o", "a.b.folded"], OutputFormat::Profile(Format::Folded)),
            (&["-o", "a.txt"], OutputFormat::Profile(Format::Folded)),
            (&["-o", "-"], OutputFormat::Profile(Format::Folded)),
            (
                &["-o", "a.svg", "--format", "folded"],
                OutputFormat::Profile(Format::Folded),
            ),
        ] {
            let arguments: Vec<_> = arguments.iter().copied().chain(["-a"]).collect();
            assert_eq!(config(&arguments).expect("valid").outputs[0].format, format);
        }
    }

    /// Check that every event has its own rate, or that of all.
    #[test]
    fn events_have_rates() {
        let number = |number| NonZeroU64::new(number).expect("it is not zero");
        let (period, typed) = (Rate::Period(number(7)), Rate::Frequency(number(99)));
        for (arguments, rates) in [
            (
                &["-a", "-e", "cs,faults"][..],
                &[Rate::Frequency(FREQUENCY); 2],
            ),
            (
                &["-a", "-F", "99", "-e", "cs/period=7/", "-e", "faults"],
                &[period, typed],
            ),
            (
                &["-a", "-c", "7", "-e", "cs", "-e", "mem:1/8/freq=99/"],
                &[period, typed],
            ),
        ] {
            let events = config(arguments).expect("valid").sampling.events;
            let found: Vec<_> = events.iter().map(|event| event.rate).collect();
            assert_eq!(found, rates, "{arguments:?}");
        }
        assert!(config(&["-a"]).expect("valid").sampling.events.is_empty());
    }

    /// Check that waits have a shortest length, given or not.
    #[test]
    fn moments_are_chosen() {
        let micros = Duration::from_micros;
        for (arguments, moments) in [
            (&["-a"][..], Moments::OnCpu),
            (&["--off-cpu", "-a"], Moments::OffCpu(micros(100))),
            (&["--off-cpu", "1ms", "-a"], Moments::OffCpu(micros(1000))),
            (&["--off-cpu=0", "-a"], Moments::OffCpu(micros(0))),
            (&["--wall", "-F", "99", "-a"], Moments::Wall(micros(100))),
            (&["--wall", "--", "true"], Moments::Wall(micros(100))),
        ] {
            let config = config(arguments).expect("valid");
            assert_eq!(config.sampling.moments, moments, "{arguments:?}");
        }
    }

    /// Check that whoever asks for time off the CPU live is told what does it.
    #[test]
    fn live_refuses_time_off_the_cpu() {
        for (option, is_taken) in [
            ("--no-kernel", true),
            ("--off-cpu", false),
            ("--wall", false),
        ] {
            let cli = Cli::try_parse_from(["somno", "live", "-a", option]).expect("it is known");
            let Command::Live(typed) = cli.command else {
                unreachable!("it is live")
            };
            let config = LiveConfig::new(*typed, |_| None);
            assert_eq!(config.is_ok(), is_taken, "{option}");
            assert!(is_taken || config.is_err_and(|error| error.hint().is_some()));
        }
    }

    /// Check that what cannot be meant is refused with exit status 2.
    #[test]
    fn refusals() {
        for arguments in [
            &[][..],
            &["-a", "-p", "1"],
            &["-a", "-F", "0"],
            &["-a", "-F", "max"],
            &["-a", "-F", "-1"],
            &["-a", "-F", "1", "-c", "1"],
            &["-a", "-c", "0"],
            &["-a", "-e", "nonsense"],
            &["-a", "-e", "cs", "-e", "cs"],
            &["-a", "-e", "cs/freq=0/"],
            &["-a", "-e", "cs/umask=1/"],
            &["-a", "--comm", "("],
            &["-a", "-u", "nobody-of-this-name"],
            &["-a", "-C", "9-1"],
            &["-a", "--max-depth", "0"],
            &["-a", "--max-depth", "1025"],
            &["-a", "-o", "a.xyz"],
            &["-a", "-o", "a.svg", "-o", "a.svg"],
            &["-a", "-o", "-", "--stats", "-"],
            &["-a", "-d", "soon"],
            &["-a", "--as-root"],
            &["-a", "--off-cpu", "--wall"],
            &["-a", "--off-cpu", "-F", "99"],
            &["-a", "--off-cpu", "soon"],
            &["-a", "--off-cpu", "100"],
            &["-a", "--wall", "100"],
            &["-a", "--wakers"],
            &["-a", "--wall", "-e", "cycles"],
            &["-p", "0"],
            &["-a", "--rotate", "60s:0"],
            &["-a", "--rotate", "60s", "-o", "a.svg"],
            &["-a", "--rotate", "60s", "-o", "a.somno", "-o", "b.somno"],
            &["-a", "--rotate", "60s", "-o", "-", "--format", "recording"],
        ] {
            let error = config(arguments).expect_err(&format!("{arguments:?}"));
            assert_eq!(error.kind().exit_status(), 2, "{arguments:?}");
        }
    }
}
