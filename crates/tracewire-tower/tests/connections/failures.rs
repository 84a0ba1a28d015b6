//! The phase that a call dies in is said on its span.

use crate::support::{Parts, Steps, cost, request};
use contract::client::{
    phases::{Front, Relay},
    recorded::{Attributes, unanswered},
    server::{Server, Transport, closed_port},
};
use http::Uri;
use opentelemetry::{Value, trace::Status};
use std::{future::pending, time::Duration};
use tower::ServiceExt;

fn died(url: &str, error: Option<&'static str>, phase: &'static str, spent: &[&str]) -> Attributes {
    let parsed: Uri = url.parse().unwrap();
    let mut all = unanswered(parsed.port_u16().unwrap(), url, error);
    all.insert("server.address", parsed.host().unwrap().to_owned().into());
    all.insert("tracewire.connection.failed_phase", phase.into());
    all.extend(spent.iter().map(|phase| (cost(phase), Value::from(0.0))));
    all
}

#[tokio::test]
async fn each_failure_names_its_phase() {
    let mut parts = Parts::new();
    parts.lookup = Steps::new(|| async { false });
    let url = "http://nowhere.test:81/";
    parts.client().oneshot(request(url)).await.unwrap_err();
    let spans = parts.capture.spans();
    // It failed at once, so nothing waited.
    spans.one("GET").has_exactly(died(url, Some("dns"), "dns", &["dns"]));
    spans.one("DNS lookup").is_status(Status::error(""));

    let mut parts = Parts::new();
    let url = format!("http://shop.test:{}/", closed_port());
    parts.client().oneshot(request(&url)).await.unwrap_err();
    let expected = died(&url, Some("connect"), "connect", &["dns", "connect", "wait"]);
    parts.capture.spans().one("GET").has_exactly(expected);

    let (trusted, server) =
        (Server::over(Transport::Tls).await, Server::over(Transport::Tls).await);
    let mut parts = Parts::new();
    let url = server.url("/success");
    parts.tls_client(&trusted).oneshot(request(&url)).await.unwrap_err();
    let expected = died(&url, Some("tls"), "tls", &["connect", "tls", "wait"]);
    parts.capture.spans().one("GET").has_exactly(expected);
}

#[tokio::test]
async fn a_call_that_is_given_up_says_where() {
    let server = Server::over(Transport::Tls).await;
    let relay = Relay::start(server.port(), Front::Server, pending).await;
    let given_up = |client: crate::support::Traced, url: String| async move {
        let call = client.oneshot(request(&url));
        tokio::time::timeout(Duration::from_millis(50), call).await.unwrap_err();
    };
    for (phase, spent) in [
        ("dns", &["dns", "wait"][..]),
        ("connect", &["dns", "connect", "wait"]),
        ("tls", &["dns", "connect", "tls", "wait"]),
    ] {
        let mut parts = Parts::new();
        match phase {
            "dns" => parts.lookup = Steps::new(pending),
            "connect" => parts.connect = Steps::new(pending),
            _ => {}
        }
        let url = format!("https://localhost:{}/success", relay.port());
        given_up(parts.tls_client(&server), url.clone()).await;
        let call = parts.capture.spans().one("GET");
        call.is_status(Status::Unset).has_exactly(died(&url, None, phase, spent));
    }
}
