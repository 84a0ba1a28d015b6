//! Sends the request of one worst case: `worst CASE COUNT`.
//!
//! Prints the least nanoseconds, the allocations and the allocated bytes of one of them.
#![allow(clippy::print_stdout)] // what it is asked for

use benches::worst::cases;
use std::{env, time::Instant};

fn main() {
    let words: Vec<_> = env::args().skip(1).collect();
    let [name, count] = &*words else { panic!("CASE COUNT") };
    let count: u32 = count.parse().expect("a count");
    let case = cases().into_iter().find(|case| case.name == name).expect("the case is known");
    let mut prepared = case.prepare();
    let mut least = u128::MAX;
    for _ in 0..count {
        let request = case.request();
        let start = Instant::now();
        prepared.send(request);
        least = least.min(start.elapsed().as_nanos());
    }
    let request = case.request();
    let counted = allocation_counter::measure(|| prepared.send(request));
    println!("{least} {} {}", counted.count_total, counted.bytes_total);
}
