//! The service as a stranger runs it, with a collector in the place of Jaeger.
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
    fn start(jaeger: &Collector) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jaeger-service"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
            command.env_remove(name);
        }
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", jaeger.endpoint());
        command.env("OTEL_BSP_SCHEDULE_DELAY", "50").env("LISTEN", "127.0.0.1:0");
        command.env("JAEGER_UI", "http://jaeger.example");
        let process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut service = Self { process, address: String::new() };
        let mut line = String::new();
        BufReader::new(service.process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://").unwrap();
        service.address = address.to_owned();
        service
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
fn a_failed_search_arrives_as_a_trace_and_its_answer_says_where() {
    let jaeger = Collector::start();
    let service = Service::start(&jaeger);
    let answer = service.get("/books/necronomicon", "");
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");

    let spans = jaeger.received(4).block();
    spans.assert_tree(
        "
        GET /books/{title} [server] error
          find book error: HTTP status server error (500 Internal Server Error)
            GET [client] error
              GET /shelves/{title} [server] error
        ",
    );
    let trace = spans.one("find book").trace_id;
    assert!(answer.contains(&format!("http://jaeger.example/trace/{trace}\n")), "{answer}");
}

#[test]
fn a_trace_of_jaeger_s_own_clients_is_joined() {
    let jaeger = Collector::start();
    let service = Service::start(&jaeger);
    let headers = "uber-trace-id: 5b8aa5a2d2c872e8321cf37308d69df2:51581bf3cb55c13:0:1\r\n";
    let answer = service.get("/books/emma", headers);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("shelf 1"), "{answer}");
    let spans = jaeger.received(4).block();
    let root = spans.one("GET /books/{title}");
    assert_eq!(root.trace_id.to_string(), "5b8aa5a2d2c872e8321cf37308d69df2");
    assert_eq!(root.parent_span_id.unwrap().to_string(), "051581bf3cb55c13");
    let found = spans.one("find book");
    found.is_kind(SpanKind::Internal).has_exactly([("book.title", "emma")]);
    assert_eq!(found.event("found").attributes[0].value.as_str(), "1");
}
