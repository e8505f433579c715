//! Of calls that begin with the same long prompt, one goes first and writes the provider's cache; the others follow when
//! its answer begins, and read it. All at once would each pay for the writing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// How long a cached prompt is surely kept after its last use.
const KEPT: Duration = Duration::from_mins(5);
/// Longest time that a call waits for the one that goes first.
pub(super) const HOLD_MAX: Duration = Duration::from_secs(2);
/// Prompts that are remembered before old ones are forgotten.
const REMEMBERED_MAX: usize = 256;

/// A prompt's beginning that many calls share, long enough to be cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedPrefix {
    /// What it is, by a hash.
    pub(crate) key: Arc<str>,
    /// Its tokens, by a rule of thumb.
    pub(crate) tokens: u64,
}

/// What a call with a prefix does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It reads the cache.
    Reads,
    /// It is the first, and writes it.
    Writes,
    /// Another one writes it just now.
    Waits,
}

enum Warmth<W> {
    /// The first call is out; these wait for it.
    Warming(Vec<W>),
    Warm {
        until: Instant,
    },
}

/// The prompts of one class of models; `W` is a call that waits.
pub(super) struct WarmGate<W> {
    prefixes: HashMap<Arc<str>, Warmth<W>>,
}

impl<W> WarmGate<W> {
    pub(super) fn new() -> Self {
        Self { prefixes: HashMap::new() }
    }

    /// What a call with this prefix would do now.
    pub(super) fn turn(&self, key: &str, now: Instant) -> Turn {
        match self.prefixes.get(key) {
            Some(Warmth::Warming(_)) => Turn::Waits,
            Some(Warmth::Warm { until }) if now < *until => Turn::Reads,
            Some(Warmth::Warm { .. }) | None => Turn::Writes,
        }
    }

    /// The first call begins.
    pub(super) fn begin(&mut self, key: &Arc<str>, now: Instant) {
        if self.prefixes.len() >= REMEMBERED_MAX {
            self.prefixes.retain(|_, warmth| !matches!(warmth, Warmth::Warm { until } if *until <= now));
        }
        self.prefixes.insert(Arc::clone(key), Warmth::Warming(Vec::new()));
    }

    /// A call waits for the first one. Gives it back when there is none.
    pub(super) fn hold(&mut self, key: &str, waiter: W) -> Option<W> {
        match self.prefixes.get_mut(key) {
            Some(Warmth::Warming(waiting)) => {
                waiting.push(waiter);
                None
            }
            Some(Warmth::Warm { .. }) | None => Some(waiter),
        }
    }

    /// The prefix was read or written just now. Returns those who waited for that.
    pub(super) fn warmed(&mut self, key: &str, now: Instant) -> Vec<W> {
        let warm = Warmth::Warm { until: now + KEPT };
        match self.prefixes.get_mut(key).map(|warmth| std::mem::replace(warmth, warm)) {
            Some(Warmth::Warming(waiting)) => waiting,
            Some(Warmth::Warm { .. }) | None => Vec::new(),
        }
    }

    /// The first call came to nothing. Returns those who waited for it; the next of them is the first.
    pub(super) fn failed(&mut self, key: &str) -> Vec<W> {
        match self.prefixes.remove(key) {
            Some(Warmth::Warming(waiting)) => waiting,
            Some(warm @ Warmth::Warm { .. }) => {
                self.prefixes.insert(key.into(), warm);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Takes out those who waited for too long.
    pub(super) fn take_if(&mut self, mut is_over: impl FnMut(&mut W) -> bool) -> Vec<W> {
        let waiting = self.prefixes.values_mut().filter_map(|warmth| match warmth {
            Warmth::Warming(waiting) => Some(waiting),
            Warmth::Warm { .. } => None,
        });
        waiting.flat_map(|waiting| waiting.extract_if(.., &mut is_over).collect::<Vec<_>>()).collect()
    }

    /// Those who wait.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &W> {
        self.prefixes.values().flat_map(|warmth| match warmth {
            Warmth::Warming(waiting) => waiting.as_slice(),
            Warmth::Warm { .. } => &[],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writes_and_the_others_wait_for_it_and_read() {
        let now = Instant::now();
        let mut gate = WarmGate::new();
        let key: Arc<str> = "k".into();
        assert_eq!(gate.turn(&key, now), Turn::Writes);
        gate.begin(&key, now);
        assert_eq!((gate.turn(&key, now), gate.turn("other", now)), (Turn::Waits, Turn::Writes));
        assert_eq!((gate.hold(&key, 1), gate.hold(&key, 2), gate.hold("other", 3)), (None, None, Some(3)));
        assert_eq!(gate.take_if(|waiter| *waiter == 1), [1]);
        assert_eq!(gate.warmed(&key, now), [2]);
        assert_eq!(gate.turn(&key, now + KEPT / 2), Turn::Reads);
        assert_eq!(gate.turn(&key, now + KEPT), Turn::Writes, "it is forgotten");
    }

    #[test]
    fn when_the_first_fails_the_next_is_first() {
        let now = Instant::now();
        let mut gate = WarmGate::new();
        let key: Arc<str> = "k".into();
        gate.begin(&key, now);
        gate.hold(&key, 1);
        assert_eq!(gate.failed(&key), [1]);
        assert_eq!(gate.turn(&key, now), Turn::Writes);
        gate.begin(&key, now);
        gate.warmed(&key, now);
        assert!(gate.failed(&key).is_empty());
        assert_eq!(gate.turn(&key, now), Turn::Reads, "a later failure takes nothing away");
    }
}
