//! Allocations of custom spans and database calls, which unlike times are exact.
//!
//! A figure of `calls_allocations.txt` that differs is a regression, or a gain to write down: the
//! test prints the lines as they should be.

use std::process::Command;

const RECORDED: &str = include_str!("calls_allocations.txt");

#[test]
fn every_call_makes_the_allocations_recorded() {
    let (mut lines, mut differ) = (String::new(), false);
    for line in RECORDED.lines().filter(|line| !line.starts_with('#')) {
        let (case, recorded) = line.split_once(" | ").expect("two columns");
        let counted = allocations(case);
        differ |= counted != recorded;
        lines.push_str(&format!("{case} | {counted}\n"));
    }
    assert!(!differ, "\n{lines}");
}

/// A thread of SQLite's takes part, so these counts differ by a few from run to run.
#[test]
fn tracing_a_query_of_sqlx_makes_at_most_twelve_allocations() {
    for place in ["sampled", "unsampled", "own SDK", "no SDK"] {
        let count = |call: &str| -> u64 {
            allocations(&format!("{call}, {place}")).parse().expect("a number")
        };
        let (bare, traced) = (count("bare sqlx query"), count("sqlx query"));
        assert!(traced <= bare + 12, "{place}: {traced} beside {bare}");
    }
}

/// What one call makes; the program also checks what is recorded of it.
fn allocations(case: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_allocations"))
        .args(["call", case])
        .env_clear()
        .output()
        .expect("the program was built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
