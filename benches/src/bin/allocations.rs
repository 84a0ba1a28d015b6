//! Counts the allocations of one request: `allocations server|client VARIANT CASE`.
//!
//! A program of its own, so that counting costs the other one nothing.
#![allow(clippy::print_stdout)] // what it is asked for

use benches::http::{Work, find};
use std::env;

/// So many that what happens once in a while is seen as such: the least is the answer.
const SAMPLES: u64 = 20;

fn main() {
    let words: Vec<_> = env::args().skip(1).collect();
    let [side, variant, case] = &*words else { panic!("SIDE VARIANT CASE") };
    let (variant, case) = find(side, variant, case).expect("side, variant and case are known");
    let mut work = Work::new(&variant, &case);
    let warm_up = u64::from(work.warm_up());
    let counts = (0..SAMPLES).map(|_| allocation_counter::measure(|| work.requests(1)).count_total);
    println!("{}", counts.min().expect("there are samples"));
    variant.check(&case, warm_up + SAMPLES, &work.recorded());
}
