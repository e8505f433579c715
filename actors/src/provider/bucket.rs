//! A token bucket whose contents can be given back and set right, which ready-made limiters cannot.

use std::time::Duration;

use tokio::time::Instant;

/// What floating-point sums may be short of a whole unit.
const EPSILON: f64 = 1e-6;
/// Longest wait that is computed: a bucket that hardly fills is looked at again by then.
const WAIT_MAX: Duration = Duration::from_hours(1);

/// Fills steadily up to its capacity; what is taken beyond its contents is owed, and paid back first.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    capacity: f64,
    per_second: f64,
    /// Between nothing and the capacity.
    level: f64,
    /// What was used beyond the level; while there is any the level is nothing.
    debt: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn full(capacity: f64, per_second: f64, now: Instant) -> Self {
        let capacity = capacity.max(1.0);
        Self { capacity, per_second: per_second.max(0.0), level: capacity, debt: 0.0, filled_at: now }
    }

    /// What is in it.
    pub(super) fn level(&mut self, now: Instant) -> f64 {
        self.fill(now);
        self.level
    }

    /// What it holds at most.
    pub(super) fn capacity(&self) -> f64 {
        self.capacity
    }

    /// Time until so much can be taken. More than the bucket can hold is given once it is full.
    pub(super) fn wait(&mut self, amount: f64, now: Instant) -> Duration {
        self.fill(now);
        let missing = amount.min(self.capacity) - self.level + self.debt;
        if missing <= EPSILON {
            return Duration::ZERO;
        }
        let seconds = (missing / self.per_second).min(WAIT_MAX.as_secs_f64());
        // Timers count in milliseconds.
        Duration::from_secs_f64((seconds * 1e3).ceil() / 1e3)
    }

    /// Takes so much, and owes what is not there.
    pub(super) fn take(&mut self, amount: f64, now: Instant) {
        self.fill(now);
        let missing = (amount - self.level).max(0.0);
        self.level = (self.level - amount).max(0.0);
        self.debt += missing;
    }

    /// Takes back what was not used after all.
    pub(super) fn give_back(&mut self, amount: f64, now: Instant) {
        self.fill(now);
        self.pour(amount);
    }

    /// The owner of the limit says that no more than this is left.
    pub(super) fn lower_to(&mut self, level: f64, now: Instant) {
        self.fill(now);
        if level < self.level {
            self.level = level.max(0.0);
        }
    }

    /// Another size and speed; the contents stay as far as they fit.
    pub(super) fn resize(&mut self, capacity: f64, per_second: f64, now: Instant) {
        self.fill(now);
        self.capacity = capacity.max(1.0);
        self.per_second = per_second.max(0.0);
        self.level = self.level.min(self.capacity);
    }

    fn fill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled_at);
        if !elapsed.is_zero() {
            self.filled_at = now;
            self.pour(elapsed.as_secs_f64() * self.per_second);
        }
    }

    fn pour(&mut self, amount: f64) {
        let paid = amount.min(self.debt);
        self.debt -= paid;
        self.level = (self.level + amount - paid).min(self.capacity);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What can happen to a bucket.
    #[derive(Clone, Debug)]
    enum Step {
        Pass(u64),
        Take(f64),
        GiveBack(f64),
        LowerTo(f64),
        Resize(f64, f64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u64..90_000).prop_map(Step::Pass),
            (0.0..500.0).prop_map(Step::Take),
            (0.0..500.0).prop_map(Step::GiveBack),
            (-10.0..500.0).prop_map(Step::LowerTo),
            (0.0..500.0, 0.0..20.0).prop_map(|(capacity, speed)| Step::Resize(capacity, speed)),
        ]
    }

    proptest! {
        #[test]
        fn the_level_is_never_below_nothing_and_never_above_the_capacity(
            steps in proptest::collection::vec(step(), 0..60)
        ) {
            let mut now = Instant::now();
            let mut bucket = Bucket::full(100.0, 1.5, now);
            for step in steps {
                match step {
                    Step::Pass(ms) => now += Duration::from_millis(ms),
                    Step::Take(amount) => bucket.take(amount, now),
                    Step::GiveBack(amount) => bucket.give_back(amount, now),
                    Step::LowerTo(level) => bucket.lower_to(level, now),
                    Step::Resize(capacity, speed) => bucket.resize(capacity, speed, now),
                }
                let level = bucket.level(now);
                prop_assert!((0.0..=bucket.capacity()).contains(&level), "{bucket:?}");
                prop_assert!(bucket.debt >= 0.0 && (bucket.debt < EPSILON || level < EPSILON), "{bucket:?}");
            }
        }

        #[test]
        fn what_is_given_back_at_once_leaves_no_trace(amounts in proptest::collection::vec(0.0..300.0, 1..20)) {
            let now = Instant::now();
            let mut bucket = Bucket::full(100.0, 1.0, now);
            bucket.take(40.0, now);
            for amount in amounts {
                let before = (bucket.level, bucket.debt);
                bucket.take(amount, now);
                bucket.give_back(amount, now);
                prop_assert!((bucket.level - before.0).abs() < EPSILON && (bucket.debt - before.1).abs() < EPSILON);
            }
        }

        #[test]
        fn after_the_wait_there_is_enough_and_a_moment_before_there_is_not(
            taken in 0.0..300.0, amount in 0.0..150.0, speed in 0.1..50.0
        ) {
            let now = Instant::now();
            let mut bucket = Bucket::full(100.0, speed, now);
            bucket.take(taken, now);
            let wait = bucket.wait(amount, now);
            prop_assert_eq!(bucket.wait(amount, now + wait), Duration::ZERO);
            if let Some(early) = wait.checked_sub(Duration::from_millis(2)) {
                let mut other = Bucket::full(100.0, speed, now);
                other.take(taken, now);
                prop_assert!(other.wait(amount, now + early) > Duration::ZERO);
            }
        }
    }

    #[test]
    fn more_than_it_holds_is_given_when_it_is_full_and_paid_back_before_anything_else() {
        let now = Instant::now();
        let mut bucket = Bucket::full(100.0, 10.0, now);
        bucket.take(50.0, now);
        assert_eq!(bucket.wait(300.0, now), Duration::from_secs(5));
        let later = now + Duration::from_secs(5);
        bucket.take(300.0, later);
        assert_eq!(bucket.wait(1.0, later), Duration::from_millis(20_100));
    }
}
