//! Makes calls of one case, for a program that watches: `calls CASE COUNT`.
//!
//! It then checks what was recorded.

use benches::calls::{Work, find};
use std::env;

fn main() {
    let words: Vec<_> = env::args().skip(1).collect();
    let [name, count] = &*words else { panic!("CASE COUNT") };
    let mut work = Work::new(find(name).expect("the case is known"));
    work.warm_up();
    work.calls(count.parse().expect("a count"));
    work.check();
}
