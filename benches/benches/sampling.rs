//! Time of decisions about spans.
//!
//! `cargo bench -p benches --bench sampling [-- words of a case's name]` prints the median of
//! many batches. The allocations of the same cases are held by `tests/sampling_allocations.rs`.
#![allow(clippy::print_stdout)]

use benches::sampling::{Case, cases};
use std::{env, time::Instant};

const ROUNDS: usize = 61;
const BATCH: u64 = 5_000;

fn main() {
    let words: Vec<_> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    println!("{:<46} {:>8}", "case", "ns");
    for mut case in cases() {
        if words.iter().all(|word| case.name.contains(word.as_str())) {
            let median = measure(&mut case);
            println!("{:<46} {median:>8.1}", case.name);
        }
    }
}

fn measure(case: &mut Case) -> f64 {
    let mut rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for number in 0..BATCH {
                (case.decide)(number + 1);
            }
            start.elapsed().as_nanos() as f64 / BATCH as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}
