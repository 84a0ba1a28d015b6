//! Rejection thresholds: probabilities as 56-bit integers.

use crate::{
    digits::{DIGITS, RANGE, number, trimmed},
    randomness::Randomness,
};
use std::{fmt, str};

/// Digits of precision that a threshold has unless told otherwise.
pub(crate) const DEFAULT_PRECISION: u8 = 4;

/// A sampling probability, as the number below which a trace's [`Randomness`] is rejected.
///
/// A trace with the random number R is kept by the threshold T if R ≥ T, so the probability is
/// (2^56 − T) / 2^56: from 2^-56 to 1. There is no threshold that rejects every trace.
///
/// `Display` writes it as the value of `th` in OpenTelemetry's trace state: hexadecimal digits
/// without trailing zeros.
///
/// ```
/// use tracewire_sampling::Threshold;
///
/// let tenth = Threshold::from_probability(0.1).unwrap();
/// assert_eq!(tenth.to_string(), "e666");
/// assert_eq!(Threshold::parse("e666"), Some(tenth));
/// assert_eq!(tenth.adjusted_count(), 9.99938968568813);
/// ```
///
/// Follows <https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Threshold(u64);

impl Threshold {
    /// Keeps every trace: a probability of 1, written as `0`.
    pub const ALWAYS: Self = Self(0);
    /// Keeps one trace in 2^56.
    pub(crate) const LEAST: Self = Self(RANGE - 1);

    /// Returns the threshold of a probability, with the default precision of four digits.
    ///
    /// `None` for a number below 2^-56, above 1, or NaN. Zero has no threshold: it is no
    /// probability with which a span could be counted.
    pub fn from_probability(probability: f64) -> Option<Self> {
        Self::with_precision(probability, DEFAULT_PRECISION)
    }

    /// Returns the threshold of a probability, rounded to `precision` significant hexadecimal
    /// digits, 1 to 14.
    ///
    /// Small probabilities begin with digits `f` that say little; those are not counted. `None` as
    /// for [`from_probability`](Self::from_probability), and for another precision.
    pub fn with_precision(probability: f64, precision: u8) -> Option<Self> {
        let precision = u32::from(precision);
        // Scaling by a power of two is exact, so this is the comparison with 2^-56.
        let scaled = probability * RANGE as f64;
        if !(1.0..=RANGE as f64).contains(&scaled) || !(1..=DIGITS).contains(&precision) {
            return None;
        }
        let exact = RANGE - scaled.round() as u64;
        // probability = m · 2^exponent with ½ ≤ m < 1; it is no subnormal number.
        let exponent = ((probability.to_bits() >> 52) & 0x7ff) as i32 - 1022;
        let leading = (-exponent).div_euclid(4).max(0).unsigned_abs();
        let unit = 1u64 << (4 * (DIGITS - (precision + leading).min(DIGITS)));
        let rounded = (exact + unit / 2) / unit * unit;
        Some(Self(if rounded < RANGE { rounded } else { exact }))
    }

    /// Reads the value of `th`: 1 to 14 lower-case hexadecimal digits, `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = u32::try_from(text.len()).ok().filter(|len| (1..=DIGITS).contains(len))?;
        Some(Self(number(text)? << (4 * (DIGITS - digits))))
    }

    /// Returns the probability with which this threshold keeps a trace.
    pub fn probability(self) -> f64 {
        (RANGE - self.0) as f64 / RANGE as f64
    }

    /// Returns how many spans a kept one stands for: the inverse of the probability.
    pub fn adjusted_count(self) -> f64 {
        RANGE as f64 / (RANGE - self.0) as f64
    }

    /// Whether a trace with this random number is kept.
    pub fn keeps(self, randomness: Randomness) -> bool {
        randomness.value() >= self.0
    }

    /// Returns the threshold as a number below 2^56.
    pub fn value(self) -> u64 {
        self.0
    }

    /// Appends what `Display` writes; spans are started often enough to save a formatter.
    pub(crate) fn push_to(self, text: &mut String) {
        text.push_str(trimmed(self.0, &mut [0; DIGITS as usize]));
    }

    /// The threshold of a number that [`value`](Self::value) returned.
    pub(crate) fn from_value(value: u64) -> Self {
        Self(value.min(RANGE - 1))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; DIGITS as usize];
        f.write_str(trimmed(self.0, &mut digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(probability: f64, precision: u8) -> String {
        Threshold::with_precision(probability, precision).unwrap().to_string()
    }

    #[test]
    fn one_in_n_is_written_as_the_specification_lists_it() {
        for (n, expected) in [
            (1, ["0", "0", "0"]),
            (2, ["8", "8", "8"]),
            (3, ["aab", "aaab", "aaaab"]),
            (4, ["c", "c", "c"]),
            (5, ["ccd", "cccd", "ccccd"]),
            (8, ["e", "e", "e"]),
            (10, ["e66", "e666", "e6666"]),
            (16, ["f", "f", "f"]),
            (100, ["fd71", "fd70a", "fd70a4"]),
            (1_000, ["ffbe7", "ffbe77", "ffbe76d"]),
            (10_000, ["fff972", "fff9724", "fff97247"]),
            (100_000, ["ffff584", "ffff583a", "ffff583a5"]),
            (1_000_000, ["ffffef4", "ffffef39", "ffffef391"]),
        ] {
            let probability = 1.0 / f64::from(n);
            assert_eq!([3, 4, 5].map(|digits| written(probability, digits)), expected, "1 in {n}");
        }
    }

    #[test]
    fn other_probabilities_are_written_with_four_digits() {
        for (probability, expected) in [
            (2.0 / 3.0, "5555"),
            (0.75, "4"),
            (0.9, "199a"),
            (0.99, "028f"),
            (0.05, "f3333"),
            (0.005, "feb85"),
            (1.0 / 1024.0, "ffc"),
            (1.0 / 1_048_576.0, "fffff"),
            (0.999_999, "0"),
            (2f64.powi(-56), "ffffffffffffff"),
        ] {
            assert_eq!(written(probability, 4), expected, "{probability}");
        }
    }

    #[test]
    fn what_is_no_probability_has_no_threshold() {
        for bad in [0.0, -0.0, -0.1, 1.000_1, f64::NAN, f64::INFINITY, 2f64.powi(-57), 5e-324] {
            assert_eq!(Threshold::from_probability(bad), None, "{bad}");
        }
        assert_eq!(Threshold::with_precision(0.5, 0), None);
        assert_eq!(Threshold::with_precision(0.5, 15), None);
    }

    #[test]
    fn counts_are_those_of_the_specification() {
        let count = |text| Threshold::parse(text).unwrap().adjusted_count();
        assert_eq!(count("c"), 4.0);
        assert_eq!(count("0"), 1.0);
        assert!((count("e666") - 9.999_389_685_688_13).abs() < 1e-13);
        assert!((count("fd70a") - 99.997_711_234_026_33).abs() < 1e-11);
    }

    #[test]
    fn only_short_lower_case_hexadecimal_is_read() {
        for bad in ["", "x", "E", "0x1", "+1", " 1", "1 ", "100000000000000", "é"] {
            assert_eq!(Threshold::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Threshold::parse("0"), Some(Threshold::ALWAYS));
        assert_eq!(Threshold::parse("1"), Threshold::parse("10000000000000"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in 0..RANGE) {
            let text = Threshold(value).to_string();
            prop_assert!(text.len() <= 14 && (text == "0" || !text.ends_with('0')));
            prop_assert_eq!(Threshold::parse(&text), Some(Threshold(value)));
        }

        #[test]
        fn the_probability_is_met_to_the_precision(
            exponent in -55.9f64..=0.0, precision in 1u8..=14
        ) {
            let probability = exponent.exp2();
            let threshold = Threshold::with_precision(probability, precision).unwrap();
            // Half a digit of what is rejected, or of the least that can be written.
            let lost = (threshold.probability() - probability).abs();
            prop_assert!(lost <= probability * 16f64.powi(1 - i32::from(precision)) + 2f64.powi(-56));
        }

        #[test]
        fn a_smaller_probability_has_no_lower_threshold(
            one in 1e-12f64..=1.0, other in 1e-12f64..=1.0
        ) {
            let (low, high) = (one.min(other), one.max(other));
            prop_assert!(Threshold::with_precision(low, 14) >= Threshold::with_precision(high, 14));
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = Threshold::parse(&text);
        }
    }
}
