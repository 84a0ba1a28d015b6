//! What a custom span and a call to a database cost, as a table.
//!
//! `cargo bench -p benches --bench calls [-- words]` measures the cases whose name has all `words`:
//! instructions with valgrind's callgrind, where it is installed, and allocations. `--features bound`
//! records durations through bound instruments.
#![allow(clippy::print_stdout)]

use benches::calls::cases;
use std::{env, process::Command};

const CALLS: u32 = 1_000;

/// Where callgrind's files go, one a case, for `callgrind_annotate`.
const OUTPUT: &str = env!("CARGO_TARGET_TMPDIR");

fn main() {
    let words: Vec<_> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    println!("| call | instructions | allocations |");
    println!("|---|---:|---:|");
    for name in cases().map(|case| case.name()) {
        if words.iter().all(|word| name.contains(word.as_str())) {
            let instructions = instructions(&name);
            let instructions =
                instructions.map_or_else(|| "-".to_owned(), |count| count.to_string());
            println!("| {name} | {instructions} | {} |", allocations(&name));
        }
    }
}

/// Instructions of one call; `None` without valgrind.
fn instructions(name: &str) -> Option<u64> {
    let file = format!("{OUTPUT}/callgrind.calls.{}.out", name.replace(' ', "-"));
    let output = command("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=benches::calls::work::Work::calls*"])
        .arg(format!("--callgrind-out-file={file}"))
        .arg(env!("CARGO_BIN_EXE_calls"))
        .args([name, &CALLS.to_string()])
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let collected = report.split("Collected : ").nth(1)?.split_whitespace().next()?;
    let collected: u64 = collected.parse().expect("callgrind reports a number");
    Some(collected / u64::from(CALLS))
}

fn allocations(name: &str) -> String {
    let output = command(env!("CARGO_BIN_EXE_allocations"))
        .args(["call", name])
        .output()
        .expect("the program was built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A program whose telemetry depends on no one's environment.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command
}
