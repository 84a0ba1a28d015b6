//! The phase that a call dies in is said on its span.

use crate::support::{Parts, Steps, cost, get, request};
use contract::client::{
    phases::{Front, Relay},
    recorded::{Attributes, client_spans, unanswered},
    server::{Server, Transport, closed_port},
};
use http::Uri;
use opentelemetry::{Value, trace::Status};
use std::{
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
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

/// A connector that panics takes its call down, and nothing else: not the layer, and not the next call.
#[tokio::test]
async fn a_connector_that_panics_ends_its_call_and_no_other() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    for in_lookup in [true, false] {
        parts.capture.clear();
        (parts.lookup, parts.connect) = match in_lookup {
            true => (panics_once(), Steps::none()),
            false => (Steps::none(), panics_once()),
        };
        let (client, url) = (parts.client(), format!("http://shop.test:{}/success", server.port()));
        let (caller, wanted) = (client.clone(), url.clone());
        let panicked = tokio::spawn(async move { get(&caller, &wanted).await }).await;
        assert!(panicked.unwrap_err().is_panic());
        get(&client, &url).await;

        let calls = client_spans(&parts.capture);
        let phase = if in_lookup { "dns" } else { "connect" };
        calls[0].has("tracewire.connection.failed_phase", phase).has("error.type", "panic");
        calls[1].has_no("tracewire.connection.failed_phase").is_status(Status::Unset);
        let setups = parts.capture.spans().named("HTTP connection_setup");
        let parents: Vec<_> = setups.iter().map(|setup| setup.parent_span_id).collect();
        assert_eq!(parents, [Some(calls[0].span_id), Some(calls[1].span_id)]);
        assert!(!contract::client::recorded::everything(&parts.capture).contains("panics"));
    }
}

fn panics_once() -> Steps {
    let calls = AtomicUsize::new(0);
    Steps::new(move || {
        let nth = calls.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(nth > 0, "the connector panics");
            true
        }
    })
}
