//! The service as a stranger runs it, with this test in the place of Prometheus.
#![allow(clippy::unwrap_used)] // a test may

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

/// The service; it is ended when dropped.
struct Service {
    process: Child,
    address: String,
    page: String,
}

impl Service {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_prometheus-service"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
            command.env_remove(name);
        }
        command.env("OTEL_EXPORTER_PROMETHEUS_HOST", free.ip().to_string());
        command.env("OTEL_EXPORTER_PROMETHEUS_PORT", free.port().to_string());
        let mut process =
            command.env("LISTEN", "127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://").unwrap().to_owned();
        Self { process, address, page: free.to_string() }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_page_tells_what_was_served() {
    let service = Service::start();
    for (kind, status) in [("latte", "200"), ("espresso", "200"), ("latte", "200"), ("tea", "404")]
    {
        let answer = ask(&service.address, &format!("POST /coffee/{kind}"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    let page = ask(&service.page, "GET /metrics");
    for line in [
        "# HELP coffee_cups_total Cups served.",
        "# TYPE coffee_cups_total counter",
        r#"coffee_cups_total{coffee_kind="latte",otel_scope_name="barista"} 2"#,
        r#"coffee_cups_total{coffee_kind="espresso",otel_scope_name="barista"} 1"#,
        "# TYPE coffee_beans_grams gauge",
        r#"coffee_beans_grams{otel_scope_name="barista"} 975"#,
        "# TYPE http_server_request_duration_seconds histogram",
    ] {
        assert!(page.lines().any(|own| own == line), "{line:?} in:\n{page}");
    }
    let target = page.lines().find(|line| line.starts_with("target_info{")).unwrap();
    assert!(target.contains(r#"service_name="barista""#), "{target}");
    assert!(!page.contains("tea"), "{page}");
}
