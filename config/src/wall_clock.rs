//! What time it is for people. A length of time is never taken from it, since it is set now and then: that is what
//! `tokio::time::Instant` is for.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Milliseconds by which the clock was set forward for this process; see [`WallClock::set_forward`].
static SET_FORWARD_MS: AtomicI64 = AtomicI64::new(0);

/// The clock of this machine. Nothing else asks the system for the time of day.
#[derive(Clone, Copy, Debug)]
pub struct WallClock;

impl WallClock {
    /// This moment.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn now() -> Timestamp {
        let now = Timestamp::now();
        let forward = SignedDuration::from_millis(SET_FORWARD_MS.load(Ordering::Relaxed));
        // A time that no clock can show is not shown.
        now.checked_add(forward).unwrap_or(now)
    }

    /// This moment, as files have it.
    pub fn system_now() -> SystemTime {
        SystemTime::from(Self::now())
    }

    /// Milliseconds since 1970.
    pub fn now_ms() -> i64 {
        Self::now().as_millisecond()
    }

    /// The day that it is for the user.
    pub fn today() -> Date {
        Self::now().to_zoned(TimeZone::system()).date()
    }

    /// Sets the clock of this process forward or, by less than nothing, back: as if somebody had set the machine's. For
    /// those who want to see what becomes of running tasks.
    pub fn set_forward(by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        SET_FORWARD_MS.fetch_add(by, Ordering::Relaxed);
    }
}
