//! The service as a stranger runs it, with a collector in the Agent's place.
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
        let mut command = Command::new(env!("CARGO_BIN_EXE_datadog-service"));
        for (name, _) in std::env::vars() {
            if name.starts_with("OTEL_") || name.starts_with("DD_") {
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
fn a_trace_of_datadog_is_joined_and_sent_to_the_agent() {
    let agent = Collector::start();
    // The Agent's ports are fixed, so the standard variable has to name ours.
    let service = Service::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &agent.endpoint()),
        ("DD_SERVICE", "orders"),
        ("DD_ENV", "dev"),
    ]);
    let headers = "x-datadog-trace-id: 42\r\nx-datadog-parent-id: 7\r\n\
                   x-datadog-sampling-priority: 1\r\n";
    let answer = service.get("/orders/3", headers);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("has 4 items"), "{answer}");

    let spans = agent.received(2).block();
    spans.assert_tree(
        "
        GET /orders/{id} [server] (parent elsewhere)
          count items
        ",
    );
    let server = spans.one("GET /orders/{id}");
    assert_eq!(server.trace_id.to_string(), format!("{:032x}", 42));
    assert_eq!(server.parent_span_id.unwrap().to_string(), format!("{:016x}", 7));
    spans.one("count items").has_exactly([("order.id", 3)]);
    for (key, value) in [("service.name", "orders"), ("deployment.environment.name", "dev")] {
        let own = server.resource.iter().find(|own| own.key.as_str() == key);
        assert_eq!(own.unwrap().value.as_str(), value);
    }
}
