//! A fixed probability.

use super::{Composable, Intent, SamplingParameters};
use crate::{Threshold, threshold::DEFAULT_PRECISION};
use std::{error::Error, fmt, str::FromStr};

/// Keeps each trace with the same probability, and says so with `th`.
///
/// Two services with different probabilities keep nested sets: what is kept at 1 % is kept at 10 %
/// too. A probability of 0 drops everything.
///
/// ```
/// use tracewire_sampling::Probability;
///
/// let one_percent = Probability::new(0.01)?;
/// let same: Probability = "0.01".parse()?;
/// assert_eq!(one_percent, same);
/// assert!(Probability::new(1.5).is_err());
/// # Ok::<(), tracewire_sampling::ProbabilityError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probability {
    value: f64,
    threshold: Option<Threshold>,
}

impl Probability {
    /// Keeps every trace.
    pub(crate) const ALWAYS: Self = Self { value: 1.0, threshold: Some(Threshold::ALWAYS) };

    /// Creates the sampler of a probability: 0, or 2^-56 to 1.
    ///
    /// # Errors
    ///
    /// If `probability` is another number, or none.
    pub fn new(probability: f64) -> Result<Self, ProbabilityError> {
        Self::with_precision(probability, DEFAULT_PRECISION)
    }

    /// Creates the sampler of a probability that is rounded to so many hexadecimal digits, 1 to 14
    /// (default 4). See [`Threshold::with_precision`].
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and if `precision` is out of its range.
    pub fn with_precision(probability: f64, precision: u8) -> Result<Self, ProbabilityError> {
        let threshold = Threshold::with_precision(probability, precision);
        if threshold.is_none() && (probability != 0.0 || !(1..=14).contains(&precision)) {
            return Err(ProbabilityError(()));
        }
        Ok(Self { value: probability, threshold })
    }

    /// Returns the probability as it was given.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Returns the threshold, `None` for a probability of 0.
    pub fn threshold(&self) -> Option<Threshold> {
        self.threshold
    }
}

impl FromStr for Probability {
    type Err = ProbabilityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `f64` reads more than numbers are written with: `inf`, `nan`.
        let is_number = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'-'));
        let number = text.parse().ok().filter(|_| is_number).ok_or(ProbabilityError(()))?;
        Self::new(number)
    }
}

impl Composable for Probability {
    fn intent<'a>(&'a self, _: &SamplingParameters<'a>) -> Intent<'a> {
        self.threshold.map_or(Intent::drop(), Intent::keep)
    }

    fn drops_unsampled(&self) -> bool {
        self.threshold.is_none()
    }
}

/// A number that is no sampling probability, or a precision that thresholds cannot have.
///
/// ```
/// use tracewire_sampling::{Probability, ProbabilityError};
///
/// let wrong: Result<Probability, ProbabilityError> = Probability::new(1.5);
/// assert!(wrong.is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbabilityError(());

impl fmt::Display for ProbabilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a number from 0 to 1, and no less than 2^-56 (about 1.4e-17) above 0")
    }
}

impl Error for ProbabilityError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_from_0_to_1_are_probabilities() {
        for (text, expected) in [
            ("0", None),
            ("0.0", None),
            ("1", Some("0")),
            ("1.0", Some("0")),
            ("0.1", Some("e666")),
            (".5", Some("8")),
            ("1e-2", Some("fd70a")),
        ] {
            let threshold = text.parse::<Probability>().unwrap().threshold();
            assert_eq!(threshold.map(|t| t.to_string()).as_deref(), expected, "{text}");
        }
        for bad in ["", "on", "nan", "inf", "-0.1", "1.01", "1e-18", "0,1", "10%", "+1", "0x1"] {
            assert!(bad.parse::<Probability>().is_err(), "{bad}");
        }
        assert!(Probability::with_precision(0.0, 0).is_err());
        assert!(Probability::with_precision(0.5, 15).is_err());
    }
}
