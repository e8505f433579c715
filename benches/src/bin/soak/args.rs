//! What the soak is told to do.

use std::time::Duration;

/// What is printed for arguments that make no sense.
pub(crate) const USAGE: &str = "usage: soak --minutes N [--faults PERCENT] [--seed S] [--at-once N]";

/// What the soak is told to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args {
    /// How long tasks are started.
    pub(crate) time: Duration,
    /// Answers that are spoilt, of a hundred.
    pub(crate) faults: u64,
    /// Decides which ones, and what each task is.
    pub(crate) seed: u64,
    /// Tasks in flight.
    pub(crate) at_once: usize,
}

impl Args {
    /// Reads arguments; `None` when they make no sense.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut args = Self { time: Duration::from_mins(1), faults: 20, seed: 1, at_once: 20 };
        while let Some(name) = words.next() {
            let value = words.next()?;
            match name.as_str() {
                "--minutes" => {
                    args.time = Duration::try_from_secs_f64(value.parse::<f64>().ok()? * 60.0).ok()?;
                }
                "--faults" => args.faults = value.parse().ok().filter(|percent| *percent <= 100)?,
                "--seed" => args.seed = value.parse().ok()?,
                "--at-once" => args.at_once = value.parse().ok().filter(|count| *count > 0)?,
                _ => return None,
            }
        }
        Some(args)
    }
}
