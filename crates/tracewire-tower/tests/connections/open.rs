//! How many connections are open, and for how long.

use crate::support::{DELAY, Parts, get, request};
use contract::client::server::{Server, Transport};
use futures_util::future::join_all;
use http_body_util::BodyExt;
use opentelemetry::Value;
use std::time::Duration;
use tower::ServiceExt;
use tracewire_testing::Capture;

/// Connections to `port` in a state; none where nothing was counted.
fn open(capture: &Capture, port: u16, state: &'static str) -> f64 {
    let expected = [
        ("http.connection.state", Value::from(state)),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(port).into()),
    ];
    capture.metrics().one("http.client.open_connections").point(expected).value
}

#[tokio::test]
async fn a_connection_is_active_until_its_response_is_read() {
    let (mut parts, server) = (Parts::new().measuring(), Server::start().await);
    let (client, port) = (parts.client(), server.port());
    let response = client.clone().oneshot(request(&server.url("/long-request"))).await.unwrap();
    assert_eq!(
        (open(&parts.capture, port, "active"), open(&parts.capture, port, "idle")),
        (1.0, 0.0)
    );
    server.release();
    response.into_body().collect().await.unwrap();
    assert_eq!(
        (open(&parts.capture, port, "active"), open(&parts.capture, port, "idle")),
        (0.0, 1.0)
    );
    get(&client, &server.url("/success")).await;
    assert_eq!(server.connections(), 1);
    assert_eq!(
        (open(&parts.capture, port, "active"), open(&parts.capture, port, "idle")),
        (0.0, 1.0)
    );
}

#[tokio::test]
async fn a_connection_that_is_closed_is_counted_no_more_and_its_duration_is_measured() {
    let (mut parts, server) = (Parts::new().measuring(), Server::start().await);
    let (client, port) = (parts.client(), server.port());
    get(&client, &server.url("/success")).await;
    parts.clock.advance(DELAY);
    drop(client);
    let closed = async {
        while open(&parts.capture, port, "idle") > 0.0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
    assert_eq!(open(&parts.capture, port, "active"), 0.0);
    let metrics = parts.capture.metrics();
    let duration = metrics.one("http.client.connection.duration").point([
        ("server.address", Value::from("127.0.0.1")),
        ("server.port", i64::from(port).into()),
    ]);
    assert_eq!((duration.count, duration.value), (1, 0.05));
}

#[tokio::test]
async fn a_storm_of_connections_is_counted_down_again() {
    let (mut parts, server) = (Parts::new().measuring(), Server::start().await);
    parts.builder.pool_max_idle_per_host(0);
    let (client, port, url) = (parts.client(), server.port(), server.url("/success"));
    join_all((0..200).map(|_| get(&client, &url))).await;
    drop(client);
    let closed = async {
        while open(&parts.capture, port, "idle") + open(&parts.capture, port, "active") > 0.0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
    let made = server.connections() as u64;
    let metrics = parts.capture.metrics();
    assert_eq!(metrics.one("http.client.connection.duration").only().count, made);
}

#[tokio::test]
async fn http2_that_was_negotiated_is_told() {
    let (mut parts, server) = (Parts::new().measuring(), Server::over(Transport::Tls).await);
    let client = parts.tls_client(&server);
    let response = client.clone().oneshot(request(&server.url("/success"))).await.unwrap();
    let metrics = parts.capture.metrics();
    metrics.one("http.client.open_connections").point([
        ("http.connection.state", Value::from("active")),
        ("network.protocol.version", "2".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(server.port()).into()),
    ]);
    drop(response);
}

/// Each host has a connection of its own, and redirects of others may name any of them.
#[tokio::test]
async fn thousands_of_hosts_are_a_bounded_number_of_series() {
    const HOSTS: u64 = 1500;
    let (mut parts, server) = (Parts::new().measuring(), Server::start().await);
    parts.builder.pool_max_idle_per_host(0);
    let client = parts.client();
    for host in 0..HOSTS {
        get(&client, &format!("http://tenant-{host:05}.test:{}/success", server.port())).await;
    }
    drop(client);
    let open = |capture: &Capture| -> f64 {
        let metrics = capture.metrics();
        metrics.one("http.client.open_connections").points.iter().map(|point| point.value).sum()
    };
    let closed = async {
        while open(&parts.capture) > 0.0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
    let metrics = parts.capture.metrics();
    let mut series = 0;
    for name in [
        "dns.lookup.duration",
        "tracewire.connection.phase.duration",
        "http.client.request.time_in_queue",
        "http.client.open_connections",
        "http.client.connection.duration",
    ] {
        let points = &metrics.one(name).points;
        series += points.len();
        if name.ends_with("duration") {
            assert_eq!(points.iter().map(|point| point.count).sum::<u64>(), HOSTS, "{name}");
        }
    }
    // A thousand for all; a connection's duration comes with its count; and `_OTHER` of each.
    assert!(series <= 1000 + 500 + 6, "{series}");
}
