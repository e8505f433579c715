//! What is left of a rate that grew too fast for the provider: half of it, and a little more each minute.

use std::time::Duration;

use tokio::time::Instant;

use super::bucket::Bucket;

/// How long calls are counted to know their rate.
const COUNTED: Duration = Duration::from_mins(1);
/// What is added to the rate in a minute.
const GROWTH_PER_MINUTE: f64 = 1.05;
/// The slowest rate that is ever imposed, in calls per minute.
const RATE_MIN: f64 = 1.0;

/// Counts calls, roughly: those of the minute that runs, and a share of those of the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateMeter {
    began: Instant,
    calls: u32,
    before: u32,
}

impl RateMeter {
    pub(super) fn new(now: Instant) -> Self {
        Self { began: now, calls: 0, before: 0 }
    }

    /// A call begins.
    pub(super) fn count(&mut self, now: Instant) {
        self.turn(now);
        self.calls = self.calls.saturating_add(1);
    }

    /// Calls in the last minute.
    pub(super) fn per_minute(&mut self, now: Instant) -> f64 {
        self.turn(now);
        let passed = now.saturating_duration_since(self.began).as_secs_f64() / COUNTED.as_secs_f64();
        f64::from(self.calls) + f64::from(self.before) * (1.0 - passed).max(0.0)
    }

    fn turn(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.began);
        if passed >= COUNTED {
            self.before = if passed < COUNTED * 2 { self.calls } else { 0 };
            self.calls = 0;
            self.began = now;
        }
    }
}

/// A limit on calls per minute that the provider asked for.
#[derive(Clone, Debug)]
pub(super) struct Ramp {
    bucket: Bucket,
    per_minute: f64,
    /// The rate that was too much: reached again slowly, the limit is over.
    goal: f64,
    grown_at: Instant,
}

impl Ramp {
    /// Half of the rate that was too much.
    pub(super) fn below(rate: f64, now: Instant) -> Self {
        let per_minute = (rate / 2.0).max(RATE_MIN);
        let mut bucket = Bucket::full(1.0, per_minute / 60.0, now);
        bucket.take(1.0, now);
        Self { bucket, per_minute, goal: rate.max(RATE_MIN), grown_at: now }
    }

    /// Time until the next call; `None` when the limit is over.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Duration> {
        let minutes = now.saturating_duration_since(self.grown_at).as_secs_f64() / 60.0;
        if minutes >= 1.0 {
            self.per_minute *= GROWTH_PER_MINUTE.powf(minutes);
            self.grown_at = now;
            self.bucket.resize(1.0, self.per_minute / 60.0, now);
        }
        (self.per_minute < self.goal).then(|| self.bucket.wait(1.0, now))
    }

    /// A call begins.
    pub(super) fn take(&mut self, now: Instant) {
        self.bucket.take(1.0, now);
    }

    /// Calls per minute now.
    pub(super) fn per_minute(&self) -> f64 {
        self.per_minute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_halved_and_comes_back_by_five_percent_a_minute() {
        let start = Instant::now();
        let mut meter = RateMeter::new(start);
        for n in 0..120_u64 {
            meter.count(start + Duration::from_millis(n * 500));
        }
        let now = start + Duration::from_secs(59);
        let rate = meter.per_minute(now);
        assert!((rate - 120.0).abs() < 1.0, "{rate}");
        let mut ramp = Ramp::below(rate, now);
        assert_eq!(ramp.wait(now), Some(Duration::from_secs(1)));
        let minutes = |count: u64| now + Duration::from_secs(60 * count);
        ramp.wait(minutes(1));
        assert!((ramp.per_minute() - 63.0).abs() < 0.1, "{}", ramp.per_minute());
        let over = (2..100).find(|count| ramp.wait(minutes(*count)).is_none());
        assert_eq!(over, Some(15), "doubled after fifteen minutes of five percent each");
    }

    #[test]
    fn calls_of_long_ago_are_not_counted() {
        let start = Instant::now();
        let mut meter = RateMeter::new(start);
        (0..50).for_each(|_| meter.count(start));
        assert!(meter.per_minute(start + Duration::from_secs(90)) < 51.0);
        assert!(meter.per_minute(start + Duration::from_mins(5)) < 1.0);
    }
}
