//! The service as a user runs it, with this test in the place of Prometheus.
#![allow(clippy::unwrap_used)] // a test may

use std::net::TcpListener;
use tests::{Service, ask};

const PROGRAM: &str = env!("CARGO_BIN_EXE_prometheus-service");

#[test]
fn the_page_tells_what_was_served() {
    let page = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (host, port) = (page.ip().to_string(), page.port().to_string());
    let variables = [
        ("OTEL_EXPORTER_PROMETHEUS_HOST", host.as_str()),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", &port),
    ];
    let service = Service::start(PROGRAM, &variables);
    for (kind, status) in [("latte", "200"), ("espresso", "200"), ("latte", "200"), ("tea", "404")]
    {
        let answer = ask(service.address(), &format!("POST /coffee/{kind}"), "");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    let page = ask(&page.to_string(), "GET /metrics", "");
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

#[cfg(unix)]
#[test]
fn a_signal_ends_it() {
    let page = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let variables = [("OTEL_EXPORTER_PROMETHEUS_PORT", &*page.port().to_string())];
    Service::assert_ends_well(PROGRAM, &variables, "POST /coffee/latte");
}
