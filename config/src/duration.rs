//! Lengths of time as people write them: `90`, `90s`, `5m`, `1h30m`, `250ms`.

use std::time::Duration;

/// Longest accepted length: a week. Longer ones are typing errors.
const LONGEST: Duration = Duration::from_hours(24 * 7);

/// Reads a length of time; a bare number counts seconds.
///
/// # Errors
/// A sentence that says what is accepted.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let wrong = || format!("'{text}' is no length of time; write for example 90s, 5m or 1h30m");
    if let Ok(seconds) = text.parse::<f64>() {
        return bounded(Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?, text);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits =
            rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|at| *at > 0).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let seconds = match unit.trim() {
            "ms" => 0.001,
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        total = total.saturating_add(Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?);
        rest = tail.trim_start();
    }
    bounded(total, text)
}

fn bounded(duration: Duration, text: &str) -> Result<Duration, String> {
    match duration {
        Duration::ZERO => Err(format!("'{text}' is no time at all")),
        duration if duration > LONGEST => Err(format!("'{text}' is longer than a week")),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_spellings_are_read() {
        for (text, seconds) in
            [("90", 90.0), ("90s", 90.0), ("5m", 300.0), ("1h30m", 5_400.0), ("250ms", 0.25), ("1.5m", 90.0)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in ["", "soon", "5x", "-3s", "NaN", "1e300", "m5", "8d", "0"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
