//! What happens where a thread ends, and where no thread can be started.

#![cfg(feature = "tracing")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![allow(clippy::print_stderr, reason = "the parent reads it")]

use std::cell::RefCell;
use std::process::{Command, Output};

use opentelemetry::global;
use opentelemetry::trace::Tracer as _;
use tracewire_init::Telemetry;

const CHILD: &str = "TRACEWIRE_TEST_ENDING";

fn run(test: &str, variables: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .env(CHILD, "1")
        .env("OTEL_TRACES_EXPORTER", "otlp")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", "300")
        .env("OTEL_METRICS_EXPORTER", "none")
        .env("OTEL_LOGS_EXPORTER", "none")
        .envs(variables.iter().copied())
        // With one thread the test is on the main thread, which needs not be started.
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .output()
        .unwrap()
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Kept in a thread-local until the thread ends.
struct Kept {
    telemetry: Option<Telemetry>,
    logs: bool,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.logs {
            tracing::error!("a line of the end");
        }
        drop(self.telemetry.take());
        eprintln!("the guard is dropped");
    }
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

#[test]
fn a_guard_that_is_dropped_while_its_thread_ends_aborts_nothing() {
    let test = "a_guard_that_is_dropped_while_its_thread_ends_aborts_nothing";
    if is_child() {
        let is_ours = std::env::var_os("TRACEWIRE_LOG").is_some();
        if !is_ours {
            tracing_subscriber::fmt().with_writer(std::io::stdout).init();
        }
        let order = std::env::var("ORDER").unwrap();
        let work = move || {
            let telemetry = tracewire_init::init().unwrap();
            // Thread-locals are destroyed in the reverse order of their first use.
            for step in order.split(',') {
                match step {
                    "keep" => KEPT.set(None),
                    "log" => tracing::error!("a line"),
                    "span" => global::tracer("test").in_span("order", |_| ()),
                    _ => unreachable!("{step}"),
                }
            }
            KEPT.set(Some(Kept { telemetry: Some(telemetry), logs: is_ours }));
        };
        return std::thread::spawn(work).join().unwrap();
    }
    let formats: [&[(&str, &str)]; 3] =
        [&[("TRACEWIRE_LOG", "text")], &[("TRACEWIRE_LOG", "json")], &[]];
    for order in ["keep,log,span", "span,keep,log", "log,span,keep", "keep,span", "log,keep,span"] {
        for format in formats {
            let output = run(test, &[format, &[("ORDER", order)]].concat());
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{order} {format:?}: {stderr}");
            assert!(stderr.contains("the guard is dropped"), "{order} {format:?}: {stderr}");
            let said = format!("{stderr}{}", String::from_utf8_lossy(&output.stdout));
            let is_said = !order.contains("span") || said.contains("telemetry was lost");
            assert!(is_said, "{order} {format:?}: {said}");
        }
    }
}

#[test]
fn a_process_that_cannot_start_threads_gets_an_error() {
    let test = "a_process_that_cannot_start_threads_gets_an_error";
    if is_child() {
        let error = tracewire_init::init().unwrap_err();
        return eprintln!("error: {error}");
    }
    // No address space has room for such a stack.
    let no_threads = ("RUST_MIN_STACK", "1125899906842624");
    for exporter in ["otlp", "zipkin"] {
        for protocol in ["http/protobuf", "grpc"] {
            let variables = [
                no_threads,
                ("OTEL_TRACES_EXPORTER", exporter),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ];
            let output = run(test, &variables);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{exporter} {protocol}: {stderr}");
            assert!(stderr.contains("error: "), "{exporter} {protocol}: {stderr}");
        }
    }
}
