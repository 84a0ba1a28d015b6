//! Makes spans for a collector: `spans pace RATE SECONDS` so many a second, or `spans count SPANS`.
#![allow(clippy::print_stdout)] // what it is asked for

use benches::spans::{Made, at_pace, counted};
use std::{env, time::Duration};

fn main() {
    let words: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse().expect("a number");
    match *words {
        ["pace", rate, seconds] => {
            let Made { spans, kib, report } =
                at_pace(number(rate), Duration::from_secs(number(seconds)));
            println!("{spans} {kib} {report}");
        }
        ["count", spans] => counted(number(spans)),
        _ => panic!("pace RATE SECONDS, or count SPANS"),
    }
}
