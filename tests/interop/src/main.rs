//! Runs tracewire beside the real systems it is made for, and prints what was checked.
//!
//! ```sh
//! cargo run -p interop             # everything
//! cargo run -p interop -- python   # systems whose name has this word
//! ```
//!
//! Each system is installed from its package registry into `target/interop`, started on a free
//! loopback port, and ended by its id. It takes Go, Python with venv, Node with npm, Java with
//! Maven, and apt; what cannot be installed or started is a failed row. Ends with 1 if any row failed.

#![allow(clippy::print_stdout, clippy::print_stderr)] // the table is what it is for

mod chain;
mod http;
mod install;
mod lab;
mod peer;
mod process;
mod random;
mod relay;
mod row;
mod systems;
mod table;
mod watch;

use lab::Lab;
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// How long all systems together may take, so that a run always ends by itself.
const LIMIT: Duration = Duration::from_secs(45 * 60);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).map(|word| word.to_lowercase()).collect();
    let chosen = |name: &str| {
        let name = name.to_lowercase();
        words.is_empty() || words.iter().any(|word| name.contains(word))
    };
    watch::end_with_us(LIMIT);
    row::keep_panics_quiet();

    let lab = Lab::new();
    let mut rows = Vec::new();
    for system in systems::all().filter(|system| chosen(system.name)) {
        let started = Instant::now();
        watch::running(system.name);
        eprintln!("-- {}", system.name);
        let checked = system.run(&lab);
        eprint!("{}", table::plain(&checked));
        eprintln!("   {:.0?}", started.elapsed());
        rows.extend(checked);
    }
    if rows.is_empty() {
        eprintln!("no system has a name with any of these words: {}", words.join(", "));
        return ExitCode::from(2);
    }
    print!("{}", table::plain(&rows));
    let failed = rows.iter().filter(|row| row.outcome.is_err()).count();
    println!("{} checks passed, {failed} failed", rows.len() - failed);
    if let Err(error) = table::write_markdown(&rows, &lab.cache("table.md")) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
