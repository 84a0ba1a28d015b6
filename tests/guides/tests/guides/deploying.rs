//! docs/deploying.md

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use tracewire_testing::Collector;

#[test]
fn a_job_sends_its_spans_before_it_ends() {
    let collector = Collector::start();
    let mut job = Command::new(env!("CARGO_BIN_EXE_job"));
    let status = job.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()).status();
    assert!(status.unwrap().success());
    collector.spans().assert_tree("nightly report\n  load orders");
}

#[test]
fn a_function_sends_its_spans_before_it_answers() {
    let collector = Collector::start();
    let mut function = Command::new(env!("CARGO_BIN_EXE_function"))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(function.stdin.as_ref().unwrap(), "event").unwrap();
    let mut line = String::new();
    BufReader::new(function.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "done\n");
    collector.spans().assert_tree("invocation\n  work");
    function.kill().unwrap(); // a platform that freezes it does no more for it
    function.wait().unwrap();
}
