//! Allocations of a request, which unlike times are exact.
//!
//! A figure of `http_allocations.txt` that differs is a regression, or a gain to write down: the
//! test prints the lines as they should be.

use std::process::Command;
use tower_layer::Layer;
use tracewire_tower::ServerLayer;

const RECORDED: &str = include_str!("http_allocations.txt");

#[test]
fn every_request_makes_the_allocations_recorded() {
    let (mut lines, mut differ) = (String::new(), false);
    for line in RECORDED.lines().filter(|line| !line.starts_with('#')) {
        let [side, variant, case, recorded] = *line.split(" | ").collect::<Vec<_>>() else {
            panic!("four columns: {line}")
        };
        let counted = allocations(side, variant, case);
        differ |= counted != recorded;
        lines.push_str(&format!("{side} | {variant} | {case} | {counted}\n"));
    }
    assert!(!differ, "\n{lines}");
}

#[test]
fn adding_a_layer_allocates_nothing() {
    let layer = ServerLayer::new();
    let counted = allocation_counter::measure(|| drop(layer.layer(())));
    assert_eq!(counted.count_total, 0);
}

/// What one request makes; the program also checks what is recorded of it.
fn allocations(side: &str, variant: &str, case: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_allocations"))
        .args([side, variant, case])
        .env_clear()
        .env("OTEL_PROPAGATORS", "tracecontext,baggage")
        .output()
        .expect("the program was built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
