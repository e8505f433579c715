//! Stops calls to a provider that fails again and again, and finds out with single calls when it is well again.
//!
//! Invariant: a 429 never opens it: a provider that throttles works.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open it, where callers have another route.
const ROW_MAX: u32 = 5;
/// Calls that are needed before their share of failures means anything.
const CALLS_MIN: u32 = 10;
/// Calls of half a minute are remembered for that share, in six pieces.
const SLOTS: usize = 6;
/// How long each piece is.
const SLOT: Duration = Duration::from_secs(5);
/// First time without calls; doubles with each probe that fails.
const OPEN_MIN: Duration = Duration::from_secs(5);
/// Longest time without calls.
const OPEN_MAX: Duration = Duration::from_mins(1);
/// Part of that time by which it may be shorter or longer, so that many programs do not probe together.
const SPREAD: f64 = 0.20;

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// Call.
    Free,
    /// Call, alone: the others wait for what comes of it.
    Probe,
    /// Somebody else finds out just now.
    Probing,
    /// No calls until then.
    Shut(Instant),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Instant,
    },
    /// Open, and one call is out.
    Probing,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    state: State,
    /// Failures in a row.
    row: u32,
    /// Times that it opened without a success since.
    opened: u32,
    recent: Recent,
}

impl Breaker {
    pub(super) fn new(now: Instant) -> Self {
        Self { state: State::Closed, row: 0, opened: 0, recent: Recent::new(now) }
    }

    /// What a caller may do now.
    pub(super) fn passage(&self, now: Instant) -> Passage {
        match self.state {
            State::Closed => Passage::Free,
            State::Open { until } if now < until => Passage::Shut(until),
            State::Open { .. } => Passage::Probe,
            State::Probing => Passage::Probing,
        }
    }

    /// Failures in a row so far.
    pub(super) fn row(&self) -> u32 {
        self.row
    }

    /// The probe is on its way.
    pub(super) fn probe(&mut self) {
        self.state = State::Probing;
    }

    /// The probe came to nothing: the next caller probes.
    pub(super) fn probe_lost(&mut self, now: Instant) {
        if self.state == State::Probing {
            self.state = State::Open { until: now };
        }
    }

    /// The provider answered.
    pub(super) fn answered(&mut self, now: Instant) {
        self.recent.note(true, now);
        self.row = 0;
        match self.state {
            State::Closed => {}
            // A call of before that is answered late proves as much as the probe.
            State::Open { .. } | State::Probing => {
                self.state = State::Closed;
                self.opened = 0;
                self.recent = Recent::new(now);
            }
        }
    }

    /// The provider failed. `spread` is between -1 and 1. Returns whether calls stop with this.
    pub(super) fn failed(&mut self, standing: Standing, spread: f64, now: Instant) -> bool {
        self.recent.note(false, now);
        self.row = self.row.saturating_add(1);
        let opens = match self.state {
            State::Closed => {
                let in_a_row = standing == Standing::HasAnother && self.row >= ROW_MAX;
                in_a_row || self.recent.are_mostly_failures(now)
            }
            State::Probing => true,
            State::Open { .. } => false,
        };
        if opens {
            let time = OPEN_MIN.saturating_mul(1 << self.opened.min(8)).min(OPEN_MAX);
            self.opened = self.opened.saturating_add(1);
            self.state = State::Open { until: now + time.mul_f64(1.0 + SPREAD * spread.clamp(-1.0, 1.0)) };
        }
        opens
    }
}

/// Whether the caller of a call that failed can go elsewhere. The only route is not shut for a few failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Another route follows.
    HasAnother,
    /// There is no other.
    OnlyRoute,
}

/// Answers and failures of the last half minute.
#[derive(Clone, Debug)]
struct Recent {
    /// When the current slot began.
    began: Instant,
    /// The current slot first.
    slots: [(u32, u32); SLOTS],
}

impl Recent {
    fn new(now: Instant) -> Self {
        Self { began: now, slots: [(0, 0); SLOTS] }
    }

    fn note(&mut self, is_answer: bool, now: Instant) {
        self.turn(now);
        let [current, ..] = &mut self.slots;
        let count = if is_answer { &mut current.0 } else { &mut current.1 };
        *count = count.saturating_add(1);
    }

    fn are_mostly_failures(&mut self, now: Instant) -> bool {
        self.turn(now);
        let answers: u32 = self.slots.iter().map(|slot| slot.0).sum();
        let failures: u32 = self.slots.iter().map(|slot| slot.1).sum();
        answers + failures >= CALLS_MIN && failures >= answers
    }

    fn turn(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.began).as_millis() / SLOT.as_millis();
        let Ok(passed) = u32::try_from(passed) else { return *self = Self::new(now) };
        if passed == 0 {
            return;
        }
        self.began += SLOT.saturating_mul(passed);
        let passed = usize::try_from(passed).unwrap_or(SLOTS).min(SLOTS);
        self.slots.rotate_right(passed % SLOTS);
        self.slots.iter_mut().take(passed).for_each(|slot| *slot = (0, 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &mut Breaker, times: u32, standing: Standing, now: Instant) -> u32 {
        (0..times).map(|_| u32::from(breaker.failed(standing, 0.0, now))).sum()
    }

    #[test]
    fn five_failures_in_a_row_shut_it_for_five_seconds_and_each_probe_that_fails_for_twice_as_long() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(now);
        assert_eq!(fail(&mut breaker, 4, Standing::HasAnother, now), 0);
        assert_eq!(breaker.passage(now), Passage::Free);
        assert_eq!(fail(&mut breaker, 1, Standing::HasAnother, now), 1);
        for seconds in [5, 10, 20, 40, 60, 60] {
            let until = now + Duration::from_secs(seconds);
            assert_eq!(breaker.passage(now), Passage::Shut(until));
            now = until;
            assert_eq!(breaker.passage(now), Passage::Probe);
            breaker.probe();
            assert_eq!(breaker.passage(now), Passage::Probing);
            assert!(breaker.failed(Standing::HasAnother, 0.0, now));
        }
        now += OPEN_MAX;
        breaker.probe();
        breaker.answered(now);
        assert_eq!(breaker.passage(now), Passage::Free);
        assert_eq!(fail(&mut breaker, 4, Standing::HasAnother, now), 0, "everything is forgiven");
    }

    #[test]
    fn the_only_route_is_shut_for_a_share_of_many_calls_and_not_for_a_few() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        assert_eq!(fail(&mut breaker, 9, Standing::OnlyRoute, now), 0);
        assert_eq!(fail(&mut breaker, 1, Standing::OnlyRoute, now), 1);
        let mut breaker = Breaker::new(now);
        (0..11).for_each(|_| breaker.answered(now));
        assert_eq!(fail(&mut breaker, 10, Standing::OnlyRoute, now), 0);
        assert_eq!(fail(&mut breaker, 1, Standing::OnlyRoute, now), 1, "half of the calls");
    }

    #[test]
    fn failures_of_more_than_half_a_minute_ago_do_not_count() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(now);
        for _ in 0..20 {
            assert!(!breaker.failed(Standing::OnlyRoute, 0.0, now));
            now += Duration::from_secs(4);
        }
    }

    #[test]
    fn calls_of_before_that_fail_late_do_not_make_it_longer_and_a_lost_probe_is_made_again() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        fail(&mut breaker, 5, Standing::HasAnother, now);
        assert_eq!(fail(&mut breaker, 20, Standing::HasAnother, now + Duration::from_secs(1)), 0);
        let then = now + OPEN_MIN;
        assert_eq!(breaker.passage(then), Passage::Probe);
        breaker.probe();
        breaker.probe_lost(then);
        assert_eq!(breaker.passage(then), Passage::Probe);
    }

    #[test]
    fn the_time_is_spread_by_a_fifth() {
        let now = Instant::now();
        for (spread, millis) in [(-1.0, 4_000), (1.0, 6_000)] {
            let mut breaker = Breaker::new(now);
            (0..5).for_each(|_| _ = breaker.failed(Standing::HasAnother, spread, now));
            assert_eq!(breaker.passage(now), Passage::Shut(now + Duration::from_millis(millis)));
        }
    }
}
