//! Does requests of one variant and one case, for a program that watches.
//!
//! `requests server|client VARIANT CASE callgrind COUNT` does that many, and `… time` as many as
//! each line of its input says, answering with the nanoseconds they took. Both then print what was
//! recorded.
#![allow(clippy::print_stdout)] // what it is asked for

use benches::http::{Work, find};
use std::{env, io, time::Instant};

fn main() {
    let words: Vec<_> = env::args().skip(1).collect();
    let [side, variant, case, how @ ..] = &*words else { panic!("SIDE VARIANT CASE HOW") };
    let (variant, case) = find(side, variant, case).expect("side, variant and case are known");
    let mut work = Work::new(&variant, &case);
    let mut done = u64::from(work.warm_up());
    let mut run = |count: u32| {
        work.requests(count);
        done += u64::from(count);
    };
    match how {
        [how, count] if how == "callgrind" => run(count.parse().expect("a count")),
        [how] if how == "time" => {
            for line in io::stdin().lines() {
                let count = line.expect("the input is text").parse().expect("a count");
                let start = Instant::now();
                run(count);
                println!("{}", start.elapsed().as_nanos());
            }
        }
        _ => panic!("callgrind COUNT, or time"),
    }
    variant.check(&case, done, &work.recorded());
}
