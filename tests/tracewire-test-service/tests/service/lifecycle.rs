//! Starting, refusing to start, and stopping.

use crate::process::{Service, command, free_port};
use std::{net::TcpListener, process::Output};

fn refused(variables: &[(&str, &str)]) -> String {
    let Output { status, stderr, .. } =
        command(variables).env("PORT", free_port().to_string()).output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[test]
fn propagator_that_cannot_be_spoken_is_refused() {
    for list in ["ottrace", "tracecontext,nonsense"] {
        let message = refused(&[("OTEL_PROPAGATORS", list)]);
        assert!(message.contains("OTEL_PROPAGATORS"), "{message}");
        assert!(message.contains(list.rsplit(',').next().unwrap()), "{message}");
    }
}

#[test]
fn bad_variables_are_named() {
    for (name, value) in [
        ("SERVICE_MODE", "proxy"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_CONFIG_FILE", "a.yaml"),
    ] {
        let variables = [("OTEL_TRACES_EXPORTER", "otlp"), (name, value)];
        let message = refused(&variables);
        assert!(message.contains(name) && message.contains(value), "{message}");
    }
}

#[test]
fn taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let message = refused(&[("SERVICE_LISTEN", &address)]);
    assert!(message.contains(&address), "{message}");
}

#[cfg(unix)]
#[test]
fn sigterm_ends_it_with_zero() {
    let service = Service::start(&[]);
    assert!(service.send("GET /users/1 HTTP/1.1").starts_with("HTTP/1.1 200"));
    assert!(service.terminate().success());
}

#[tokio::test]
async fn http2_is_spoken_without_tls() {
    let service = Service::start(&[]);
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let response = client.get(service.url("/users/1")).send().await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_eq!(response.status(), 200);
}
