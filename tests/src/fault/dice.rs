//! What a seed decides.

use std::time::Duration;

use super::{ErrorBody, Fault, Place};
use crate::Format;

/// Random numbers that are the same for the same seed, whoever draws them and when.
#[derive(Clone, Copy, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Numbers of their own for one purpose.
    #[must_use]
    pub fn of(self, purpose: u64) -> Self {
        Self(mixed(self.0 ^ mixed(purpose)))
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0) % end.max(1)
    }

    /// Whether it happens, at so many times of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let index = self.below(of.len() as u64);
        usize::try_from(index).ok().and_then(|index| of.get(index)).copied()
    }
}

/// The finalizer of splitmix64: a good hash of a number.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Which of its answers a server spoils, and how: passing faults only, after which the same request is answered.
#[derive(Clone, Copy, Debug)]
pub struct Misfortune {
    /// Decides all of it.
    pub seed: u64,
    /// Answers that are spoilt, of a hundred.
    pub percent: u64,
}

impl Misfortune {
    /// What goes wrong with the answer to the request of this number.
    pub fn of(self, format: Format, nth: usize) -> Fault {
        let mut dice = Dice::new(self.seed).of(nth as u64);
        if !dice.chance(self.percent) {
            return harmless(&mut dice);
        }
        let place = Place::PerMille(u16::try_from(dice.below(1_000)).unwrap_or_default());
        let tick = Duration::from_millis(100);
        match dice.below(22) {
            0 => Fault::Reset,
            1 => Fault::CutHeaders,
            2 => Fault::Silent,
            3 | 4 => Fault::ResetAt(place),
            5 | 6 => Fault::EndsAt(place),
            7 => Fault::StallsAt(place),
            8 => Fault::Drips { bytes: 1, every: tick },
            9 => Fault::Comments { every: tick },
            10 => Fault::BadChunk,
            11 => Fault::LongLength,
            12 => Fault::CutGzip,
            13 => Fault::Html,
            14 => Fault::BadJson,
            15 => Fault::ErrorEvent,
            // Formats whose pieces have no numbers cannot tell that a piece came twice.
            16 if matches!(format, Format::Anthropic | Format::OpenAi) => Fault::Doubled,
            16 => Fault::ShortLength,
            17 => Fault::Redirect("http://elsewhere.invalid/".to_owned()),
            18 => throttled(&mut dice),
            19 => Fault::Nothing,
            _ => server_error(&mut dice),
        }
    }
}

/// What a client must bear with, for some of the answers that are not spoilt.
fn harmless(dice: &mut Dice) -> Fault {
    match dice.below(40) {
        0 => Fault::Bytewise,
        1 => Fault::Late(Duration::from_millis(dice.below(300))),
        2 => Fault::OtherModel("another-model-2".to_owned()),
        _ => Fault::None,
    }
}

fn throttled(dice: &mut Dice) -> Fault {
    match dice.below(3) {
        0 => Fault::hinted(429, "retry-after", "1"),
        1 => Fault::hinted(429, "retry-after-ms", "300"),
        _ => Fault::status(429),
    }
}

fn server_error(dice: &mut Dice) -> Fault {
    let code = dice.one_of(&[500, 502, 503, 504, 529]).unwrap_or(500);
    let bodies = [ErrorBody::Vendor, ErrorBody::Html, ErrorBody::Empty, ErrorBody::Bytes(1 << 20)];
    let body = dice.one_of(&bodies).unwrap_or(ErrorBody::Vendor);
    let headers = if dice.chance(30) { vec![("retry-after", "1".to_owned())] } else { Vec::new() };
    Fault::Status { code, headers, body }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_seed_spoils_as_many_answers_as_it_should_always_the_same_ones_and_in_every_way() {
        let misfortune = Misfortune { seed: 7, percent: 20 };
        for format in Format::ALL {
            let faults: Vec<Fault> = (0..10_000).map(|nth| misfortune.of(format, nth)).collect();
            let mut kinds = BTreeMap::<&str, usize>::new();
            for fault in &faults {
                *kinds.entry(fault.name()).or_default() += 1;
            }
            let unspoilt = faults.iter().filter(|fault| fault.is_harmless()).count();
            assert!((7_800..=8_200).contains(&unspoilt), "{unspoilt}");
            assert!(kinds.len() >= 23, "{kinds:?}");
            assert_eq!(faults, (0..10_000).map(|nth| misfortune.of(format, nth)).collect::<Vec<_>>());
        }
    }
}
