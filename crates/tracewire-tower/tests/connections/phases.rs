//! Each phase has what was injected in it, on the call's span and as a span of its own.

use crate::support::{BlackHole, DELAY, OTHER, Parts, Steps, answered, get};
use contract::client::{
    phases::{Front, Relay},
    recorded::client_spans,
    server::{Server, Transport},
};
use opentelemetry::Value;
use std::{net::Ipv4Addr, time::Duration};

#[tokio::test]
async fn a_slow_lookup_is_the_lookups() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    parts.lookup = parts.slow();
    let url = format!("http://shop.test:{}/success", server.port());
    get(&parts.client(), &url).await;
    let spans = parts.capture.spans();
    let costs = [("dns", 0.05), ("connect", 0.0), ("wait", 0.05)];
    spans.one("GET").has_exactly(answered(&url, "1.1", &costs));
    spans.assert_tree(
        "
        GET [client]
          HTTP connection_setup
            DNS lookup
            socket connect
          HTTP wait_for_connection
        ",
    );
    let port = i64::from(server.port());
    spans.one("HTTP connection_setup").has_exactly([
        ("network.peer.address", Value::from("127.0.0.1")),
        ("network.peer.port", port.into()),
        ("server.address", "shop.test".into()),
        ("server.port", port.into()),
    ]);
    spans.one("DNS lookup").has_exactly([
        ("dns.answers", Value::Array(opentelemetry::Array::String(vec!["127.0.0.1".into()]))),
        ("dns.question.name", "shop.test".into()),
    ]);
    let wait = spans.one("HTTP wait_for_connection");
    assert!(wait.attributes.is_empty());
    assert_eq!(wait.links[0].span_id, spans.one("HTTP connection_setup").span_id);
    assert_eq!(wait.end_time.duration_since(wait.start_time).unwrap(), DELAY);
}

#[tokio::test]
async fn slow_connecting_is_connecting() {
    for tls in [false, true] {
        let transport = if tls { Transport::Tls } else { Transport::Http1 };
        let (mut parts, server) = (Parts::new(), Server::over(transport).await);
        parts.connect = parts.slow();
        let url = server.url("/success");
        let client = if tls { parts.tls_client(&server) } else { parts.client() };
        get(&client, &url).await;
        let span = parts.capture.spans().one("GET");
        if tls {
            let costs = [("connect", 0.05), ("tls", 0.0), ("wait", 0.05)];
            span.has_exactly(answered(&url, "2", &costs));
        } else {
            span.has_exactly(answered(&url, "1.1", &[("connect", 0.05), ("wait", 0.05)]));
        }
    }
}

#[tokio::test]
async fn a_slow_handshake_is_tls() {
    let (mut parts, server) = (Parts::new(), Server::over(Transport::Tls).await);
    let relay = Relay::start(server.port(), Front::Server, parts.delay()).await;
    let url = format!("https://localhost:{}/success", relay.port());
    get(&parts.tls_client(&server), &url).await;
    let spans = parts.capture.spans();
    let costs = [("dns", 0.0), ("connect", 0.0), ("tls", 0.05), ("wait", 0.05)];
    spans.one("GET").has_exactly(answered(&url, "2", &costs));
    let handshake = spans.one("TLS client handshake");
    assert_eq!(handshake.end_time.duration_since(handshake.start_time).unwrap(), DELAY);
    handshake.has_exactly([
        ("server.address", Value::from("localhost")),
        ("server.port", i64::from(relay.port()).into()),
    ]);
}

#[tokio::test]
async fn a_reused_connection_leaves_no_trace() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    let (client, url) = (parts.client(), server.url("/success"));
    get(&client, &url).await;
    get(&client, &url).await;
    assert_eq!(server.connections(), 1);
    let spans = client_spans(&parts.capture);
    spans[0].has_exactly(answered(&url, "1.1", &[("connect", 0.0), ("wait", 0.0)]));
    spans[1].has_exactly(answered(&url, "1.1", &[]));
    assert_eq!(parts.capture.spans().len(), 2 + 3);
}

/// A resolver may ask a server itself, as with DNS over HTTPS.
#[tokio::test]
async fn a_call_within_a_lookup_has_its_own_costs() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    let mut names = Parts::new();
    names.layer = names.layer.tracer_provider(parts.capture.tracer_provider());
    names.layer = names.layer.clock(parts.clock.clone());
    names.connect = parts.slow();
    let (client, name_url) = (names.client(), server.url("/success"));
    let asked = name_url.clone();
    parts.lookup = Steps::new(move || {
        let (client, url) = (client.clone(), asked.clone());
        async move {
            get(&client, &url).await;
            true
        }
    });
    let url = format!("http://shop.test:{}/success", server.port());
    get(&parts.client(), &url).await;
    let calls = client_spans(&parts.capture);
    let of = |url: &str| {
        calls.iter().find(|call| call.attribute("url.full") == Some(&url.to_owned().into()))
    };
    let costs = [("connect", 0.05), ("wait", 0.05)];
    of(&name_url).unwrap().has_exactly(answered(&name_url, "1.1", &costs));
    let costs = [("dns", 0.05), ("connect", 0.0), ("wait", 0.05)];
    of(&url).unwrap().has_exactly(answered(&url, "1.1", &costs));
    let parent = of(&name_url).unwrap().parent_span_id;
    assert_eq!(parent, Some(of(&url).unwrap().span_id));
}

/// A host with several addresses, of which the first is of no use.
#[tokio::test]
async fn a_host_whose_first_address_refuses_is_connected_to_by_its_second() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    parts.addresses = vec![OTHER, Ipv4Addr::LOCALHOST.into()];
    parts.connect = parts.slow();
    let url = format!("http://shop.test:{}/success", server.port());
    get(&parts.client(), &url).await;
    told_by_the_second_address(&parts, &url, 0.05);
}

#[tokio::test]
async fn a_host_whose_first_address_never_answers_is_connected_to_by_its_second() {
    let (mut parts, server) = (Parts::new(), Server::start().await);
    parts.addresses = vec![OTHER, Ipv4Addr::LOCALHOST.into()];
    let hole = BlackHole::new(OTHER, server.port()).await;
    // Half of it is for the first address.
    parts.connect_timeout = Some(Duration::from_millis(100));
    parts.connect = parts.slow();
    let url = format!("http://shop.test:{}/success", server.port());
    get(&parts.client(), &url).await;
    told_by_the_second_address(&parts, &url, 0.05);
    drop(hole);
}

/// All addresses are one phase, and the peer is the one that answered.
fn told_by_the_second_address(parts: &Parts, url: &str, connect: f64) {
    let spans = parts.capture.spans();
    let costs = [("dns", 0.0), ("connect", connect), ("wait", connect)];
    spans.one("GET").has_exactly(answered(url, "1.1", &costs));
    let answers = [OTHER.to_string(), Ipv4Addr::LOCALHOST.to_string()].map(Into::into);
    let answers = Value::Array(opentelemetry::Array::String(answers.into()));
    spans.one("DNS lookup").has("dns.answers", answers);
    for name in ["HTTP connection_setup", "socket connect"] {
        spans.one(name).has("network.peer.address", "127.0.0.1").has_no("error.type");
    }
}
