//! Counts the allocations of one request, `allocations server|client VARIANT CASE`, or of one call,
//! `allocations call CASE`.
//!
//! A program of its own, so that counting costs the others nothing.
#![allow(clippy::print_stdout)] // what it is asked for

use benches::{calls, http};
use std::env;

/// So many that what happens once in a while is seen as such: the least is the answer.
const SAMPLES: u64 = 20;

fn main() {
    let words: Vec<_> = env::args().skip(1).collect();
    let least = match &*words {
        [side, case] if side == "call" => call(case),
        [side, variant, case] => request(side, variant, case),
        _ => panic!("SIDE VARIANT CASE, or call CASE"),
    };
    println!("{least}");
}

fn request(side: &str, variant: &str, case: &str) -> u64 {
    let (variant, case) =
        http::find(side, variant, case).expect("side, variant and case are known");
    let mut work = http::Work::new(&variant, &case);
    let warm_up = u64::from(work.warm_up());
    let least = least(|| work.requests(1));
    variant.check(&case, warm_up + SAMPLES, &work.recorded());
    least
}

fn call(case: &str) -> u64 {
    let mut work = calls::Work::new(calls::find(case).expect("the case is known"));
    work.warm_up();
    let least = least(|| work.calls(1));
    work.check();
    least
}

fn least(mut work: impl FnMut()) -> u64 {
    let counts = (0..SAMPLES).map(|_| allocation_counter::measure(&mut work).count_total);
    counts.min().expect("there are samples")
}
