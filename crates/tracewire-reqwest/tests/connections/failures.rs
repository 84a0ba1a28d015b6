//! The phase that a call dies in is said on its span.

use crate::support::{Parts, Resolver, cost};
use contract::client::{
    phases::{Front, Relay},
    recorded::{Attributes, client_spans, everything, unanswered},
    server::{Server, Transport, closed_port},
};
use opentelemetry::{Value, trace::Status};
use std::{
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// Below what tests wait for: nothing answers before it.
const SOON: Duration = Duration::from_millis(20);

/// What a call has that died in `phase`, having spent these.
fn died(
    (port, url): (u16, &str),
    error: Option<&'static str>,
    phase: &'static str,
    spent: &[&str],
) -> Attributes {
    let mut all = unanswered(port, url, error);
    let host = url.parse::<reqwest::Url>().unwrap().host_str().unwrap().to_owned();
    all.insert("server.address", host.into());
    all.insert("tracewire.connection.failed_phase", phase.into());
    all.extend(spent.iter().map(|phase| (cost(phase), Value::from(0.0))));
    all
}

#[tokio::test]
async fn a_lookup_that_fails_is_dns() {
    let mut parts = Parts::new();
    let client = parts.client(Resolver::after(|| async { false }));
    let url = "http://nowhere.test:81/";
    client.get(url).send().await.unwrap_err();
    let spans = parts.capture.spans();
    spans.one("GET").has_exactly(died((81, url), Some("dns"), "dns", &["dns"]));
    spans.assert_tree(
        "
        GET [client] error
          HTTP connection_setup error
            DNS lookup error
        ",
    );
    spans.one("DNS lookup").has_exactly([
        ("dns.question.name", Value::from("nowhere.test")),
        ("error.type", "dns".into()),
    ]);
}

#[tokio::test]
async fn a_refused_connection_is_connect() {
    let (mut parts, port) = (Parts::new(), closed_port());
    let client = parts.client(Resolver::at_once());
    let url = format!("http://shop.test:{port}/");
    client.get(&url).send().await.unwrap_err();
    let spans = parts.capture.spans();
    let expected = died((port, &url), Some("connect"), "connect", &["dns", "connect"]);
    spans.one("GET").has_exactly(expected);
    spans.one("DNS lookup").is_status(Status::Unset);
    spans
        .one("socket connect")
        .is_status(Status::error(""))
        .has_exactly([("error.type", "connect")]);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_tls() {
    let (trusted, server) =
        (Server::over(Transport::Tls).await, Server::over(Transport::Tls).await);
    for mark in [true, false] {
        let mut parts = Parts::new().trust(&trusted, mark);
        let client = parts.client(Resolver::at_once());
        let url = server.url("/success");
        client.get(&url).send().await.unwrap_err();
        let spent: &[_] = if mark { &["connect", "tls"] } else { &["connect"] };
        let expected = died((server.port(), &url), Some("tls"), "tls", spent);
        parts.capture.spans().one("GET").has_exactly(expected);
    }
}

#[tokio::test]
async fn a_timeout_says_what_it_waited_for() {
    let server = Server::over(Transport::Tls).await;
    let relay = Relay::start(server.port(), Front::Server, pending).await;
    let proxy = Relay::start(server.port(), Front::Proxy, pending).await;
    let proxy = reqwest::Proxy::https(proxy.url("http", "")).map(|url| (proxy, url)).unwrap();
    let (proxy, proxy_url) = proxy;
    let stuck = || Resolver::after(pending);
    for connect_timeout in [true, false] {
        let limited = |parts: Parts| {
            parts.trust(&server, true).configure(|builder| match connect_timeout {
                true => builder.connect_timeout(SOON),
                false => builder.timeout(SOON),
            })
        };
        let url = "http://shop.test:81/".to_owned();
        let mut parts = limited(Parts::new());
        parts.client(stuck()).get(&url).send().await.unwrap_err();
        let expected = died((81, &url), Some("timeout"), "dns", &["dns"]);
        parts.capture.spans().one("GET").has_exactly(expected);
        // Nobody knows how the lookup would have ended.
        parts.capture.spans().one("DNS lookup").is_status(Status::Unset);

        let url = relay.url("https", "/success");
        let mut parts = limited(Parts::new());
        parts.client(Resolver::at_once()).get(&url).send().await.unwrap_err();
        let expected = died((relay.port(), &url), Some("timeout"), "tls", &["connect", "tls"]);
        parts.capture.spans().one("GET").has_exactly(expected);

        let url = server.url("/success");
        let mut parts = limited(Parts::new());
        parts.builder = std::mem::take(&mut parts.builder).proxy(proxy_url.clone());
        parts.client(Resolver::at_once()).get(&url).send().await.unwrap_err();
        let expected = died((server.port(), &url), Some("timeout"), "connect", &["connect"]);
        parts.capture.spans().one("GET").has_exactly(expected);
    }
    drop(proxy);
}

#[tokio::test]
async fn a_call_that_is_given_up_says_where_and_is_no_error() {
    let mut parts = Parts::new();
    let client = parts.client(Resolver::after(pending));
    let url = "http://shop.test:81/";
    tokio::time::timeout(SOON, client.get(url).send()).await.unwrap_err();
    let spans = parts.capture.spans();
    let call = spans.one("GET");
    call.is_status(Status::Unset).has_exactly(died((81, url), None, "dns", &["dns"]));
    spans.assert_tree(
        "
        GET [client]
          HTTP connection_setup
            DNS lookup
        ",
    );
}

#[tokio::test]
async fn a_timeout_after_connecting_blames_no_phase() {
    let (parts, server) = (Parts::new(), Server::start().await);
    let mut parts = parts.configure(|builder| builder.timeout(Duration::from_millis(200)));
    let url = server.url("/silence");
    parts.client(Resolver::at_once()).get(&url).send().await.unwrap_err();
    let mut expected = unanswered(server.port(), &url, Some("timeout"));
    expected.insert(cost("connect"), 0.0.into());
    parts.capture.spans().one("GET").has_exactly(expected);
}

#[tokio::test]
async fn a_resolver_that_panics_ends_its_call_and_no_other() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    let lookups = AtomicUsize::new(0);
    let client = parts.client(Resolver::after(move || {
        let nth = lookups.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(nth > 0, "the resolver panics");
            true
        }
    }));
    let url = format!("http://shop.test:{}/success", server.port());
    let call = client.get(&url).send();
    assert!(tokio::spawn(call).await.unwrap_err().is_panic());
    client.get(&url).send().await.unwrap().text().await.unwrap();
    let calls = client_spans(&parts.capture);
    calls[0].has("tracewire.connection.failed_phase", "dns").has("error.type", "panic");
    calls[1].has_no("tracewire.connection.failed_phase").is_status(Status::Unset);
    assert!(!everything(&parts.capture).contains("panics"));
}
