//! The service as a stranger runs it, with a collector in the place of Uptrace.
#![allow(clippy::unwrap_used)] // a test may

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
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uptrace-service"));
        for (name, _) in std::env::vars() {
            if name.starts_with("OTEL_") || name.starts_with("UPTRACE_") {
                command.env_remove(name);
            }
        }
        command.env("LISTEN", "127.0.0.1:0").env("OTEL_BSP_SCHEDULE_DELAY", "50");
        command.envs(variables.iter().copied()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://").unwrap().to_owned();
        Self { process, address }
    }

    /// The whole answer to a request with these header lines.
    fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let host = &self.address;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n")
            .unwrap();
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
fn spans_and_metrics_are_sent_with_the_dsn() {
    let uptrace = Collector::start();
    let dsn = format!("http://token@{}?grpc=4317", uptrace.address());
    let service = Service::start(&[
        ("UPTRACE_DSN", &dsn),
        ("OTEL_SERVICE_NAME", "greeter"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
    ]);
    let answer = service.get("/hello/Ada", "");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Good morning, Ada"), "{answer}");

    let spans = uptrace.received(2).block();
    spans.assert_tree(
        "
        GET /hello/{name} [server]
          find greeting
        ",
    );
    let name = &spans[0].resource.iter().find(|own| own.key.as_str() == "service.name");
    assert_eq!(name.unwrap().value.as_str(), "greeter");
    uptrace.received_metric("http.server.request.duration").block();
    for request in uptrace.requests() {
        assert_eq!(request.headers["uptrace-dsn"], dsn.as_str(), "{}", request.path);
        assert_eq!(request.headers["content-encoding"], "gzip", "{}", request.path);
    }
}
