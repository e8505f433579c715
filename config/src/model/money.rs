//! Money in millionths of a US dollar: exact sums, no floating point.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize, Serializer};

/// An amount in millionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "f64")]
pub struct MicroUsd(pub u64);

/// What something saved, in millionths of a US dollar; negative where it cost more than it gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "f64")]
pub struct SavedUsd(pub i64);

impl SavedUsd {
    /// The amount, where there is one.
    pub fn gain(self) -> Option<MicroUsd> {
        u64::try_from(self.0).ok().filter(|amount| *amount > 0).map(MicroUsd)
    }
}

impl From<f64> for SavedUsd {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the range first")]
    fn from(usd: f64) -> Self {
        Self((usd * 1e6).round().clamp(-1e18, 1e18) as i64)
    }
}

impl Serialize for SavedUsd {
    /// As dollars: `0.0152`.
    #[expect(clippy::cast_precision_loss, reason = "display only; exact below nine billion dollars")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / 1e6)
    }
}

impl Add for SavedUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for SavedUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for SavedUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

impl MicroUsd {
    /// The amount in dollars, for display.
    #[expect(clippy::cast_precision_loss, reason = "display only; exact below nine billion dollars")]
    pub fn as_usd(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl From<f64> for MicroUsd {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
    fn from(usd: f64) -> Self {
        Self((usd * 1e6).round().clamp(0.0, 1e18) as u64)
    }
}

impl Serialize for MicroUsd {
    /// As dollars: `0.0272`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_usd())
    }
}

impl Add for MicroUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for MicroUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for MicroUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for MicroUsd {
    /// `$0.0272`: four decimals, more where the amount is smaller than a hundredth of a cent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = if self.0 > 0 && self.0 < 100 { 6 } else { 4 };
        write!(f, "${:.*}", decimals, self.as_usd())
    }
}
