//! The programs that call: a service, a client, a database.
#![allow(clippy::unwrap_used)] // a test may

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
};
use support::{run, sending};
use tracewire_testing::Collector;

/// A program that runs until the test is over.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn service_and_client_are_in_one_trace() {
    let collector = Collector::start();
    let mut command = sending(env!("CARGO_BIN_EXE_web"), &collector);
    command.arg("127.0.0.1:0").env("OTEL_BSP_SCHEDULE_DELAY", "10").stdout(Stdio::piped());
    let mut web = Running(command.spawn().unwrap());
    let mut printed = BufReader::new(web.0.stdout.take().unwrap());
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("Running on http://").unwrap();

    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nhello"), "{answer}");

    collector.received(4).block().assert_tree(
        "
        GET / [server]
          example-request
            GET [client]
              GET /other [server]
        ",
    );
}

#[test]
fn b3_is_the_only_header_of_a_call() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let collector = Collector::start();
    let mut command = sending(env!("CARGO_BIN_EXE_b3"), &collector);
    command.arg(format!("http://{}", other.local_addr().unwrap()));
    let client = std::thread::spawn(move || run(command));

    let (stream, _) = other.accept().unwrap();
    let mut lines = BufReader::new(&stream).lines().map(Result::unwrap);
    let head: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    (&stream).write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    client.join().unwrap();

    let span = collector.spans().one("GET");
    let traces = head.iter().filter(|line| {
        ["b3:", "traceparent:", "tracestate:", "baggage:"].iter().any(|own| line.starts_with(own))
    });
    assert_eq!(
        traces.collect::<Vec<_>>(),
        [&format!("b3: {}-{}-1", span.trace_id, span.span_id)],
        "{head:?}"
    );
}

#[test]
fn database_calls_are_spans_with_durations() {
    let collector = Collector::start();
    run(sending(env!("CARGO_BIN_EXE_sqlite"), &collector));
    collector.spans().assert_snapshot(
        r#"
        CREATE TABLE items SELECT [client]
        | db.query.summary = "CREATE TABLE items SELECT"
        | db.query.text = "CREATE TABLE items AS SELECT ? AS name, ? AS price"
        | db.system.name = "sqlite"
        SELECT items [client]
        | db.query.summary = "SELECT items"
        | db.query.text = "SELECT price FROM items WHERE name = ?"
        | db.system.name = "sqlite"
        "#,
    );
    let durations = collector.metrics();
    assert_eq!(durations.one("db.client.operation.duration").points.len(), 2);
}
