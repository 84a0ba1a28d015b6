//! What a program writes to stdout and stderr. A panic of any thread ends the process at once here, as
//! in a program that is built with `panic = "abort"`.

#![cfg(target_os = "linux")] // /dev/full
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::fs::File;
use std::io::{PipeReader, Write, pipe};
use std::process::{Command, Stdio};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _};
use tracewire_init::{Batching, Console, Otlp, Telemetry, Traces, TracesExporter};

const CHILD: &str = "TRACEWIRE_TEST_STREAMS";

/// A command that runs one test of this file as a program of its own.
fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env(CHILD, "1")
        .env("OTEL_LOG_LEVEL", "debug")
        .env("OTEL_BSP_SCHEDULE_DELAY", "abc")
        .env("OTEL_TRACES_SAMPLER", "sometimes")
        .env("OTEL_METRICS_EXPORTER", "none")
        .args(["--exact", test])
        .stdout(Stdio::null());
    command
}

fn is_child() -> bool {
    let is_child = std::env::var_os(CHILD).is_some();
    if is_child {
        std::panic::set_hook(Box::new(|_| std::process::abort()));
    }
    is_child
}

/// Stderrs that take nothing, each with what has to live as long as the program.
fn unwritable() -> Vec<(&'static str, Stdio, Option<PipeReader>)> {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (_, broken) = pipe().unwrap();
    let (reader, mut unread) = pipe().unwrap();
    unread.write_all(&[b'\n'; 64 * 1024]).unwrap();
    vec![
        ("full", full.into(), None),
        ("broken", broken.into(), None),
        ("unread", unread.into(), Some(reader)),
    ]
}

fn ends_well(test: &str) {
    for (name, stderr, reader) in unwritable() {
        let status = child(test).stderr(stderr).status().unwrap();
        assert!(status.success(), "{name}: {status}");
        drop(reader);
    }
}

#[test]
fn a_refused_collector_and_a_full_queue_are_said_without_a_panic() {
    const TEST: &str = "a_refused_collector_and_a_full_queue_are_said_without_a_panic";
    if !is_child() {
        return ends_well(TEST);
    }
    let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let telemetry = Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .otlp(Otlp::new().endpoint(format!("http://{refused}")))
        .traces(Traces::new().batching(Batching::new().queue_size(1)))
        .shutdown_timeout(Duration::from_millis(500))
        .init()
        .unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    for _ in 0..100 {
        drop(tracer.start("span"));
    }
    let report = telemetry.shutdown();
    assert_eq!(report.lost(), 100, "{report}");
}

#[test]
fn a_guard_that_is_dropped_while_unwinding_says_its_loss_without_a_panic() {
    const TEST: &str = "a_guard_that_is_dropped_while_unwinding_says_its_loss_without_a_panic";
    if !is_child() {
        return ends_well(TEST);
    }
    // A second panic, while this one unwinds, would end the process whatever the hook does.
    std::panic::set_hook(Box::new(|_| ()));
    let panicked = std::thread::spawn(|| {
        let telemetry = Telemetry::builder()
            .traces(Traces::new().exporters([TracesExporter::console()]))
            .console(Console::new().writer(Broken))
            .init()
            .unwrap();
        drop(telemetry.tracer_provider().unwrap().tracer("test").start("span"));
        panic!("on purpose");
    })
    .join();
    assert!(panicked.is_err());
}

#[test]
fn telemetry_of_two_services_is_one_tree_on_stdout() {
    const TEST: &str = "telemetry_of_two_services_is_one_tree_on_stdout";
    if !is_child() {
        let output = child(TEST).stdout(Stdio::piped()).output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let start = text.find("trace ").unwrap();
        let tree: Vec<_> = text[start..].lines().take(4).map(start_of_line).collect();
        assert_eq!(tree[1..], ["└─ shop: SERVER order", "   └─ inventory: SERVER price", ""]);
        assert_eq!(text.matches("trace ").count(), 1, "{text}");
        return;
    }
    let telemetry = |name: &str| {
        let builder = Telemetry::builder().service_name(name.to_owned());
        builder.traces(Traces::new().exporters([TracesExporter::console()])).build().unwrap()
    };
    let (shop, inventory) = (telemetry("shop"), telemetry("inventory"));
    let start = |telemetry: &Telemetry, name: &'static str, parent: &Context| {
        let tracer = telemetry.tracer_provider().unwrap().tracer("test");
        let span = tracer.span_builder(name).with_kind(SpanKind::Server);
        parent.with_span(span.start_with_context(&tracer, parent))
    };
    let order = start(&shop, "order", &Context::new());
    let price = start(&inventory, "price", &order);
    price.span().end();
    order.span().end();
    assert!(inventory.shutdown().is_complete() && shop.shutdown().is_complete());
}

/// A line up to the first column of numbers.
fn start_of_line(line: &str) -> &str {
    line.split_once("    ").filter(|(start, _)| !start.is_empty()).map_or(line, |(start, _)| start)
}

struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
