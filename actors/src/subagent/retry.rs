//! What to do after a failed attempt. Only decisions: the loop of the model call carries them out.

use std::time::Duration;

use codex_task_providers::{ProviderError, Remedy};

use crate::dice::Dice;
use crate::provider::{Refusal, RefusalCause, Try};

/// Attempts on one route before the next is tried.
pub(super) const ATTEMPTS_PER_ROUTE_MAX: usize = 3;
/// Attempts of one call on all routes together. Those that were throttled are not counted: there waiting helps.
pub(super) const ATTEMPTS_MAX: usize = 6;
/// Times that one call may be throttled on the last route.
const THROTTLES_MAX: usize = 30;
/// Times that one call waits for its only route to get well, or for its turn to be tried again there.
const HELD_MAX: usize = 4;
/// First wait of a call that is not tried again because too many others are; doubles each time.
const SPENT_WAIT: Duration = Duration::from_secs(2);
/// First wait after a failure; doubles with each attempt, and the real wait is a random part of it.
const BACKOFF_BASE: Duration = Duration::from_millis(500);
/// Longest wait after a failure.
const BACKOFF_MAX: Duration = Duration::from_secs(20);
/// A server that asks for more patience than this is left for the next route.
pub(super) const HINT_MAX: Duration = Duration::from_mins(2);
/// Most that is added to a server's hint.
const HINT_JITTER: f64 = 0.10;

/// Why an attempt gave no reply.
#[derive(Debug)]
pub(super) enum Failure {
    /// The provider failed the call.
    Called(ProviderError),
    /// The provider failed the call that found out, for all the others that wait, whether it is well again. Whoever
    /// makes it is no worse off than they are: the wait that follows counts, as theirs does.
    Probed(ProviderError),
    /// The gate did not let it through.
    Refused(Refusal),
}

/// Failed attempts of one call.
#[derive(Default)]
pub(super) struct Tries {
    /// On all routes, throttled ones not counted.
    all: usize,
    /// On this route, throttled ones not counted.
    on_route: usize,
    /// Throttled ones on this route.
    throttled: usize,
    /// Times that it waited because its route was not well.
    held: usize,
    /// What the next attempt on this route is.
    next: Try,
}

/// What to do after a failed attempt.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Wait, then the same route again.
    Again(Duration),
    /// The same route at once, with a changed request.
    Adapt,
    /// The next route.
    Elsewhere,
    /// Nothing helps.
    Over,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    /// Another route follows.
    pub(super) has_another: bool,
    /// The longest pause that is waited for.
    pub(super) patience: Duration,
}

impl Failure {
    /// The error behind it.
    pub(super) fn error(&self) -> &ProviderError {
        match self {
            Self::Called(error) | Self::Probed(error) | Self::Refused(Refusal { error, .. }) => error,
        }
    }

    /// What a call that was made ended with.
    pub(super) fn of_call(error: ProviderError, is_probe: bool) -> Self {
        let is_still_ill = is_probe && error.is_outage() && error.remedy() == Remedy::Retry;
        if is_still_ill { Self::Probed(error) } else { Self::Called(error) }
    }

    /// Whether it is an attempt of its own: a retry that was not made is not.
    pub(super) fn is_attempt(&self) -> bool {
        !matches!(self, Self::Refused(Refusal { cause: RefusalCause::RetriesSpent, .. }))
    }
}

impl Tries {
    /// What the next attempt on this route is.
    pub(super) fn next(&self) -> Try {
        self.next
    }

    /// Whether the call has been tried as often as any call is.
    pub(super) fn are_spent(&self) -> bool {
        self.all >= ATTEMPTS_MAX
    }

    /// The same on another route.
    pub(super) fn elsewhere(&self) -> Self {
        Self { all: self.all, ..Self::default() }
    }

    /// Counts a failure.
    pub(super) fn count(&mut self, failure: &Failure) {
        match failure {
            Failure::Called(ProviderError::RateLimited { .. }) => {
                self.throttled += 1;
                self.next = Try::AfterThrottle;
            }
            Failure::Called(_) => {
                self.all += 1;
                self.on_route += 1;
                self.next = Try::AfterFailure;
            }
            Failure::Probed(_) => {}
            Failure::Refused(Refusal { cause, .. }) => {
                self.held += usize::from(is_about_the_route(*cause));
            }
        }
    }

    /// What the last failure, which is counted, means for the next attempt.
    pub(super) fn decide(&self, failure: &Failure, here: Situation, dice: &mut Dice) -> Next {
        let error = failure.error();
        let is_too_long = error.retry_after().is_some_and(|hint| hint > here.patience);
        match failure {
            Failure::Refused(Refusal { cause, .. })
                if is_about_the_route(*cause)
                    && !here.has_another
                    && !is_too_long
                    && self.held <= HELD_MAX =>
            {
                Next::Again(wait_for(error, dice, |dice| spent_wait(self.held, dice)))
            }
            // The gate is shut again, and says for how long to whoever asks.
            Failure::Probed(_) if !here.has_another => Next::Again(Duration::ZERO),
            Failure::Refused(_) | Failure::Probed(_) => Next::Elsewhere,
            Failure::Called(error) => match error.remedy() {
                Remedy::Retry if is_too_long => Next::Elsewhere,
                Remedy::Retry => self.again(error, here, dice),
                Remedy::NextRoute => Next::Elsewhere,
                Remedy::Adapt => Next::Adapt,
                Remedy::GiveUp => Next::Over,
            },
        }
    }

    fn again(&self, error: &ProviderError, here: Situation, dice: &mut Dice) -> Next {
        match error {
            // The gate pauses this provider for all its callers; waiting happens there. A task that has another route
            // does not wait for one that throttles again and again.
            ProviderError::RateLimited { .. } => {
                let most = if here.has_another { ATTEMPTS_PER_ROUTE_MAX } else { THROTTLES_MAX };
                if self.throttled < most { Next::Again(Duration::ZERO) } else { Next::Elsewhere }
            }
            _ if self.on_route >= ATTEMPTS_PER_ROUTE_MAX => Next::Elsewhere,
            error => Next::Again(wait_for(error, dice, |dice| backoff(self.all, dice))),
        }
    }
}

/// Whether waiting for the route itself helps.
fn is_about_the_route(cause: RefusalCause) -> bool {
    match cause {
        RefusalCause::Failing | RefusalCause::RetriesSpent => true,
        RefusalCause::Paused | RefusalCause::Closed => false,
    }
}

/// Between half and the whole of a time that doubles with each wait.
fn spent_wait(held: usize, dice: &mut Dice) -> Duration {
    let doublings = u32::try_from(held.saturating_sub(1)).unwrap_or(u32::MAX).min(8);
    dice.part_of(SPENT_WAIT.saturating_mul(1 << doublings), 0.5)
}

/// As long as the server asks for, or else our own wait.
fn wait_for(error: &ProviderError, dice: &mut Dice, own: impl FnOnce(&mut Dice) -> Duration) -> Duration {
    match error.retry_after() {
        Some(hint) => dice.beyond(hint, HINT_JITTER),
        None => own(dice),
    }
}

/// Exponential backoff with full jitter.
fn backoff(attempts: usize, dice: &mut Dice) -> Duration {
    let exponent = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let most = BACKOFF_BASE.saturating_mul(1 << exponent).min(BACKOFF_MAX);
    dice.part_of(most, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Situation = Situation { has_another: false, patience: HINT_MAX };

    #[test]
    fn backoff_stays_below_its_cap_and_grows_with_the_attempts() {
        let mut dice = Dice::seeded(0);
        let mut longest = |attempts| (0..2_000).map(|_| backoff(attempts, &mut dice)).max().expect("some");
        assert!(longest(1) <= BACKOFF_BASE);
        assert!(longest(3) > BACKOFF_BASE * 2 && longest(3) <= BACKOFF_BASE * 4);
        assert!(longest(100) <= BACKOFF_MAX);
    }

    #[test]
    fn a_servers_hint_is_waited_for_and_at_most_a_tenth_longer() {
        let (hint, mut dice) = (Duration::from_secs(7), Dice::seeded(0));
        let failure = Failure::Called(ProviderError::Server {
            status: 500,
            retry_after: Some(hint),
            detail: String::new(),
        });
        for _ in 0..200 {
            let mut tries = Tries::default();
            tries.count(&failure);
            let Next::Again(wait) = tries.decide(&failure, HERE, &mut dice) else {
                panic!("it is tried again")
            };
            assert!(wait >= hint && wait <= hint.mul_f64(1.1), "{wait:?}");
        }
        let short = Situation { patience: Duration::from_secs(6), ..HERE };
        assert_eq!(Tries::default().decide(&failure, short, &mut dice), Next::Elsewhere);
    }

    #[test]
    fn whoever_finds_out_for_the_others_that_the_only_route_is_still_ill_has_lost_no_attempt() {
        let error = ProviderError::Server { status: 503, retry_after: None, detail: String::new() };
        let (mut tries, mut dice) = (Tries::default(), Dice::seeded(0));
        for _ in 0..10 {
            let failure = Failure::of_call(error.clone(), true);
            tries.count(&failure);
            assert_eq!(tries.decide(&failure, HERE, &mut dice), Next::Again(Duration::ZERO));
            assert_eq!(
                tries.decide(&failure, Situation { has_another: true, ..HERE }, &mut dice),
                Next::Elsewhere
            );
        }
        assert!(!tries.are_spent());
        let failure = Failure::of_call(ProviderError::Redirect { location: String::new() }, true);
        assert!(matches!(failure, Failure::Called(_)), "a provider that answers nonsense is well enough");
    }

    #[test]
    fn an_only_route_that_fails_is_waited_for_a_few_times_and_another_one_is_taken_at_once() {
        let detail = String::new();
        let error = ProviderError::Overloaded { retry_after: Some(Duration::from_secs(5)), detail };
        let failure = Failure::Refused(Refusal { cause: RefusalCause::Failing, error });
        let (mut tries, mut dice) = (Tries::default(), Dice::seeded(0));
        for _ in 0..HELD_MAX {
            tries.count(&failure);
            assert!(matches!(tries.decide(&failure, HERE, &mut dice), Next::Again(_)));
        }
        tries.count(&failure);
        assert_eq!(tries.decide(&failure, HERE, &mut dice), Next::Elsewhere);
        assert_eq!(
            Tries::default().decide(&failure, Situation { has_another: true, ..HERE }, &mut dice),
            Next::Elsewhere
        );
        assert!(!tries.are_spent(), "nothing was sent");
    }
}
