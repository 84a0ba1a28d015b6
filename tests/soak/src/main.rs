//! Sends traffic of every kind to a traced service for as long as it is told, while the collector of the
//! service falters, and checks that nothing is lost uncounted and nothing grows.
//!
//! ```sh
//! cargo run --release -p soak -- 2m
//! ```
//!
//! The service is a process of its own: an axum server behind our layer, over HTTP/1.1 and HTTP/2, which
//! also calls itself through our middleware of reqwest. It counts what reaches the layer and what is called
//! outside of both. This process is the callers and the collector. It ends with status 1 if a check fails.
//! Memory, threads and descriptors come from `/proc`, so it needs Linux.
#![allow(clippy::print_stdout)] // what it is asked for

mod checks;
mod collector;
mod duration;
mod growth;
mod process;
mod sample;
mod service;
mod soak;
mod table;
mod traffic;

use std::{env, process::ExitCode, time::Duration};

const USAGE: &str = "soak [DURATION], such as 90s, 2m (the default) or 1h";

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let time = match *words {
        ["serve", collector] => {
            service::serve(collector);
            return ExitCode::SUCCESS;
        }
        [] => Some(Duration::from_secs(120)),
        [time] => duration::parse(time),
        _ => None,
    };
    let Some(time) = time else {
        println!("{USAGE}");
        return ExitCode::FAILURE;
    };
    match soak::run(time) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}
