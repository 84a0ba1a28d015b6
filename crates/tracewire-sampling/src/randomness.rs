//! The random number of a trace.

use crate::digits::{DIGITS, RANGE, number};
use opentelemetry::trace::TraceId;
use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
};

/// The 56-bit random number of a trace, the same in every service.
///
/// It is what `rv` in OpenTelemetry's trace state says, or else the last seven bytes of the trace
/// id, which W3C Trace Context level 2 wants random. `Display` writes it as 14 hexadecimal digits.
///
/// ```
/// use opentelemetry::trace::TraceId;
/// use tracewire_sampling::{Randomness, Threshold};
///
/// let trace_id = TraceId::from_hex("0af7651916cd43dd8448eb211c80319c").unwrap();
/// let randomness = Randomness::of_trace_id(trace_id);
/// assert_eq!(randomness.to_string(), "48eb211c80319c");
/// assert!(Threshold::from_probability(0.75).unwrap().keeps(randomness));
/// assert!(!Threshold::from_probability(0.5).unwrap().keeps(randomness));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Randomness(u64);

impl Randomness {
    /// Returns the last seven bytes of a trace id, whether its random flag is set or not.
    pub fn of_trace_id(trace_id: TraceId) -> Self {
        let [.., a, b, c, d, e, f, g, h] = trace_id.to_bytes();
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]) & (RANGE - 1))
    }

    /// Reads the value of `rv`: exactly 14 lower-case hexadecimal digits, `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() == DIGITS as usize { number(text).map(Self) } else { None }
    }

    /// Returns the random number, which is below 2^56.
    pub fn value(self) -> u64 {
        self.0
    }

    /// Draws a number that has nothing to do with any trace.
    pub(crate) fn fresh() -> Self {
        Self(RandomState::new().build_hasher().finish() & (RANGE - 1))
    }
}

impl fmt::Display for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Threshold;
    use proptest::prelude::*;

    #[test]
    fn the_specifications_trace_is_kept_from_57_percent_on() {
        let randomness = Randomness::parse("6e6d1a75832a2f").unwrap();
        assert!(Threshold::parse("6e6d1a75832a2f").unwrap().keeps(randomness));
        assert!(!Threshold::parse("6e6d1a75832a3").unwrap().keeps(randomness));
        assert!(Threshold::from_probability(0.57).unwrap().keeps(randomness));
        assert!(!Threshold::from_probability(0.56).unwrap().keeps(randomness));
    }

    #[test]
    fn only_14_lower_case_digits_are_a_random_number() {
        for bad in ["", "6e6d1a75832a2", "6e6d1a75832a2f0", "6E6D1A75832A2F", "6e6d1a75832a2g"] {
            assert_eq!(Randomness::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn fresh_numbers_differ() {
        assert_ne!(Randomness::fresh(), Randomness::fresh());
    }

    proptest! {
        #[test]
        fn a_trace_id_ends_with_its_number(id in 1u128..) {
            let id = TraceId::from(id);
            let number = Randomness::of_trace_id(id);
            prop_assert_eq!(&id.to_string()[18..], number.to_string());
            prop_assert_eq!(Randomness::parse(&number.to_string()), Some(number));
        }
    }
}
