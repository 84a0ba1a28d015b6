//! Durations as people write them.

use std::time::Duration;

/// Reads a whole number of seconds (`90s`, `90`), minutes (`2m`) or hours (`1h`); at least a second.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(['s', 'm', 'h']);
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    let seconds = digits.parse::<u32>().ok().filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(u64::from(seconds) * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_minutes_and_hours_are_read() {
        for (text, seconds) in [("90", 90), ("120s", 120), ("2m", 120), ("1h", 3_600)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "0s", "1d", "-1s", "1mm", "1.5h", "99999999999h"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
