//! Reads and rewrites hostile `ot` members: `sampling_hostile [COUNT]`, ten million unless told.
//!
//! Members are put together from parts that parsers trip over, and bytes are changed at random. Prints
//! how many were read and how long it took; ends with a panic at the first that breaks a rule.
#![allow(clippy::print_stdout)] // what it is asked for

use opentelemetry::trace::TraceState;
use std::{env, time::Instant};
use tracewire_sampling::{OtelTraceState, Threshold, with_threshold};

const PARTS: [&str; 20] = [
    "th:",
    "rv:",
    "0",
    "c",
    "10000000000000",
    "ffffffffffffff",
    "100000000000000",
    "6e6d1a75832a2f",
    "6E6D1A75832A2F",
    ";",
    ";;",
    ":",
    "a:b",
    "animal:bear",
    "x",
    "th",
    "rv",
    "é",
    " ",
    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
];

fn main() {
    let count = env::args().nth(1).map_or(10_000_000, |count| count.parse().expect("a count"));
    let start = Instant::now();
    let (mut random, mut accepted) = (Random(1), 0u64);
    for _ in 0..count {
        accepted += u64::from(rewrite(&mut random));
    }
    println!("{count} members, {accepted} accepted, {:.1?}", start.elapsed());
}

/// Whether OpenTelemetry's type accepts what came about; only then is there something to rewrite.
fn rewrite(random: &mut Random) -> bool {
    let member = random.member();
    let _ = OtelTraceState::parse(&member).with_threshold(Some(Threshold::ALWAYS));
    let members = [("a", "1"), ("ot", &member), ("b", "2"), ("ot", "th:1")];
    let Ok(state) = TraceState::from_key_value(members) else { return false };
    let read = OtelTraceState::of(&state);
    let wanted = Threshold::from_probability(random.below(1 << 20) as f64 / f64::from(1 << 20));
    let written = with_threshold(&state, wanted);
    let mut keys = written.into_iter();
    let own = written.get("ot");
    assert!(own.is_none_or(|own| own.len() <= 256 && !own.is_empty()), "{member:?}");
    if own.is_some() {
        assert_eq!(keys.next().map(|(key, _)| key), Some("ot"), "{member:?}");
    }
    assert!(keys.eq([("a", "1"), ("b", "2")]), "{member:?}");
    let again = OtelTraceState::parse(own.unwrap_or_default());
    assert_eq!(again.randomness(), read.randomness(), "{member:?}");
    assert!(again.threshold() == wanted || again.threshold().is_none(), "{member:?}");
    true
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn member(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.below(12) {
            text.push_str(PARTS[self.below(PARTS.len() as u64) as usize]);
        }
        if self.below(4) == 0 && !text.is_empty() {
            let at = self.below(text.len() as u64) as usize;
            if text.is_char_boundary(at) {
                text.insert(at, char::from((32 + self.below(96)) as u8));
            }
        }
        text
    }
}
