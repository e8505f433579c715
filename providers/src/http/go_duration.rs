//! Lengths of time as Go programs write them: `6m0s`, `12ms`, `1h2m3.5s`. OpenAI's headers and messages have them, and
//! Google's `46s` is one too.

use std::time::Duration;

/// Longest length that is believed, as for every hint of a server.
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// Seconds of each unit, those that begin with another unit's name first.
const UNITS: &[(&str, f64)] =
    &[("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("h", 3_600.0), ("m", 60.0), ("s", 1.0)];

/// Reads a length of time; `None` for anything else, negative lengths included. Long ones are cut to a week.
pub(crate) fn go_duration(text: &str) -> Option<Duration> {
    let (duration, rest) = leading(text)?;
    rest.is_empty().then_some(duration)
}

/// The length of time behind some words of a message, as in `Please try again in 1.2s. Visit ...`.
pub(crate) fn duration_after(message: &str, words: &str) -> Option<Duration> {
    let (_, behind) = message.split_once(words)?;
    leading(behind.trim_start()).map(|(duration, _)| duration)
}

/// The length of time at the beginning of a text, and what follows it.
fn leading(text: &str) -> Option<(Duration, &str)> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while let Some((part, behind)) = component(rest) {
        total = total.saturating_add(part).min(LONGEST);
        rest = behind;
    }
    (rest.len() < text.len()).then_some((total, rest))
}

/// One number with its unit.
fn component(text: &str) -> Option<(Duration, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|at| *at > 0)?;
    let (number, behind) = text.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let (rest, seconds) =
        UNITS.iter().find_map(|(unit, seconds)| Some((behind.strip_prefix(unit)?, seconds)))?;
    let part = Duration::try_from_secs_f64((number * seconds).min(LONGEST.as_secs_f64())).ok()?;
    Some((part, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_go_writes_is_read_and_nothing_else() {
        let cases = [
            ("6m0s", 360.0),
            ("12ms", 0.012),
            ("1h2m3.5s", 3_723.5),
            ("0s", 0.0),
            ("20µs", 0.000_02),
            ("46s", 46.0),
            ("55.576865699s", 55.576_865_699),
            ("99999h", 604_800.0),
        ];
        for (text, seconds) in cases {
            assert_eq!(go_duration(text), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        for nonsense in ["", "6", "s", "-1s", "6m0", "1d", "1s ", ".s", "1.2.3s", "6m 0s"] {
            assert_eq!(go_duration(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_length_is_found_behind_the_words_of_a_message() {
        let message =
            "Rate limit reached. Please try again in 1.5s. Visit https://example.org to learn more.";
        assert_eq!(duration_after(message, "try again in"), Some(Duration::from_millis(1_500)));
        assert_eq!(duration_after("Please retry in 250ms", "retry in"), Some(Duration::from_millis(250)));
        assert_eq!(duration_after("try again in a minute", "try again in"), None);
        assert_eq!(duration_after("nothing", "try again in"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            prop_assert!(go_duration(&text).is_none_or(|duration| duration <= LONGEST));
        }

        #[test]
        fn every_length_comes_back(hours in 0_u64..100, minutes in 0_u64..60, millis in 0_u64..60_000) {
            let seconds = std::time::Duration::from_millis(millis).as_secs_f64();
            let expected = Duration::from_millis((hours * 60 + minutes) * 60_000 + millis);
            let read = go_duration(&format!("{hours}h{minutes}m{seconds}s"));
            prop_assert_eq!(read.map(|duration| duration.as_millis()), Some(expected.as_millis()));
        }
    }
}
