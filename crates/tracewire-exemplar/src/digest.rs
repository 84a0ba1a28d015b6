//! A number for a set of attributes, whatever their order.

use foldhash::fast::RandomState;
use opentelemetry::{KeyValue, Value};
use std::hash::BuildHasher;

/// Makes numbers that differ between sets of attributes.
///
/// Nothing is compared afterwards. So two series share their exemplars if their numbers are equal by
/// chance, which is one in 2⁶⁴, and not by choice, because the seeds are random.
#[derive(Debug)]
pub(crate) struct Digests {
    seeds: [u64; 2],
    others: RandomState,
}

impl Default for Digests {
    fn default() -> Self {
        let others = RandomState::default();
        Self { seeds: [0_u8, 1].map(|number| others.hash_one(number)), others }
    }
}

impl Digests {
    pub(crate) fn of(&self, attributes: &[KeyValue]) -> u64 {
        attributes.iter().map(|attribute| self.one(attribute)).fold(0, u64::wrapping_add)
    }

    fn one(&self, attribute: &KeyValue) -> u64 {
        let value = match &attribute.value {
            Value::String(text) => self.text(text.as_str()),
            Value::I64(number) => *number as u64,
            // Rare; `KeyValue` hashes what values of other types have.
            _ => self.others.hash_one(attribute),
        };
        mix(self.text(attribute.key.as_str()) ^ self.seeds[0], value ^ self.seeds[1])
    }

    /// Most keys have 8 to 32 bytes: their ends are mixed at once, and then what is between.
    fn text(&self, text: &str) -> u64 {
        let bytes = text.as_bytes();
        let (first, last) = ends(bytes);
        let mut digest = mix(first ^ self.seeds[0], last ^ self.seeds[1]);
        let mut rest = bytes;
        while rest.len() > 16 {
            rest = &rest[8..];
            let word = rest.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
            digest = mix(digest ^ word, self.seeds[1]);
        }
        // Not among the words: `01111111` and `011111111` would be one.
        digest.wrapping_add(bytes.len() as u64)
    }
}

/// The first eight bytes and the last eight; of fewer, all of them and nothing.
fn ends(bytes: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    let few = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => bytes.iter().fold(0, |all, &byte| all << 8 | u64::from(byte)),
    };
    (few, 0)
}

/// Both halves of the product, so that every bit counts.
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn sets_that_differ_a_little_have_different_numbers() {
        let digests = Digests::default();
        let mut seen = HashSet::new();
        for length in 0..40 {
            for last in "abc".chars() {
                let text = format!("{}{last}", "x".repeat(length));
                for number in [0, 1, 200, -1] {
                    let attributes =
                        [KeyValue::new(text.clone(), number), KeyValue::new("k", text.clone())];
                    assert!(seen.insert(digests.of(&attributes)), "{attributes:?}");
                    assert!(seen.insert(digests.of(&attributes[..1])), "{attributes:?}");
                }
            }
        }
        for value in [Value::Bool(true), Value::Bool(false), Value::F64(1.0), Value::F64(200.0)] {
            assert!(seen.insert(digests.of(&[KeyValue::new("k", value)])));
        }
        assert_eq!(digests.of(&[]), 0);
    }

    #[test]
    fn every_byte_of_a_text_counts() {
        let digests = Digests::default();
        let of = |text: &'static str| digests.of(&[KeyValue::new("k", text)]);
        assert_ne!(of("01111111"), of("011111111"));
        for length in 1..100 {
            let text = "a".repeat(length);
            let whole = digests.of(&[KeyValue::new(text.clone(), text.clone())]);
            for at in 0..length {
                let mut other = text.clone();
                other.replace_range(at..=at, "b");
                assert_ne!(whole, digests.of(&[KeyValue::new(other.clone(), text.clone())]));
                assert_ne!(whole, digests.of(&[KeyValue::new(text.clone(), other)]));
            }
            // What a length changed by one could be taken for in a digest of words alone.
            for last in 0..128_u8 {
                let longer = format!("{text}{}", char::from(last));
                assert_ne!(whole, digests.of(&[KeyValue::new(text.clone(), longer)]));
            }
        }
    }

    #[test]
    fn key_and_value_do_not_run_together() {
        let digests = Digests::default();
        let one = digests.of(&[KeyValue::new("ab", "c")]);
        assert_ne!(one, digests.of(&[KeyValue::new("a", "bc")]));
        assert_ne!(one, digests.of(&[KeyValue::new("c", "ab")]));
    }
}
