//! Metadata servers at the start of a process, each in a process of its own: variables are the process's.
#![allow(clippy::unwrap_used)] // a test fails by panicking
#![cfg(feature = "cloud-metadata")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SimpleSpanProcessor};
use tracewire_init::{Telemetry, Traces};

const CHILD: &str = "TRACEWIRE_TEST_CHILD";

/// Counts the connections of a server on loopback, which answers with `answer` alone, or never.
fn server(answer: Option<&'static str>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::<AtomicUsize>::default();
    let counted = count.clone();
    // It ends with the process of the test.
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::Relaxed);
            let Some(answer) = answer else {
                kept.push(stream);
                continue;
            };
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let _ = lines.find(String::is_empty);
            let head = "HTTP/1.1 200 OK\r\nmetadata-flavor: Google\r\nconnection: close";
            let length = answer.len();
            let _ = write!(&stream, "{head}\r\ncontent-length: {length}\r\n\r\n{answer}");
        }
    });
    (address, count)
}

/// Runs the test `started` of this file in another process, and returns its stdout and stderr.
fn start(variables: &[(&str, &str)]) -> (String, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["started", "--exact", "--nocapture"])
        .env_clear()
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    (out, err)
}

#[test]
fn started() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let exporter = InMemorySpanExporter::default();
    let processor = SimpleSpanProcessor::new(exporter.clone());
    let traces = Traces::new().exporters([]).processor(processor);
    let builder = || Telemetry::builder().metrics([]).logs([]);
    println!("plan: {}", builder().traces(Traces::new().exporters([])).plan().unwrap());
    let telemetry = builder().traces(traces).init().unwrap();
    if let Some(tracers) = telemetry.tracer_provider() {
        drop(tracers.tracer("test").start("work"));
        println!("resource: {tracers:?}");
    }
}

#[test]
fn a_server_is_asked_at_the_start_without_a_proxy_and_not_for_a_plan() {
    let (address, asked) = server(Some("shop-1"));
    let (proxy, proxied) = server(Some("proxied"));
    let (address, proxy) = (address.to_string(), format!("http://{proxy}"));
    let (out, err) = start(&[
        ("TRACEWIRE_RESOURCE_DETECTORS", "gcp_metadata,host"),
        ("GCE_METADATA_HOST", &address),
        ("HTTP_PROXY", &proxy),
        ("http_proxy", &proxy),
        ("ALL_PROXY", &proxy),
    ]);
    assert!(out.contains("TRACEWIRE_METADATA_TIMEOUT = 1s (default)"), "{out}");
    assert!(out.contains("shop-1") && !err.contains("incomplete"), "{out}\n{err}");
    assert!(asked.load(Ordering::Relaxed) > 0);
    assert_eq!(proxied.load(Ordering::Relaxed), 0);
}

#[test]
fn a_server_that_never_answers_costs_the_deadline_and_one_line() {
    let (address, asked) = server(None);
    let address = address.to_string();
    let (out, err) = start(&[
        ("TRACEWIRE_RESOURCE_DETECTORS", "gcp_metadata,os"),
        ("TRACEWIRE_METADATA_TIMEOUT", "200"),
        ("GCE_METADATA_HOST", &address),
    ]);
    assert!(
        out.contains("TRACEWIRE_METADATA_TIMEOUT = 200ms (from TRACEWIRE_METADATA_TIMEOUT)"),
        "{out}"
    );
    assert!(out.contains("os.type"), "{out}");
    assert_eq!(err.matches("the resource detector gcp_metadata is incomplete").count(), 1, "{err}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn nobody_is_asked_who_is_not_named_and_where_telemetry_is_disabled() {
    let (address, asked) = server(Some("shop-1"));
    let address = address.to_string();
    let host = ("GCE_METADATA_HOST", &*address);
    for variables in [
        &[host][..],
        &[host, ("TRACEWIRE_RESOURCE_DETECTORS", "all")],
        &[host, ("TRACEWIRE_RESOURCE_DETECTORS", "gcp_metadata"), ("OTEL_SDK_DISABLED", "true")],
    ] {
        start(variables);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let (_, err) = start(&[("TRACEWIRE_METADATA_TIMEOUT", "5")]);
    let warning =
        "TRACEWIRE_METADATA_TIMEOUT has no effect: no resource detector asks a metadata server";
    assert!(err.contains(warning), "{err}");
}
