//! What the most expensive requests cost beside a normal one, as a table.
//!
//! `cargo bench -p benches --bench worst [-- words]` measures the cases whose name has all
//! `words`: the least time, instructions with valgrind's callgrind, where it is installed, and
//! allocations. All of it is the layer's with the SDK below it; making the request is not part of it.
#![allow(clippy::print_stdout)]

use benches::worst::cases;
use std::{env, process::Command};

const REQUESTS: u32 = 2_000;
const COUNTED: u32 = 50;

fn main() {
    let words: Vec<_> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    println!("| request | µs | instructions | allocations | bytes |");
    println!("|---|---:|---:|---:|---:|");
    for case in cases() {
        if words.iter().all(|word| case.name.contains(word.as_str())) {
            let (nanos, allocations, bytes) = figures(case.name);
            let instructions =
                instructions(case.name).map_or_else(|| "-".to_owned(), |count| count.to_string());
            let micros = nanos / 1000.0;
            println!("| {} | {micros:.1} | {instructions} | {allocations} | {bytes} |", case.name);
        }
    }
}

fn figures(case: &str) -> (f64, u64, u64) {
    let output = command(env!("CARGO_BIN_EXE_worst"))
        .args([case, &REQUESTS.to_string()])
        .output()
        .expect("the program was built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().map(|word| word.parse().expect("a number"));
    let mut next = || numbers.next().expect("three numbers");
    let nanos: u64 = next();
    (nanos as f64, next(), next())
}

/// Instructions of one request; `None` without valgrind.
fn instructions(case: &str) -> Option<u64> {
    let file = format!("{}/callgrind.worst.out", env!("CARGO_TARGET_TMPDIR"));
    let output = command("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=benches::worst::Prepared::send*"])
        .arg(format!("--callgrind-out-file={file}"))
        .arg(env!("CARGO_BIN_EXE_worst"))
        .args([case, &COUNTED.to_string()])
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let collected = report.split("Collected : ").nth(1)?.split_whitespace().next()?;
    let collected: u64 = collected.parse().expect("callgrind reports a number");
    Some(collected / u64::from(COUNTED + 1))
}

/// A program whose telemetry depends on no one's environment.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command
}
