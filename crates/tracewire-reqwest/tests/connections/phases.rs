//! Each phase has what was injected in it, on the call's span and as a span of its own.

use crate::support::{DELAY, Parts, Resolver, answered};
use contract::client::{
    phases::{Front, Relay},
    recorded::client_spans,
    server::{Server, Transport},
};
use std::net::IpAddr;

#[tokio::test]
async fn a_slow_lookup_is_the_lookups() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    let delay = parts.delay();
    let client = parts.client(Resolver::after(move || {
        let delay = delay();
        async {
            delay.await;
            true
        }
    }));
    let url = format!("http://shop.test:{}/success", server.port());
    client.get(&url).send().await.unwrap().text().await.unwrap();

    let spans = parts.capture.spans();
    let expected = answered(&url, "1.1", &[("dns", 0.05), ("connect", 0.0)]);
    spans.one("GET").has_exactly(expected);
    spans.assert_tree(
        "
        GET [client]
          HTTP connection_setup
            DNS lookup
            socket connect
        ",
    );
    let port = i64::from(server.port());
    spans.one("HTTP connection_setup").has_exactly([
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", opentelemetry::Value::from(port)),
        ("server.address", "shop.test".into()),
        ("server.port", port.into()),
    ]);
    let lookup = spans.one("DNS lookup");
    assert_eq!(lookup.end_time.duration_since(lookup.start_time).unwrap(), DELAY);
    let answers = opentelemetry::Array::String(vec!["127.0.0.1".into()]);
    lookup.has_exactly([
        ("dns.answers", opentelemetry::Value::Array(answers)),
        ("dns.question.name", "shop.test".into()),
    ]);
    let connect = spans.one("socket connect");
    assert_eq!(connect.start_time, lookup.end_time);
    connect.has_exactly([
        ("network.peer.address", opentelemetry::Value::from("127.0.0.1")),
        ("network.peer.port", port.into()),
    ]);
}

#[tokio::test]
async fn a_slow_handshake_is_tls() {
    let (parts, server) = (Parts::new(), Server::over(Transport::Tls).await);
    let relay = Relay::start(server.port(), Front::Server, parts.delay()).await;
    let mut parts = parts.trust(&server, true);
    let client = parts.client(Resolver::at_once());
    let url = format!("https://localhost:{}/success", relay.port());
    client.get(&url).send().await.unwrap();

    let spans = parts.capture.spans();
    let costs = [("dns", 0.0), ("connect", 0.0), ("tls", 0.05)];
    spans.one("GET").has_exactly(answered(&url, "2", &costs));
    spans.assert_tree(
        "
        GET [client]
          HTTP connection_setup
            DNS lookup
            TLS client handshake
            socket connect
        ",
    );
    let handshake = spans.one("TLS client handshake");
    assert_eq!(handshake.end_time.duration_since(handshake.start_time).unwrap(), DELAY);
    handshake.has_exactly([
        ("server.address", opentelemetry::Value::from("localhost")),
        ("server.port", i64::from(relay.port()).into()),
    ]);
}

#[tokio::test]
async fn a_slow_proxy_is_connecting() {
    let (parts, server) = (Parts::new(), Server::over(Transport::Tls).await);
    let relay = Relay::start(server.port(), Front::Proxy, parts.delay()).await;
    let proxy = reqwest::Proxy::https(relay.url("http", "")).unwrap();
    let mut parts = parts.trust(&server, true).configure(|builder| builder.proxy(proxy));
    let client = parts.client(Resolver::at_once());
    let url = server.url("/success");
    client.get(&url).send().await.unwrap();

    // The proxy's address is no name, and the proxy looks the server's up.
    let span = parts.capture.spans().one("GET");
    let mut expected = answered(&url, "2", &[("connect", 0.05), ("tls", 0.0)]);
    expected.insert("network.peer.port", i64::from(relay.port()).into());
    span.has_exactly(expected);
}

#[tokio::test]
async fn without_a_mark_a_handshake_is_part_of_connecting() {
    let (parts, server) = (Parts::new(), Server::over(Transport::Tls).await);
    let relay = Relay::start(server.port(), Front::Server, parts.delay()).await;
    let mut parts = parts.trust(&server, false);
    let url = relay.url("https", "/success");
    parts.client(Resolver::at_once()).get(&url).send().await.unwrap();
    let span = parts.capture.spans().one("GET");
    span.has_exactly(answered(&url, "2", &[("connect", 0.05)]));
}

#[tokio::test]
async fn a_reused_connection_leaves_no_trace() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    let client = parts.client(Resolver::at_once());
    let url = format!("http://shop.test:{}/success", server.port());
    for _ in 0..2 {
        client.get(&url).send().await.unwrap().text().await.unwrap();
    }
    assert_eq!(server.connections(), 1);
    let spans = client_spans(&parts.capture);
    let costs = [("dns", 0.0), ("connect", 0.0)];
    spans[0].has_exactly(answered(&url, "1.1", &costs));
    spans[1].has_exactly(answered(&url, "1.1", &[]));
    assert_eq!(parts.capture.spans().named("HTTP connection_setup").len(), 1);
}

#[tokio::test]
async fn a_call_that_connects_twice_has_the_sums() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    let delay = parts.delay();
    let client = parts.client(Resolver::after(move || {
        let delay = delay();
        async {
            delay.await;
            true
        }
    }));
    let port = server.port();
    // reqwest follows the redirect to the other host inside the call.
    let url = format!("http://first.test:{port}/elsewhere/307?http://second.test:{port}/success");
    client.get(&url).send().await.unwrap().text().await.unwrap();

    let spans = parts.capture.spans();
    let costs = [("dns", 0.1), ("connect", 0.0)];
    spans.one("GET").has_exactly(answered(&url, "1.1", &costs));
    let names: Vec<_> = spans
        .named("DNS lookup")
        .iter()
        .map(|span| span.attribute("dns.question.name").unwrap().to_string())
        .collect();
    assert_eq!(names, ["first.test", "second.test"]);
}

#[tokio::test]
async fn a_host_whose_first_address_refuses_is_connected_to_by_its_second() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    // No server of the tests listens at the first one.
    let addresses = [[127, 0, 0, 2], [127, 0, 0, 1]].map(IpAddr::from);
    let client = parts.client(Resolver::at_once().to(&addresses));
    let url = format!("http://shop.test:{}/success", server.port());
    client.get(&url).send().await.unwrap().text().await.unwrap();
    let spans = parts.capture.spans();
    let costs = [("dns", 0.0), ("connect", 0.0)];
    spans.one("GET").has_exactly(answered(&url, "1.1", &costs));
    let answers = addresses.map(|address| address.to_string().into());
    let answers = opentelemetry::Value::Array(opentelemetry::Array::String(answers.into()));
    spans.one("DNS lookup").has("dns.answers", answers);
    for name in ["HTTP connection_setup", "socket connect"] {
        spans.one(name).has("network.peer.address", "127.0.0.1").has_no("error.type");
    }
}
