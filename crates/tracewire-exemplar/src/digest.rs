//! A number for a set of attributes, whatever their order.

use foldhash::fast::RandomState;
use opentelemetry::{Key, KeyValue, Value};
use std::{hash::BuildHasher, sync::OnceLock};

/// How many keys are remembered.
const KEYS: usize = 16;

/// What remembered keys take, in bytes.
pub(crate) const BYTES: usize = KEYS * size_of::<Option<Known>>();

/// Makes numbers that differ between sets of attributes.
///
/// Nothing is compared afterwards. So two series share their exemplars if their numbers are equal by
/// chance, which is one in 2⁶⁴, and not by choice, because the seeds are random.
#[derive(Debug)]
pub(crate) struct Digests {
    seeds: [u64; 2],
    others: RandomState,
    /// The keys of one set, in its order: nearly all sets of a histogram have the same keys.
    keys: OnceLock<Box<[Option<Known>]>>,
}

/// A key whose number is known.
#[derive(Debug)]
struct Known {
    /// Keeps the text alive, so that what is at its address is this text.
    _key: Key,
    address: usize,
    length: usize,
    digest: u64,
}

impl Known {
    fn is(&self, text: &str) -> bool {
        self.address == text.as_ptr().addr() && self.length == text.len()
    }
}

impl Default for Digests {
    fn default() -> Self {
        let others = RandomState::default();
        let seeds = [0_u8, 1].map(|number| others.hash_one(number));
        Self { seeds, others, keys: OnceLock::new() }
    }
}

impl Digests {
    pub(crate) fn of(&self, attributes: &[KeyValue]) -> u64 {
        let mut known = self.keys.get().map_or(&[][..], |keys| keys).iter();
        let mut sum = 0_u64;
        for attribute in attributes {
            let key = attribute.key.as_str();
            let key = match known.next() {
                Some(Some(known)) if known.is(key) => known.digest,
                _ => self.key(key),
            };
            sum = sum.wrapping_add(self.one(key, attribute));
        }
        sum
    }

    /// Remembers the keys of this set, if it is the first.
    pub(crate) fn remember(&self, attributes: &[KeyValue]) {
        let known = |attribute: &KeyValue| {
            let key = attribute.key.clone();
            let text = key.as_str();
            let (address, length) = (text.as_ptr().addr(), text.len());
            let digest = self.key(text);
            let known = Known { _key: key, address, length, digest };
            // A text that was copied is at another address each time.
            known.is(attribute.key.as_str()).then_some(known)
        };
        self.keys.get_or_init(|| attributes.iter().take(KEYS).map(known).collect());
    }

    fn one(&self, key: u64, attribute: &KeyValue) -> u64 {
        // What is mixed with `key` is no encoding of a text: see `words`.
        match &attribute.value {
            Value::String(text) => self.text(key, text.as_str()),
            Value::I64(number) => self.mix(key, (*number as u64, u64::MAX)),
            // Rare; `KeyValue` hashes what values of other types have.
            _ => self.mix(key, (self.others.hash_one(attribute), u64::MAX - 1)),
        }
    }

    fn key(&self, key: &str) -> u64 {
        // Changed, so that no end of a key is taken for the beginning of its value.
        !self.text(self.seeds[0], key)
    }

    fn text(&self, start: u64, text: &str) -> u64 {
        let (mut digest, mut rest) = (start, text.as_bytes());
        while rest.len() > 16 {
            let Some((block, more)) = rest.split_first_chunk::<16>() else { break };
            let both = u128::from_le_bytes(*block);
            digest = self.mix(digest, (both as u64, (both >> 64) as u64));
            rest = more;
        }
        self.mix(digest, words(rest))
    }

    fn mix(&self, digest: u64, (one, other): (u64, u64)) -> u64 {
        let product = u128::from(digest ^ one) * u128::from(self.seeds[1] ^ other);
        // Both halves, so that every bit counts.
        product as u64 ^ (product >> 64) as u64
    }
}

/// At most 16 bytes of UTF-8 as two words, which no other text has.
///
/// The length is in a byte from 0xF0 on that ends a word with room for it. No text has a byte from 0xF8 on,
/// and 0xF0 to 0xF7 are not the last byte of one.
fn words(bytes: &[u8]) -> (u64, u64) {
    let length = bytes.len();
    let mark = (0xF0 | length as u64) << 56;
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        return match length {
            8..16 => (first, mark | last >> 8 >> (8 * (15 - length))),
            _ => (first, last),
        };
    }
    let few = match *bytes {
        [] => 0,
        [a] => u64::from(a),
        [a, b] => u64::from(u16::from_le_bytes([a, b])),
        [a, b, c] => u64::from(u32::from_le_bytes([a, b, c, 0])),
        [a, b, c, d, ..] => {
            let last = bytes.last_chunk().map_or(0, |last| u32::from_le_bytes(*last));
            u64::from(u32::from_le_bytes([a, b, c, d])) | u64::from(last) << (8 * (length - 4))
        }
    };
    (few | mark, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
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
        let text = "a".repeat(64);
        let of = |at| digests.of(&[KeyValue::new(text[..at].to_owned(), text[at..].to_owned())]);
        let all: HashSet<_> = (0..=64).map(of).collect();
        assert_eq!(all.len(), 65);
    }

    #[test]
    fn a_text_is_no_number_and_no_other_text() {
        let digests = Digests::default();
        let texts = ["", "\0", "\0\0", "\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0\0\0"];
        let longer = (10..40).map(|length| "\0".repeat(length));
        let texts = texts.into_iter().map(str::to_owned).chain(longer).map(Value::from);
        let numbers = [0, 1, 0xF0 << 56_u32, 0xF1 << 56_u32, -1].map(Value::I64);
        let mut seen = HashSet::new();
        for value in texts.chain(numbers) {
            assert!(seen.insert(digests.of(&[KeyValue::new("k", value.clone())])), "{value:?}");
        }
    }

    #[test]
    fn remembered_keys_change_no_number() {
        let digests = Digests::default();
        let shared: std::sync::Arc<str> = "shared".into();
        let all = [
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new(shared, "a text that is longer than two words"),
            KeyValue::new(String::from("owned"), 200),
            KeyValue::new("", 1.5),
        ];
        let subsets = || (0..all.len()).flat_map(|from| (from..=all.len()).map(move |to| from..to));
        let numbers: Vec<_> = subsets().map(|range| digests.of(&all[range])).collect();
        digests.remember(&all);
        let remembered: Vec<_> = digests.keys.get().unwrap().iter().map(Option::is_some).collect();
        assert_eq!(remembered, [true, true, false, true]);
        let again: Vec<_> = subsets().map(|range| digests.of(&all[range])).collect();
        assert_eq!(again, numbers);
    }

    proptest! {
        #[test]
        fn texts_of_two_words_are_told_apart(one in ".{0,16}", other in ".{0,16}") {
            if one.len() <= 16 && other.len() <= 16 {
                let words = [&one, &other].map(|text| words(text.as_bytes()));
                prop_assert_eq!(words[0] == words[1], one == other);
            }
        }
    }
}
