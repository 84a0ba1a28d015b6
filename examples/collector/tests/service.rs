//! The service as a stranger runs it.
#![allow(clippy::unwrap_used)] // a test may

use opentelemetry::trace::SpanKind;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};
use tracewire_testing::Collector;

/// The service; it is ended when dropped.
struct Service {
    process: Child,
    address: String,
}

impl Service {
    fn start(collector: &Collector, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_collector-service"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
            command.env_remove(name);
        }
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
        command.env("OTEL_BSP_SCHEDULE_DELAY", "50").env("OTEL_BLRP_SCHEDULE_DELAY", "50");
        command.env("OTEL_METRIC_EXPORT_INTERVAL", "100").env_remove("RUST_LOG");
        command.env("LISTEN", "127.0.0.1:0").envs(variables.iter().copied());
        let process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut service = Self { process, address: String::new() };
        let mut printed = BufReader::new(service.process.stdout.take().unwrap());
        service.address = loop {
            let mut line = String::new();
            assert!(printed.read_line(&mut line).unwrap() > 0, "it listens before it ends");
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.trim_end().to_owned();
            }
        };
        // Log lines go on; a pipe that nobody reads would block it.
        std::thread::spawn(move || std::io::copy(&mut printed, &mut std::io::sink()));
        service
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let host = &self.address;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_failed_order_arrives_as_trace_logs_and_metrics_over_grpc() {
    let collector = Collector::start();
    let service = Service::start(&collector, &[]);
    let answer = service.get("/orders/unicorn");
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");

    let spans = collector.received(4).block();
    spans.assert_tree(
        "
        GET /orders/{item} [server] error
          reserve error: HTTP status server error (500 Internal Server Error)
            GET [client] error
              GET /stock/{item} [server] error
        ",
    );
    let order = spans.one("GET /orders/{item}");
    let logs = collector.received_logs(2).block();
    for (message, severity) in [("order received", "INFO"), ("order failed", "ERROR")] {
        let log = logs.one(message);
        assert_eq!(log.severity, severity);
        assert_eq!((log.trace_id, log.span_id), (Some(order.trace_id), Some(order.span_id)));
    }
    for metric in ["http.server.request.duration", "http.client.request.duration"] {
        collector.received_metric(metric).block();
    }
    for request in collector.requests() {
        assert_eq!(request.headers["content-type"], "application/grpc", "{}", request.path);
    }
}

#[test]
fn an_order_of_something_in_stock_reserves_it() {
    let collector = Collector::start();
    let service = Service::start(&collector, &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]);
    let answer = service.get("/orders/lamp");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Left: 4."), "{answer}");
    let spans = collector.received(4).block();
    let reserve = spans.one("reserve");
    reserve.is_kind(SpanKind::Internal).has_exactly([("shop.item", "lamp")]);
    assert_eq!(reserve.event("reserved").attributes[0].value.as_str(), "4");
    assert!(collector.requests().iter().all(|request| request.path.starts_with("/v1/")));
}
