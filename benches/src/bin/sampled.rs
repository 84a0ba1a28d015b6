//! Counts requests through three services at 1, 0.1 and 0.01: `sampled [REQUESTS [SEED]]`, a million and
//! seed 1 unless told.
//!
//! The services are in one process and joined by headers. Prints what each kept, for how many requests
//! that stands, and how far both are from what is expected; ends with 1 if anything is more than three
//! standard deviations off, or if what one keeps is no part of what the one before keeps.
#![allow(clippy::print_stdout)] // what it is asked for

use benches::sampled::{Counted, PROBABILITIES, run};
use std::{env, process::ExitCode, time::Instant};

fn main() -> ExitCode {
    let mut numbers = env::args().skip(1).map(|word| word.parse().expect("a number"));
    let requests: u64 = numbers.next().unwrap_or(1_000_000);
    let start = Instant::now();
    let counted = run(requests, numbers.next().unwrap_or(1));
    let mut is_good = true;
    for (probability, counted) in PROBABILITIES.into_iter().zip(&counted) {
        let kept = Counted::deviation(counted.kept as f64, requests, probability, 1.0);
        let scale = 1.0 / probability;
        let total = Counted::deviation(counted.stands_for, requests, probability, scale);
        is_good &= kept.abs() <= 3.0 && total.abs() <= 3.0;
        println!(
            "{probability:<5} kept {:>8} ({kept:+.2} sigma), for {:>10.0} requests ({total:+.2} sigma)",
            counted.kept, counted.stands_for
        );
    }
    let [all, tenth, hundredth] = &counted;
    let are_nested = hundredth.is_within(tenth) && tenth.is_within(all);
    println!("nested: {are_nested}; {requests} requests in {:.1?}", start.elapsed());
    if is_good && are_nested { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
