//! The service as a stranger runs it, with a collector in the place of the APM Server.
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
        let mut command = Command::new(env!("CARGO_BIN_EXE_elastic-service"));
        for (name, _) in std::env::vars() {
            if name.starts_with("OTEL_") || name.starts_with("ELASTIC_") {
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
fn a_trace_of_elastic_is_joined_and_its_error_sent_with_the_token() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";
    let server = Collector::start();
    let service = Service::start(&[
        ("ELASTIC_APM_SERVER_URL", &server.endpoint()),
        ("ELASTIC_APM_SECRET_TOKEN", "secret"),
        ("ELASTIC_APM_SERVICE_NAME", "library"),
    ]);
    let headers = format!("elastic-apm-traceparent: 00-{TRACE}-{PARENT}-01\r\n");
    let answer = service.get("/books/dune", &headers);
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");

    let spans = server.received(2).block();
    spans.assert_tree(
        "
        GET /books/{title} [server] (parent elsewhere)
          find shelf error: no shelf has dune
        ",
    );
    let root = spans.one("GET /books/{title}");
    assert_eq!(root.trace_id.to_string(), TRACE);
    assert_eq!(root.parent_span_id.unwrap().to_string(), PARENT);
    let name = root.resource.iter().find(|own| own.key.as_str() == "service.name");
    assert_eq!(name.unwrap().value.as_str(), "library");
    for request in server.requests() {
        assert_eq!(request.headers["authorization"], "Bearer secret", "{}", request.path);
    }
}

#[test]
fn a_book_that_is_there_is_found() {
    let server = Collector::start();
    let service = Service::start(&[("ELASTIC_APM_SERVER_URL", &server.endpoint())]);
    let answer = service.get("/books/emma", "");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("shelf 1"), "{answer}");
    let spans = server.received(2).block();
    spans.one("find shelf").has_exactly([("book.title", "emma")]);
}
