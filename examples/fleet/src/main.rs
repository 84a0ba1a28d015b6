//! A fleet in small: services, agents that balance by trace id, and samplers that decide at the tail.
//!
//! ```sh
//! cargo run -p fleet                        # 500 traces a second; a sampler is killed, another added
//! cargo run --release -p fleet -- million   # what a million spans cost in each tier
//! ```
//!
//! It builds a Collector with Go, starts everything on free ports of the loopback address, and ends with 1 if
//! a trace is not whole that should be, or an estimate is wrong. docs/fleet.md explains what it shows.
#![allow(clippy::print_stdout, clippy::print_stderr)] // the report is what it is for

#[cfg(unix)]
mod collector;
#[cfg(unix)]
mod costs;
#[cfg(unix)]
mod fleet;
#[cfg(unix)]
mod load;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod report;
#[cfg(unix)]
mod service;
#[cfg(unix)]
mod stored;

#[cfg(unix)]
#[tokio::main]
async fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => fleet::lose_a_sampler().await,
        ["million"] => fleet::cost_of_a_million_spans().await,
        ["service", name, listen, next] => service::run(name, listen, next).await,
        _ => Err("unknown arguments; allowed: none, or `million`".to_owned()),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleet: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(unix))]
fn main() {
    eprintln!("fleet: needs Unix, for signals and /proc");
}
