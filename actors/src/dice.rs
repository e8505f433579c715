//! Chance: the one place where jitter comes from.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// What jitter is drawn from. Each owner has dice of its own, split off those of whoever starts it: so a runtime whose dice
/// are seeded draws the same again, whatever the order in which its actors come to draw. Never for secrets.
#[derive(Debug)]
pub struct Dice(SmallRng);

impl Dice {
    /// Dice that nobody can foresee.
    #[expect(clippy::new_without_default, reason = "two dice are never interchangeable")]
    pub fn new() -> Self {
        Self(rand::make_rng())
    }

    /// Dice that always fall the same.
    pub fn seeded(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// Dice for an owner of its own.
    pub(crate) fn split(&mut self) -> Self {
        Self(SmallRng::from_rng(&mut self.0))
    }

    /// A number between these two.
    pub(crate) fn between(&mut self, least: f64, most: f64) -> f64 {
        self.0.random_range(least..=most)
    }

    /// A time of which at least `least_part` is left.
    pub(crate) fn part_of(&mut self, time: Duration, least_part: f64) -> Duration {
        time.mul_f64(self.between(least_part, 1.0))
    }

    /// A time to which at most `most_part` of it is added.
    pub(crate) fn beyond(&mut self, time: Duration, most_part: f64) -> Duration {
        time.mul_f64(1.0 + self.between(0.0, most_part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_falls_the_same_and_split_dice_fall_by_themselves() {
        let day = Duration::from_hours(24);
        let draws = |dice: &mut Dice| [(); 8].map(|()| dice.part_of(day, 0.0));
        let (mut one, mut other) = (Dice::seeded(7), Dice::seeded(7));
        let (mut child_of_one, mut child_of_other) = (one.split(), other.split());
        assert_eq!(draws(&mut one), draws(&mut other));
        // Whatever their parent has drawn since.
        assert_eq!(draws(&mut child_of_one), draws(&mut child_of_other));
        assert_ne!(draws(&mut one), draws(&mut child_of_one));
        assert_ne!(draws(&mut Dice::new()), draws(&mut Dice::new()));
    }

    #[test]
    fn times_stay_within_their_bounds() {
        let (mut dice, time) = (Dice::seeded(1), Duration::from_secs(10));
        for _ in 0..1_000 {
            let (part, beyond) = (dice.part_of(time, 0.5), dice.beyond(time, 0.1));
            assert!(part >= time / 2 && part <= time, "{part:?}");
            assert!(beyond >= time && beyond <= time.mul_f64(1.1), "{beyond:?}");
        }
    }
}
