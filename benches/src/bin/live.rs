//! A service for the `live` benchmark: `live requests COUNT`, or `live traces SECONDS SPANS [large]`.

use benches::live::Service;
use std::{env, time::Duration};

/// So many that buffers and tables have their size.
const WARM_UP: u32 = 300;
const TRACES_A_SECOND: u32 = 1_000;

fn main() {
    let words: Vec<_> = env::args().skip(1).collect();
    let number = |place: usize| words[place].parse::<u32>().expect("a number");
    let service = Service::start();
    match words.first().map(String::as_str) {
        Some("requests") => {
            let mut requests = service.requests();
            requests.run(WARM_UP);
            requests.run(number(1));
        }
        Some("traces") => {
            let time = Duration::from_secs(number(1).into());
            service.trace(TRACES_A_SECOND, number(2), words.len() > 3, time);
        }
        _ => panic!("requests COUNT, or traces SECONDS SPANS [large]"),
    }
    service.stop();
}
